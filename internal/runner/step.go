package runner

import (
	"context"
	"sync/atomic"

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
