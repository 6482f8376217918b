package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

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

// readNamedFile reads a file that was named, or standard input for "-", as text of
// so many bytes at most. Missing makes the error for one that cannot be opened, of
// which the reason does not repeat the name.
func (e *env) readNamedFile(ctx context.Context, name string, limit int64, missing func(why error) error) (string, error) {
	return waiting(ctx, func() (string, error) {
		if name == "-" {
			return readAtMost(e.Stdin, "standard input", limit)
		}
		f, err := os.Open(e.path(name))
		if err != nil {
			return "", missing(withoutPath(err))
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return "", sluice.Errorf(sluice.Invalid, "%s is a directory, and one file is needed", name).Fix("name a file in it")
		}
		return readAtMost(f, name, limit)
	})
}

// withoutPath is the reason alone, where the message names the file already.
func withoutPath(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}

// readAtMost reads all of it, as text of so many bytes at most: whole MiB. What is
// not text is refused with its line and column.
func readAtMost(r io.Reader, name string, limit int64) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return "", sluice.Errorf(sluice.Invalid, "%s cannot be read: %w", name, err)
	}
	if int64(len(b)) > limit {
		return "", sluice.Errorf(sluice.LimitExceeded, "%s has more than %d MiB", name, limit>>20)
	}
	return sluice.ReadText(name, b)
}
