package live_test

import (
	"context"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/live"
)

func TestWatch(t *testing.T) {
	t.Run("a snapshot, then each release", func(t *testing.T) {
		l, s := loaded(t)
		w := watch(t, s, "")
		w.want(sluice.EventSnapshot)
		s.Committed([]sluice.Entry{l.deploy("production", "bot", 1), l.publish(), l.deploy("production", "bot", 2)})
		w.want(sluice.EventRelease, sluice.EventRelease)
		w.wantState(l)
	})
	t.Run("heartbeats between", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, s := loaded(t)
			w := watch(t, s, "")
			w.want(sluice.EventSnapshot)
			start := time.Now()
			w.want(sluice.EventHeartbeat)
			first := time.Since(start)
			w.want(sluice.EventHeartbeat)
			if got := time.Since(start) - first; first > 15*time.Second || got != 15*time.Second {
				t.Fatalf("heartbeats came after %s and %s", first, got)
			}
			w.stop()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	})
	t.Run("ends with not found when the environment is deleted", func(t *testing.T) {
		l, s := loaded(t)
		w := watch(t, s, "")
		w.want(sluice.EventSnapshot)
		s.Committed([]sluice.Entry{l.delete("production")})
		w.wantEnd(sluice.NotFound)
	})
	t.Run("ends when the state is closed", func(t *testing.T) {
		_, s := loaded(t)
		w := watch(t, s, "")
		w.want(sluice.EventSnapshot)
		_ = s.Close()
		w.wantEnd(sluice.Unavailable)
	})
	t.Run("ends with its context, without an error", func(t *testing.T) {
		_, s := loaded(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for _, err := range s.Watch(ctx, sluice.WatchRequest{Environment: "production"}) {
			if err != nil {
				t.Fatal(err)
			}
			cancel()
		}
		if s.Subscribers() != 0 {
			t.Fatalf("%d subscribers are left", s.Subscribers())
		}
	})
	t.Run("not more than the limit", func(t *testing.T) {
		l := newLedger("production")
		s := open(t, live.Config{Source: l, MaxSubscribers: 1})
		w := watch(t, s, "")
		w.want(sluice.EventSnapshot)
		watch(t, s, "").wantEnd(sluice.LimitExceeded)
		w.stop()
		watch(t, s, "").want(sluice.EventSnapshot)
	})
	t.Run("an environment that does not exist", func(t *testing.T) {
		_, s := loaded(t)
		next, stop := iter.Pull2(s.Watch(t.Context(), sluice.WatchRequest{Environment: "nowhere"}))
		defer stop()
		if _, err, _ := next(); sluice.CodeOf(err) != sluice.NotFound {
			t.Fatalf("got %v, want not found", err)
		}
	})
	t.Run("all move to what the source says after damage", func(t *testing.T) {
		l, s := loaded(t)
		w := watch(t, s, "")
		w.want(sluice.EventSnapshot)
		e := l.deploy("production", "bot", 1)
		e.Payload = nil
		s.Committed([]sluice.Entry{e})
		w.want(sluice.EventSnapshot)
		w.wantState(l)
	})
}

func TestResume(t *testing.T) {
	t.Run("exactly what was missed, from memory", func(t *testing.T) {
		l, s := loaded(t)
		w := watch(t, s, "")
		w.want(sluice.EventSnapshot)
		w.stop()
		s.Committed([]sluice.Entry{l.deploy("production", "bot", 1), l.deploy("production", "bot", 2)})
		w.again(s)
		w.want(sluice.EventRelease, sluice.EventRelease, sluice.EventHeartbeat)
		w.wantState(l)
		if l.count("releases") != 0 {
			t.Fatal("read from the source what is in memory")
		}
	})
	t.Run("nothing missed is a heartbeat", func(t *testing.T) {
		l, s := loaded(t)
		s.Committed([]sluice.Entry{l.publish()})
		w := watch(t, s, "")
		w.want(sluice.EventSnapshot)
		w.again(s)
		w.want(sluice.EventHeartbeat)
	})
	t.Run("after a restart, from one read of the source", func(t *testing.T) {
		l, s := loaded(t)
		s.Committed([]sluice.Entry{l.deploy("production", "bot", 1)})
		w, v := watch(t, s, ""), watch(t, s, "")
		w.want(sluice.EventSnapshot)
		v.want(sluice.EventSnapshot)
		w.stop()
		v.stop()
		l.deploy("production", "bot", 2)
		l.deploy("production", "bot", 3)
		again := open(t, live.Config{Source: l})
		for _, w := range []*watcher{w, v} {
			w.again(again)
			w.want(sluice.EventRelease, sluice.EventRelease, sluice.EventHeartbeat)
			w.wantState(l)
		}
		if l.count("releases") != 1 {
			t.Fatalf("read %d times, want once for both", l.count("releases"))
		}
	})
}

