package live

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

// batch is how many entries are read from the source at once.
const batch = 500

// Committed applies entries that this node just committed, in the order of
// commit. What other nodes committed before them is read first. When that
// fails, the state stays where it is and catches up later by itself.
func (s *State) Committed(entries []sluice.Entry) {
	if len(entries) == 0 || !s.follows(entries[len(entries)-1].Seq) {
		return
	}
	s.order.Lock()
	defer s.order.Unlock()
	ctx, cancel := context.WithTimeout(s.ctx, s.cfg.Patience)
	defer cancel()
	for _, e := range entries {
		if err := s.fill(ctx, e.Seq-1); err != nil {
			s.fallBehind(err)
			return
		}
		if e.Seq <= s.applied.Load() {
			continue
		}
		if err := s.apply(ctx, e); err != nil {
			s.fallBehind(err)
			return
		}
	}
}

// follows reports whether there is anything to keep up to date. Before the
// first question there is not: what is loaded then has these entries in it.
func (s *State) follows(last int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.opened.Load() {
		s.seen = max(s.seen, last)
		return false
	}
	return !s.closed
}

// CatchUp reads and applies what the ledger holds beyond the applied sequence.
func (s *State) CatchUp(ctx context.Context) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	s.order.Lock()
	defer s.order.Unlock()
	for {
		entries, err := s.cfg.Source.Entries(ctx, s.applied.Load(), batch)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := s.applyNext(ctx, e); err != nil {
				return err
			}
		}
		if len(entries) < batch {
			return nil
		}
	}
}

// fill applies what lies between the applied sequence and to.
func (s *State) fill(ctx context.Context, to int64) error {
	for at := s.applied.Load(); at < to; at = s.applied.Load() {
		entries, err := s.cfg.Source.Entries(ctx, at, int(min(to-at, batch)))
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			return sluice.Errorf(sluice.Unavailable, "ledger entries %d to %d cannot be read yet", at+1, to)
		}
		for _, e := range entries {
			if err := s.applyNext(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// applyNext applies an entry that was read from the source. A ledger has no
// gaps; should there be one all the same, what is live is read again instead of
// waiting for ever.
func (s *State) applyNext(ctx context.Context, e sluice.Entry) error {
	at := s.applied.Load()
	if e.Seq <= at {
		return nil
	}
	if e.Seq > at+1 {
		s.cfg.Log.Error("the ledger has a gap", "after", at, "next", e.Seq)
		if err := s.reloadAll(ctx); err != nil {
			return err
		}
	}
	return s.apply(ctx, e)
}

// apply takes one entry in. The caller holds order and has made sure that the
// entry is the next. After an error the same entry can be applied again.
func (s *State) apply(ctx context.Context, e sluice.Entry) error {
	var err error
	switch e.Kind {
	case sluice.EntryRelease:
		err = s.applyRelease(ctx, e)
	case sluice.EntryTokenRotate, sluice.EntryTokenRevoke:
		s.CutStreams()
	case sluice.EntryEnvironmentDelete:
		s.drop(environmentOf(e).Name)
	case sluice.EntryEnvironmentCreate, sluice.EntryEnvironmentEdit:
		s.rename(environmentOf(e))
	}
	if err != nil {
		return err
	}
	s.arrive(e.Seq)
	return nil
}

// applyRelease moves one environment on by one release. A release that cannot
// be read, or that does not follow the one before it, is a defect of what was
// stored or sent: the source knows better.
func (s *State) applyRelease(ctx context.Context, e sluice.Entry) error {
	r, err := e.Release()
	if err != nil || r.Environment == "" || r.Number < 1 {
		s.cfg.Log.Error("a ledger entry is damaged; reading what is live again", "epoch", e.Seq, "subject", e.Subject, "error", err)
		name, _, found := strings.Cut(e.Subject, "#")
		if f := s.lookup(name); found && f != nil {
			return s.reload(ctx, f)
		}
		return s.reloadAll(ctx)
	}
	r.Epoch = e.Seq
	f := s.lookup(r.Environment)
	if f == nil || s.advance(f, r) {
		return nil
	}
	s.cfg.Log.Warn("a release does not follow the one before it; reading what is live again", "release", r.Ref())
	return s.reload(ctx, f)
}

// environmentOf reads the environment of an entry, by its subject when the
// payload is damaged.
func environmentOf(e sluice.Entry) sluice.Environment {
	var env sluice.Environment
	if json.Unmarshal(e.Payload, &env) != nil || env.Name == "" {
		return sluice.Environment{Name: e.Subject}
	}
	return env
}

// fallBehind has the state catch up by itself, until it has or is closed.
func (s *State) fallBehind(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.cfg.Log.Warn("live state is behind the ledger; trying again", "epoch", s.applied.Load(), "error", err)
	if s.retrying {
		return
	}
	s.retrying = true
	s.run(s.retry)
}

func (s *State) retry() {
	pause := s.cfg.Retry
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(pause):
		}
		// Whoever falls behind from here on must find a retry that has yet to read.
		s.mu.Lock()
		s.retrying = false
		s.mu.Unlock()
		err := s.CatchUp(s.ctx)
		if err == nil {
			s.cfg.Log.Info("live state caught up", "epoch", s.applied.Load())
			return
		}
		s.mu.Lock()
		if s.closed || s.retrying {
			s.mu.Unlock()
			return
		}
		s.retrying = true
		s.mu.Unlock()
		pause = min(2*pause, 32*s.cfg.Retry)
	}
}
