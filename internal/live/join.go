package live

import (
	"context"

	"github.com/sluice-dev/sluice"
)

// seat is a place that a subscriber has taken but does not sit on yet: all that
// may fail or take time is done, and nothing is delivered.
type seat struct {
	feed   *feed
	after  int64 // the epoch to go on from
	resume bool
	reset  bool
}

// reserve finds out where a subscriber starts. NotFound; LimitExceeded when too
// many watch. The seat must be attached or given back with leave.
func (s *State) reserve(ctx context.Context, req sluice.WatchRequest) (seat, error) {
	if s.subscribers.Add(1) > int64(s.cfg.MaxSubscribers) {
		s.leave()
		return seat{}, sluice.Errorf(sluice.LimitExceeded, "%d subscribers watch already, which is the limit", s.cfg.MaxSubscribers).
			Fix("try another node, or ask an operator to raise the limit").Because(sluice.ErrFull)
	}
	at, err := s.locate(ctx, req)
	if err != nil {
		s.leave()
	}
	return at, err
}

func (s *State) leave() { s.subscribers.Add(-1) }

func (s *State) locate(ctx context.Context, req sluice.WatchRequest) (seat, error) {
	f, err := s.feed(ctx, req.Environment)
	if err != nil || req.After == "" {
		return seat{feed: f}, err
	}
	// What is not an event id at all is not in this ledger's past either.
	pos, err := sluice.ParsePosition(req.After)
	if err != nil || pos.Ledger != s.ledgerID() {
		return seat{feed: f, reset: true}, nil
	}
	if pos.Seq > s.reached(f) {
		// Another node may be ahead of this one.
		if err := s.CatchUp(ctx); err != nil {
			return seat{}, err
		}
		if pos.Seq > s.reached(f) {
			return seat{feed: f, reset: true}, nil
		}
	}
	s.backfill(ctx, f, pos.Seq)
	return seat{feed: f, after: pos.Seq, resume: true}, nil
}

func (s *State) ledgerID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger
}

// reached is the last epoch that is known: a manifest may have been read later
// than the last entry was applied.
func (s *State) reached(f *feed) int64 {
	return max(s.applied.Load(), f.manifest.Load().Epoch)
}

// backfill extends a feed's memory back to an epoch, so that everyone who comes
// back after a restart is served by one read. When it cannot, there will be a
// snapshot.
func (s *State) backfill(ctx context.Context, f *feed, epoch int64) {
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return
	}
	if s.remembers(f, epoch) {
		return
	}
	releases, err := s.cfg.Source.ReleasesAfter(ctx, f.name, epoch, s.cfg.ResumeLimit+1)
	if err != nil {
		s.cfg.Log.Warn("past releases cannot be read; a subscriber gets a snapshot", "environment", f.name, "error", err)
		return
	}
	if len(releases) > s.cfg.ResumeLimit {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepend(f, epoch, releases)
}

func (s *State) remembers(f *feed, epoch int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return epoch >= f.floor
}

// prepend puts past releases before those in memory, if they join up. Memory
// is cut to its usual length with the next release.
func (s *State) prepend(f *feed, epoch int64, releases []sluice.Release) {
	first := f.manifest.Load().Release - int64(len(f.ring)) + 1 // number of the first release in memory
	var past []*frame
	for _, r := range releases {
		if r.Number >= first {
			break
		}
		if n := len(past); n > 0 && past[n-1].event.Release.Number+1 != r.Number {
			return
		}
		past = append(past, s.releaseFrame(r))
	}
	if n := len(past); n == 0 || past[n-1].event.Release.Number+1 != first {
		return
	}
	f.ring = append(past, f.ring...)
	f.floor = epoch
}

// attach seats a subscriber: it gets what it missed, or a snapshot, and from
// then on every release, with nothing lost or doubled between. A resumed
// subscriber gets a heartbeat after what it missed, so that it knows at once
// that it missed nothing else.
func (s *State) attach(at seat, sit func(first []*frame)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed()
	}
	if at.feed.gone {
		return at.feed.notFound()
	}
	s.startBeating()
	if at.resume {
		if missed, ok := at.feed.since(at.after); ok {
			sit(append(missed, s.heartbeatFrame(at.feed.manifest.Load())))
			return nil
		}
	}
	sit([]*frame{at.feed.snapshot(s, at.reset)})
	return nil
}

// publish tells everyone who follows a feed. The caller holds mu.
func (s *State) publish(f *feed, fr *frame) {
	for _, sh := range s.shards {
		sh.post(op{kind: opDeliver, feed: f, frame: fr})
	}
	for q := range f.queues {
		q.push(fr)
	}
}
