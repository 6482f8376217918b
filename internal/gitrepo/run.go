package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/sluice-dev/sluice"
)

// Bounds on what a git process may say, and on how long one that was told to
// end may take. It is asked first and killed after that, since a git that is
// killed leaves its lock files behind.
const (
	maxOutput = 64 << 20
	maxStderr = 64 << 10
	grace     = 2 * time.Second
)

// Run runs git once in the repository with the bytes as its standard input, and
// returns what it prints, at most 64 MiB. Arguments that come from outside must
// stand behind "--" or "--end-of-options". Errors are *[Failure]; of the
// context; [sluice.Unavailable] when git is missing or too old; and
// [sluice.LimitExceeded] when it prints too much.
func (r *Repo) Run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	return r.run(ctx, process{args: args, stdin: stdin})
}

// process says how to run git once.
type process struct {
	args  []string
	stdin []byte
	env   []string // "KEY=value", in addition to the usual environment
	asks  bool     // more is written to its standard input while it runs, in place of stdin
}

// run runs a process to its end and returns what it prints.
func (r *Repo) run(ctx context.Context, p process) ([]byte, error) {
	var out bytes.Buffer
	err := r.stream(ctx, p, func(stdout io.Reader) error {
		n, err := io.Copy(&out, io.LimitReader(stdout, maxOutput+1))
		if err == nil && n > maxOutput {
			err = sluice.Errorf(sluice.LimitExceeded, "git %s prints more than %d MiB", verb(p.args), maxOutput>>20).Fix("ask for less at a time")
		}
		return err
	})
	return out.Bytes(), err
}

// stream runs a process and has its output read while it runs. When read ends
// with an error, the process is ended and that error returned; what read leaves
// of the output ends the process too.
func (r *Repo) stream(ctx context.Context, p process, read func(stdout io.Reader) error) error {
	child, err := r.start(ctx, p)
	if err != nil {
		return err
	}
	readErr := read(child.stdout)
	if readErr != nil {
		child.kill()
	}
	err = child.wait()
	if readErr != nil && ctx.Err() == nil && !errors.Is(readErr, os.ErrDeadlineExceeded) {
		return readErr
	}
	return err
}
