package control

import (
	"sync"

	"github.com/sluice-dev/sluice"
)

// runHub tells who follows runs in this process what happens to them. What
// happens in other processes is found by looking.
type runHub struct {
	mu        sync.Mutex
	followers map[string]map[*follower]bool // by run
	wake      func()                        // the worker, when a run waits for one
	stop      func(run string)              // the worker, when a run is not its own any more
}

// follower is one who watches a run.
type follower struct {
	changed chan struct{} // capacity 1
	mu      sync.Mutex
	pieces  []sluice.Partial
}

// maxPieces bounds what is kept for a follower who is slow; what is written in
// the end is told by the step.
const maxPieces = 1024

// OnRun sets what is called when a run waits for a worker, and when one was
// taken from its worker. Set it before the first request.
func (c *Control) OnRun(wake func(), stop func(run string)) { c.runs.wake, c.runs.stop = wake, stop }

func (h *runHub) started() {
	if h.wake != nil {
		h.wake()
	}
}

func (h *runHub) taken(run string) {
	if h.stop != nil {
		h.stop(run)
	}
}

// follow begins to watch a run; leave ends it.
func (h *runHub) follow(run string) (f *follower, leave func()) {
	f = &follower{changed: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.followers == nil {
		h.followers = map[string]map[*follower]bool{}
	}
	if h.followers[run] == nil {
		h.followers[run] = map[*follower]bool{}
	}
	h.followers[run][f] = true
	return f, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.followers[run], f)
		if len(h.followers[run]) == 0 {
			delete(h.followers, run)
		}
	}
}

// changed wakes a run's followers.
func (h *runHub) changed(run string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for f := range h.followers[run] {
		f.signal()
	}
}

// partial hands a piece of an output to a run's followers.
func (h *runHub) partial(run string, p sluice.Partial) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for f := range h.followers[run] {
		f.mu.Lock()
		if len(f.pieces) < maxPieces {
			f.pieces = append(f.pieces, p)
		}
		f.mu.Unlock()
		f.signal()
	}
}

func (f *follower) signal() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// take returns the pieces since it was last asked.
func (f *follower) take() []sluice.Partial {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.pieces
	f.pieces = nil
	return out
}
