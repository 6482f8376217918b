package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
)

// maxFailed is how many texts of one Check may each cost a child.
const maxFailed = 3

// maxWeight is how many times more memory an answer may take here than its JSON has
// bytes.
const maxWeight = 8

// user is who asks a pool. It implements [expr.Evaluator].
type user struct {
	*Pool
	class class
	asker string // the run; "" for checks
}

// For implements [expr.Evaluator]. What the pool itself is asked counts as a check:
// it does not wait behind runs.
func (p *Pool) For(run string) expr.Evaluator { return user{p, runs, run} }

// Check implements [expr.Evaluator]. When reading all texts together takes too
// long or too much, they are read one by one, so that the answer of the text at
// fault says so; after three such texts the rest is not read, and the problem of
// the last is the error.
func (p *Pool) Check(ctx context.Context, texts []expr.Text) ([]expr.Checked, error) {
	return user{Pool: p}.Check(ctx, texts)
}

// Render implements [expr.Evaluator]. Trees that need no engine, since all their
// strings are plain text or names such as {{ inputs.user }}, are filled in here.
func (p *Pool) Render(ctx context.Context, render expr.Render) (expr.Rendered, error) {
	return user{Pool: p}.Render(ctx, render)
}

// Run implements [expr.Evaluator].
func (p *Pool) Run(ctx context.Context, script expr.Script) (expr.Result, error) {
	return user{Pool: p}.Run(ctx, script)
}

func (u user) Check(ctx context.Context, texts []expr.Text) ([]expr.Checked, error) {
	if len(texts) == 0 {
		return []expr.Checked{}, nil
	}
	checked, err := u.check(ctx, texts)
	var problem *expr.Problem
	if !errors.As(err, &problem) {
		return checked, err
	}
	checked = make([]expr.Checked, len(texts))
	failed := 0
	for i := range texts {
		one, err := u.check(ctx, texts[i:i+1])
		if errors.As(err, &problem) && failed < maxFailed {
			failed++
			checked[i] = expr.Checked{Problem: problem}
			continue
		}
		if err != nil {
			return nil, err
		}
		checked[i] = one[0]
	}
	return checked, nil
}

func (u user) check(ctx context.Context, texts []expr.Text) ([]expr.Checked, error) {
	r, _, err := u.do(ctx, request{Check: texts}, expr.Limits{})
	if err == nil && len(r.Checked) != len(texts) {
		return nil, broken("it answered for %d texts of %d", len(r.Checked), len(texts))
	}
	return r.Checked, err
}

func (u user) Render(ctx context.Context, render expr.Render) (expr.Rendered, error) {
	render.Limits = u.limits(render.Limits)
	if rendered, done, err := expr.RenderPlain(ctx, render); done {
		return rendered, err
	}
	r, tree, err := u.do(ctx, request{Render: &render}, render.Limits, render.Tree, render.Scope)
	if err != nil {
		return expr.Rendered{}, err
	}
	if r.Rendered == nil {
		return expr.Rendered{}, broken("it did not render")
	}
	r.Rendered.Tree = tree
	return *r.Rendered, nil
}

func (u user) Run(ctx context.Context, script expr.Script) (expr.Result, error) {
	script.Limits = u.limits(script.Limits)
	r, returned, err := u.do(ctx, request{Run: &script}, script.Limits, nil, script.Scope)
	if err != nil {
		return expr.Result{}, err
	}
	if r.Result == nil {
		return expr.Result{}, broken("it did not run")
	}
	r.Result.Value = returned
	return *r.Result, nil
}

// limits are those that were asked for, as far as the pool allows.
func (p *Pool) limits(l expr.Limits) expr.Limits {
	most := p.config.Limits
	bound := func(asked, most int64) int64 {
		if asked <= 0 {
			return most
		}
		return min(asked, most)
	}
	return expr.Limits{
		Time:   time.Duration(bound(int64(l.Time), int64(most.Time))),
		Memory: bound(l.Memory, most.Memory),
		Output: int(bound(int64(l.Output), int64(most.Output))),
	}
}

// do has a child do one job with its values, and returns the value that came of it.
// The message is put together in the job's turn: what waits in line holds no copies.
func (u user) do(ctx context.Context, job request, limits expr.Limits, values ...any) (r reply, out any, err error) {
	if !entered.Load() {
		return reply{}, nil, sluice.Errorf(sluice.Unavailable, "nothing can be evaluated: this program cannot be started as a sandbox").
			Fix("call `sandbox.Enter()` first in main")
	}
	if err := u.line.enter(ctx, u.ending, u.class, u.asker); err != nil {
		return reply{}, nil, err
	}
	defer u.line.leave(u.class)
	job.Limits = u.limits(limits)
	message, err := job.message(values)
	if err != nil {
		return reply{}, nil, err
	}
	c, err := u.take(ctx, u.class)
	if err != nil {
		return reply{}, nil, err
	}
	r, out, err, healthy := c.exchange(ctx, message, job.Limits)
	u.give(c, healthy)
	if err != nil && u.isClosed() {
		return reply{}, nil, closedError()
	}
	return r, out, err
}

