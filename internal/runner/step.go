package runner

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/runner/block"
	"github.com/sluice-dev/sluice/internal/value"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// step is one block as it is being run.
type step struct {
	l      *level
	index  int
	b      *workflow.Block
	record sluice.RunStep
	// settings are rendered, with secrets in them; what is recorded has their names.
	settings *value.Object
	raw      map[string]any
	env      map[string]string // of the prompt or script that the block uses
	takes    []string          // the variables that the prompt names
	now      sluice.Time
	seed     int64
	uses     expr.Uses
	effects  []sluice.Effect
	flying   atomic.Int64 // bytes of memory that it takes until it has ended
	made     int64        // bytes of its output that the level holds already
	size     int          // of the JSON of its outputs so far, where it is a foreach
}

// holds takes memory for as long as the step goes on. False says that the run ends.
func (s *step) holds(n int64) bool {
	if !s.l.x.hold(s.record, n) {
		return false
	}
	s.flying.Add(n)
	return true
}

// lands gives back what only the work on the step took.
func (s *step) lands() { s.l.x.release(s.flying.Swap(0)) }

// broke is how a step ends with whose values the run asked for too much.
func (s *step) broke() finished { return finished{index: s.index, end: ending{err: errSpent}} }

// prepare decides whether a block runs and renders its settings. It returns what
// is to be on disk before it is launched, if anything is, and how to launch it;
// nil when it is skipped. An ending that has stopped says why it is not launched.
func (l *level) prepare(ctx context.Context, i int) (sluice.RunStep, func() finished, ending) {
	b := l.blocks[i]
	was, known := l.x.before[l.path(i)]
	s := &step{l: l, index: i, b: b, record: was, raw: b.Raw}
	s.now, s.seed = l.x.sources(l.path(i))
	begun, run, end := s.prepare(ctx, was, known)
	if run == nil {
		s.lands()
	}
	return begun, run, end
}

func (s *step) prepare(ctx context.Context, was sluice.RunStep, known bool) (sluice.RunStep, func() finished, ending) {
	l, i, b := s.l, s.index, s.b
	if b.When != nil && (!known || was.Status == sluice.StepSkipped) {
		wanted, err := s.wanted(ctx)
		if err != nil {
			s.begin(was)
			return s.cannot(ctx, err)
		}
		if !wanted {
			l.settle(i, &result{status: sluice.StepSkipped})
			if known {
				return sluice.RunStep{}, nil, ending{}
			}
			return l.skip(i, "its condition is false"), nil, ending{}
		}
	}
	if failure := l.x.countStep(known && was.Status != sluice.StepSkipped); failure != nil {
		return sluice.RunStep{}, nil, failed(failure)
	}
	s.begin(was)
	if reason := unresolved(b, was); reason != "" {
		return sluice.RunStep{}, nil, ending{waiting: []sluice.Waiting{s.waiting(reason)}}
	}
	switch b.Kind {
	case workflow.Foreach:
		return s.prepareForeach(ctx)
	case workflow.Reduce:
		return sluice.RunStep{}, s.launch(ctx, s.reduce), ending{}
	case workflow.Call:
		return s.prepareCall(ctx)
	case workflow.Delay:
		return s.prepareDelay(ctx)
	case workflow.Ask:
		return s.prepareAsk(ctx)
	}
	return s.prepareKind(ctx, was)
}

// unresolved says for what a person is asked who has not answered: that another
// step of the run may go on does not answer for this one.
func unresolved(b *workflow.Block, was sluice.RunStep) sluice.WaitReason {
	switch {
	case was.Status == sluice.StepUnknown:
		return sluice.WaitUnknown
	case was.Status == sluice.StepFailed && b.OnError.Mode == workflow.Pause:
		return sluice.WaitError
	}
	return ""
}

func (x *execution) countStep(known bool) *sluice.RunError {
	if known {
		return nil
	}
	return x.beginStep()
}

// wanted asks a block's condition.
func (s *step) wanted(ctx context.Context) (bool, error) {
	v, uses, err := s.l.render(ctx, *s.b.When, nil, s.l.path(s.index))
	if err != nil {
		return false, err
	}
	s.saw(uses)
	return holds(v, s.b.When)
}

// holds reads what a condition gave.
func holds(v any, t *workflow.Template) (bool, error) {
	if t.Truthy {
		return block.Truthy(v), nil
	}
	return block.Truth(v)
}

func (s *step) saw(u expr.Uses) {
	s.uses.Clock = s.uses.Clock || u.Clock
	s.uses.Random += u.Random
}

// begin starts the record of a step, or goes on with an earlier turn's.
func (s *step) begin(was sluice.RunStep) {
	s.record = sluice.RunStep{
		Path: s.l.path(s.index), Block: s.b.ID, Kind: string(s.b.Kind), Status: sluice.StepRunning, StartedAt: s.now,
		Attempts: was.Attempts, Reason: was.Reason, Settings: was.Settings, Usage: was.Usage,
	}
	if was.Status == sluice.StepSkipped {
		s.record.Reason = ""
	}
	if s.b.Calls != nil {
		if part, err := s.part(); err == nil {
			s.record.Component = part.Component + "@" + part.Pin.String()
		}
	}
}

