package server

import (
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
)

// expiry is the next time, by the wall clock, at which a token that watches ends.
type expiry struct {
	mu    sync.Mutex
	next  sluice.Time
	timer *time.Timer
}

// endAt makes the streams end when a token does. All of them end, since that is
// rare and those who still may watch come back at once where they were.
func (s *Server) endAt(at sluice.Time) {
	e := &s.expiry
	e.mu.Lock()
	defer e.mu.Unlock()
	if at == 0 || e.next != 0 && e.next <= at {
		return
	}
	if e.timer != nil {
		e.timer.Stop()
	}
	e.next = at
	e.timer = time.AfterFunc(at.Std().Sub(s.cfg.Now()), func() {
		e.mu.Lock()
		e.next = 0
		e.mu.Unlock()
		s.state.CutStreams()
	})
}

func (e *expiry) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.timer != nil {
		e.timer.Stop()
	}
}
