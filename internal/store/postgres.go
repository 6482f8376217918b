package store

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/google/uuid"
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
	conf, err := pgx.ParseConfig(cfg.Postgres)
	if err != nil {
		return sluice.Errorf(sluice.Invalid, "the PostgreSQL URL cannot be read").
			Fix("write postgres://user:password@host:5432/database").Because(err)
	}
	if !strings.Contains(cfg.Postgres, "connect_timeout") {
		conf.ConnectTimeout = connectTimeout
	}
	db.dialect = dialect{
		name: "postgres", begin: "BEGIN", lockRow: " FOR UPDATE",
		readOnly: &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		// Names must sort by bytes, as they do in Go and in SQLite.
		rewrite:  func(s string) string { return strings.ReplaceAll(s, " TEXT ", ` TEXT COLLATE "C" `) },
		mapError: postgresError, stale: postgresStale,
		notify: "SELECT pg_notify('" + channel + "', $1)",
		follow: func(db *DB) { followPostgres(db, conf) },
		scrub:  func(ctx context.Context) (bool, error) { return scrubPostgres(ctx, db.read) },
	}
	db.write, db.read = stdlib.OpenDB(*conf), stdlib.OpenDB(*conf)
	db.write.SetMaxOpenConns(1)
	db.read.SetMaxOpenConns(maxReaders)
	db.read.SetMaxIdleConns(maxReaders)
	if err := db.read.PingContext(ctx); err != nil {
		return sluice.Errorf(sluice.Unavailable, "PostgreSQL at %s cannot be reached", conf.Host).
			Fix("check the URL, and that the server runs and lets this user in").Because(err)
	}
	return db.migrate(ctx, func(migrate func() error) error { return migrate() })
}

// followPostgres listens for other nodes' commits. After each (re)connection it
// signals once, since what was notified meanwhile is lost; where notifications
// do not arrive, as behind some poolers, it polls.
func followPostgres(db *DB, conf *pgx.ConnConfig) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { <-db.stop; cancel() }()
	for wait := 100 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 5*time.Second) {
		started := time.Now()
		if err := listen(ctx, db, conf); err != nil && ctx.Err() == nil {
			db.push.set("poll")
			db.log.Warn("PostgreSQL does not notify; polling", "error", err)
		}
		if time.Since(started) > time.Minute {
			wait = 100 * time.Millisecond
		}
		pollFor(ctx, db, wait)
	}
}

func pollFor(ctx context.Context, db *DB, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		db.signal()
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(d, 250*time.Millisecond)):
		}
	}
}

func listen(ctx context.Context, db *DB, conf *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, conf.Copy())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	// A probe of one's own shows that notifications come through.
	probe := uuid.NewString()
	if _, err := conn.Exec(ctx, "SELECT pg_notify($1, $2)", channel, probe); err != nil {
		return err
	}
	db.signal()
	deadline, heard := 3*time.Second, false
	for {
		waiting, cancel := context.WithTimeout(ctx, deadline)
		n, err := conn.WaitForNotification(waiting)
		quiet := waiting.Err() != nil // before cancel, after which it always is
		cancel()
		switch {
		case err != nil && ctx.Err() == nil && quiet && heard:
			// Quiet for a while: look once, in case a notification was lost.
		case err != nil:
			return err
		case n.Payload == probe:
			heard, deadline = true, 30*time.Second
			db.push.set("notify")
			continue
		}
		db.signal()
	}
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

func postgresError(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case strings.HasPrefix(pg.Code, "40"), pg.Code == "55P03":
			return sluice.Errorf(sluice.Unavailable, "the database is busy").Fix("try again; the change was not made").Because(err)
		case strings.HasPrefix(pg.Code, "53"), strings.HasPrefix(pg.Code, "57"):
			return sluice.Errorf(sluice.Unavailable, "PostgreSQL cannot serve this now: %s", pg.Message).Fix("try again").Because(err)
		case pg.Code == "25006":
			return sluice.Errorf(sluice.Unavailable, "PostgreSQL is read-only here").Fix("connect to the primary").Because(err)
		}
		return err
	}
	var network net.Error
	var connect *pgconn.ConnectError
	if errors.As(err, &network) || errors.As(err, &connect) || pgconn.Timeout(err) || strings.Contains(err.Error(), "conn closed") {
		return sluice.Errorf(sluice.Unavailable, "PostgreSQL cannot be reached").
			Fix("see that it runs, and that the server reaches it; then try again").
			Fix("try a change again with the same idempotency key: if it was made, you get its answer").Because(err)
	}
	return err
}
