package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/pgtest"
)

// TestPostgresFailures maps what a driver says to what an operator can do.
func TestPostgresFailures(t *testing.T) {
	t.Parallel()
	says := func(code string) error { return &pgconn.PgError{Severity: "FATAL", Code: code, Message: "it says so"} }
	for _, c := range []struct {
		err  error
		text string
	}{
		{driver.ErrBadConn, "cannot be reached"},
		{io.ErrUnexpectedEOF, "cannot be reached"},
		{fmt.Errorf("write failed: %w", syscall.EPIPE), "cannot be reached"},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "cannot be reached"},
		{&net.OpError{Op: "read", Err: context.DeadlineExceeded}, "cannot be reached"},
		{errors.Join(errBroken, errors.New("conn closed")), "cannot be reached"},
		{says("57P01"), "cannot serve this now: it says so"},
		{says("57P03"), "cannot serve this now: it says so"},
		{says("08P01"), "cannot serve this now: it says so"},
		{says("28P01"), "cannot serve this now: it says so"},
		{says("53300"), "lacks what this needs: it says so"},
		{says("53100"), "lacks what this needs: it says so"},
		{says("58030"), "cannot read or write its files: it says so"},
		{says("XX001"), "cannot read or write its files: it says so"},
		{says("40001"), "busy"},
		{says("25006"), "read-only"},
		{says("3D000"), "does not have what this program made in it"},
		{says("42P01"), "does not have what this program made in it"},
	} {
		e := sluice.AsError(postgresError(fmt.Errorf("query: %w", c.err)))
		if e.Code != sluice.Unavailable || !strings.Contains(e.Message, c.text) || len(e.Fixes) == 0 {
			t.Errorf("%v: got %s: %s, fixes %q; want it unavailable, with %q and a fix", c.err, e.Code, e.Message, e.Fixes, c.text)
		}
	}
	if e := sluice.AsError(postgresError(says("42601"))); e.Code != sluice.Internal {
		t.Errorf("a mistake in a statement is %s, want internal", e.Code)
	}
}

// TestCrash stops PostgreSQL in the middle of changes: what became of each is said
// as far as it is known.
func TestCrash(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t)
	db := open(t, Config{Postgres: cluster.New(t)})
	err := db.Update(t.Context(), org, func(tx *Tx) error {
		return errors.Join(note(tx, "undone"), cluster.Crash(), note(tx, "never"))
	})
	became(t, "a crash before the commit", err, "the change was not made")
	refusal(t, db, "cannot be reached", "the change was not made")
	if err := db.Check(t.Context()); sluice.CodeOf(err) != sluice.Unavailable {
		t.Errorf("a read: %v", err)
	}
	if err := cluster.Restart(); err != nil {
		t.Fatal(err)
	}
	update(t, db, func(tx *Tx) error {
		return errors.Join(note(tx, "kept"), tx.change(`CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS
			'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'`),
			tx.change("CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON ledger DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut()"))
	})
	err = db.Update(t.Context(), org, func(tx *Tx) error { return note(tx, "cut off") })
	became(t, "a connection that is cut while it commits", err, "whether the change was made is not known")
	if all := entries(t, db); len(all) != 1 {
		t.Errorf("%d entries, want 1", len(all))
	}
}

func became(t *testing.T, name string, err error, text string) {
	t.Helper()
	e := sluice.AsError(err)
	if e == nil || e.Code != sluice.Unavailable || !strings.HasSuffix(e.Message, text) || !strings.Contains(strings.Join(sluice.Texts(e.Fixes), "\n"), "the same idempotency key") {
		t.Errorf("%s: got %v, want that it is unavailable and that %s", name, err, text)
		if e != nil {
			t.Logf("code %s, fixes %q", e.Code, e.Fixes)
		}
	}
}