// message writes a job with its values. That it is too large is known before it is
// written.
func (job request) message(values []any) ([]byte, error) {
	most := int(min(int64(maxRequest), job.Limits.Memory))
	size := 0
	for _, v := range values {
		size += value.Size(v, most)
	}
	if size > most {
		return nil, tooLarge(most)
	}
	message, err := encode(job, values...)
	var wrong *value.Error
	switch {
	case errors.As(err, &wrong):
		return nil, &expr.Problem{Kind: expr.Type, Message: "the values: " + wrong.Error()}
	case err != nil:
		return nil, broken("the job cannot be written: %v", err)
	case len(message) > most:
		return nil, tooLarge(most)
	}
	return message, nil
}

func tooLarge(most int) *expr.Problem {
	return &expr.Problem{Kind: expr.Memory, Message: fmt.Sprintf("the texts and the values that they may use are larger than %d bytes", most)}
}

// exchange sends a message and waits for the reply. A child that is not healthy
// afterwards must not be used again.
func (c *child) exchange(ctx context.Context, message []byte, limits expr.Limits) (r reply, out any, err error, healthy bool) {
	if err := ctx.Err(); err != nil {
		return reply{}, nil, err, true
	}
	deadline := time.Now().Add(limits.Time)
	_ = c.in.SetWriteDeadline(deadline)
	_ = c.out.SetReadDeadline(deadline)
	stop := c.endWith(ctx)
	body, err := c.roundTrip(message, maxReply(limits))
	undisturbed := stop()
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return reply{}, nil, ctx.Err(), false
	case errors.Is(err, os.ErrDeadlineExceeded):
		return reply{}, nil, &expr.Problem{Kind: expr.Time, Message: "it took longer than " + limits.Time.String(), Fix: "look for a loop that does not end, or do less at once"}, false
	default:
		return reply{}, nil, c.died(limits), false
	}
	if len(body) > lengthBytes && value.WeighJSON(body[lengthBytes:]) > maxWeight*int64(limits.Output) {
		return reply{}, nil, &expr.Problem{Kind: expr.Output, Message: "the answer holds too many values"}, undisturbed
	}
	values, err := decode(body, &r)
	switch {
	case err != nil || len(values) > 1:
		return reply{}, nil, broken("it answered with something else: %v", err), false
	case r.Problem != nil:
		return reply{}, nil, r.Problem, undisturbed
	case len(values) == 1:
		out = values[0]
	}
	return r, out, nil, undisturbed
}

func (c *child) roundTrip(message []byte, most int) ([]byte, error) {
	if _, err := c.in.Write(message); err != nil {
		return nil, err
	}
	return receive(c.reader, most)
}

// died is the problem for a child that ended by itself, or was ended from outside.
func (c *child) died(limits expr.Limits) *expr.Problem {
	patience := time.AfterFunc(time.Second, c.kill)
	<-c.gone
	patience.Stop()
	status := c.cmd.ProcessState.ExitCode()
	switch {
	case status == exitMemory, outOfMemory(c.cause):
		return &expr.Problem{Kind: expr.Memory, Message: fmt.Sprintf("it used more than %d MiB of memory", limits.Memory>>20), Fix: "look for a text or list that grows without end, or do less at once"}
	case strings.Contains(c.cause, "stack exceeds"), strings.Contains(c.cause, "stack overflow"):
		return &expr.Problem{Kind: expr.Memory, Message: "it is nested too deeply, or calls itself too deeply"}
	case strings.Contains(c.cause, "SIGXCPU"):
		return &expr.Problem{Kind: expr.Time, Message: "it took longer than " + limits.Time.String()}
	}
	return broken("its process ended (%s)", c.cmd.ProcessState)
}

// outOfMemory recognises what Go's runtime, or its race detector, says when the
// system gives it no more.
func outOfMemory(cause string) bool {
	return slices.ContainsFunc([]string{
		"out of memory", "cannot allocate memory", "failed to allocate", "failed to reserve", "failed to create new OS thread", "address space collisions",
	}, func(words string) bool { return strings.Contains(cause, words) })
}

func broken(format string, args ...any) *expr.Problem {
	return &expr.Problem{Kind: expr.Internal, Message: "the evaluator failed: " + fmt.Sprintf(format, args...), Fix: "try again; look in the server's log if it happens again"}
}

func (p *Pool) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}
