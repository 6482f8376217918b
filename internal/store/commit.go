package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/sluice-dev/sluice"
)

// maxGroup bounds how many requests share one commit, and so how long the first
// of them waits for the last.
const maxGroup = 64

// request is one caller's change, waiting for the committer.
type request struct {
	ctx  context.Context
	org  string
	fn   func(*Tx) error
	done chan error
	err  error
}

// Update runs fn in a writing transaction and returns once it is on disk.
// Requests that wait at the same time share one transaction, each behind a
// savepoint of its own: one that fails undoes itself alone. When fn returns an
// error nothing of it remains. Fn runs on the committer's goroutine, so it must
// be quick, and it may run twice when the connection broke before the commit.
func (db *DB) Update(ctx context.Context, org string, fn func(*Tx) error) error {
	r := &request{ctx: ctx, org: org, fn: fn, done: make(chan error, 1)}
	select {
	case db.queue <- r:
	case <-db.stop:
		return errClosed()
	case <-ctx.Done():
		return ctx.Err()
	}
	// From here on the answer is awaited even when the caller has gone: whether it
	// was committed must never be guessed.
	select {
	case err := <-r.done:
		return err
	case <-db.drained:
	}
	select {
	case err := <-r.done:
		return err
	default:
		return errClosed() // it was never begun
	}
}

func errClosed() error {
	return sluice.Errorf(sluice.Unavailable, "the server is stopping").Fix("try again in a moment")
}

// writer is a connection with its prepared statements. Stmts is nil behind a
// pooler, where a statement would be prepared on a connection that the next
// transaction may not get.
type writer struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func (db *DB) commitLoop() {
	defer db.stopped.Done()
	defer close(db.drained)
	var w *writer
	defer func() { w.close() }()
	var held *request // a request for another organization than the last group's
	for {
		group := db.gather(&held)
		if group == nil {
			return
		}
		w = db.commitGroup(w, group)
	}
}

// gather waits for a request and takes what else waits for the same organization.
func (db *DB) gather(held **request) []*request {
	first := *held
	*held = nil
	if first == nil {
		select {
		case first = <-db.queue:
		case <-db.stop:
			return nil
		}
	}
	group := []*request{first}
	for len(group) < maxGroup {
		select {
		case r := <-db.queue:
			if r.org != first.org {
				*held = r
				return group
			}
			group = append(group, r)
		default:
			return group
		}
	}
	return group
}

// commitGroup commits a group and answers its requests. It returns the writer to
// use next, nil when the connection broke.
func (db *DB) commitGroup(w *writer, group []*request) *writer {
	entries, next, err := db.tryGroup(w, group)
	if errors.Is(err, errBroken) && w != nil {
		// The connection had died since the last commit; nothing was begun on it.
		w.close()
		entries, next, err = db.tryGroup(nil, group)
	}
	if err == nil && len(entries) > 0 {
		db.onCommit(group[0].org, entries)
	}
	for _, r := range group {
		if r.err == nil && err != nil {
			r.err = db.outcome(err)
		}
		r.done <- r.err
	}
	return next
}

// errBroken says that a transaction could not even begin.
var errBroken = errors.New("the connection is broken")

func (db *DB) tryGroup(w *writer, group []*request) ([]sluice.Entry, *writer, error) {
	ctx := context.Background() // one caller's patience must not end the others' transaction
	if w == nil {
		conn, err := db.write.Conn(ctx)
		if err != nil {
			return nil, nil, err
		}
		w = db.writerOn(conn)
	}
	if err := w.control(ctx, db.dialect, db.dialect.begin); err != nil {
		if mapped := db.mapped(err); sluice.CodeOf(mapped) == sluice.Unavailable && db.dialect.name == "sqlite" {
			return nil, w, mapped // busy: the connection is fine
		}
		return nil, w, errors.Join(errBroken, err)
	}
	tx := &Tx{ctx: ctx, db: db, org: group[0].org, writer: w, writes: true}
	err := db.place.check()
	if err == nil {
		err = tx.run(group)
	}
	if err != nil {
		w.abandon(ctx)
		return nil, nil, err
	}
	if len(tx.entries) == 0 && !tx.dirty {
		return nil, w, w.control(ctx, db.dialect, "ROLLBACK")
	}
	if err := tx.finish(); err != nil {
		w.abandon(ctx)
		return nil, nil, err
	}
	if err := w.control(ctx, db.dialect, "COMMIT"); err != nil {
		w.abandon(ctx)
		return nil, nil, commitFailure{err}
	}
	// What moved meanwhile took the change with it: nobody may be told that it is made.
	if err := db.place.check(); err != nil {
		return nil, w, commitFailure{err}
	}
	return tx.entries, w, nil
}

