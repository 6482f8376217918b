package budget_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/budget"
)

func TestBudget(t *testing.T) {
	t.Parallel()
	take := func(t *testing.T, b *budget.Budget, owner string, bytes int64) *budget.Share {
		t.Helper()
		s, err := b.Take(t.Context(), owner, bytes)
		if err != nil {
			t.Fatalf("%d for %s: %v", bytes, owner, err)
		}
		return s
	}
	refused := func(t *testing.T, b *budget.Budget, owner string, bytes int64) {
		t.Helper()
		if s, err := b.Take(t.Context(), owner, bytes); sluice.CodeOf(err) != sluice.Unavailable {
			t.Fatalf("%d for %s: got %v, %v, want unavailable", bytes, owner, s, err)
		}
	}
	for name, test := range map[string]func(*testing.T, *budget.Budget){
		"an owner gets half at most, and others the rest": func(t *testing.T, b *budget.Budget) {
			mine := take(t, b, "alice", 40)
			refused(t, b, "alice", 20)
			take(t, b, "bob", 50)
			mine.Release()
			mine.Release()
			take(t, b, "alice", 50)
		},
		"one share alone may be of all, and counts as all when it is more": func(t *testing.T, b *budget.Budget) {
			s := take(t, b, "alice", 1000)
			refused(t, b, "bob", 1)
			s.Shrink(30)
			take(t, b, "bob", 70)
		},
		"who waits is served in order": func(t *testing.T, b *budget.Budget) {
			s := take(t, b, "alice", 100)
			got := make(chan string, 2)
			for _, who := range []string{"bob", "carol"} {
				go func() {
					if s, err := b.Take(t.Context(), who, 60); err == nil {
						got <- who
						s.Release()
					}
				}()
				synctest.Wait()
			}
			s.Release()
			if first, second := <-got, <-got; first != "bob" || second != "carol" {
				t.Fatalf("served %s, then %s", first, second)
			}
		},
		"a wait ends with its caller": func(t *testing.T, b *budget.Budget) {
			s := take(t, b, "alice", 100)
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := b.Take(ended, "bob", 1); sluice.CodeOf(err) != sluice.Unavailable {
				t.Fatalf("got %v", err)
			}
			s.Release()
			take(t, b, "bob", 100)
		},
		"a wait has an end": func(t *testing.T, b *budget.Budget) {
			take(t, b, "alice", 100)
			began := time.Now()
			refused(t, b, "bob", 1)
			if waited := time.Since(began); waited != time.Second {
				t.Fatalf("waited %s", waited)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, budget.New(budget.Config{Bytes: 100, Wait: time.Second})) })
		})
	}
	if s, err := (*budget.Budget)(nil).Take(t.Context(), "alice", 1<<40); s != nil || err != nil {
		t.Errorf("the nil budget: got %v, %v", s, err)
	}
}
