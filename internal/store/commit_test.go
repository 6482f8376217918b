package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

func TestGroupCommit(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg Config) {
		db := open(t, cfg)
		var groups [][]string
		db.OnCommit(func(_ string, es []sluice.Entry) {
			var subjects []string
			for _, e := range es {
				subjects = append(subjects, e.Subject)
			}
			groups = append(groups, subjects)
		})
		refused := errors.New("refused")
		cancelled, cancel := context.WithCancel(t.Context())
		requests := []struct {
			ctx context.Context
			fn  func(*Tx) error
			err string
		}{
			{t.Context(), func(tx *Tx) error { return note(tx, "first") }, ""},
			{t.Context(), func(tx *Tx) error { return errors.Join(note(tx, "undone"), refused) }, "refused"},
			{t.Context(), func(tx *Tx) error { return errors.Join(note(tx, "undone"), broken(tx)) }, "nowhere"},
			{t.Context(), func(tx *Tx) error { panic(fmt.Sprint("oh no", note(tx, "undone"))) }, "panic in a transaction: oh no"},
			{cancelled, func(tx *Tx) error { return note(tx, "undone") }, "canceled"},
			{t.Context(), func(tx *Tx) error { return note(tx, "last") }, ""},
		}
		release := held(t, db)
		answers := make([]chan error, len(requests))
		for i, r := range requests {
			answers[i] = make(chan error, 1)
			go func() { answers[i] <- db.Update(r.ctx, org, r.fn) }()
			waiting(t, db, i+1)
		}
		cancel()
		release()
		for i, r := range requests {
			if err := receive(t, answers[i]); (r.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), r.err) {
				t.Errorf("request %d: %v, want %q", i, err, r.err)
			}
		}
		if len(groups) != 1 || !slices.Equal(groups[0], []string{"first", "last"}) {
			t.Errorf("committed %v, want both that are well in one group", groups)
		}
		if all := entries(t, db); len(all) != 2 || all[1].Seq != 2 || all[1].Subject != "last" {
			t.Errorf("stored %v", all)
		}
	})
}

// broken is a statement that the engine refuses.
func broken(tx *Tx) error { return tx.change("INSERT INTO nowhere VALUES ($1)", tx.org) }

func TestSequenceHasNoGaps(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg Config) {
		clock := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		cfg.Now = func() time.Time { return clock } // it stands still
		nodes := []*DB{open(t, cfg), open(t, cfg)}
		var wait sync.WaitGroup
		for i := range 64 {
			wait.Go(func() {
				err := nodes[i%2].Update(context.Background(), org, func(tx *Tx) error {
					if i%8 == 0 {
						return errors.Join(note(tx, "undone"), context.Canceled)
					}
					return note(tx, fmt.Sprint(i))
				})
				if (err == nil) == (i%8 == 0) {
					t.Errorf("request %d: %v", i, err)
				}
			})
		}
		wait.Wait()
		all := entries(t, nodes[0])
		if len(all) != 56 {
			t.Fatalf("%d entries, want 56", len(all))
		}
		for i, e := range all {
			if e.Seq != int64(i+1) || e.RecordedAt != sluice.TimeOf(clock)+sluice.Time(i) {
				t.Errorf("entry %d at %d, place %d", e.Seq, e.RecordedAt-sluice.TimeOf(clock), i+1)
			}
		}
	})
}

func TestUpdateAfterClose(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg Config) {
		db := open(t, cfg)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := db.Update(t.Context(), org, func(tx *Tx) error { return note(tx, "late") }); sluice.CodeOf(err) != sluice.Unavailable {
			t.Errorf("an update after the end: %v", err)
		}
	})
}

// TestAnswerIsAwaited cancels a caller whose change is under way: it still learns
// what became of it.
func TestAnswerIsAwaited(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg Config) {
		db := open(t, cfg)
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Update(ctx, org, func(tx *Tx) error {
			cancel()
			return note(tx, "kept")
		})
		if err != nil || len(entries(t, db)) != 1 {
			t.Errorf("%v, with %d entries", err, len(entries(t, db)))
		}
	})
}

// TestLostConnection cuts all connections to PostgreSQL. The next change may be
// refused, since nobody knows what became of it; after that all is as before.
func TestLostConnection(t *testing.T) {
	t.Parallel()
	cfg := Config{Postgres: pgURL(t)}
	db := open(t, cfg)
	other, err := sql.Open("pgx", cfg.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for round := range 5 {
		if _, err := other.Exec("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"); err != nil {
			t.Fatal(err)
		}
		if err := db.Update(t.Context(), org, func(tx *Tx) error { return note(tx, fmt.Sprint(round)) }); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		if all := entries(t, db); len(all) != round+1 {
			t.Errorf("round %d: %d entries", round, len(all))
		}
	}
}
