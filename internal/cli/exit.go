package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/sluice-dev/sluice"
)

// exitStatus is the one map from what went wrong to what a script sees.
func exitStatus(code sluice.Code) int {
	switch code {
	case sluice.Invalid:
		return 2
	case sluice.Unauthenticated:
		return 3
	case sluice.Denied:
		return 4
	case sluice.NotFound:
		return 5
	case sluice.Conflict:
		return 6
	case sluice.LimitExceeded:
		return 7
	case sluice.TimedOut:
		return 8
	case sluice.Unavailable:
		return 9
	case sluice.Refused:
		return 11
	}
	return 1
}

// interrupted is the exit status after Ctrl-C, as shells use it.
const interrupted = 130

// runFailed is the exit status when a run that was waited for did not complete.
const runFailed = 12

// failed ends a command whose answer already says what is wrong.
type failed struct{ status int }

func (f failed) Error() string { return fmt.Sprintf("failed with status %d", f.status) }

// exit prints what went wrong and returns the exit status. Whoever closed the
// pipe has seen enough: that is no failure.
func (e *env) exit(ctx context.Context, err error) int {
	var silent failed
	switch {
	case errors.As(err, &silent):
		return silent.status
	case err != nil && ctx.Err() != nil:
		return interrupted
	case err != nil:
		e.printError(err)
		return exitStatus(sluice.CodeOf(err))
	case e.out.err != nil && !errors.Is(e.out.err, syscall.EPIPE):
		e.printError(sluice.Errorf(sluice.Unavailable, "could not write the answer: %w", e.out.err))
		return exitStatus(sluice.Unavailable)
	}
	return 0
}

func (e *env) printError(err error) {
	known := sluice.AsError(err)
	fmt.Fprintf(e.Stderr, "sluice: %s\n", known.Message)
	if cause := errors.Unwrap(known); known.Code == sluice.Internal && cause != nil && !strings.Contains(known.Message, cause.Error()) {
		// It happened in this process: no server has it in its log.
		fmt.Fprintf(e.Stderr, "  cause: %s\n", oneLine(cause.Error()))
		known.Fixes = []sluice.Advice{sluice.Advise("report it with this cause")}
	}
	printFixes(e.Stderr, "  ", known.Fixes)
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(e.Stderr, "  usage: %s\n", usage.line)
	}
}
