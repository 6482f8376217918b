package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/runner/block"
	"github.com/sluice-dev/sluice/internal/value"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// panicked is the failure that a defect of ours is to a run.
func (s *step) panicked(p any) *sluice.RunError {
	s.l.x.r.cfg.Log.Error("panic in a block", "run", s.l.x.work.Run.ID, "step", s.record.Path, "panic", fmt.Sprint(p))
	return &sluice.RunError{Code: sluice.Internal, Message: "something went wrong inside Sluice"}
}

// unknown pauses: nobody can say whether the block's effect has happened.
func (s *step) unknown(why string) (sluice.RunStep, func() finished, ending) {
	f := s.pausedUnknown(why)
	return f.step, nil, f.end
}

func (s *step) pausedUnknown(why string) finished {
	s.record.Status, s.record.Reason = sluice.StepUnknown, why
	return finished{index: s.index, step: s.complete(), end: ending{waiting: []sluice.Waiting{s.waiting(sluice.WaitUnknown)}}}
}

func (s *step) waiting(reason sluice.WaitReason) sluice.Waiting {
	return sluice.Waiting{Reason: reason, Step: s.record.Path, Block: s.b.ID, Since: sluice.TimeOf(s.l.x.r.cfg.Now())}
}

// cannot ends a block whose settings could not be filled in.
func (s *step) cannot(ctx context.Context, err error) (sluice.RunStep, func() finished, ending) {
	if ctx.Err() != nil || errors.Is(err, errSpent) {
		return sluice.RunStep{}, nil, ending{err: cmp.Or(context.Cause(ctx), error(errSpent))}
	}
	var problem *expr.Problem
	if !errors.As(err, &problem) && mayPass(err) {
		return sluice.RunStep{}, nil, s.l.x.later()
	}
	f := s.failedFinally(runError(err))
	s.l.settle(s.index, f.result)
	return f.step, nil, f.end
}

// runError is an error of a template, a block or the runner as the record has it.
func runError(err error) *sluice.RunError {
	var problem *expr.Problem
	if errors.As(err, &problem) {
		out := &sluice.RunError{Code: sluice.Invalid, Message: problem.Error()}
		if problem.Path != "" {
			out.Message = problem.Path + ": " + problem.Message
		}
		if problem.Fix != "" {
			out.Fixes = []sluice.Advice{sluice.Advise("%s", problem.Fix)}
		}
		return out
	}
	var failure *block.Error
	if errors.As(err, &failure) {
		return &sluice.RunError{Code: failure.Code, Message: failure.Message, Fixes: failure.Fixes}
	}
	return failureOf(err)
}

// completed ends a block with an output, which from here on has no secrets.
func (s *step) completed(r block.Result) finished {
	x := s.l.x
	output := x.hidden(r.Output)
	raw, failure := written(output)
	if failure != nil {
		return s.failedFinally(failure)
	}
	res := &result{status: sluice.StepCompleted, output: output}
	if r.Extra.Len() > 0 {
		res.extra, _ = x.hidden(r.Extra).(*value.Object)
		x.lines(res.extra)
		s.record.Extra = encode(res.extra)
	}
	if n := len(raw) + len(s.record.Extra); !x.collect(s.record, n) || !s.holds(copies*int64(n)) || !s.l.holds(s.record, value.Weigh(output)+value.Weigh(res.extra)-s.made) {
		return s.broke()
	}
	s.used(r.Usage)
	s.record.Warnings = nil
	for _, w := range r.Warnings {
		s.record.Warnings = append(s.record.Warnings, sluice.RunWarning{Code: w.Code, Message: x.text(w.Message), Step: s.record.Path, Block: s.b.ID})
	}
	x.warn(s.record.Warnings)
	s.record.Status, s.record.Output, s.record.Error = sluice.StepCompleted, raw, nil
	return s.ended(res)
}

// ended closes the record of a block.
func (s *step) ended(r *result) finished {
	rec := s.complete()
	r.us = int64(rec.EndedAt - rec.StartedAt)
	r.judge(s.b)
	if s.b.Kind == workflow.Condition {
		if m, ok := r.output.(*value.Object); ok {
			m = m.Clone() // which a fallback may share with other runs
			m.Set("taken", s.names(r.chosen))
			r.output = m
			rec.Output = encode(m)
		}
	}
	return finished{index: s.index, step: rec, result: r}
}

func (s *step) names(indices []int) []any {
	out := []any{}
	for _, i := range indices {
		out = append(out, s.l.blocks[i].ID)
	}
	return out
}

// failedFinally does with a block's last failure what its author said.
func (s *step) failedFinally(failure *sluice.RunError) finished {
	s.advise(failure)
	failure = s.l.x.masked(failure)
	failure.Step, failure.Block = s.record.Path, s.b.ID
	s.record.Error = failure
	switch s.b.OnError.Mode {
	case workflow.Ignore:
		s.record.Status = sluice.StepIgnored
		return s.ended(&result{status: sluice.StepIgnored, err: failure})
	case workflow.Pause:
		s.record.Status = sluice.StepFailed
		return finished{index: s.index, step: s.complete(), end: ending{waiting: []sluice.Waiting{s.waiting(sluice.WaitError)}}}
	case workflow.Fallback:
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		v, uses, err := s.l.render(ctx, s.b.OnError.Fallback, nil, s.record.Path)
		if err == nil {
			if _, bad := written(s.l.x.hidden(v)); bad != nil {
				failure.Message += "; and its fallback: " + bad.Message
				break
			}
			s.saw(uses)
			s.record.Reason = "fell back after: " + failure.Message
			return s.completed(block.Result{Output: v})
		}
		failure.Message += "; and its fallback: " + s.l.x.text(runError(err).Message)
	}
	s.record.Status = sluice.StepFailed
	f := s.ended(&result{status: sluice.StepFailed, err: failure})
	f.end = failed(failure)
	return f
}
