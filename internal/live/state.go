// Package live holds what is live right now in the environments of one
// organization and pushes each change to everyone who watches.
//
// It follows the ledger strictly in sequence and never applies an entry twice,
// out of order or before it is durable. It reads through [Source], writes
// nothing, decides nothing, and never lets one subscriber slow another: what
// cannot be written at once is taken aside, and whoever fell behind is moved on
// to a fresh snapshot.
//
// # Locks and goroutines
//
// A [State] has two locks. order is held by the one that applies entries, also
// while it reads from the source. mu guards the feeds and who subscribes, is
// held for moments only, and never while anything is read or written. The order
// is: a feed's turn, order, mu, then the lock of one queue or one shard.
//
// A State that nobody watches has no goroutine. The first subscriber starts one
// that ticks for heartbeats, the first socket one writer for each shard, a socket
// that is full one that waits for it, and a source that failed one that tries
// again. All of them end in [State.Close], which waits for them.
package live

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-dev/sluice"
)

// Source is the ledger of one organization and what follows from it.
type Source interface {
	// Position returns the ledger's id and the sequence of its last entry.
	Position(ctx context.Context) (sluice.Position, error)
	// Entries returns entries after a sequence, ascending.
	Entries(ctx context.Context, after int64, limit int) ([]sluice.Entry, error)
	// Manifest returns the latest manifest of an environment. NotFound.
	Manifest(ctx context.Context, environment string) (sluice.Manifest, error)
	// ReleasesAfter returns releases of an environment after an epoch, ascending.
	ReleasesAfter(ctx context.Context, environment string, epoch int64, limit int) ([]sluice.Release, error)
}

// Config says how to follow and to push.
type Config struct {
	Source Source
	// Log defaults to slog.Default.
	Log *slog.Logger
	// Heartbeat is the time between two heartbeats of one subscriber. Defaults to
	// 15 seconds.
	Heartbeat time.Duration
	// Retain is how many releases of each environment are kept in memory for
	// subscribers that come back. Defaults to 256.
	Retain int
	// ResumeLimit is how many releases a subscriber that comes back is sent at
	// most, read from the source when memory does not reach that far. Above it
	// gets a snapshot. Defaults to 1,000.
	ResumeLimit int
	// Queue is how many events wait for a subscriber within the process before it
	// is moved on to a fresh snapshot. Defaults to 64.
	Queue int
	// Drain is how long a socket that is full may take to accept what it was
	// given before it is closed. Defaults to 10 seconds.
	Drain time.Duration
	// MaxSubscribers defaults to 20,000.
	MaxSubscribers int
	// Patience is how long a commit waits for the source to tell what other nodes
	// committed before it. Defaults to 2 seconds.
	Patience time.Duration
	// Retry is the pause after which a source that failed is asked again; it
	// doubles up to 32 times as long. Defaults to 100 milliseconds.
	Retry time.Duration
	// Shards is how many goroutines write to sockets. Defaults to one for every
	// two processors, 1 to 4.
	Shards int
}

// State is the live state of one organization. All its methods may be called at
// the same time.
type State struct {
	cfg   Config
	ctx   context.Context // ends with Close
	stop  context.CancelFunc
	tasks sync.WaitGroup

	order sync.Mutex // see the package comment

	feeds       atomic.Pointer[map[string]*feed] // replaced, never changed, under mu
	applied     atomic.Int64                     // sequence of the last entry that was applied
	opened      atomic.Bool                      // the position is known
	subscribers atomic.Int64
	rights      atomic.Int64 // moves when who may watch has changed

	mu       sync.Mutex
	ledger   string
	seen     int64         // highest entry committed before the position was known
	moved    chan struct{} // closed when applied moves; nil when nobody waits
	closed   bool
	retrying bool
	beating  bool
	shards   []*shard
	next     int // shard of the next socket
}

