package runner

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/runner/block"
	"github.com/sluice-dev/sluice/internal/value"
)

// prepareForeach renders the list once: later turns go on with the one that is on
// disk.
func (s *step) prepareForeach(ctx context.Context) (sluice.RunStep, func() finished, ending) {
	items, fresh, err := s.items(ctx)
	if err != nil {
		return s.cannot(ctx, err)
	}
	run := s.launch(ctx, func(ctx context.Context) finished {
		if f, stop := s.wholeAgain(ctx); stop {
			return f
		}
		return s.foreach(ctx, items)
	})
	if !fresh {
		return sluice.RunStep{}, run, ending{}
	}
	s.record.Attempts = 1
	return s.record, run, ending{}
}

// items is the list of a foreach or reduce, without secrets.
func (s *step) items(ctx context.Context) (items []any, fresh bool, err error) {
	if len(s.record.Settings) > 0 {
		if !s.holds(value.WeighJSON(s.record.Settings)) {
			return nil, false, errSpent
		}
		stored, err := decode(s.record.Settings)
		if m, ok := stored.(*value.Object); ok && err == nil {
			s.settings = m
		}
	}
	if fresh = s.settings == nil; fresh {
		if err := s.render(ctx); err != nil {
			return nil, fresh, err
		}
		s.settings, _ = s.l.x.hidden(s.settings).(*value.Object)
	}
	items, ok := s.settings.Get("items").([]any)
	if !ok {
		return nil, fresh, sluice.Errorf(sluice.Invalid, "items is not a list but %s", kindOf(s.settings.Get("items"))).
			Fix(`give it a list: items: "{{ inputs.tickets }}"`)
	}
	if len(items) > sluice.MaxSteps {
		return nil, fresh, sluice.Errorf(sluice.LimitExceeded, "items has %d entries; the limit is %d", len(items), sluice.MaxSteps).Fix("split the list, and run each part")
	}
	return items, fresh, nil
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case int64, float64, value.Number:
		return "a number"
	case string:
		return "a text"
	case *value.Object:
		return "an object"
	}
	return "a list"
}

// foreach runs the body for each item, so many at a time.
func (s *step) foreach(ctx context.Context, items []any) finished {
	outputs := make([]any, len(items))
	s.size = 0
	all := s.bounded(ctx, func(ctx context.Context) ending { return s.iterations(ctx, items, outputs) })
	switch {
	case all.err != nil || all.failure == nil && all.stopped():
		return finished{index: s.index, end: all}
	case all.failure != nil:
		return s.failedInside(ctx, all.failure)
	}
	return s.completed(block.Result{Output: outputs})
}

// iterations runs the body for all items. One that waits keeps its place, so that
// there are never more begun than the author allows; after one that failed no
// further ones begin.
func (s *step) iterations(ctx context.Context, items, outputs []any) ending {
	var mu sync.Mutex
	var all ending
	next := 0
	take := func() (i int, more bool) {
		mu.Lock()
		defer mu.Unlock()
		if next == len(items) || all.failure != nil || all.err != nil {
			return 0, false
		}
		if ctx.Err() != nil {
			all.err = context.Cause(ctx)
			return 0, false
		}
		next++
		return next - 1, true
	}
	var group sync.WaitGroup
	for range min(s.number("concurrency", 1), len(items)) {
		group.Go(func() {
			for i, more := take(); more; i, more = take() {
				out, end := s.iteration(ctx, i, items[i])
				mu.Lock()
				if !end.stopped() {
					end = s.gather(out)
				}
				outputs[i] = out
				all.merge(end)
				mu.Unlock()
				if end.stopped() {
					return
				}
			}
		})
	}
	group.Wait()
	return all
}

// gather counts the output of one iteration before the next ones come on top.
func (s *step) gather(out any) ending {
	weight := value.Weigh(out)
	if !s.l.holds(s.record, weight) {
		return ending{err: errSpent}
	}
	s.made += weight
	if s.size += value.Size(out, sluice.MaxOutputBytes) + 1; s.size > 2*sluice.MaxOutputBytes { // a size is not exact
		return failed(tooLarge("the list of outputs", s.size))
	}
	return ending{}
}

// bounded bounds the time of a block that others run in. It goes on while they
// wait for a person or for a time.
func (s *step) bounded(ctx context.Context, run func(context.Context) ending) ending {
	if s.b.Timeout <= 0 {
		return run(ctx)
	}
	until := s.record.StartedAt + sluice.Time(s.b.Timeout.Microseconds())
	tooLong := errors.New("the block took longer than it may") // this block, not one that it is in
	ctx, cancel := context.WithTimeoutCause(ctx, until.Std().Sub(s.l.x.r.cfg.Now()), tooLong)
	defer cancel()
	end := run(ctx)
	switch {
	case !end.stopped():
	case context.Cause(ctx) == tooLong:
		return failed(&sluice.RunError{Code: sluice.TimedOut, Message: "it took longer than " + s.b.Timeout.String()})
	case end.err == nil && end.failure == nil && (end.wakeAt == 0 || end.wakeAt > until):
		end.wakeAt = until
	}
	return end
}

