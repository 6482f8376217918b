package runner

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/runner/block"
)

// prepareForeach renders the list once: later turns go on with the one that is on
// disk.
func (s *step) prepareForeach(ctx context.Context) (sluice.RunStep, func() finished, ending) {
	items, fresh, err := s.items(ctx)
	if err != nil {
		return s.cannot(ctx, err)
	}
	run := s.launch(ctx, func(ctx context.Context) finished { return s.foreach(ctx, items) })
	if !fresh {
		return sluice.RunStep{}, run, ending{}
	}
	s.record.Attempts = 1
	return s.record, run, ending{}
}

// items is the list of a foreach or reduce, without secrets.
func (s *step) items(ctx context.Context) (items []any, fresh bool, err error) {
	if len(s.record.Settings) > 0 {
		stored, err := decode(s.record.Settings)
		if m, ok := stored.(map[string]any); ok && err == nil {
			s.settings = m
		}
	}
	if fresh = s.settings == nil; fresh {
		if err := s.render(ctx); err != nil {
			return nil, fresh, err
		}
		s.settings, _ = s.l.x.masker.Tree(s.settings).(map[string]any)
	}
	items, ok := s.settings["items"].([]any)
	if !ok {
		return nil, fresh, sluice.Errorf(sluice.Invalid, "items is not a list but %s", kindOf(s.settings["items"])).
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
	case int64, float64:
		return "a number"
	case string:
		return "a text"
	case map[string]any:
		return "an object"
	}
	return "a list"
}

// foreach runs the body for each item, so many at a time.
func (s *step) foreach(ctx context.Context, items []any) finished {
	outputs := make([]any, len(items))
	room := make(chan struct{}, s.number("concurrency", 1))
	var mu sync.Mutex
	var all ending
	var group sync.WaitGroup
	for i, item := range items {
		room <- struct{}{}
		mu.Lock()
		stop := all.failure != nil || all.err != nil
		mu.Unlock()
		if stop || ctx.Err() != nil {
			<-room
			break
		}
		group.Go(func() {
			defer func() { <-room }()
			out, end := s.iteration(ctx, i, item)
			mu.Lock()
			defer mu.Unlock()
			outputs[i] = out
			all.merge(end)
		})
	}
	group.Wait()
	if ctx.Err() != nil && all.err == nil {
		all.err = context.Cause(ctx)
	}
	switch {
	case all.err != nil || all.failure == nil && all.stopped():
		return finished{index: s.index, end: all}
	case all.failure != nil:
		return s.failedInside(all.failure)
	}
	return s.completed(block.Result{Output: outputs})
}

// failedInside is failedFinally for a failure of a block within this one.
func (s *step) failedInside(inner *sluice.RunError) finished {
	f := s.failedFinally(&sluice.RunError{Code: inner.Code, Message: inner.Message, Fixes: inner.Fixes})
	if f.end.failure != nil { // the run's error names where it began
		f.end.failure = inner
	}
	return f
}

// number is a setting that is a whole number and never a template.
func (s *step) number(name string, otherwise int) int {
	switch n := s.b.Raw[name].(type) {
	case int64:
		return int(n)
	case int:
		return n
	case float64:
		return int(n)
	}
	return otherwise
}

// iteration runs the body for one item.
func (s *step) iteration(ctx context.Context, i int, item any) (any, ending) {
	name, _ := s.b.Raw["as"].(string)
	locals := map[string]any{"item": item, "index": int64(i)}
	if name != "" {
		locals[name] = item
	}
	outer := s.l.frame
	inner := &frame{x: s.l.x, outer: outer, locals: locals, input: outer.input, inputName: outer.inputName, env: outer.env, depth: outer.depth}
	l := newLevel(s.l.x, s.b.Body, s.record.Path+"."+strconv.Itoa(i)+".", inner)
	if end := l.run(ctx); end.stopped() {
		return nil, end
	}
	if s.b.Result == nil {
		out, _ := l.last()
		return out, ending{}
	}
	out, _, err := l.render(ctx, *s.b.Result, nil, l.prefix+"output")
	if err != nil {
		if ctx.Err() != nil {
			return nil, ending{err: context.Cause(ctx)}
		}
		failure := runError(err)
		failure.Step, failure.Block = s.record.Path, s.b.ID
		failure.Message = fmt.Sprintf("iteration %d: %s", i, s.l.x.masker.Text(failure.Message))
		return nil, failed(failure)
	}
	return s.l.x.masker.Tree(out), ending{}
}

// reduce goes through a list with an accumulator.
func (s *step) reduce(ctx context.Context) finished {
	items, _, err := s.items(ctx)
	var acc any
	if err == nil {
		acc = s.settings["initial"]
		acc, err = s.accumulate(ctx, items, acc)
	}
	if err != nil {
		if ctx.Err() != nil {
			return finished{index: s.index, end: ending{err: context.Cause(ctx)}}
		}
		return s.failedFinally(runError(err))
	}
	s.record.Attempts = 1
	return s.completed(block.Result{Output: acc})
}

func (s *step) accumulate(ctx context.Context, items []any, acc any) (any, error) {
	name, _ := s.b.Raw["as"].(string)
	for i, item := range items {
		locals := map[string]any{"accumulator": acc, "item": item, "index": int64(i)}
		if name != "" {
			locals[name] = item
		}
		v, uses, err := s.l.render(ctx, *s.b.Result, locals, s.record.Path)
		if err != nil {
			return nil, err
		}
		s.saw(uses)
		acc = s.l.x.masker.Tree(v)
	}
	return acc, nil
}