// Open returns a state that has read nothing yet.
func Open(cfg Config) *State {
	ctx, stop := context.WithCancel(context.Background())
	s := &State{cfg: cfg.withDefaults(), ctx: ctx, stop: stop}
	s.feeds.Store(&map[string]*feed{})
	return s
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	c.Heartbeat = orDefault(c.Heartbeat, 15*time.Second)
	c.Retain = orDefault(c.Retain, 256)
	c.ResumeLimit = orDefault(c.ResumeLimit, 1000)
	c.Queue = orDefault(c.Queue, 64)
	c.Drain = orDefault(c.Drain, 10*time.Second)
	c.MaxSubscribers = orDefault(c.MaxSubscribers, 20_000)
	c.Patience = orDefault(c.Patience, 2*time.Second)
	c.Retry = orDefault(c.Retry, 100*time.Millisecond)
	c.Shards = orDefault(c.Shards, defaultShards())
	return c
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Manifest returns what is live in an environment. Once it was asked for it is
// in memory. The manifest is shared: nobody may change it. NotFound.
func (s *State) Manifest(ctx context.Context, environment string) (*sluice.Manifest, error) {
	if f := (*s.feeds.Load())[environment]; f != nil {
		if m := f.manifest.Load(); m != nil {
			return m, nil
		}
	}
	f, err := s.feed(ctx, environment)
	if err != nil {
		return nil, err
	}
	return f.manifest.Load(), nil
}

// Epoch is the sequence of the last entry that was applied, 0 before anything
// was asked.
func (s *State) Epoch() int64 { return s.applied.Load() }

// Subscribers is how many watch, all environments together.
func (s *State) Subscribers() int { return int(s.subscribers.Load()) }

// epochTimeout is how long an epoch that is not here yet is waited for. Other
// nodes' commits arrive within their polling time.
const epochTimeout = 10 * time.Second

// WaitFor returns once an epoch is applied. TimedOut when it is not within 10
// seconds, or the context ends first; Unavailable when the state is closed.
func (s *State) WaitFor(ctx context.Context, epoch int64) error {
	if s.opened.Load() && s.applied.Load() >= epoch {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, epochTimeout)
	defer cancel()
	if err := s.CatchUp(ctx); err != nil {
		return err
	}
	for {
		s.mu.Lock()
		if s.applied.Load() >= epoch {
			s.mu.Unlock()
			return nil
		}
		if s.moved == nil {
			s.moved = make(chan struct{})
		}
		moved := s.moved
		s.mu.Unlock()
		select {
		case <-moved:
		case <-s.ctx.Done():
			return errClosed()
		case <-ctx.Done():
			return sluice.Errorf(sluice.TimedOut, "epoch %d did not arrive; this node is at %d", epoch, s.applied.Load()).
				Fix("ask again, or without at_least").Because(ctx.Err())
		}
	}
}

// Close ends all streams and waits for all goroutines. Manifests that are in
// memory can still be read.
func (s *State) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		for _, f := range *s.feeds.Load() {
			f.endQueues(errClosed())
		}
	}
	s.mu.Unlock()
	s.stop()
	s.tasks.Wait()
	return nil
}

func errClosed() error {
	return sluice.Errorf(sluice.Unavailable, "the server is shutting down").Fix("try again in a moment")
}

// open learns the position. Several may ask at once; the first answer counts,
// because no manifest is loaded before it and later entries are read as a gap.
func (s *State) open(ctx context.Context) error {
	if s.opened.Load() {
		return nil
	}
	p, err := s.cfg.Source.Position(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.opened.Load() {
		s.ledger = p.Ledger
		s.applied.Store(max(p.Seq, s.seen))
		s.opened.Store(true)
	}
	return nil
}

// arrive marks an entry as applied and wakes who waits for it.
func (s *State) arrive(seq int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applied.Store(seq)
	if s.moved != nil {
		close(s.moved)
		s.moved = nil
	}
}

// run starts a goroutine that Close waits for. The caller holds mu and has seen
// that the state is not closed.
func (s *State) run(task func()) {
	s.tasks.Add(1)
	go func() {
		defer s.tasks.Done()
		task()
	}()
}
