package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/pgtest"
)

func pgURL(t *testing.T) string { return pgtest.New(t) }

func TestReopen(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg Config) {
		db := open(t, cfg)
		update(t, db, func(tx *Tx) error { return note(tx, "kept") })
		id := db.Ledger()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		again := open(t, cfg)
		if again.Ledger() != id || len(id) != 8 {
			t.Errorf("ledger %q, was %q", again.Ledger(), id)
		}
		update(t, again, func(tx *Tx) error { return note(tx, "more") })
		if all := entries(t, again); len(all) != 2 || all[1].Seq != 2 {
			t.Errorf("stored %v", all)
		}
	})
}

// TestOpenTogether opens an empty database from many sides at once, as command
// lines do and one server: one of them makes the schema, and none is refused.
func TestOpenTogether(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg Config) {
		const count = 6
		ids := make(chan string, count)
		for i := range count {
			cfg := cfg
			cfg.Hold = i == count/2
			go func() {
				db, err := Open(context.Background(), cfg)
				if err != nil {
					ids <- err.Error()
					return
				}
				ids <- db.Ledger()
				if !cfg.Hold {
					db.Close()
					return
				}
				t.Cleanup(func() { db.Close() }) // a server runs on while others come
			}()
		}
		first := receive(t, ids)
		for range count - 1 {
			if id := receive(t, ids); id != first {
				t.Errorf("one says %q, another %q", first, id)
			}
		}
	})
}

// refused opens a store that must not open, and checks code and text.
func refused(t *testing.T, cfg Config, code sluice.Code, text string) {
	t.Helper()
	db, err := Open(t.Context(), cfg)
	if err == nil {
		db.Close()
		t.Fatalf("it opens; want %s", code)
	}
	e := sluice.AsError(err)
	if e.Code != code || !strings.Contains(e.Message, text) || len(e.Fixes) == 0 {
		t.Errorf("%s: %s, fixes %q; want %s with %q and a fix", e.Code, e.Message, e.Fixes, code, text)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg Config) {
		db := open(t, cfg)
		update(t, db, func(tx *Tx) error {
			return tx.change("INSERT INTO schema_migrations (version_id, is_applied) VALUES (999, " + map[string]string{"sqlite": "1", "postgres": "true"}[db.Engine()] + ")")
		})
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		refused(t, cfg, sluice.Unavailable, "schema 999; this program knows up to")
	})
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	t.Run("is a file", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, Config{Dir: file}, sluice.Unavailable, file)
		refused(t, Config{Dir: filepath.Join(file, "below")}, sluice.Unavailable, file)
	})
	t.Run("cannot be written", func(t *testing.T) {
		t.Parallel()
		refused(t, Config{Dir: "/proc/self/task/sluice"}, sluice.Unavailable, "/proc/self/task/sluice")
	})
	t.Run("may be read by others", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		db := open(t, Config{Dir: dir})
		update(t, db, func(tx *Tx) error { return nil })
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) < 2 {
			t.Fatalf("got %q (%v), want a database and a lock", files, err)
		}
		for _, file := range files {
			if info, err := os.Stat(file); err == nil && info.Mode().Perm() != 0o600 {
				t.Errorf("%s has the mode %o, want 600", filepath.Base(file), info.Mode().Perm())
			}
		}
	})
	t.Run("is not named", func(t *testing.T) {
		t.Parallel()
		refused(t, Config{}, sluice.Invalid, "no data directory")
	})
	t.Run("is held by another server", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		server := open(t, Config{Dir: dir, Hold: true})
		refused(t, Config{Dir: dir, Hold: true}, sluice.Conflict, "another Sluice server holds "+dir)
		direct := open(t, Config{Dir: dir}) // a command line beside it
		update(t, direct, func(tx *Tx) error { return note(tx, "direct") })
		update(t, server, func(tx *Tx) error { return note(tx, "served") })
		if all := entries(t, direct); len(all) != 2 {
			t.Errorf("stored %v", all)
		}
	})
}

// TestDamagedFile overwrites parts of the file. That is noticed by the first who
// reads them, and said with the way out.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	for name, offset := range map[string]int64{"head": 0, "middle": 4096} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{Dir: t.TempDir()}
			db := open(t, cfg)
			update(t, db, func(tx *Tx) error { return note(tx, "kept") })
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			overwrite(t, filepath.Join(cfg.Dir, File), offset)
			again, err := Open(t.Context(), cfg)
			if err == nil {
				err = again.Backup(t.Context(), discard{}) // reads all
				again.Close()
			}
			if e := sluice.AsError(err); e == nil || e.Code != sluice.Unavailable || !strings.Contains(e.Message, "damaged") || len(e.Fixes) == 0 {
				t.Errorf("%v", err)
			}
		})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// overwrite fills everything behind an offset with one byte.
func overwrite(t *testing.T, file string, offset int64) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := offset; i < int64(len(content)); i++ {
		content[i] = 'x'
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestForeignWrites follows a database that another process writes to.
func TestForeignWrites(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg Config) {
		here, other := open(t, cfg), open(t, cfg)
		here.Follow()
		receive(t, here.Changed()) // it follows now
		for i := range 3 {
			update(t, other, func(tx *Tx) error { return note(tx, fmt.Sprint(i)) })
			receive(t, here.Changed())
		}
	})
}

// TestListenerComesBack cuts the connection that listens, as a restart of the
// database does: another one takes its place, and notifications arrive again.
func TestListenerComesBack(t *testing.T) {
	t.Parallel()
	cfg := Config{Postgres: pgtest.New(t)}
	here, other := open(t, cfg), open(t, cfg)
	here.Follow()
	raw, err := sql.Open("pgx", cfg.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	listener := func(not int) int {
		for {
			var pid int
			err := raw.QueryRowContext(ctx, `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> $1
				AND pid <> pg_backend_pid() AND (query LIKE 'LISTEN%' OR query LIKE 'SELECT pg_notify%')`, not).Scan(&pid)
			switch {
			case err == nil:
				return pid
			case !errors.Is(err, sql.ErrNoRows):
				t.Fatalf("no connection listens: %v", err)
			}
		}
	}
	first := listener(0)
	for here.Push() != "notify" {
		receive(t, here.Changed())
	}
	if _, err := raw.ExecContext(ctx, "SELECT pg_terminate_backend($1)", first); err != nil {
		t.Fatal(err)
	}
	listener(first)
	update(t, other, func(tx *Tx) error { return note(tx, "again") })
	receive(t, here.Changed())
}
