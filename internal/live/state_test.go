package live_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/live"
)

func TestOpenReadsNothing(t *testing.T) {
	l := newLedger("production")
	s := open(t, live.Config{Source: l})
	s.Committed([]sluice.Entry{l.deploy("production", "bot", 1)})
	if len(l.reads) != 0 {
		t.Fatalf("opening and committing read %v", l.reads)
	}
	wantLive(t, s, l, "production")
	wantLive(t, s, l, "production")
	if l.count("manifest") != 1 || l.count("position") != 1 || l.count("entries") != 0 {
		t.Fatalf("two questions read %v, want position and manifest once", l.reads)
	}
	if s.Epoch() != 2 {
		t.Fatalf("epoch %d, want 2", s.Epoch())
	}
}

func TestCommitted(t *testing.T) {
	t.Run("applies what this node committed without reading", func(t *testing.T) {
		l, s := loaded(t)
		s.Committed([]sluice.Entry{l.deploy("production", "bot", 1), l.publish(), l.deploy("production", "bot", 2)})
		wantLive(t, s, l, "production")
		if l.count("entries") != 0 {
			t.Fatalf("read %v", l.reads)
		}
	})
	t.Run("reads first what other nodes committed", func(t *testing.T) {
		l, s := loaded(t)
		for i := range 1200 {
			l.deploy("production", "bot", i+1)
		}
		s.Committed([]sluice.Entry{l.deploy("production", "bot", 5)})
		wantLive(t, s, l, "production")
	})
	t.Run("skips what is applied already", func(t *testing.T) {
		l, s := loaded(t)
		e := l.deploy("production", "bot", 1)
		if err := s.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Committed([]sluice.Entry{e})
		wantLive(t, s, l, "production")
	})
	t.Run("catches up by itself after the source failed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l, s := loaded(t)
			l.deploy("production", "bot", 1)
			own := l.deploy("production", "bot", 2)
			l.fail(errAway)
			s.Committed([]sluice.Entry{own})
			if s.Epoch() != 1 {
				t.Fatalf("epoch %d: nothing may be applied over a gap", s.Epoch())
			}
			time.Sleep(time.Minute)
			l.fail(nil)
			if err := s.WaitFor(t.Context(), 3); err != nil {
				t.Fatal(err)
			}
			wantLive(t, s, l, "production")
		})
	})
}

