package crashtest

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the "pgx" driver
	_ "modernc.org/sqlite"             // the "sqlite" driver

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/control"
	"github.com/sluice-dev/sluice/internal/live"
	"github.com/sluice-dev/sluice/internal/pgtest"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/store"
)

// keyVariable gives the child processes the master key.
const keyVariable = "SLUICE_CRASHTEST_MASTER_KEY"

func TestMain(m *testing.M) {
	if os.Getenv(keyVariable) == "" {
		key, err := seal.NewIdentity()
		if err == nil {
			err = os.Setenv(keyVariable, key)
		}
		if err != nil {
			panic(err)
		}
	}
	if os.Getenv(childVariable) != "" {
		os.Exit(child(os.Stdout, os.Stderr))
	}
	code := pgtest.Run(m)
	removeShipped()
	os.Exit(code)
}

// onEngines runs a test on each engine, with the configuration of an empty one.
func onEngines(t *testing.T, test func(*testing.T, store.Config)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, store.Config{Dir: t.TempDir()})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, store.Config{Postgres: pgtest.New(t)})
	})
}

// node is one server's parts without its transports.
type node struct {
	*control.Control
	db    *store.DB
	state *live.State
}

// start opens a node over a database that may be empty.
func start(ctx context.Context, cfg store.Config) (*node, error) {
	db, err := store.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	n := &node{db: db, state: live.Open(live.Config{Source: db.Source(control.DefaultOrganization)})}
	n.Control = control.New(db, n.state, control.Config{Version: "test", Master: seal.Config{Key: os.Getenv(keyVariable)}})
	if _, err := n.Bootstrap(ctx); err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

func (n *node) close() error { return errors.Join(n.state.Close(), n.db.Close()) }

// open is start for a test, which closes the node when it ends.
func open(tb testing.TB, cfg store.Config) *node {
	tb.Helper()
	n, err := start(as("alice"), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := n.close(); err != nil {
			tb.Error(err)
		}
	})
	return n
}

// as is the context of an administrator.
func as(name string) context.Context {
	return sluice.WithActor(context.Background(), sluice.Actor{Name: name, Roles: []sluice.Role{sluice.RoleAdmin}})
}

// raw is a handle beside the store, as somebody has who changes the database
// behind its back.
func raw(tb testing.TB, cfg store.Config) *sql.DB {
	tb.Helper()
	driver, dsn := "pgx", cfg.Postgres
	if cfg.Postgres == "" {
		driver, dsn = "sqlite", "file:"+filepath.Join(cfg.Dir, store.File)+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	tb.Cleanup(func() { db.Close() })
	return db
}

// must is for steps that prepare a test.
func must[T any](tb testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}
