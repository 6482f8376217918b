package cli

import (
	"context"
	"io"

	"github.com/sluice-dev/sluice"
)

// waiting reads from where nothing may ever come, a person or a pipe, and gives up
// when the command is interrupted. What still reads then ends with the process.
func waiting[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := read()
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// readAtMost reads all of it, as text of so many bytes at most: whole MiB.
func readAtMost(r io.Reader, name string, limit int64) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return "", sluice.Errorf(sluice.Invalid, "%s cannot be read: %w", name, err)
	}
	if int64(len(b)) > limit {
		return "", sluice.Errorf(sluice.LimitExceeded, "%s has more than %d MiB", name, limit>>20)
	}
	return string(b), nil
}
