package live_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client/live"
)

// stage plays a server whose every word is decided by the test.
type stage struct {
	mu       sync.Mutex
	manifest *sluice.Manifest
	away     bool
	asked    []string            // the After of each watch
	streams  map[chan event]bool // that are open
	files    map[int]sluice.File // by number of the version
	fetched  int
}

type event struct {
	sluice.Event
	err error
}

var _ live.Services = (*stage)(nil)

func newStage() *stage {
	m := &sluice.Manifest{Environment: "production", Root: sluice.RootHash(nil)}
	return &stage{manifest: m, streams: map[chan event]bool{}, files: map[int]sluice.File{}}
}

func (s *stage) id() string { return fmt.Sprintf("ledger-1-%d", s.manifest.Epoch) }

func (s *stage) snapshot() event {
	return event{Event: sluice.Event{ID: s.id(), Type: sluice.EventSnapshot, Snapshot: &sluice.Snapshot{Manifest: *s.manifest}}}
}

func (s *stage) heartbeat() event {
	m := s.manifest
	return event{Event: sluice.Event{ID: s.id(), Type: sluice.EventHeartbeat, Heartbeat: &sluice.Heartbeat{Epoch: m.Epoch, Release: m.Release, Root: m.Root}}}
}

// deploy makes a value live and tells the streams what edit makes of it.
func (s *stage) deploy(component string, v sluice.Value, edit ...func(*sluice.Release)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := sluice.Release{
		Environment: "production", Number: s.manifest.Release + 1, Epoch: s.manifest.Epoch + 1,
		Changes: []sluice.SlotChange{{Slot: sluice.ComponentSlot(component), To: v}},
	}
	r.Root = sluice.RootHash(s.manifest.Apply(r).Slots)
	s.manifest = s.manifest.Apply(r)
	for _, e := range edit {
		e(&r)
	}
	s.tell(event{Event: sluice.Event{ID: s.id(), Type: sluice.EventRelease, Release: &r}})
}

func (s *stage) tell(e event) {
	for stream := range s.streams {
		stream <- e
	}
}

// leave takes the server away, or brings it back.
func (s *stage) leave(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
	if away {
		s.tell(event{err: errAway()})
	}
}

func errAway() error { return sluice.Errorf(sluice.Unavailable, "the server is away") }

func (s *stage) watches() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

func (s *stage) Watch(ctx context.Context, req sluice.WatchRequest) iter.Seq2[sluice.Event, error] {
	return func(yield func(sluice.Event, error) bool) {
		stream := make(chan event, 1000)
		s.mu.Lock()
		s.asked = append(s.asked, req.After)
		switch {
		case s.away:
			stream <- event{err: errAway()}
		case req.After == s.id():
			stream <- s.heartbeat()
		default:
			stream <- s.snapshot()
		}
		s.streams[stream] = true
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.streams, stream)
		}()
		for {
			select {
			case e := <-stream:
				if !yield(e.Event, e.err) || e.err != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func (s *stage) Version(_ context.Context, component, ref string) (sluice.Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return sluice.Version{}, errAway()
	}
	var n int
	_, _ = fmt.Sscan(ref, &n)
	f, ok := s.files[n]
	if !ok {
		return sluice.Version{}, sluice.Errorf(sluice.NotFound, "there is no %s@%s", component, ref)
	}
	return sluice.Version{Component: component, Number: n, Files: []sluice.FileInfo{f.Info()}}, nil
}

func (s *stage) File(_ context.Context, _, ref, _ string) (sluice.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return sluice.File{}, errAway()
	}
	s.fetched++
	var n int
	_, _ = fmt.Sscan(ref, &n)
	return s.files[n], nil
}

func pin(n int) sluice.Pin {
	return sluice.Pin{Version: n, Digest: sluice.DigestBytes([]byte(fmt.Sprint(n)))}
}

func settled(n int) sluice.Value { return sluice.Settle(pin(n)) }

func split(t testing.TB, a, b int) sluice.Value {
	v, err := sluice.Allocate(pin(a), []sluice.Share{{Pin: pin(a), Weight: 5000}, {Pin: pin(b), Weight: 5000}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func config(t testing.TB, s *stage) live.Config {
	return live.Config{
		Services: s, Environment: "production", Log: slog.New(slog.DiscardHandler),
		File: filepath.Join(t.TempDir(), "state", "production.live"),
	}
}

func open(t testing.TB, cfg live.Config) *live.Client {
	t.Helper()
	c, err := live.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func wantVersion(t testing.TB, c *live.Client, component string, want int) {
	t.Helper()
	if got, _ := c.Resolve(component, ""); got.Version != want {
		t.Fatalf("%s is version %d, want %d", component, got.Version, want)
	}
}