func TestCommitsWhileLoading(t *testing.T) {
	t.Run("are applied to what was read before them", func(t *testing.T) {
		l := newLedger("production")
		s := open(t, live.Config{Source: l})
		if err := s.WaitFor(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		l.during(func() {
			s.Committed([]sluice.Entry{l.deploy("production", "bot", 1), l.deploy("production", "bot", 2)})
		})
		wantLive(t, s, l, "production")
	})
	t.Run("that are damaged have it read again", func(t *testing.T) {
		l := newLedger("production")
		s := open(t, live.Config{Source: l})
		if err := s.WaitFor(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		l.during(func() {
			e := l.deploy("production", "bot", 1)
			e.Payload = nil
			s.Committed([]sluice.Entry{e})
		})
		wantLive(t, s, l, "production")
	})
	t.Run("may delete what is loaded", func(t *testing.T) {
		l := newLedger("production")
		s := open(t, live.Config{Source: l})
		if err := s.WaitFor(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		l.during(func() { s.Committed([]sluice.Entry{l.delete("production")}) })
		if _, err := s.Manifest(t.Context(), "production"); sluice.CodeOf(err) != sluice.NotFound {
			t.Fatalf("got %v, want not found", err)
		}
	})
}

func TestDamage(t *testing.T) {
	damage := map[string]func(*sluice.Entry){
		"payload is no JSON":          func(e *sluice.Entry) { e.Payload = json.RawMessage("{") },
		"subject is damaged too":      func(e *sluice.Entry) { e.Payload, e.Subject = json.RawMessage("{"), "?" },
		"release of no environment":   func(e *sluice.Entry) { e.Payload = json.RawMessage(`{"release": 1}`) },
		"release number is too high":  func(e *sluice.Entry) { e.Payload = json.RawMessage(`{"environment":"production","release":9}`) },
		"release number is negative":  func(e *sluice.Entry) { e.Payload = json.RawMessage(`{"environment":"production","release":-1}`) },
		"environment does not exist":  func(e *sluice.Entry) { e.Payload = json.RawMessage(`{"environment":"x","release":1}`) },
		"deletion of nothing by name": func(e *sluice.Entry) { e.Kind, e.Payload = sluice.EntryEnvironmentDelete, nil },
	}
	for name, harm := range damage {
		t.Run(name, func(t *testing.T) {
			l, s := loaded(t)
			e := l.deploy("production", "bot", 1)
			harm(&e)
			s.Committed([]sluice.Entry{e})
			s.Committed([]sluice.Entry{l.deploy("production", "bot", 2)})
			wantLive(t, s, l, "production")
			if s.Epoch() != 3 {
				t.Fatalf("epoch %d, want 3", s.Epoch())
			}
		})
	}
	t.Run("a hole in the ledger", func(t *testing.T) {
		l, s := loaded(t)
		l.deploy("production", "bot", 1)
		l.entries[1].Kind = sluice.EntryVersionPublish // the release is lost
		l.deploy("production", "bot", 2)
		if err := s.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantLive(t, s, l, "production")
	})
}

func TestEnvironmentEntries(t *testing.T) {
	t.Run("a deleted environment is not found", func(t *testing.T) {
		l, s := loaded(t)
		s.Committed([]sluice.Entry{l.delete("production")})
		if _, err := s.Manifest(t.Context(), "production"); sluice.CodeOf(err) != sluice.NotFound {
			t.Fatalf("got %v, want not found", err)
		}
		s.Committed([]sluice.Entry{l.create("production"), l.deploy("production", "bot", 1)})
		wantLive(t, s, l, "production")
	})
	t.Run("an alias is known at once", func(t *testing.T) {
		l, s := loaded(t)
		s.Committed([]sluice.Entry{l.edit("production", "prod")})
		wantLive(t, s, l, "production")
	})
	t.Run("a name that does not exist is not kept", func(t *testing.T) {
		_, s := loaded(t)
		for range 2 {
			if _, err := s.Manifest(t.Context(), "nowhere"); sluice.CodeOf(err) != sluice.NotFound {
				t.Fatalf("got %v, want not found", err)
			}
		}
	})
}

func TestWaitFor(t *testing.T) {
	t.Run("an epoch that another node committed", func(t *testing.T) {
		l, s := loaded(t)
		l.deploy("production", "bot", 1)
		if err := s.WaitFor(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		wantLive(t, s, l, "production")
	})
	t.Run("an epoch that comes later", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l, s := loaded(t)
			done := make(chan error)
			go func() { done <- s.WaitFor(t.Context(), 3) }()
			synctest.Wait()
			s.Committed([]sluice.Entry{l.publish()})
			s.Committed([]sluice.Entry{l.publish()})
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		})
	})
	t.Run("an epoch that never comes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, s := loaded(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := s.WaitFor(ctx, 9); sluice.CodeOf(err) != sluice.TimedOut {
				t.Fatalf("got %v, want a deadline exceeded", err)
			}
		})
	})
	t.Run("a state that is closed", func(t *testing.T) {
		_, s := loaded(t)
		_, _ = s.Close(), s.Close()
		if err := s.WaitFor(t.Context(), 9); sluice.CodeOf(err) != sluice.Unavailable {
			t.Fatalf("got %v, want unavailable", err)
		}
	})
}

// loaded is a state that has answered a question about production.
func loaded(t *testing.T) (*ledger, *live.State) {
	t.Helper()
	l := newLedger("production")
	s := open(t, live.Config{Source: l})
	wantLive(t, s, l, "production")
	return l, s
}

func wantLive(t *testing.T, s *live.State, l *ledger, environment string) {
	t.Helper()
	got, err := s.Manifest(t.Context(), environment)
	if err != nil {
		t.Fatal(err)
	}
	want := l.now(environment)
	if got.Release != want.Release || got.Epoch != want.Epoch || got.Alias != want.Alias || sluice.RootHash(got.Slots) != want.Root {
		t.Fatalf("%s is\n%+v, want\n%+v", environment, *got, want)
	}
}

// TestWaitForEnds waits for an epoch that never comes, without a deadline of the
// caller's own.
func TestWaitForEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger("production")
		s := open(t, live.Config{Source: l})
		began := time.Now()
		err := s.WaitFor(t.Context(), 1000)
		if sluice.CodeOf(err) != sluice.TimedOut || time.Since(began) != 10*time.Second || !strings.Contains(err.Error(), "this node is at") {
			t.Fatalf("got %v after %s", err, time.Since(began))
		}
		_ = s.Close()
	})
}
