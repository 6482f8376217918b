package store

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/pgtest"
)

// TestPooler works through a real PgBouncer that gives connections to whoever has
// a transaction: two nodes write, read and lock at once, on fewer connections than
// they have open, and everything is as it is without.
func TestPooler(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"transaction", "session"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			direct := pgtest.New(t)
			cfg := Config{Postgres: pgtest.Pooler(t, direct, mode)}
			nodes := []*DB{open(t, cfg)}
			if mode == "transaction" { // in session mode each connection keeps one of the pooler's
				nodes = append(nodes, open(t, cfg))
			}
			var wait sync.WaitGroup
			for i := range 96 {
				wait.Go(func() {
					db := nodes[i%len(nodes)]
					if err := db.Update(t.Context(), org, func(tx *Tx) error {
						if i%8 == 0 {
							return broken(tx)
						}
						return note(tx, fmt.Sprint(i))
					}); (err == nil) == (i%8 == 0) {
						t.Errorf("request %d: %v", i, err)
					}
					if mode == "session" {
						return
					}
					if err := db.View(t.Context(), org, func(tx *Tx) error {
						_, err := tx.EntriesAfter(0, 100)
						return err
					}); err != nil {
						t.Errorf("read %d: %v", i, err)
					}
				})
			}
			wait.Wait()
			for _, db := range nodes {
				if all := entries(t, db); len(all) != 84 || all[83].Seq != 84 {
					t.Errorf("%d entries, want 84 without gaps", len(all))
				}
			}
			if done, err := nodes[0].Scrub(t.Context()); err != nil || !done {
				t.Errorf("scrub: %t, %v", done, err)
			}
		})
	}
}

// TestPoolerKeepsNothing looks into the connections that a pooler shares: none
// listens, keeps a lock, a statement or a setting when no transaction is open.
func TestPoolerKeepsNothing(t *testing.T) {
	t.Parallel()
	direct := pgtest.New(t)
	pooled := pgtest.Pooler(t, direct, "transaction")
	db := open(t, Config{Postgres: pooled})
	db.Follow()
	for db.Push() != "poll" {
		receive(t, db.Changed())
	}
	unlock, err := db.Lock(t.Context(), "git")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	update(t, db, func(tx *Tx) error { return note(tx, "kept") })
	if _, err := db.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "backup")
	var copied bytes.Buffer
	if err := db.Backup(t.Context(), &copied); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(backup, copied.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	from, err := OpenBackup(t.Context(), backup, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	restored := pgtest.Pooler(t, pgtest.New(t), "transaction")
	to, err := Open(t.Context(), Config{Postgres: restored})
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if err := to.RestoreFrom(t.Context(), from, "alice"); err != nil {
		t.Fatal(err)
	}
	for name, dsn := range map[string]string{"written": pooled, "restored": restored} {
		for i, got := range left(t, dsn) {
			if got != "0 0 0 0" {
				t.Errorf("%s: connection %d still has %s statements, channels, locks and settings", name, i, got)
			}
		}
	}
}

// TestPoolerIsKnown has what cannot work behind a pooler refused when it is opened.
func TestPoolerIsKnown(t *testing.T) {
	t.Parallel()
	direct := pgtest.New(t)
	pooled := pgtest.Pooler(t, direct, "transaction")
	open(t, Config{Postgres: direct})
	refused(t, Config{Postgres: pgtest.Pooler(t, direct, "statement")}, sluice.Unavailable, "statement pooling mode")
	refused(t, Config{Postgres: pooled + "&search_path=other"}, sluice.Invalid, "search_path=other")
	refused(t, Config{Postgres: pooled, Listen: pooled, Hold: true}, sluice.Invalid, "LISTEN leads to a pooler")
	refused(t, Config{Postgres: pooled, Listen: "postgres://127.0.0.1:1/none", Hold: true}, sluice.Unavailable, "cannot be reached")
	refused(t, Config{Dir: t.TempDir(), Listen: direct}, sluice.Invalid, "no PostgreSQL database")
	other := pgtest.New(t)
	open(t, Config{Postgres: other})
	refused(t, Config{Postgres: pooled, Listen: other, Hold: true}, sluice.Invalid, "leads to another database")

	db := open(t, Config{Postgres: pooled, Listen: direct, Hold: true})
	db.Follow()
	for db.Push() != "notify" {
		receive(t, db.Changed())
	}
	update(t, open(t, Config{Postgres: pooled}), func(tx *Tx) error { return note(tx, "elsewhere") })
	receive(t, db.Changed())
}

// TestPoolerComesBetween moves what a name leads to from PostgreSQL to a pooler
// under an open store: its next connection is refused, not used at random.
func TestPoolerComesBetween(t *testing.T) {
	t.Parallel()
	direct := pgtest.New(t)
	pooled := pgtest.Pooler(t, direct, "transaction")
	sockets := t.TempDir()
	name := filepath.Join(sockets, ".s.PGSQL.5432")
	link := func(to, port string) {
		u, err := url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(name)
		if err := os.Symlink(filepath.Join(u.Query().Get("host"), ".s.PGSQL."+port), name); err != nil {
			t.Fatal(err)
		}
	}
	link(direct, "5432")
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = url.Values{"host": {sockets}, "sslmode": {"disable"}}.Encode()
	db := open(t, Config{Postgres: u.String()})
	link(pooled, "6432")
	cut(t, direct)
	err = db.Update(t.Context(), org, func(tx *Tx) error { return note(tx, "random") })
	if e := sluice.AsError(err); e == nil || e.Code != sluice.Unavailable || !strings.Contains(e.Message, "did not when this program started") {
		t.Errorf("a change through a pooler that came later: %v", err)
	}
	link(direct, "5432")
	update(t, db, func(tx *Tx) error { return note(tx, "as before") })
}
