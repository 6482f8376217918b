package store

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sluice-dev/sluice"
)

// followPostgres listens for other nodes' commits. After each (re)connection it
// signals once, since what was notified meanwhile is lost; where notifications
// do not arrive, as behind a pooler, it polls.
func followPostgres(db *DB, conf *pgx.ConnConfig) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { <-db.stop; cancel() }()
	for wait := 100 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 5*time.Second) {
		started := time.Now()
		if err := listen(ctx, db, conf); err != nil && ctx.Err() == nil {
			db.push.set("poll")
			db.log.Warn("PostgreSQL does not notify; polling", "error", err)
			if errors.Is(err, errPooled) {
				pollFor(ctx, db, pooledAgain)
			}
		}
		if time.Since(started) > time.Minute {
			wait = 100 * time.Millisecond
		}
		pollFor(ctx, db, wait)
	}
}

// pooledAgain is after how long a connection that led to a pooler is tried again.
const pooledAgain = 10 * time.Minute

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

// listenTo returns a connection that listens. It must be PostgreSQL itself that
// answers there, with this ledger: a pooler would pass the LISTEN on to a
// connection that others use afterwards.
func listenTo(ctx context.Context, db *DB, conf *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, conf.Copy())
	if err != nil {
		return nil, db.mapped(err)
	}
	if err := db.listenOn(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
	}
	return conn, nil
}

func (db *DB) listenOn(ctx context.Context, conn *pgx.Conn) error {
	between, err := behindPooler(ctx, conn)
	if err != nil {
		return db.mapped(err)
	}
	if between {
		return sluice.Errorf(sluice.Invalid, "the connection for LISTEN leads to a pooler").
			Ask("name PostgreSQL itself with {postgres_listen=URL}; without it changes of other servers arrive by polling").Because(errPooled)
	}
	var ledger string
	if err := conn.QueryRow(ctx, ledgerID).Scan(&ledger); err != nil {
		return db.mapped(err)
	}
	if ledger != db.ledger {
		return sluice.Errorf(sluice.Invalid, "the connection for LISTEN leads to another database: it has the ledger %s, not %s", ledger, db.ledger).
			Ask("name the same database with {postgres_listen=URL} as with {postgres}, without the pooler")
	}
	_, err = conn.Exec(ctx, "LISTEN "+channel)
	return db.mapped(err)
}

func listen(ctx context.Context, db *DB, conf *pgx.ConnConfig) error {
	conn, err := listenTo(ctx, db, conf)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
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