func TestResumeFromFarBack(t *testing.T) {
	t.Run("too far back is a snapshot", func(t *testing.T) {
		l := newLedger("production")
		s := open(t, live.Config{Source: l, Retain: 2, ResumeLimit: 3})
		w := watch(t, s, "")
		w.want(sluice.EventSnapshot)
		w.stop()
		for i := range 4 {
			s.Committed([]sluice.Entry{l.deploy("production", "bot", i+1)})
		}
		w.again(s)
		w.want(sluice.EventSnapshot)
		w.wantState(l)
	})
	t.Run("beyond memory and within the limit is what was missed", func(t *testing.T) {
		l := newLedger("production")
		s := open(t, live.Config{Source: l, Retain: 2})
		w := watch(t, s, "")
		w.want(sluice.EventSnapshot)
		w.stop()
		for i := range 4 {
			s.Committed([]sluice.Entry{l.deploy("production", "bot", i+1)})
		}
		w.again(s)
		w.want(sluice.EventRelease, sluice.EventRelease, sluice.EventRelease, sluice.EventRelease, sluice.EventHeartbeat)
	})
	t.Run("releases that join up with nothing are a snapshot", func(t *testing.T) {
		l := newLedger("production")
		s := open(t, live.Config{Source: l, Retain: 1})
		w := watch(t, s, "")
		w.want(sluice.EventSnapshot)
		w.stop()
		s.Committed([]sluice.Entry{l.deploy("production", "bot", 1), l.deploy("production", "bot", 2)})
		l.during(func() {
			for i := range 5 {
				s.Committed([]sluice.Entry{l.deploy("production", "bot", i+3)})
			}
		})
		w.again(s)
		w.want(sluice.EventSnapshot)
		w.wantState(l)
	})
	t.Run("a source that fails means a snapshot", func(t *testing.T) {
		l, s := loaded(t)
		w := watch(t, s, "")
		w.want(sluice.EventSnapshot)
		w.stop()
		l.deploy("production", "bot", 1)
		again := open(t, live.Config{Source: l})
		wantLive(t, again, l, "production")
		l.fail(errAway)
		w.again(again)
		w.want(sluice.EventSnapshot)
	})
	for name, after := range map[string]string{
		"another ledger": "ledger-0-1", "the future": "ledger-1-99", "no event id": "yesterday",
	} {
		t.Run(name+" is a snapshot that says reset", func(t *testing.T) {
			_, s := loaded(t)
			w := watch(t, s, after)
			w.want(sluice.EventSnapshot)
			if w.resets != 1 {
				t.Fatal("the snapshot does not say reset")
			}
		})
	}
	t.Run("what another node committed is no future", func(t *testing.T) {
		l, s := loaded(t)
		l.deploy("production", "bot", 1)
		w := watch(t, s, "ledger-1-2")
		w.manifest = new(l.now("production"))
		w.want(sluice.EventHeartbeat)
	})
}

func TestSlowSubscriber(t *testing.T) {
	l := newLedger("production")
	s := open(t, live.Config{Source: l, Queue: 3})
	slow, quick := watch(t, s, ""), watch(t, s, "")
	slow.want(sluice.EventSnapshot)
	quick.want(sluice.EventSnapshot)
	for i := range 50 {
		s.Committed([]sluice.Entry{l.deploy("production", "bot", i+1)})
		quick.want(sluice.EventRelease)
	}
	slow.want(sluice.EventSnapshot)
	slow.wantState(l)
	s.Committed([]sluice.Entry{l.deploy("production", "bot", 1)})
	slow.want(sluice.EventRelease)
	slow.wantState(l)
}

// watcher follows production within the process.
type watcher struct {
	t testing.TB
	reader
	next func() (sluice.Event, error, bool)
	stop func()
}

func watch(t testing.TB, s *live.State, after string) *watcher {
	t.Helper()
	w := &watcher{t: t}
	w.start(s, after)
	return w
}

func (w *watcher) start(s *live.State, after string) {
	w.next, w.stop = iter.Pull2(s.Watch(w.t.Context(), sluice.WatchRequest{Environment: "production", After: after}))
	w.t.Cleanup(w.stop)
}

// again comes back with the id of the last event.
func (w *watcher) again(s *live.State) {
	w.stop()
	w.start(s, w.last)
}

func (w *watcher) want(types ...sluice.EventType) {
	w.t.Helper()
	for i, want := range types {
		e, err, ok := w.next()
		if err != nil || !ok {
			w.t.Fatalf("event %d: %v, want a %s", i, err, want)
		}
		if e.Type != want {
			w.t.Fatalf("event %d is a %s (%s), want a %s", i, e.Type, e.ID, want)
		}
		if err := w.read(e); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *watcher) wantEnd(code sluice.Code) {
	w.t.Helper()
	if e, err, _ := w.next(); sluice.CodeOf(err) != code {
		w.t.Fatalf("got event %s and %v, want %s", e.ID, err, code)
	}
}

func (w *watcher) wantState(l *ledger) {
	w.t.Helper()
	want := l.now("production")
	if w.manifest.Release != want.Release || w.manifest.Root != want.Root {
		w.t.Fatalf("folded to release %d, want %d", w.manifest.Release, want.Release)
	}
}