// wholeAgain begins another attempt at a block that holds others, when an earlier
// turn ended with a failed one.
func (s *step) wholeAgain(ctx context.Context) (finished, bool) {
	was := s.l.x.before[s.record.Path]
	if was.Status != sluice.StepWaiting {
		return finished{}, false
	}
	if f, stop := s.pauseUntil(ctx, was.WakeAt); stop {
		return f, true
	}
	return s.again(ctx, block.Repeatable)
}

// failedInside is failedFinally for a failure of a block within this one. What
// waits beside that is not waited for any longer.
func (s *step) failedInside(ctx context.Context, inner *sluice.RunError) finished {
	if s.record.Attempts < s.b.Retry.Attempts {
		// The next turn goes on inside with what failed, since what is on disk tells the
		// two apart.
		s.waits(&sluice.RunError{Code: inner.Code, Message: inner.Message, Fixes: inner.Fixes}, 0)
		return finished{index: s.index, step: s.complete(), end: ending{wakeAt: s.record.WakeAt}}
	}
	if err := s.l.x.write(ctx, s.l.x.leftOver(s.record.Path+".", sluice.StepWaiting)...); err != nil {
		return finished{index: s.index, end: ending{err: err}}
	}
	f := s.failedFinally(&sluice.RunError{Code: inner.Code, Message: inner.Message, Fixes: inner.Fixes})
	if f.end.failure != nil && inner.Step != "" { // the run's error names where it began
		f.end.failure = inner
	}
	return f
}

// number is a setting that is a whole number and never a template.
func (s *step) number(name string, otherwise int) int {
	if n, ok := value.Int(s.b.Raw[name]); ok {
		return int(n)
	}
	return otherwise
}

// iteration runs the body for one item.
func (s *step) iteration(ctx context.Context, i int, item any) (out any, end ending) {
	defer func() {
		if p := recover(); p != nil {
			out, end = nil, failed(s.panicked(p))
		}
	}()
	name, _ := s.b.Raw["as"].(string)
	locals := value.Pairs("item", item, "index", int64(i))
	if name != "" {
		locals.Set(name, item)
	}
	outer := s.l.frame
	inner := &frame{x: s.l.x, outer: outer, locals: locals, input: outer.input, spread: outer.spread, env: outer.env, by: outer.by, depth: outer.depth}
	l := newLevel(s.l.x, s.b.Body, s.record.Path+"."+strconv.Itoa(i)+".", inner)
	defer l.free()
	if end := l.run(ctx); end.stopped() {
		return nil, end
	}
	if s.b.Result == nil {
		out, _ = l.last()
		return out, ending{}
	}
	out, _, err := l.render(ctx, *s.b.Result, nil, l.prefix+"output")
	if err != nil {
		if ctx.Err() != nil {
			return nil, ending{err: context.Cause(ctx)}
		}
		failure := s.l.x.masked(runError(err))
		failure.Step, failure.Block = s.record.Path, s.b.ID
		failure.Message = fmt.Sprintf("iteration %d: %s", i, failure.Message)
		return nil, failed(failure)
	}
	return s.l.x.hidden(out), ending{}
}

// reduce goes through a list with an accumulator.
func (s *step) reduce(ctx context.Context) finished {
	s.record.Attempts = 1
	items, _, err := s.items(ctx)
	var acc any
	if err == nil {
		acc = s.settings.Get("initial")
		acc, err = s.accumulate(ctx, items, acc)
	}
	if err != nil {
		if ctx.Err() != nil {
			return finished{index: s.index, end: ending{err: context.Cause(ctx)}}
		}
		if errors.Is(err, errSpent) {
			return s.broke()
		}
		return s.failedFinally(runError(err))
	}
	return s.completed(block.Result{Output: acc})
}

func (s *step) accumulate(ctx context.Context, items []any, acc any) (any, error) {
	name, _ := s.b.Raw["as"].(string)
	for i, item := range items {
		locals := value.Pairs("accumulator", acc, "item", item, "index", int64(i))
		if name != "" {
			locals.Set(name, item)
		}
		v, uses, err := s.l.render(ctx, *s.b.Result, locals, s.record.Path)
		if err != nil {
			return nil, err
		}
		s.saw(uses)
		acc = s.l.x.hidden(v)
	}
	return acc, nil
}
