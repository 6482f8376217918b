package system

import (
	"context"
	"errors"
	"os"
	"time"
)

// ErrLocked is what TryLock says when another process, or another open file of
// this one, has the lock.
var ErrLocked = errors.New("another process holds the lock")

// TryLock takes the lock of an open file, which ends when that is closed. Readers
// and writers who take no lock are not kept out. [ErrLocked] when another has it; any
// other error when this file system cannot lock the file.
func TryLock(f *os.File) error { return tryLock(f) }

// lockPoll is how often a lock that another has is tried again.
const lockPoll = 10 * time.Millisecond

// Lock waits for the lock until the context ends, with whose error it then returns.
func Lock(ctx context.Context, f *os.File) error {
	for {
		if err := tryLock(f); !errors.Is(err, ErrLocked) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPoll):
		}
	}
}
