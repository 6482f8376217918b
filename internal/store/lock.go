package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/system"
)

// dirLock is the lock of a data directory: of a file in it, as programs of any
// version take it, and of the directory itself, so that whoever removes the file
// does not let a second server in. The directory's is nil on file systems that
// cannot lock one.
type dirLock struct{ file, dir *os.File }

// Close lets the lock go.
func (l *dirLock) Close() error {
	err := l.file.Close()
	if l.dir != nil {
		err = errors.Join(err, l.dir.Close())
	}
	return err
}

// lockDir takes the directory's lock: a server's for as long as it runs, or a
// command line's while it makes or changes the schema. Before that both take the
// [schemaLock], so that neither takes the other for a server that runs.
func lockDir(dir string) (*dirLock, error) {
	lock, err := tryLock(dir)
	if errors.Is(err, system.ErrLocked) {
		return nil, sluice.Errorf(sluice.Conflict, "another Sluice server holds %s", dir).
			Ask("stop it, or choose another directory with {data}").Because(err)
	}
	return lock, err
}

// schemaLock is held by one process of a data directory from before it looks at
// the schema until that is as it needs it.
type schemaLock struct {
	dir  string
	file *os.File // nil until it is taken
}

// schemaPatience is how long others that make the schema are waited for.
const schemaPatience = 10 * time.Second

// take waits for the lock, unless it is taken already.
func (l *schemaLock) take(ctx context.Context) error {
	if l.file != nil {
		return nil
	}
	file, err := os.OpenFile(filepath.Join(l.dir, "lock.schema"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return dirError(l.dir, err)
	}
	waiting, cancel := context.WithTimeout(ctx, schemaPatience)
	defer cancel()
	if err := system.Lock(waiting, file); err != nil {
		file.Close()
		return sluice.Errorf(sluice.Unavailable, "another process makes or changes the schema in %s", l.dir).
			Fix("try again in a moment; nothing was changed").Because(err)
	}
	l.file = file
	return nil
}

// Close lets the lock go, if it was taken.
func (l *schemaLock) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

func tryLock(dir string) (*dirLock, error) {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, dirError(dir, err)
	}
	if err := system.TryLock(file); err != nil {
		file.Close()
		return nil, err
	}
	l := &dirLock{file: file}
	if l.dir, err = os.Open(dir); err != nil {
		file.Close()
		return nil, dirError(dir, err)
	}
	err = system.TryLock(l.dir)
	switch {
	case errors.Is(err, system.ErrLocked):
		l.Close()
		return nil, err
	case err != nil: // this file system locks files alone
		l.dir.Close()
		l.dir = nil
	}
	return l, nil
}

// Lock waits until no other process over the same database holds the lock of this
// name, and holds it until unlock. A SQLite directory has one server anyway, so
// there is nothing to wait for. The lock also ends with the connection that holds
// it: what is done under it must do no harm when it is done twice.
func (db *DB) Lock(ctx context.Context, name string) (unlock func(), err error) {
	if db.Engine() != "postgres" {
		return func() {}, nil
	}
	// One of a transaction, which poolers keep on one connection.
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return nil, db.mapped(err)
	}
	unlock = func() { _ = tx.Rollback() } // nothing to keep
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/' || $1, 0))", name); err != nil {
		unlock()
		return nil, db.mapped(err)
	}
	return unlock, nil
}
