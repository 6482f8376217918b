package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

// org is the organization of these tests.
const org = "default"

// patience only turns a hang into a failure.
const patience = 30 * time.Second

// onEngines runs a test on each engine, with the configuration of an empty one.
func onEngines(t *testing.T, test func(*testing.T, Config)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, Config{Dir: t.TempDir()})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, Config{Postgres: pgtest.New(t)})
	})
}

// open opens a store with one organization, and closes it when the test ends.
func open(t *testing.T, cfg Config) *DB {
	t.Helper()
	db, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err, errors.Unwrap(err))
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	update(t, db, func(tx *Tx) error {
		_, err := tx.AddOrganization("production")
		return err
	})
	return db
}

func update(t *testing.T, db *DB, fn func(*Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), org, fn); err != nil {
		t.Fatal(err)
	}
}

// note appends an entry.
func note(tx *Tx, subject string) error {
	_, err := tx.Append("alice", "note", subject, map[string]string{"of": subject})
	return err
}

// entries are all entries of the ledger.
func entries(t *testing.T, db *DB) (out []sluice.Entry) {
	t.Helper()
	err := db.View(t.Context(), org, func(tx *Tx) (err error) {
		out, err = tx.EntriesAfter(0, 10_000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// receive waits for a channel.
func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// held keeps the committer busy until release is called, so that what is asked
// for meanwhile waits together.
func held(t *testing.T, db *DB) (release func()) {
	t.Helper()
	begun, end := make(chan struct{}), make(chan struct{})
	go func() {
		_ = db.Update(context.Background(), org, func(*Tx) error {
			close(begun)
			<-end
			return nil
		})
	}()
	receive(t, begun)
	return func() { close(end) }
}

// waiting returns once so many requests are in the queue.
func waiting(t *testing.T, db *DB, count int) {
	t.Helper()
	for end := time.Now().Add(patience); len(db.queue) < count; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%d requests wait, not %d", len(db.queue), count)
		}
	}
}

// cut ends all connections to a database but its own.
func cut(t *testing.T, dsn string) {
	t.Helper()
	scanned[int](t, unprepared(t, dsn), "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
}

// left counts what each connection of a pooler still holds of others' transactions.
func left(t *testing.T, dsn string) (counts []string) {
	t.Helper()
	db := unprepared(t, dsn)
	for range pgtest.PoolSize { // all at once, so that each has another connection
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		counts = append(counts, scanned[string](t, tx, `SELECT concat_ws(' ',
			(SELECT count(*) FROM pg_prepared_statements WHERE name <> ''),
			(SELECT count(*) FROM pg_listening_channels()),
			(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
			(SELECT count(*) FROM pg_settings WHERE name = 'lock_timeout' AND setting <> '0'))`))
	}
	return counts
}

// unprepared opens a database without preparing anything there.
func unprepared(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn+"&default_query_exec_mode=simple_protocol")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// scanned reads one value.
func scanned[T any](t *testing.T, from interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, query string,
) (v T) {
	t.Helper()
	if err := from.QueryRowContext(t.Context(), query).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
