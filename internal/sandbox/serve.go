package sandbox

import (
	"bufio"
	"context"
	"errors"
	"io"
	"runtime/debug"
	"time"

	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
)

// The exit statuses of a child.
const (
	exitDone   = 0  // its input ended
	exitMemory = 77 // a job used more memory than it may
	exitBroken = 78 // the pipes or what came through them
)

// maxStack is how large the stack of a job may grow. A deeper recursion ends the
// process, with a message that its parent knows.
const maxStack = 64 << 20

// serve is the life of a child: it greets, answers one request after the other,
// and ends with its input. It returns the exit status.
func serve(of class, in io.Reader, out io.Writer) int {
	time.Local = time.UTC
	debug.SetMaxStack(maxStack)
	harden(of)
	if _, err := out.Write(make([]byte, 4)); err != nil {
		return exitBroken
	}
	watch := newWatchdog()
	evaluator := expr.Remembering()
	reader := bufio.NewReaderSize(in, 64<<10)
	for {
		body, err := receive(reader, maxRequest)
		if errors.Is(err, io.EOF) {
			return exitDone
		}
		if err != nil {
			return exitBroken
		}
		var job request
		values, err := decode(body, &job)
		if err != nil || !job.takes(values) {
			return exitBroken
		}
		watch.begin(job.Limits)
		answer, of := evaluate(evaluator, job)
		message, err := encode(answer, of...)
		if err == nil && len(message)-4 > maxReply(job.Limits) {
			message, err = encode(reply{Problem: &expr.Problem{Kind: expr.Output, Message: "the answer is larger than its limit"}})
		}
		watch.end()
		if err != nil {
			return exitBroken
		}
		if _, err := out.Write(message); err != nil {
			return exitBroken
		}
	}
}

// takes puts the values of a request where they belong, and reports whether they
// are those of its job.
func (job *request) takes(values []any) bool {
	switch {
	case job.Render == nil && job.Run == nil:
		return len(values) == 0
	case len(values) != 2:
		return false
	}
	scope, ok := values[1].(*value.Object)
	if job.Render != nil {
		job.Render.Tree, job.Render.Scope = values[0], scope
	} else {
		job.Run.Scope = scope
	}
	return ok || values[1] == nil
}

// evaluate does one job, and returns the value that came of it.
func evaluate(evaluator expr.Evaluator, job request) (r reply, out []any) {
	ctx := context.Background()
	var err error
	switch {
	case job.Render != nil:
		var rendered expr.Rendered
		rendered, err = evaluator.Render(ctx, *job.Render)
		r.Rendered, out = &rendered, []any{rendered.Tree}
	case job.Run != nil:
		var result expr.Result
		result, err = evaluator.Run(ctx, *job.Run)
		r.Result, out = &result, []any{result.Value}
	default:
		r.Checked, err = evaluator.Check(ctx, job.Check)
	}
	if err == nil {
		return r, out
	}
	var problem *expr.Problem
	if !errors.As(err, &problem) {
		problem = &expr.Problem{Kind: expr.Internal, Message: "the evaluation failed"}
	}
	return reply{Problem: problem}, nil
}
