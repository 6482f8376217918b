package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
)

// waiters are those who came to a line, with what they are told when it is their
// turn.
type waiters struct {
	*testing.T
	line  line
	ended chan struct{}
	came  []string
}

// comes has one come, and returns once it has a turn or waits for one.
func (w *waiters) comes(ctx context.Context, c class, asker string) {
	go func() {
		if err := w.line.enter(ctx, w.ended, c, asker); err == nil {
			w.came = append(w.came, fmt.Sprint(roles[c], asker))
		}
	}()
	synctest.Wait()
}

// leaves ends a turn of each class named, and demands who has theirs next.
func (w *waiters) leaves(of []class, want ...string) {
	w.Helper()
	w.came = nil
	for _, c := range of {
		w.line.leave(c)
		synctest.Wait()
	}
	if !slices.Equal(w.came, want) {
		w.Errorf("after %v left: got %v, want %v", of, w.came, want)
	}
}

func inLine(t *testing.T, most int, test func(*waiters)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(&waiters{T: t, line: line{most: most}, ended: make(chan struct{})})
	})
}

func TestRunsTakeTurns(t *testing.T) {
	t.Parallel()
	inLine(t, 1, func(w *waiters) {
		for range 5 {
			w.comes(w.Context(), runs, "a")
		}
		w.comes(w.Context(), runs, "b")
		w.comes(w.Context(), runs, "c")
		w.comes(w.Context(), runs, "c")
		one := []class{runs}
		for _, next := range []string{"a", "b", "c", "a", "c", "a", "a"} {
			w.leaves(one, "runs"+next)
		}
		w.leaves(one)
	})
}

func TestNoClassWaitsForTheOther(t *testing.T) {
	t.Parallel()
	inLine(t, 2, func(w *waiters) {
		for range 4 {
			w.comes(w.Context(), runs, "a")
		}
		w.comes(w.Context(), checks, "")
		if want := []string{"runsa", "runsa", "checks"}; !slices.Equal(w.came, want) {
			w.Errorf("got turns of %v, want %v", w.came, want)
		}
		for range 3 {
			w.comes(w.Context(), checks, "")
		}
		w.leaves([]class{runs}, "checks") // which have fewer turns than runs
		w.leaves([]class{checks}, "checks")
		w.leaves([]class{checks, checks}, "checks", "runsa")
		w.leaves([]class{runs}, "runsa")
	})
}

func TestWhoWaitsNoLongerTakesNoTurn(t *testing.T) {
	t.Parallel()
	inLine(t, 1, func(w *waiters) {
		ctx, cancel := context.WithCancel(w.Context())
		w.comes(w.Context(), runs, "a")
		w.comes(ctx, runs, "b")
		w.comes(w.Context(), runs, "c")
		cancel()
		synctest.Wait()
		w.leaves([]class{runs}, "runsc")
		close(w.ended)
		if err := w.line.enter(w.Context(), w.ended, runs, "d"); err == nil {
			w.Error("someone entered a line that is closed, want an error")
		}
		if q := w.line.queues[runs]; len(q.order)+len(q.waiting) > 0 {
			w.Errorf("someone still waits: %v", q)
		}
		ended, stop := context.WithCancel(w.Context())
		stop()
		if err := w.line.enter(ended, make(chan struct{}), runs, "d"); !errors.Is(err, context.Canceled) {
			w.Errorf("got %v, want the context's error", err)
		}
	})
}
