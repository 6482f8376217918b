package runner

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/runner/block"
	"github.com/sluice-dev/sluice/internal/value"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// Bounds on the pauses between attempts.
const (
	firstBackoff = time.Second
	maxBackoff   = time.Hour
)

// attempts tries a block until it succeeds or its attempts are used up.
func (s *step) attempts(ctx context.Context, kind block.Kind, effects block.Effects, was sluice.RunStep) finished {
	if was.Status == sluice.StepWaiting {
		if f, stop := s.pauseUntil(ctx, was.WakeAt); stop {
			return f
		}
		if f, stop := s.again(ctx, effects); stop {
			return f
		}
	} else if effects == block.None {
		s.record.Attempts++
	}
	prompt, err := s.borrow(ctx)
	if err != nil {
		return s.failedFinally(runError(err))
	}
	for {
		out, err := s.once(ctx, kind, prompt)
		if err == nil {
			return s.completed(out)
		}
		s.used(out.Usage)
		if ctx.Err() != nil {
			return finished{index: s.index, end: ending{err: context.Cause(ctx)}}
		}
		var failure *block.Error
		if !errors.As(err, &failure) {
			failure = &block.Error{Code: runError(err).Code, Message: runError(err).Message, Fixes: runError(err).Fixes, Class: "error"}
		}
		if effects == block.Once && failure.Sent && failure.Status == 0 {
			return s.pausedUnknown(s.l.x.text(failure.Message))
		}
		if s.record.Attempts >= s.b.Retry.Attempts || !worthRetrying(s.b.Retry, failure) {
			return s.failedFinally(runError(failure))
		}
		if f, stop := s.backOff(ctx, failure); stop {
			return f
		}
		if f, stop := s.again(ctx, effects); stop {
			return f
		}
	}
}

// used adds up what an attempt took, also one that failed.
func (s *step) used(u sluice.Usage) {
	s.l.x.used(u)
	s.record.Usage.Add(u)
}

// again begins another attempt, and puts that on disk where it has effects.
func (s *step) again(ctx context.Context, effects block.Effects) (finished, bool) {
	s.record.Attempts++
	s.record.Status, s.record.WakeAt = sluice.StepRunning, 0
	if effects == block.None {
		return finished{}, false
	}
	if err := s.l.x.write(ctx, s.complete()); err != nil {
		return finished{index: s.index, end: ending{err: err}}, true
	}
	return finished{}, false
}

// borrow reads the component that the block uses: the prompt, or into its raw
// settings the code of a script.
func (s *step) borrow(ctx context.Context) (*block.Prompt, error) {
	if s.b.Calls == nil {
		return nil, nil
	}
	part, err := s.part()
	if err != nil {
		return nil, err
	}
	s.env = envOf(part.Variables)
	if s.b.Kind != workflow.Script {
		return s.prompt(ctx, part)
	}
	flow, err := s.l.x.r.flows.Read(ctx, s.l.x.eval, part.Kind, part.Files)
	if err != nil {
		return nil, err
	}
	if len(flow.Blocks) != 1 || flow.Blocks[0].Kind != workflow.Script {
		return nil, sluice.Errorf(sluice.Invalid, "%s is a %s, not a script", part.Component, part.Kind).Fix("run it with a block of kind workflow")
	}
	s.raw = maps.Clone(s.b.Raw)
	s.raw["code"] = flow.Blocks[0].Raw["code"]
	return nil, nil
}