// run runs each request behind its savepoint. The error is one of the
// connection; requests' own errors stand in the requests.
func (tx *Tx) run(group []*request) error {
	if err := tx.lockOrganization(); err != nil {
		return err
	}
	if len(group) == 1 {
		tx.alone(group[0])
		return nil
	}
	for _, r := range group {
		if r.err = r.ctx.Err(); r.err != nil {
			continue
		}
		mark := tx.mark()
		if _, err := tx.exec("SAVEPOINT request"); err != nil {
			return err
		}
		if r.err = tx.call(r.fn); r.err != nil {
			if _, err := tx.exec("ROLLBACK TO SAVEPOINT request"); err != nil {
				return err
			}
			tx.rewind(mark)
		}
		if _, err := tx.exec("RELEASE SAVEPOINT request"); err != nil {
			return err
		}
	}
	return nil
}

// alone runs the only request of a transaction, which undoes itself with it.
func (tx *Tx) alone(r *request) {
	if r.err = r.ctx.Err(); r.err != nil {
		return
	}
	mark := tx.mark()
	if r.err = tx.call(r.fn); r.err != nil {
		tx.rewind(mark)
		tx.dirty = false
	}
}

// call turns a panic into an error, so that a defect in one request neither ends
// the committer nor touches its neighbours.
func (tx *Tx) call(fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	return tx.db.outcome(fn(tx))
}

// writerOn returns a connection that keeps its statements where it may.
func (db *DB) writerOn(conn *sql.Conn) *writer {
	w := &writer{conn: conn}
	if !db.dialect.pooled {
		w.stmts = map[string]*sql.Stmt{}
	}
	return w
}

func (w *writer) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if w.stmts == nil {
		return w.conn.ExecContext(ctx, query, args...)
	}
	s, err := w.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

func (w *writer) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if w.stmts == nil {
		return w.conn.QueryContext(ctx, query, args...)
	}
	s, err := w.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (w *writer) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := w.stmts[query]; s != nil {
		return s, nil
	}
	if len(w.stmts) >= maxStatements { // texts that are put together could be any number
		for _, s := range w.stmts {
			s.Close()
		}
		clear(w.stmts)
	}
	s, err := w.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	w.stmts[query] = s
	return s, nil
}

// control begins or ends a transaction, by a statement that is kept where the
// driver would parse it each time.
func (w *writer) control(ctx context.Context, d dialect, statement string) error {
	if !d.keeps {
		_, err := w.conn.ExecContext(ctx, statement)
		return err
	}
	_, err := w.exec(ctx, statement)
	return err
}

// maxStatements bounds the statements that a connection keeps.
const maxStatements = 300

// abandon gives the connection up, so that no half-done transaction lives on.
func (w *writer) abandon(ctx context.Context) {
	if _, err := w.conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		_ = w.conn.Raw(func(any) error { return errBroken }) // tells the pool not to reuse it
	}
	w.close()
}

func (w *writer) close() {
	if w == nil {
		return
	}
	for _, s := range w.stmts {
		s.Close()
	}
	w.stmts = nil
	w.conn.Close()
}

func (db *DB) mapped(err error) error {
	if err == nil {
		return nil
	}
	var known *sluice.Error
	if errors.As(err, &known) {
		return err
	}
	return db.dialect.mapError(err)
}
