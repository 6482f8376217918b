package runner

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// level is one list of blocks as it runs: a workflow's, or the body of one
// iteration. One goroutine decides; blocks run on their own.
type level struct {
	x       *execution
	blocks  []*workflow.Block
	prefix  string // of paths: "", or "1.0."
	frame   *frame
	mu      sync.RWMutex
	results []*result // by block; nil until it has ended. Guarded by mu
	begun   []bool
	done    chan finished
	running int
	held    atomic.Int64 // bytes of memory that the results take
}

// result is a block that has ended.
type result struct {
	status sluice.StepStatus
	output any
	extra  *value.Object
	err    *sluice.RunError
	us     int64 // how long it took
	// closed says that nothing behind it runs, and chosen, of a condition, what does.
	closed bool
	chosen []int
}

// finished is what a block's goroutine reports.
type finished struct {
	index  int
	step   sluice.RunStep
	end    ending
	result *result
}

func newLevel(x *execution, blocks []*workflow.Block, prefix string, f *frame) *level {
	l := &level{
		x: x, blocks: blocks, prefix: prefix, frame: f, results: make([]*result, len(blocks)), begun: make([]bool, len(blocks)),
		done: make(chan finished, len(blocks)),
	}
	f.level = l
	for i := range blocks {
		// What was skipped is decided again, alike; what failed is here because it is to
		// be tried again.
		if s, there := x.before[l.path(i)]; there && (s.Status == sluice.StepCompleted || s.Status == sluice.StepIgnored) {
			l.begun[i] = true
			if l.holds(s, value.WeighJSON(s.Output)+value.WeighJSON(s.Extra)) {
				l.results[i] = restored(blocks[i], s)
			} else {
				l.results[i] = &result{status: s.Status} // the run ends
			}
		}
	}
	return l
}

// holds takes memory for a result, until the level is free.
func (l *level) holds(s sluice.RunStep, n int64) bool {
	if !l.x.hold(s, n) {
		return false
	}
	l.held.Add(n)
	return true
}

// free gives the memory of the results back, once nothing refers to the level.
func (l *level) free() { l.x.release(l.held.Swap(0)) }

func (l *level) path(i int) string { return l.prefix + strconv.Itoa(i) }

// run runs all blocks and says how that ended.
func (l *level) run(ctx context.Context) ending {
	var all ending
	for {
		var steps []sluice.RunStep
		if all.err == nil && ctx.Err() != nil {
			all.err = context.Cause(ctx)
		}
		if all.failure == nil && all.err == nil {
			var launch []func()
			steps, launch, all = l.advance(ctx, all)
			if err := l.x.write(ctx, steps...); err != nil {
				all.err = err
			} else {
				for _, f := range launch {
					f()
				}
			}
		}
		if l.running == 0 {
			return all
		}
		steps = l.collect(&all)
		if err := l.x.write(ctx, steps...); err != nil {
			all.err = err
		}
	}
}

// collect waits for blocks to end and returns what is to be written of them.
func (l *level) collect(all *ending) []sluice.RunStep {
	var steps []sluice.RunStep
	f := <-l.done
	for {
		l.running--
		if f.step.Path != "" {
			steps = append(steps, f.step)
		}
		l.settle(f.index, f.result)
		all.merge(f.end)
		select {
		case f = <-l.done:
		default:
			return steps
		}
	}
}

// merge adds how one part ended.
func (e *ending) merge(o ending) {
	if e.failure == nil {
		e.failure = o.failure
	}
	if e.err == nil {
		e.err = o.err
	}
	e.waiting = append(e.waiting, o.waiting...)
	if o.wakeAt > 0 && (e.wakeAt == 0 || o.wakeAt < e.wakeAt) {
		e.wakeAt = o.wakeAt
	}
}

