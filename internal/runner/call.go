package runner

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/runner/block"
	"github.com/sluice-dev/sluice/internal/value"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// prepareCall prepares a block that runs another component.
func (s *step) prepareCall(ctx context.Context) (sluice.RunStep, func() finished, ending) {
	if s.l.frame.depth+1 >= sluice.MaxDepth {
		return s.cannot(ctx, sluice.Errorf(sluice.LimitExceeded, "workflows call each other more than %d deep", sluice.MaxDepth).
			Fix("give the block a condition that ends the recursion: when"))
	}
	part, err := s.part()
	if err != nil {
		return s.cannot(ctx, err)
	}
	fresh := len(s.record.Settings) == 0
	if fresh {
		err = s.render(ctx)
	} else {
		var stored any
		if !s.holds(value.WeighJSON(s.record.Settings)) {
			return s.cannot(ctx, errSpent)
		}
		stored, err = decode(s.record.Settings)
		s.settings, _ = stored.(*value.Object)
	}
	if err != nil {
		return s.cannot(ctx, err)
	}
	run := s.launch(ctx, func(ctx context.Context) finished {
		if f, stop := s.wholeAgain(ctx); stop {
			return f
		}
		return s.call(ctx, part)
	})
	if !fresh {
		return sluice.RunStep{}, run, ending{}
	}
	s.record.Attempts = 1
	return s.record, run, ending{}
}

func (s *step) call(ctx context.Context, part sluice.RunPart) finished {
	x := s.l.x
	flow, err := x.r.flows.Read(ctx, x.eval, part.Kind, part.Files)
	var input *value.Object
	if err == nil {
		given := x.hidden(s.settings.Get("input"))
		if given == nil {
			given = value.NewObject(0)
		}
		if !s.holds(2 * value.Weigh(given)) { // as JSON and as the input
			return s.broke()
		}
		input, err = flow.CheckInput(encode(given))
	}
	if err != nil {
		if ctx.Err() != nil {
			return finished{index: s.index, end: ending{err: context.Cause(ctx)}}
		}
		return s.failedFinally(runError(err))
	}
	end := s.bounded(ctx, func(ctx context.Context) ending {
		return x.flow(ctx, flow, s.record.Path+".", &frame{
			x: x, input: input, env: envOf(part.Variables), by: part.Component + "@" + part.Pin.String(), depth: s.l.frame.depth + 1,
		})
	})
	switch {
	case end.failure != nil && end.err == nil:
		return s.failedInside(ctx, end.failure)
	case end.stopped():
		return finished{index: s.index, end: end}
	}
	return s.completed(block.Result{Output: end.output})
}

// prompt reads a prompt component for a block that uses it. What its front matter
// says is filled in from the block's input and the component's own variables.
func (s *step) prompt(ctx context.Context, part sluice.RunPart) (*block.Prompt, error) {
	x := s.l.x
	if !strings.EqualFold(part.Kind, sluice.KindPrompt) {
		return nil, sluice.Errorf(sluice.Invalid, "%s is a %s, not a prompt", part.Component, part.Kind).
			Fix("run it with a block of kind workflow")
	}
	file, err := workflow.ReadPrompt(ctx, x.eval, part.Files)
	if err != nil {
		return nil, err
	}
	s.takes = file.Variables()
	out := &block.Prompt{
		Ref: part.Component + "@" + part.Pin.String(), Model: file.Model, Parameters: file.Parameters, Schema: file.Schema,
	}
	given := s.settings.Get("input")
	if given == nil {
		given = value.NewObject(0)
	}
	input, err := file.CheckInput(encode(given))
	if err != nil {
		return nil, err
	}
	s.settings.Set("input", input)
	if !file.Settings.Plain {
		l := newLevel(x, nil, "", &frame{x: x, input: input, env: s.env})
		head, uses, err := l.render(ctx, file.Settings, nil, s.record.Path)
		if err != nil {
			return nil, err
		}
		s.saw(uses)
		tree, _ := head.(*value.Object)
		out.Model, _ = tree.Get("model").(string)
		out.Parameters, _ = tree.Get("parameters").(*value.Object)
	}
	for _, m := range file.Messages {
		out.Messages = append(out.Messages, block.Message{Role: m.Role, Content: m.Content})
	}
	return out, nil
}

// prepareDelay notes when the delay ends, so that a later turn waits no longer.
func (s *step) prepareDelay(ctx context.Context) (sluice.RunStep, func() finished, ending) {
	until := s.l.x.before[s.record.Path].WakeAt
	fresh := until == 0
	if fresh {
		err := s.render(ctx)
		if err == nil {
			until, err = delayUntil(s.settings, s.now)
		}
		if err != nil {
			return s.cannot(ctx, err)
		}
	}
	s.record.Status, s.record.WakeAt, s.record.Attempts = sluice.StepWaiting, until, 1
	run := s.launch(ctx, func(ctx context.Context) finished {
		if f, stop := s.pauseUntil(ctx, until); stop {
			return f
		}
		s.record.WakeAt = 0
		return s.completed(block.Result{Output: value.Pairs("waited_until", until.String())})
	})
	if !fresh {
		return sluice.RunStep{}, run, ending{}
	}
	return s.record, run, ending{}
}

// maxDelay bounds a delay.
const maxDelay = 365 * 24 * time.Hour

func delayUntil(settings *value.Object, now sluice.Time) (sluice.Time, error) {
	if text, ok := settings.Get("until").(string); ok {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return 0, sluice.Errorf(sluice.Invalid, "until is not a time but %q", text).Fix("write it so: 2024-11-12T14:47:00Z")
		}
		return sluice.TimeOf(at), nil
	}
	d, err := durationOf(settings.Get("for"))
	if err != nil {
		return 0, err
	}
	if d < 0 || d > maxDelay {
		return 0, sluice.Errorf(sluice.Invalid, "a delay lasts up to 365 days, not %s", d)
	}
	return now + sluice.Time(d.Microseconds()), nil
}

func durationOf(v any) (time.Duration, error) {
	switch v := v.(type) {
	case int64, float64, value.Number:
		seconds, _ := value.Float(v)
		if limit := float64(math.MaxInt64 / int64(time.Second)); math.Abs(seconds) >= limit { // which a Duration cannot hold
			seconds = math.Copysign(limit-1, seconds)
		}
		return time.Duration(seconds * float64(time.Second)), nil
	case string:
		if d, err := time.ParseDuration(strings.TrimSpace(v)); err == nil {
			return d, nil
		}
		return 0, sluice.Errorf(sluice.Invalid, "%q is not a duration", v).Fix("write it so: 5s, 2m, 24h, or a number of seconds")
	}
	return 0, sluice.Errorf(sluice.Invalid, "a duration is missing: there is %s", kindOf(v)).Fix("write it so: 5s, 2m, 24h, or a number of seconds")
}
