package live

import (
	"context"
	"iter"
	"sync"

	"github.com/sluice-dev/sluice"
)

// queue is a subscriber that fetches its events: one within the process, or one
// whose connection cannot be written to directly.
type queue struct {
	feed  *feed
	limit int
	wake  chan struct{} // has a token when there is something to take

	mu     sync.Mutex
	frames []*frame
	lagged bool // more came than fits: a snapshot is due instead
	err    error
}

// Watch follows one environment within the process. Events are shared by all
// subscribers: nobody may change what they point to. It ends with the context;
// NotFound and LimitExceeded at the start, NotFound when the environment is
// deleted, Unavailable when the state is closed.
func (s *State) Watch(ctx context.Context, req sluice.WatchRequest) iter.Seq2[sluice.Event, error] {
	return func(yield func(sluice.Event, error) bool) {
		q, err := s.subscribe(ctx, req)
		if err != nil {
			yield(sluice.Event{}, err)
			return
		}
		defer s.unsubscribe(q)
		for {
			frames, err := s.take(ctx, q)
			for _, fr := range frames {
				if !yield(fr.event, nil) {
					return
				}
			}
			if err != nil {
				if ctx.Err() == nil {
					yield(sluice.Event{}, err)
				}
				return
			}
		}
	}
}

func (s *State) subscribe(ctx context.Context, req sluice.WatchRequest) (*queue, error) {
	at, err := s.reserve(ctx, req)
	if err != nil {
		return nil, err
	}
	q, err := s.enqueue(at)
	if err != nil {
		s.leave()
	}
	return q, err
}

func (s *State) enqueue(at seat) (*queue, error) {
	q := &queue{feed: at.feed, limit: s.cfg.Queue, wake: make(chan struct{}, 1)}
	err := s.attach(at, func(first []*frame) {
		q.frames = first
		q.signal()
		at.feed.queues[q] = struct{}{}
	})
	return q, err
}

func (s *State) unsubscribe(q *queue) {
	s.mu.Lock()
	delete(q.feed.queues, q)
	s.mu.Unlock()
	s.leave()
}

// take waits for events. After an error there are none.
func (s *State) take(ctx context.Context, q *queue) ([]*frame, error) {
	select {
	case <-q.wake:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	frames := q.frames
	q.frames = nil
	if q.lagged && !q.feed.gone {
		q.lagged, frames = false, []*frame{q.feed.snapshot(s, false)}
	}
	return frames, q.err
}

// push adds an event and never waits. The caller holds State.mu.
func (q *queue) push(fr *frame) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.lagged:
	case len(q.frames) >= q.limit:
		q.frames, q.lagged = nil, true
	default:
		q.frames = append(q.frames, fr)
	}
	q.signal()
}

// beat adds a heartbeat, unless there is something to tell anyway.
func (q *queue) beat(fr *frame) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.frames) == 0 && !q.lagged {
		q.frames = append(q.frames, fr)
		q.signal()
	}
}

func (q *queue) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.err = err
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