// part is the component that the block runs. What a template asked for was
// pinned when the run began, so it is found by rendering it again.
func (s *step) part() (sluice.RunPart, error) {
	asked := value.Text(s.b.Calls.Tree)
	if !s.b.Calls.Plain {
		v, _, err := s.l.render(context.Background(), *s.b.Calls, nil, s.l.path(s.index))
		if err != nil {
			return sluice.RunPart{}, err
		}
		asked = value.Text(v)
	}
	part, found := s.l.x.work.Part(asked, s.l.frame.by)
	if !found {
		return part, sluice.Errorf(sluice.Invalid, "component %q was not known when the run began", asked).
			Fix("refer to it by what inputs and env hold at the start")
	}
	return part, nil
}

// render fills in a block's settings.
func (s *step) render(ctx context.Context) error {
	v, uses, err := s.l.render(ctx, s.b.Settings, nil, s.l.path(s.index))
	if err != nil {
		return err
	}
	s.saw(uses)
	settings, _ := v.(*value.Object)
	if !s.b.Settings.Plain && !s.holds(value.Weigh(v)) {
		return errSpent
	}
	s.settings = settings.Clone() // without templates it is the workflow's own, which others run too
	if !s.show(s.settings) {
		return errSpent
	}
	return nil
}

// copies are how many times the JSON of a step is in memory while it is written.
const copies = 3

// show puts settings on the record. False says that the run ends.
func (s *step) show(settings *value.Object) bool {
	if settings.Len() == 0 {
		return true
	}
	raw, err := value.Encode(s.l.x.hidden(settings))
	if err != nil || len(raw) > sluice.MaxOutputBytes {
		return true
	}
	s.record.Settings = raw
	return s.l.x.collect(s.record, len(raw)) && s.holds(copies*int64(len(raw)))
}

// prepareKind prepares a block that acts by itself.
func (s *step) prepareKind(ctx context.Context, was sluice.RunStep) (sluice.RunStep, func() finished, ending) {
	kind, found := s.l.x.r.kinds[string(s.b.Kind)]
	if !found {
		return s.cannot(ctx, sluice.Errorf(sluice.Invalid, "Sluice has no block of kind %s", s.b.Kind))
	}
	if err := s.render(ctx); err != nil {
		return s.cannot(ctx, err)
	}
	effects := kind.Effects(s.settings)
	if raw, ok := s.b.Raw["idempotent"].(bool); ok && raw && effects == block.Once {
		effects = block.Repeatable
	}
	if was.Status == sluice.StepRunning && effects == block.Once {
		return s.unknown("its worker was lost while it ran")
	}
	run := s.launch(ctx, func(ctx context.Context) finished { return s.attempts(ctx, kind, effects, was) })
	if effects == block.None || was.Status == sluice.StepWaiting { // which waits for its time first
		return sluice.RunStep{}, run, ending{}
	}
	s.record.Attempts++
	return s.record, run, ending{}
}

// launch makes what runs in a goroutine of its own.
func (s *step) launch(ctx context.Context, f func(context.Context) finished) func() finished {
	return func() (out finished) {
		defer s.lands()
		defer func() {
			if p := recover(); p != nil {
				out = s.failedFinally(s.panicked(p))
			}
		}()
		return f(ctx)
	}
}

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

// written is an output as it is stored, or why it cannot be.
func written(output any) (json.RawMessage, *sluice.RunError) {
	raw, err := value.Encode(output)
	switch {
	case err != nil:
		return nil, &sluice.RunError{Code: sluice.Invalid, Message: "the output cannot be written as JSON"}
	case len(raw) > sluice.MaxOutputBytes:
		return nil, tooLarge("the output", len(raw))
	}
	return raw, nil
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

// complete adds the tape and the time to a record that is to be written.
func (s *step) complete() sluice.RunStep {
	rec := s.record
	if rec.Status.Ended() {
		rec.EndedAt = max(sluice.TimeOf(s.l.x.r.cfg.Now()), rec.StartedAt)
	}
	if s.uses.Clock {
		s.tape(sluice.Effect{Kind: sluice.EffectClock, Response: quoted(s.now.String())})
	}
	if s.uses.Random > 0 {
		s.tape(sluice.Effect{Kind: sluice.EffectRandom, Request: quoted(fmt.Sprint(s.uses.Random)), Response: quoted(fmt.Sprint(s.seed))})
	}
	s.uses = expr.Uses{}
	rec.Effects = s.effects
	s.effects = nil
	return rec
}

func quoted(s string) json.RawMessage {
	return encode(s)
}

// effectsPerAttempt is how far apart the numbers of two attempts' effects are.
const effectsPerAttempt = 1000

// tape records an effect, without secrets.
func (s *step) tape(e sluice.Effect) {
	if len(s.effects) >= effectsPerAttempt {
		return
	}
	e.Attempt = max(s.record.Attempts, 1)
	e.N = (e.Attempt-1)*effectsPerAttempt + len(s.effects)
	if e.At == 0 {
		e.At = s.now
	}
	m := s.l.x.masker
	e.Request, e.Response, e.Error = m.JSON(e.Request), m.JSON(e.Response), s.l.x.text(e.Error)
	if !s.l.x.collect(s.record, len(e.Request)+len(e.Response)+len(e.Error)) {
		return // the run ends
	}
	s.effects = append(s.effects, e)
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
