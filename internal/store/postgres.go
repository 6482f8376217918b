package store

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sluice-dev/sluice"
)

// channel carries one notification for each commit.
const channel = "sluice_ledger"

// connectTimeout is how long a server may take to let a connection in, unless the
// URL says otherwise.
const connectTimeout = 10 * time.Second

func (db *DB) openPostgres(ctx context.Context, cfg Config) error {
	conf, err := parseURL(cfg.Postgres)
	if err != nil {
		return err
	}
	listenAt := conf
	if cfg.Listen != "" {
		if listenAt, err = parseURL(cfg.Listen); err != nil {
			return err
		}
	}
	db.dialect = dialect{
		name: "postgres", begin: "BEGIN", lockRow: " FOR UPDATE",
		readOnly: &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		// Names must sort by bytes, as they do in Go and in SQLite.
		rewrite:  func(s string) string { return strings.ReplaceAll(s, " TEXT ", ` TEXT COLLATE "C" `) },
		mapError: postgresError, refused: postgresRefused, stale: postgresStale,
		notify: "SELECT pg_notify('" + channel + "', $1)",
		follow: func(db *DB) { followPostgres(db, listenAt) },
		tryListen: func(ctx context.Context) error {
			conn, err := listenTo(ctx, db, listenAt)
			if err != nil {
				return err
			}
			return conn.Close(ctx)
		},
		scrub: func(ctx context.Context) (bool, error) { return scrubPostgres(ctx, db.read) },
	}
	if err := db.connect(ctx, conf); err != nil {
		return err
	}
	return db.migrate(ctx, func(migrate func() error) error {
		unlock, err := db.Lock(ctx, "schema")
		if err != nil {
			return err
		}
		defer unlock()
		return migrate()
	})
}

func parseURL(url string) (*pgx.ConnConfig, error) {
	conf, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, sluice.Errorf(sluice.Invalid, "the PostgreSQL URL cannot be read").
			Fix("write postgres://user:password@host:5432/database").Because(err)
	}
	if !strings.Contains(url, "connect_timeout") {
		conf.ConnectTimeout = connectTimeout
	}
	return conf, nil
}

// connect opens the two pools, for a pooler between when there is one.
func (db *DB) connect(ctx context.Context, conf *pgx.ConnConfig) error {
	// Who asked for another way to send statements has a reason to prepare none.
	db.dialect.pooled = conf.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement
	err := db.openPools(ctx, conf)
	if errors.Is(err, errPooled) {
		if err := errors.Join(db.write.Close(), db.read.Close()); err != nil {
			return err
		}
		conf = conf.Copy()
		conf.DefaultQueryExecMode, db.dialect.pooled = pgx.QueryExecModeCacheDescribe, true
		err = db.openPools(ctx, conf)
	}
	if err != nil {
		return db.mapped(err)
	}
	return nil
}

func (db *DB) openPools(ctx context.Context, conf *pgx.ConnConfig) error {
	check := stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		return checkPooler(ctx, conn, db.dialect.pooled)
	})
	db.write, db.read = stdlib.OpenDB(*conf, check), stdlib.OpenDB(*conf, check)
	db.write.SetMaxOpenConns(1)
	db.read.SetMaxOpenConns(maxReaders)
	db.read.SetMaxIdleConns(maxReaders)
	return db.read.PingContext(ctx)
}

// postgresStale tells a connection that was cut from a server that cannot be
// reached: the former is replaced, the latter is the caller's to know.
func postgresStale(err error) bool {
	var connect *pgconn.ConnectError
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &connect):
		return false
	case errors.As(err, &pg):
		return pg.Code == "57P01" // an administrator ended it
	}
	var network net.Error
	return errors.As(err, &network) && !network.Timeout() || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "conn closed")
}

// postgresRefused reports whether the server certainly undid a commit that failed:
// it says so itself, and lives on.
func postgresRefused(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.SeverityUnlocalized == "ERROR" && !strings.HasPrefix(pg.Code, "08")
}

func postgresError(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		if connectionLost(err) || pgconn.Timeout(err) || strings.Contains(err.Error(), "conn closed") {
			return unreachable("PostgreSQL cannot be reached", err)
		}
		return err
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "40":
		return busy(err)
	case "08", "28", "57": // the connection, who connects, an operator
		return unreachable("PostgreSQL cannot serve this now: "+pg.Message, err)
	case "53":
		return sluice.Errorf(sluice.Unavailable, "PostgreSQL lacks what this needs: %s", pg.Message).
			Fix("give it more room, memory or connections, or let this server use less of them").Because(err)
	case "58", "XX":
		return sluice.Errorf(sluice.Unavailable, "PostgreSQL cannot read or write its files: %s", pg.Message).
			Fix("see its log, and that its disk has room and can be written").Because(err)
	}
	switch pg.Code {
	case "55P03":
		return busy(err)
	case "25006":
		return sluice.Errorf(sluice.Unavailable, "PostgreSQL is read-only here").Fix("connect to the primary").Because(err)
	case "3D000", "3F000", "42P01", "42501": // no database, no schema, no table, no right to it
		return sluice.Errorf(sluice.Unavailable, "PostgreSQL does not have what this program made in it: %s", pg.Message).
			Fix("see that the URL leads to the database and schema of this installation, as a user who owns its tables").Because(err)
	}
	return err
}