// advance decides about every block whose time has come: it is skipped, or it is
// to be launched after the steps have been written.
func (l *level) advance(ctx context.Context, all ending) (steps []sluice.RunStep, launch []func(), _ ending) {
	var begun []sluice.RunStep
	for again := true; again; {
		again = false
		for i, b := range l.blocks {
			if l.begun[i] || !l.settled(b) {
				continue
			}
			l.begun[i] = true
			if reason, closed := l.unwanted(b); reason != "" {
				l.settle(i, &result{status: sluice.StepSkipped, closed: closed})
				if was := l.x.before[l.path(i)]; was.Status != sluice.StepSkipped {
					steps = append(steps, l.skip(i, reason))
				}
				again = true
				continue
			}
			started, go_, end := l.prepare(ctx, i)
			switch {
			case started.Path == "":
			case go_ != nil:
				begun = append(begun, started)
			default:
				steps = append(steps, started)
			}
			if all.merge(end); end.stopped() {
				if all.failure != nil || all.err != nil {
					return steps, nil, all // those that have not been launched have not begun
				}
				continue // it waits
			}
			if go_ == nil { // it was skipped
				again = true
				continue
			}
			launch = append(launch, func() {
				l.running++
				go func() { l.done <- go_() }()
			})
		}
	}
	return append(steps, begun...), launch, all
}

// settle notes how a block ended. Only the goroutine that decides does; others
// read.
func (l *level) settle(i int, r *result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.results[i] = r
}

func (l *level) result(i int) *result {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.results[i]
}

// settled reports whether all that a block needs has ended.
func (l *level) settled(b *workflow.Block) bool {
	for _, n := range b.Needs {
		if l.results[n] == nil {
			return false
		}
	}
	return true
}

// unwanted says why a block does not run: something before it closed the way, no
// condition chose it, or all that it needs was skipped and it does not ask for that.
func (l *level) unwanted(b *workflow.Block) (reason string, closed bool) {
	skipped, offered, chosen := 0, "", false
	for _, n := range b.Needs {
		r := l.results[n]
		if r.closed {
			return l.blocks[n].ID + " stops what comes after it", true
		}
		if r.status == sluice.StepSkipped {
			skipped++
		}
		if c := l.blocks[n]; c.Kind == workflow.Condition && (has(c.OnTrue, b.Index) || has(c.OnFalse, b.Index)) {
			offered = c.ID
			chosen = chosen || r.status != sluice.StepSkipped && has(r.chosen, b.Index)
		}
	}
	switch {
	case offered != "" && !chosen:
		return offered + " did not choose it", false
	case len(b.Needs) > 0 && skipped == len(b.Needs) && !b.Asks:
		return "all that it needs was skipped", false
	}
	return "", false
}

func has(list []int, n int) bool {
	for _, m := range list {
		if m == n {
			return true
		}
	}
	return false
}

func (l *level) skip(i int, reason string) sluice.RunStep {
	now := sluice.TimeOf(l.x.r.cfg.Now())
	return sluice.RunStep{
		Path: l.path(i), Block: l.blocks[i].ID, Kind: string(l.blocks[i].Kind), Status: sluice.StepSkipped, Reason: reason,
		StartedAt: now, EndedAt: now,
	}
}

// outputs are those of all blocks that ran, by id.
func (l *level) outputs() *value.Object {
	out := value.NewObject(len(l.blocks))
	for i, r := range l.results {
		if r != nil && r.status == sluice.StepCompleted {
			out.Set(l.blocks[i].ID, r.output)
		}
	}
	return out
}

// last is the output of the last block that ran.
func (l *level) last() (any, string) {
	for i := len(l.blocks) - 1; i >= 0; i-- {
		if r := l.results[i]; r != nil && r.status == sluice.StepCompleted {
			return r.output, l.blocks[i].ID
		}
	}
	return nil, ""
}

// restored is what an earlier turn left of a block.
func restored(b *workflow.Block, s sluice.RunStep) *result {
	r := &result{status: s.Status, err: s.Error, us: int64(s.EndedAt - s.StartedAt)}
	var err error
	if r.output, err = decode(s.Output); err == nil {
		var extra any
		extra, err = decode(s.Extra)
		r.extra, _ = extra.(*value.Object)
	}
	if err != nil {
		r.err = &sluice.RunError{Code: sluice.Internal, Message: fmt.Sprintf("the output of step %s cannot be read", s.Path)}
	}
	r.judge(b)
	return r
}

// judge reads what conditions decide from their output.
func (r *result) judge(b *workflow.Block) {
	m, _ := r.output.(*value.Object)
	verdict, _ := m.Get("evaluated_condition").(bool)
	ran := r.status == sluice.StepCompleted
	switch b.Kind {
	case workflow.ContinueIf:
		r.closed = ran && !verdict
	case workflow.StopIf:
		r.closed = ran && verdict
	case workflow.Condition:
		switch {
		case !ran: // and chooses nothing
		case verdict:
			r.chosen = b.OnTrue
		default:
			r.chosen = b.OnFalse
		}
	}
}
