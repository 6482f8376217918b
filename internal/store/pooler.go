package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/sluice-dev/sluice"
)

// A pooler such as PgBouncer gives a connection to PostgreSQL to whoever has a
// transaction, and to another afterwards. Nothing then may outlive a transaction:
// no prepared statement, no SET, no lock of a session, no LISTEN. Behind one,
// statements are described once and sent without a name, and other nodes' commits
// are heard on a connection of one's own, or by polling. Everything else in this
// package keeps to transactions anyway.

// errPooled says that a connection leads to a pooler, and statements were to be
// prepared on it.
var errPooled = errors.New("a pooler stands before PostgreSQL")

// checkPooler looks who is at the other end of a new connection. Each connection is
// asked: a name may lead to a pooler later.
func checkPooler(ctx context.Context, conn *pgx.Conn, expected bool) error {
	between, err := behindPooler(ctx, conn)
	if err != nil || !between {
		return err
	}
	if !expected {
		return sluice.Errorf(sluice.Unavailable, "a pooler stands before PostgreSQL, and did not when this program started").
			Fix("restart the server, which then does without prepared statements").Because(errPooled)
	}
	want := conn.Config().RuntimeParams["search_path"]
	if want == "" {
		return nil
	}
	var have string
	if err := conn.QueryRow(ctx, "SELECT current_setting('search_path')", pgx.QueryExecModeSimpleProtocol).Scan(&have); err != nil {
		return err
	}
	if have != want {
		return sluice.Errorf(sluice.Invalid, "the pooler before PostgreSQL does not pass on search_path=%s: it is %s there", want, have).
			Fix("set it in PostgreSQL, for the role or the database: ALTER ROLE … SET search_path = …")
	}
	return nil
}

// behindPooler reports whether another process answers than the one that the
// connection was made to. A pooler names itself at the beginning, since it has to
// tell whose statement a request to cancel means.
func behindPooler(ctx context.Context, conn *pgx.Conn) (bool, error) {
	var pid uint32
	err := conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid)
	return pid != conn.PgConn().PID(), err
}
