package api

import (
	"context"
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
)

// readyTimeout is how long the database may take until this server is not ready.
const readyTimeout = 2 * time.Second

// readiness asks whether the database answers. Whoever wants to know while that is
// being asked waits for the same answer, so that asking often costs nothing.
type readiness struct {
	ask func(context.Context) error

	mu     sync.Mutex
	asking *asking
}

// asking is one question; err is set when done is closed.
type asking struct {
	done chan struct{}
	err  error
}

// check waits for the answer, and no longer than readyTimeout.
func (r *readiness) check(ctx context.Context) error {
	late := time.NewTimer(readyTimeout)
	defer late.Stop()
	a := r.begin()
	select {
	case <-a.done:
		if sluice.CodeOf(a.err) != sluice.TimedOut {
			return a.err
		}
	case <-late.C:
	case <-ctx.Done():
	}
	return sluice.Errorf(sluice.Unavailable, "the database did not answer within %s", readyTimeout).
		Do(sluice.Diagnose(), "look at the database and the way to it; {} looks closer")
}

func (r *readiness) begin() *asking {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asking != nil {
		return r.asking
	}
	a := &asking{done: make(chan struct{})}
	r.asking = a
	go func() { // ends with its deadline at the latest, as far as the database's driver knows of it
		ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
		defer cancel()
		a.err = r.ask(ctx)
		r.mu.Lock()
		r.asking = nil
		r.mu.Unlock()
		close(a.done)
	}()
	return a
}
