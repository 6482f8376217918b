package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-dev/sluice"
)

// Tx is a transaction of one organization: a reading one with one snapshot, or
// one request's part of a writing one. It is not safe for concurrent use.
type Tx struct {
	ctx    context.Context
	db     *DB
	org    string
	reader *sql.Tx // set in a reading transaction of the driver's
	writer *writer // set in a writing one, and where readers keep their statements
	writes bool

	seq     int64       // of the last ledger entry
	last    sluice.Time // when it was recorded
	entries []sluice.Entry
	dirty   bool // something besides the ledger was written
}

// View runs fn in a reading transaction: everything it reads is of one moment.
func (db *DB) View(ctx context.Context, org string, fn func(*Tx) error) error {
	if db.readers != nil {
		return db.viewKept(ctx, org, fn)
	}
	reader, err := db.beginRead(ctx)
	if err != nil {
		return db.mapped(err)
	}
	defer func() { _ = reader.Rollback() }() // nothing to keep
	return db.mapped(fn(&Tx{ctx: ctx, db: db, org: org, reader: reader}))
}

// viewKept is View on a connection that keeps its statements: to parse one takes
// SQLite longer than to carry most of them out.
func (db *DB) viewKept(ctx context.Context, org string, fn func(*Tx) error) error {
	var w *writer
	select {
	case w = <-db.readers:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { db.readers <- w }()
	if w == nil { // not opened yet, or given up
		conn, err := db.read.Conn(ctx)
		if err != nil {
			return db.mapped(err)
		}
		w = db.writerOn(conn)
		// A file that took the database's place must not be read beside it.
		if err := db.place.check(); err != nil {
			w.close()
			w = nil
			return err
		}
	}
	end := context.WithoutCancel(ctx) // the connection is to be used again
	if err := w.control(end, db.dialect, "BEGIN"); err != nil {
		w.abandon(end)
		w = nil
		return db.mapped(err)
	}
	defer func() {
		if err := w.control(end, db.dialect, "ROLLBACK"); err != nil { // nothing to keep
			w.abandon(end)
			w = nil
		}
	}()
	return db.mapped(fn(&Tx{ctx: ctx, db: db, org: org, writer: w}))
}

// beginRead begins a reading transaction. Connections that died while they lay in
// the pool, as all do when the server restarts, are given up one after the other.
func (db *DB) beginRead(ctx context.Context) (*sql.Tx, error) {
	for tries := 0; ; tries++ {
		reader, err := db.read.BeginTx(ctx, db.dialect.readOnly)
		if err == nil || tries == maxReaders || ctx.Err() != nil || db.dialect.stale == nil || !db.dialect.stale(err) {
			return reader, err
		}
	}
}

// Context is the caller's context in a reading transaction.
func (tx *Tx) Context() context.Context { return tx.ctx }

func (tx *Tx) exec(query string, args ...any) (sql.Result, error) {
	if err := checkTexts(query, args); err != nil {
		return nil, err
	}
	return tx.writer.exec(tx.ctx, query, args...)
}

// change is exec for a statement whose effect must be committed.
func (tx *Tx) change(query string, args ...any) error {
	tx.dirty = true
	_, err := tx.exec(query, args...)
	return err
}

func (tx *Tx) query(query string, args ...any) (*sql.Rows, error) {
	if err := checkTexts(query, args); err != nil {
		return nil, err
	}
	if tx.reader != nil {
		return tx.reader.QueryContext(tx.ctx, query, args...)
	}
	return tx.writer.query(tx.ctx, query, args...)
}

// scanner is a row.
type scanner interface{ Scan(...any) error }

// all reads every row.
func all[T any](tx *Tx, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := tx.query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, tx.unreadable(query, err)
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// ErrDamaged says that a stored row is not of the form that Sluice writes.
var ErrDamaged = errors.New("a stored row cannot be read")

// unreadable names the table of a row that could not be scanned.
func (tx *Tx) unreadable(query string, err error) error {
	if tx.ctx.Err() != nil {
		return err
	}
	_, from, _ := strings.Cut(query, "FROM ")
	table, _, _ := strings.Cut(from, " ")
	return fmt.Errorf("%w: %s: %w", ErrDamaged, table, err)
}

// first reads the first row, and says whether there was one.
func first[T any](tx *Tx, scan func(scanner) (T, error), query string, args ...any) (T, bool, error) {
	var none T
	rows, err := tx.query(query, args...)
	if err != nil {
		return none, false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return none, false, rows.Err()
	}
	v, err := scan(rows)
	if err != nil {
		return none, false, tx.unreadable(query, err)
	}
	return v, true, rows.Err()
}

// plain scans a row of one column.
func plain[T any](s scanner) (T, error) {
	var v T
	err := s.Scan(&v)
	return v, err
}

// one reads the single value of a query that always has one.
func one[T any](tx *Tx, query string, args ...any) (T, error) {
	v, found, err := first(tx, plain[T], query, args...)
	if err == nil && !found {
		err = sql.ErrNoRows
	}
	return v, err
}

// mark and rewind undo what a failed request did to the transaction's memory,
// as its savepoint undoes what it did to the database.
type mark struct {
	seq     int64
	last    sluice.Time
	entries int
}

func (tx *Tx) mark() mark { return mark{tx.seq, tx.last, len(tx.entries)} }

func (tx *Tx) rewind(m mark) {
	tx.seq, tx.last, tx.entries = m.seq, m.last, tx.entries[:m.entries]
}

// lockOrganization reads where the ledger stands, and on PostgreSQL keeps other
// nodes from appending until the end: so the sequence has no gaps and is in
// commit order. It also sees that the ledger is the one that was opened.
func (tx *Tx) lockOrganization() error {
	rows, err := tx.query("SELECT seq, recorded_at, (SELECT value FROM meta WHERE name = 'ledger') FROM organizations WHERE org = $1"+tx.db.dialect.lockRow, tx.org)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return errors.Join(rows.Err())
	}
	var ledger string
	if err := rows.Scan(&tx.seq, &tx.last, &ledger); err != nil {
		return err
	}
	return tx.db.sameLedger(ledger)
}

// finish writes where the ledger stands and tells the other nodes.
func (tx *Tx) finish() error {
	if len(tx.entries) == 0 {
		return nil
	}
	if _, err := tx.exec("UPDATE organizations SET seq = $1, recorded_at = $2 WHERE org = $3", tx.seq, tx.last, tx.org); err != nil {
		return err
	}
	if tx.db.dialect.notify == "" {
		return nil
	}
	_, err := tx.exec(tx.db.dialect.notify, tx.org)
	return err
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
