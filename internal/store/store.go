// Package store keeps an organization's ledger, content and live values in
// SQLite or PostgreSQL. There is one SQL text for both; what differs stands in
// sqlite.go and postgres.go. It holds no rule: callers read through a [Tx],
// decide with the rules of the root package, and write through the same Tx.
// Nothing outside of this package speaks SQL.
package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/sluice-dev/sluice"
)

// Config says which database to open and how.
type Config struct {
	// Dir is the directory of the SQLite files. It is made when it is missing.
	Dir string
	// Postgres is a connection URL. When set, Dir is not used.
	Postgres string
	// Hold keeps the directory's lock for as long as the store is open, as a
	// server does. Defaults to taking it only while the schema is made or changed.
	Hold bool
	// Beside are names of files that only the directory of an installation in use
	// has: with one of them and no database, Open refuses to make a new one.
	Beside []string
	// Listen is the URL of a connection to PostgreSQL itself for LISTEN, where
	// Postgres leads to a pooler. Defaults to Postgres.
	Listen string
	// Now is the wall clock. Defaults to time.Now.
	Now func() time.Time
	// Log receives what no caller is waiting for. Defaults to discarding.
	Log *slog.Logger
}

// DB is an open database. One goroutine, started by Open, owns the only writing
// connection and commits in groups; reads go through a pool of their own.
type DB struct {
	dialect dialect
	write   *sql.DB
	read    *sql.DB
	now     func() time.Time
	log     *slog.Logger
	lock    *dirLock
	place   *place // nil where there are no files

	queue    chan *request
	stop     chan struct{}
	drained  chan struct{} // closed when the committer has answered its last request
	stopped  sync.WaitGroup
	closing  sync.Once
	onCommit func(org string, entries []sluice.Entry)
	changed  chan struct{} // capacity 1: something was written by another process
	push     pushState
	ledger   string
	scratch  string // a directory that goes with this handle
	digested bool   // it is a backup whose digests hold
	// readers are connections that keep their statements, nil for one that is not
	// open; the channel itself is nil where the driver keeps them.
	readers chan *writer
}

// maxReaders is how many may read at once.
const maxReaders = 8

// dialect is everything that differs between the engines.
type dialect struct {
	name     string
	begin    string                     // starts a writing transaction
	lockRow  string                     // locks the selected row until the end of the transaction
	pooled   bool                       // connections are another's between transactions: nothing may be prepared on them
	keeps    bool                       // statements that begin and end transactions are kept prepared
	readOnly *sql.TxOptions             // of a reading transaction with one snapshot
	rewrite  func(schema string) string // the schema's text for this engine
	mapError func(error) error          // known driver errors as *sluice.Error
	refused  func(error) bool           // a failed commit was certainly not made
	stale    func(error) bool           // the connection was dead before it was asked; nil where that cannot be
	follow   func(*DB)                  // signals changed when others write, until stop
	// tryListen finds out whether the URL for LISTEN is of any use.
	tryListen func(context.Context) error
	scrub     func(context.Context) (bool, error)
	notify    string // tells other nodes, with $1 the organization; "" where not needed
}

// Open opens the database, brings its schema up to date and starts the
// committer. A schema that is newer than this program is Unavailable.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	db := &DB{
		now: cfg.Now, log: cfg.Log,
		queue: make(chan *request, 1024), stop: make(chan struct{}), drained: make(chan struct{}), changed: make(chan struct{}, 1),
		onCommit: func(string, []sluice.Entry) {},
	}
	if db.now == nil {
		db.now = time.Now
	}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	open := db.openSQLite
	if cfg.Postgres == "" && cfg.Listen != "" {
		return nil, sluice.Errorf(sluice.Invalid, "a connection for LISTEN is named, and no PostgreSQL database").
			Ask("name the database with {postgres=URL}, or leave {postgres_listen} out")
	}
	if cfg.Postgres != "" {
		open = db.openPostgres
	}
	err := open(ctx, cfg)
	if err == nil {
		err = db.readLedger(ctx)
	}
	if err == nil && cfg.Hold && cfg.Listen != "" {
		err = db.dialect.tryListen(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, db.closeHandles())
	}
	db.stopped.Add(1)
	go db.commitLoop()
	return db, nil
}

func (db *DB) readLedger(ctx context.Context) error {
	return db.View(ctx, "", func(tx *Tx) error {
		id, err := one[string](tx, ledgerID)
		db.ledger = id
		return err
	})
}

// ledgerID reads the id of the ledger that the database holds.
const ledgerID = "SELECT value FROM meta WHERE name = 'ledger'"

// Follow watches for what other processes write; [DB.Changed] then receives.
// Servers call it once; a command line that asks one question does not.
func (db *DB) Follow() {
	db.stopped.Add(1)
	go func() {
		defer db.stopped.Done()
		db.dialect.follow(db)
	}()
}

// Changed receives after another process may have written.
func (db *DB) Changed() <-chan struct{} { return db.changed }

func (db *DB) signal() {
	select {
	case db.changed <- struct{}{}:
	default:
	}
}

// OnCommit sets what is called with the entries of each commit, in commit order,
// before any of their requests is answered. Set it before the first Update.
func (db *DB) OnCommit(f func(org string, entries []sluice.Entry)) { db.onCommit = f }

// Engine is "sqlite" or "postgres".
func (db *DB) Engine() string { return db.dialect.name }

// Ledger is the id of this ledger. A restored backup has another.
func (db *DB) Ledger() string { return db.ledger }

// Close waits for what is under way and closes the database.
func (db *DB) Close() error {
	db.closing.Do(func() { close(db.stop) })
	db.stopped.Wait()
	return db.closeHandles()
}

func (db *DB) closeHandles() error {
	var errs []error
	for range cap(db.readers) {
		select {
		case w := <-db.readers:
			w.close()
		default: // one that still reads is closed with its handle
		}
	}
	// The last connection that closes writes the log into the database and removes
	// it, by what it knows of the log. When the files moved, others may have written to
	// the ones that are there now: then the connections end with the process, which
	// touches nothing.
	if db.place.check() == nil {
		for _, h := range []*sql.DB{db.write, db.read} {
			if h != nil {
				errs = append(errs, h.Close())
			}
		}
	}
	if db.lock != nil {
		errs = append(errs, db.lock.Close())
		db.lock = nil
	}
	if db.scratch != "" {
		errs = append(errs, os.RemoveAll(db.scratch))
	}
	return errors.Join(errs...)
}

// newLedgerID names a ledger; it is part of every event id.
func newLedgerID() string { return uuid.NewString()[:8] }