// once makes one attempt.
func (s *step) once(ctx context.Context, kind block.Kind, prompt *block.Prompt) (block.Result, error) {
	limit := s.b.Timeout
	if limit == 0 {
		limit = kind.Timeout
	}
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	before := s.flying.Load()
	defer func() { // what the attempt itself took: its result is counted anew
		taken := s.flying.Load() - before
		s.flying.Add(-taken)
		s.l.x.release(taken)
	}()
	x := s.l.x
	scope := value.NewObject(0)
	if s.b.Kind == workflow.Script || s.b.Kind == workflow.Prompt || s.b.Kind == workflow.LLM {
		scope = s.l.frame.whole()
	}
	if s.env != nil {
		own := value.Sorted(s.env)
		scope.Set("env", own)
		scope.Set("_env", own)
	}
	masked := x.masker.Stream()
	show := func(text string, last bool) {
		if text = masked(text, last); text != "" {
			x.r.cfg.Journal.PartialRun(x.work.Run.ID, sluice.Partial{Path: s.record.Path, Block: s.b.ID, Text: text})
		}
	}
	defer show("", true)
	return kind.Run(ctx, block.Call{
		Settings: s.settings, Raw: s.raw, Scope: scope, Env: s.l.frame.env, Environment: x.work.Run.Environment, Prompt: prompt,
		Attempt: s.record.Attempts, Key: x.work.Run.ID + "-" + s.record.Path, Now: s.now, Seed: s.seed,
		Client: x.r.cfg.Client, Eval: x.eval, Record: s.tape, Hide: x.whole, Take: s.take,
		Partial: func(text string) { show(text, false) },
	})
}

// take takes memory for an attempt.
func (s *step) take(n int64) error {
	if !s.holds(n) {
		return block.Failf(sluice.LimitExceeded, "the run is larger than it may be")
	}
	return nil
}

// worthRetrying asks what the author said about failures of this kind.
func worthRetrying(r workflow.Retry, e *block.Error) bool {
	on := r.On
	if len(on) == 0 {
		on = []string{"timeout", "connection", "rate_limit", "server"}
	}
	return slices.Contains(on, e.Class) || slices.Contains(on, "error") || e.Status > 0 && slices.Contains(on, strconv.Itoa(e.Status))
}

// backOff records a failed attempt and waits for the next one's time.
func (s *step) backOff(ctx context.Context, failure *block.Error) (finished, bool) {
	s.waits(runError(failure), failure.RetryAfter)
	if err := s.l.x.write(ctx, s.complete()); err != nil {
		return finished{index: s.index, end: ending{err: err}}, true
	}
	return s.pauseUntil(ctx, s.record.WakeAt)
}

// waits notes a failed attempt, and when the next one is: not before the other side
// asked for it.
func (s *step) waits(failure *sluice.RunError, atLeast time.Duration) {
	pause := s.b.Retry.Backoff
	if pause <= 0 {
		pause = firstBackoff
	}
	for range min(s.record.Attempts-1, 30) {
		pause = min(2*pause, maxBackoff)
	}
	pause = min(max(pause, atLeast), maxBackoff)
	s.record.Status, s.record.Error = sluice.StepWaiting, s.l.x.masked(failure)
	s.record.WakeAt = sluice.TimeOf(s.l.x.r.cfg.Now().Add(pause))
}

// pauseUntil waits for a time. A long wait is not waited here: the turn is given
// back until then.
func (s *step) pauseUntil(ctx context.Context, at sluice.Time) (finished, bool) {
	left := at.Std().Sub(s.l.x.r.cfg.Now())
	if left <= 0 {
		return finished{}, false
	}
	if left > s.l.x.r.cfg.Park {
		return finished{index: s.index, end: ending{wakeAt: at}}, true
	}
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-t.C:
		return finished{}, false
	case <-ctx.Done():
		return finished{index: s.index, end: ending{err: context.Cause(ctx)}}, true
	}
}

// whole is everything that a script or a prompt may see.
func (f *frame) whole() *value.Object {
	out := value.NewObject(16)
	for g := f; g != nil; g = g.outer {
		for i, b := range g.level.blocks {
			if !out.Has(b.ID) && g.level.result(i) != nil {
				out.Set(b.ID, g.level.seen(i))
			}
		}
		for k, v := range g.locals.All() {
			if !out.Has(k) {
				out.Set(k, v)
			}
		}
	}
	for k, v := range f.input.All() {
		if f.spread && !out.Has(k) {
			out.Set(k, v)
		}
	}
	every := workflow.Template{AllEnv: true}
	for _, name := range []string{"inputs", "input", "env", "_env", "run"} {
		v, _ := f.find(name, every, nil)
		out.Set(name, v)
	}
	return out
}
