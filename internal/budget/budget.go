// Package budget bounds the memory that the requests of one process hold
// together: who needs much takes a share first, waits a short while for one, and
// gives it back when done. It must never know what a share is for, and never let
// one caller take what all need.
package budget

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
)

// maxWaiting bounds how many wait; who comes then is refused at once.
const maxWaiting = 512

// Config says how much there is.
type Config struct {
	// Bytes is all that shares may add up to. Defaults to 160 MiB.
	Bytes int64
	// Wait is how long a caller waits for a share. Defaults to 5 s.
	Wait time.Duration
}

// Budget hands out shares. The nil Budget bounds nothing.
type Budget struct {
	cfg Config

	mu      sync.Mutex
	free    int64
	held    map[string]int64 // by owner
	waiting []*waiter
}

// waiter is one who waits; granted is closed when its share is set aside.
type waiter struct {
	owner   string
	bytes   int64
	granted chan struct{}
}

// New returns a budget of which nothing is taken.
func New(cfg Config) *Budget {
	if cfg.Bytes <= 0 {
		cfg.Bytes = 160 << 20
	}
	if cfg.Wait <= 0 {
		cfg.Wait = 5 * time.Second
	}
	return &Budget{cfg: cfg, free: cfg.Bytes, held: map[string]int64{}}
}

// Share is a part of a budget. The nil Share holds nothing. Its methods belong to
// one goroutine at a time.
type Share struct {
	budget *Budget
	owner  string
	bytes  int64
}

// Take returns a share of so many bytes for an owner; more than there is counts as
// all of it. No owner gets more than half, unless it is with one share alone, so
// that there is always something for others. Unavailable when there is none in time.
func (b *Budget) Take(ctx context.Context, owner string, bytes int64) (*Share, error) {
	if b == nil || bytes <= 0 {
		return nil, nil
	}
	bytes = min(bytes, b.cfg.Bytes)
	share := &Share{b, owner, bytes}
	b.mu.Lock()
	if b.fits(owner, bytes) {
		b.grant(owner, bytes)
		b.mu.Unlock()
		return share, nil
	}
	if len(b.waiting) >= maxWaiting {
		b.mu.Unlock()
		return nil, full()
	}
	w := &waiter{owner, bytes, make(chan struct{})}
	b.waiting = append(b.waiting, w)
	b.mu.Unlock()

	late := time.NewTimer(b.cfg.Wait)
	defer late.Stop()
	select {
	case <-w.granted:
		return share, nil
	case <-late.C:
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.waiting, w); i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
		b.admit() // who stood behind may fit
		return nil, full()
	}
	return share, nil // granted meanwhile
}

func full() error {
	return sluice.Errorf(sluice.Unavailable, "this server holds as many large requests and answers as it can").
		Fix("try again in a moment, or ask for less at once")
}

// fits reports whether there is room. The caller holds mu.
func (b *Budget) fits(owner string, bytes int64) bool {
	held := b.held[owner]
	return bytes <= b.free && (held == 0 || held+bytes <= b.cfg.Bytes/2)
}

func (b *Budget) grant(owner string, bytes int64) {
	b.free -= bytes
	b.held[owner] += bytes
}

// admit grants what fits, in the order in which it was asked for. Who waits for
// room of the owner's own does not hold others up; who waits for room at all does,
// so that a large share is got in the end. The caller holds mu.
func (b *Budget) admit() {
	kept := b.waiting[:0]
	blocked := false
	for _, w := range b.waiting {
		switch {
		case !blocked && b.fits(w.owner, w.bytes):
			b.grant(w.owner, w.bytes)
			close(w.granted)
			continue
		case w.bytes > b.free && b.held[w.owner] == 0:
			blocked = true
		}
		kept = append(kept, w)
	}
	clear(b.waiting[len(kept):])
	b.waiting = kept
}

// Shrink keeps so many bytes and gives the rest back.
func (s *Share) Shrink(bytes int64) {
	if s == nil || bytes >= s.bytes {
		return
	}
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	back := s.bytes - max(bytes, 0)
	s.bytes -= back
	b.free += back
	if b.held[s.owner] -= back; b.held[s.owner] == 0 {
		delete(b.held, s.owner)
	}
	b.admit()
}

// Release gives all back. It is safe to repeat.
func (s *Share) Release() { s.Shrink(0) }
