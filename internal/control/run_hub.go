package control

import (
	"context"
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
)

// runHub tells who follows runs in this process what happens to them. What
// happens in other processes is found by looking.
type runHub struct {
	mu        sync.Mutex
	followers map[string]map[*follower]bool // by run
	following int                           // how many they are
	ended     chan struct{}                 // closed when nobody is to follow any longer
	wake      func()                        // the worker, when a run waits for one
	stop      func(run string, fence int64) // the worker, when its turns before a fence are over
}

// follower is one who watches a run.
type follower struct {
	changed chan struct{} // capacity 1
	urgent  chan struct{} // capacity 1
	mu      sync.Mutex
	pieces  []sluice.Partial
	bytes   int // of the pieces
}

// maxPieces and maxPieceBytes bound what is kept for a follower who is slow; what
// is written in the end is told by the step. maxFollowers bounds who follows.
const (
	maxPieces     = 1024
	maxPieceBytes = 256 << 10
	maxFollowers  = 4096
)

// EndWatches ends all watches of runs, as a server does that stops. Who watches
// asks another one.
func (c *Control) EndWatches() {
	c.runs.mu.Lock()
	defer c.runs.mu.Unlock()
	select {
	case <-c.runs.ended:
	default:
		close(c.runs.ended)
	}
}

// wait waits until something may have happened to a run. It returns false when
// there is no use in waiting any longer.
func (h *runHub) wait(ctx context.Context, f *follower) bool {
	t := time.NewTimer(pollRuns)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-h.ended:
		return false
	case <-f.urgent:
	case <-t.C:
	case <-f.changed:
		t.Reset(gatherRuns)
		select {
		case <-ctx.Done():
		case <-h.ended:
		case <-f.urgent:
		case <-t.C:
		}
	}
	return true
}

// gatherRuns is how long a follower waits for further changes before it is told,
// so that quick blocks are not each read by themselves.
const gatherRuns = 4 * time.Millisecond

// OnRun sets what is called when a run waits for a worker, and when one was
// taken from its worker: all turns before a fence are over. Set it before the first
// request.
func (c *Control) OnRun(wake func(), stop func(run string, fence int64)) {
	c.runs.wake, c.runs.stop = wake, stop
}

func (h *runHub) started() {
	if h.wake != nil {
		h.wake()
	}
}

func (h *runHub) taken(run string, fence int64) {
	if h.stop != nil {
		h.stop(run, fence)
	}
}

// follow begins to watch a run; leave ends it. LimitExceeded when too many do.
func (h *runHub) follow(run string) (f *follower, leave func(), err error) {
	f = &follower{changed: make(chan struct{}, 1), urgent: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.following >= maxFollowers {
		return nil, nil, sluice.Errorf(sluice.LimitExceeded, "%d streams follow runs already, which is the limit", maxFollowers).
			Fix("try another node, or ask for the run itself now and then").Because(sluice.ErrFull)
	}
	h.following++
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
		h.following--
		delete(h.followers[run], f)
		if len(h.followers[run]) == 0 {
			delete(h.followers, run)
		}
	}, nil
}

// changed wakes a run's followers: soon, or at once when the run itself changed.
func (h *runHub) changed(run string, urgent bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for f := range h.followers[run] {
		if urgent {
			signal(f.urgent)
		} else {
			signal(f.changed)
		}
	}
}

// partial hands a piece of an output to a run's followers.
func (h *runHub) partial(run string, p sluice.Partial) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for f := range h.followers[run] {
		f.mu.Lock()
		if len(f.pieces) < maxPieces && f.bytes+len(p.Text) <= maxPieceBytes {
			f.pieces, f.bytes = append(f.pieces, p), f.bytes+len(p.Text)
		}
		f.mu.Unlock()
		signal(f.urgent)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// take returns the pieces since it was last asked.
func (f *follower) take() []sluice.Partial {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.pieces
	f.pieces, f.bytes = nil, 0
	return out
}
