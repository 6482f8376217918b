package live

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"sync/atomic"

	"github.com/sluice-dev/sluice"
)

// feed is one environment: its manifest, its last releases and who follows them.
type feed struct {
	name     string
	turn     chan struct{} // held by the one that reads from the source for subscribers of this feed
	manifest atomic.Pointer[sluice.Manifest]

	// The rest is guarded by State.mu.

	// ring are the last releases, ascending, the last being the manifest's. Every
	// release after the epoch floor is in it.
	ring  []*frame
	floor int64

	loading   bool
	pending   []sluice.Release // committed while loading
	snapshots [2]*frame        // of the manifest; the second says reset
	queues    map[*queue]struct{}
	gone      bool // the environment was deleted
}

// feed returns an environment's feed with its manifest loaded.
func (s *State) feed(ctx context.Context, name string) (*feed, error) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	for {
		f := s.register(name)
		select {
		case f.turn <- struct{}{}:
		case <-ctx.Done():
			return nil, sluice.AsError(ctx.Err())
		}
		current, err := s.load(ctx, f)
		<-f.turn
		if err != nil {
			return nil, err
		}
		if current {
			return f, nil
		}
	}
}

func (s *State) lookup(name string) *feed { return (*s.feeds.Load())[name] }

func (s *State) register(name string) *feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.lookup(name); f != nil {
		return f
	}
	f := &feed{name: name, turn: make(chan struct{}, 1), queues: map[*queue]struct{}{}}
	feeds := maps.Clone(*s.feeds.Load())
	feeds[name] = f
	s.feeds.Store(&feeds)
	return f
}

// remove takes a feed out. The caller holds mu.
func (s *State) remove(f *feed) {
	f.gone = true
	if s.lookup(f.name) != f {
		return
	}
	feeds := maps.Clone(*s.feeds.Load())
	delete(feeds, f.name)
	s.feeds.Store(&feeds)
}

// load reads a feed's manifest unless it is there. It reports false when the
// feed was taken out meanwhile. What is committed while the source is read
// waits in pending, so that it is neither lost nor applied twice.
func (s *State) load(ctx context.Context, f *feed) (current bool, err error) {
	for {
		s.mu.Lock()
		if f.gone || f.manifest.Load() != nil {
			s.mu.Unlock()
			return !f.gone, nil
		}
		f.loading, f.pending = true, nil
		s.mu.Unlock()

		m, err := s.cfg.Source.Manifest(ctx, f.name)

		s.mu.Lock()
		pending := f.pending
		f.loading, f.pending = false, nil
		if err != nil {
			// A name that does not exist must not stay in memory.
			s.remove(f)
			s.mu.Unlock()
			return false, err
		}
		if next, ok := applyAll(&m, pending); ok && !f.gone {
			s.replace(f, next)
			s.mu.Unlock()
			return true, nil
		}
		s.mu.Unlock()
	}
}

func applyAll(m *sluice.Manifest, releases []sluice.Release) (*sluice.Manifest, bool) {
	for _, r := range releases {
		switch {
		case r.Number <= m.Release:
		case r.Number == m.Release+1:
			m = m.Apply(r)
		default:
			return m, false
		}
	}
	return m, true
}

// advance moves a feed on by one release and tells its subscribers. It reports
// false when the release is not the next.
func (s *State) advance(f *feed, r sluice.Release) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := f.manifest.Load()
	switch {
	case m == nil:
		if f.loading {
			f.pending = append(f.pending, r)
		}
		return true
	case r.Number <= m.Release:
		return true
	case r.Number > m.Release+1:
		return false
	}
	fr := s.releaseFrame(r)
	f.manifest.Store(m.Apply(r))
	f.snapshots = [2]*frame{}
	f.ring = append(f.ring, fr)
	f.trim(s.cfg.Retain)
	s.publish(f, fr)
	return true
}

// replace gives a feed a manifest that does not follow from the one before. The
// caller holds mu.
func (s *State) replace(f *feed, m *sluice.Manifest) {
	f.manifest.Store(m)
	f.snapshots = [2]*frame{}
	f.ring, f.floor = nil, m.Epoch
}

// reload reads what is live from the source and moves all subscribers to it.
// The caller holds order.
func (s *State) reload(ctx context.Context, f *feed) error {
	m, err := s.cfg.Source.Manifest(ctx, f.name)
	if sluice.CodeOf(err) == sluice.NotFound {
		s.drop(f.name)
		return nil
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := f.manifest.Load()
	if f.loading {
		// Whoever loads may have read before what cannot be applied here.
		f.pending = append(f.pending, sluice.Release{Number: math.MaxInt64})
		return nil
	}
	if old == nil || m.Release < old.Release || (m.Release == old.Release && m.Root == old.Root) {
		return nil
	}
	s.replace(f, &m)
	s.publish(f, f.snapshot(s, false))
	return nil
}

func (s *State) reloadAll(ctx context.Context) error {
	for _, f := range *s.feeds.Load() {
		if err := s.reload(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// rename keeps the alias, which no release carries.
func (s *State) rename(env sluice.Environment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.lookup(env.Name)
	if f == nil || f.manifest.Load() == nil || f.manifest.Load().Alias == env.Alias {
		return
	}
	m := *f.manifest.Load()
	m.Alias = env.Alias
	f.manifest.Store(&m)
	f.snapshots = [2]*frame{}
}

// drop forgets an environment that was deleted and ends its streams.
func (s *State) drop(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.lookup(name)
	if f == nil {
		return
	}
	s.remove(f)
	f.endQueues(f.notFound())
	for _, sh := range s.shards {
		sh.post(op{kind: opEnd, feed: f})
	}
}

func (f *feed) notFound() error {
	return sluice.Errorf(sluice.NotFound, "environment %s was deleted", f.name).Do(sluice.ListEnvironments(), "list what there is")
}

// snapshot is the frame of the whole manifest. The caller holds mu.
func (f *feed) snapshot(s *State, reset bool) *frame {
	i := 0
	if reset {
		i = 1
	}
	if f.snapshots[i] == nil {
		f.snapshots[i] = s.snapshotFrame(f.manifest.Load(), reset)
	}
	return f.snapshots[i]
}

// since are the releases after an epoch; false when memory does not reach that
// far back. The caller holds mu.
func (f *feed) since(epoch int64) ([]*frame, bool) {
	if epoch < f.floor {
		return nil, false
	}
	i, _ := slices.BinarySearchFunc(f.ring, epoch+1, func(fr *frame, e int64) int { return cmp.Compare(fr.seq, e) })
	return slices.Clone(f.ring[i:]), true
}

// trim forgets what is over the limit. The caller holds mu.
func (f *feed) trim(retain int) {
	if over := len(f.ring) - retain; over > 0 {
		f.floor = f.ring[over-1].seq
		clear(f.ring[:over])
		f.ring = f.ring[over:]
	}
}

func (f *feed) endQueues(err error) {
	for q := range f.queues {
		q.end(err)
	}
}
