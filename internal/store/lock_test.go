package store

import (
	"context"
	"errors"
	"testing"
)

// TestLock has two processes over one database, of which one works at a time.
func TestLock(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg Config) {
		a := open(t, cfg)
		unlock, err := a.Lock(t.Context(), "git")
		if err != nil {
			t.Fatal(err)
		}
		if a.Engine() == "sqlite" { // whose directory has one server
			unlock()
			return
		}
		b := open(t, cfg)
		other, err := b.Lock(t.Context(), "other")
		if err != nil {
			t.Fatalf("a lock of another name: %v", err)
		}
		other()
		ended, end := context.WithCancel(t.Context())
		end()
		if _, err := b.Lock(ended, "git"); !errors.Is(err, context.Canceled) {
			t.Fatalf("waiting in vain: got %v, want that the context ended", err)
		}
		order := make(chan string, 2)
		go func() {
			unlock, err := b.Lock(t.Context(), "git")
			if err != nil {
				t.Error(err)
				unlock = func() {}
			}
			order <- "b has it"
			unlock()
		}()
		order <- "a gives it back"
		unlock()
		if first, second := <-order, <-order; first != "a gives it back" || second != "b has it" {
			t.Errorf("got %s, then %s", first, second)
		}
	})
}
