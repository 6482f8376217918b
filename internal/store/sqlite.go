package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/system"
)

// File is the name of the database in its directory.
const File = "sluice.db"

// followEvery bounds how late a server notices what a direct command line wrote.
const followEvery = 100 * time.Millisecond

func (db *DB) openSQLite(ctx context.Context, cfg Config) error {
	if err := makeDir(cfg.Dir); err != nil {
		return err
	}
	path := filepath.Join(cfg.Dir, File)
	making := &schemaLock{dir: cfg.Dir}
	defer making.Close()
	// Also the first connection to an empty file changes it, and who comes meanwhile
	// would see a database that is half there.
	if cfg.Hold || empty(path) {
		if err := making.take(ctx); err != nil {
			return err
		}
	}
	if !cfg.Hold && !empty(path) && halfOpen(path) {
		if err := making.take(ctx); err != nil { // a server that starts has it until its files are there
			return err
		}
		if err := besideServer(cfg.Dir, path); err != nil {
			return err
		}
	}
	if cfg.Hold {
		var err error
		if db.lock, err = lockDir(cfg.Dir); err != nil {
			return err
		}
	}
	if err := fresh(cfg.Dir, cfg.Beside); err != nil {
		return err
	}
	if err := makeFile(path); err != nil {
		return err
	}
	var err error
	if db.place, err = openPlace(cfg.Dir, db.log); err != nil {
		return err
	}
	if err := db.openFile(path); err != nil {
		return err
	}
	if err := db.migrate(ctx, func(migrate func() error) error { return db.migrateSQLite(ctx, cfg, making, migrate) }); err != nil {
		return err
	}
	return db.place.complete()
}

// migrateSQLite makes or changes the schema while no other process does, or runs
// that expects the schema as it is.
func (db *DB) migrateSQLite(ctx context.Context, cfg Config, making *schemaLock, migrate func() error) error {
	if err := making.take(ctx); err != nil {
		return err
	}
	have, err := db.schema(ctx)
	if err != nil {
		return err
	}
	if sign := signOf(cfg.Dir, cfg.Beside); have == 0 && sign != "" && slices.Contains(cfg.Beside, sign) {
		return lost(cfg.Dir, "has no content", sign)
	}
	if cfg.Hold {
		return migrate()
	}
	if current, err := db.current(ctx); current || err != nil { // another has made it meanwhile
		return err
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	return migrate()
}

// halfOpen reports whether the log or its index is missing, which both are there as
// long as a connection is open.
func halfOpen(path string) bool {
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Lstat(path + suffix); err != nil {
			return true
		}
	}
	return false
}

// besideServer refuses to write beside a server whose files somebody removed: it
// would not see what is written to new ones, and what it writes nobody would see.
func besideServer(dir, path string) error {
	lock, err := tryLock(dir)
	switch {
	case err == nil:
		return lock.Close()
	case !errors.Is(err, system.ErrLocked):
		return err
	case !halfOpen(path):
		return nil
	}
	return sluice.Errorf(sluice.Unavailable, "the server of %s has lost its files: the write-ahead log of the database, or its index, was removed", dir).
		Fix("stop the server, which loses nothing more by it; then run the command again").Because(errMoved)
}

// empty reports whether there is no database yet, without opening the file.
func empty(path string) bool {
	info, err := os.Stat(path)
	return err != nil || info.Size() == 0
}

// openFile opens the two pools over one file: a single writer, whose
// transactions take the write lock when they begin, and the readers.
func (db *DB) openFile(path string) error {
	db.dialect = dialect{
		name: "sqlite", begin: "BEGIN IMMEDIATE", readOnly: nil, keeps: true,
		rewrite:  func(s string) string { return strings.ReplaceAll(s, "/*clustered*/", "WITHOUT ROWID") },
		mapError: sqliteError, refused: sqliteRefused, follow: followSQLite,
		scrub: func(ctx context.Context) (bool, error) { return scrubSQLite(ctx, path) },
	}
	if err := makeFile(path); err != nil {
		return err
	}
	var err error
	if db.write, err = sql.Open("sqlite", dsn(path, "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(1)")); err != nil {
		return err
	}
	db.write.SetMaxOpenConns(1)
	if db.read, err = sql.Open("sqlite", dsn(path, "query_only(1)", "mmap_size(1073741824)")); err != nil {
		return err
	}
	db.read.SetMaxOpenConns(maxReaders + 4) // some for what is no transaction
	db.read.SetMaxIdleConns(maxReaders)
	db.readers = make(chan *writer, maxReaders)
	for range maxReaders {
		db.readers <- nil
	}
	return nil
}

// makeFile makes the file of a new database, which SQLite would let everyone read:
// what runs take and give is in it, and the directory may be an older one.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil // and must not be opened here: closing it would end SQLite's locks on it
	}
	if err != nil {
		return dirError(filepath.Dir(path), err)
	}
	return f.Close()
}

func dsn(path string, pragmas ...string) string {
	q := url.Values{"_pragma": append([]string{"busy_timeout(10000)", "temp_store(MEMORY)", "cache_size(-16000)"}, pragmas...)}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
}

func makeDir(dir string) error {
	if dir == "" {
		return sluice.Errorf(sluice.Invalid, "no data directory was given").Ask("pass {data}")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return dirError(dir, err)
	}
	probe, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return dirError(dir, err)
	}
	return probe.Close()
}

func dirError(dir string, err error) error {
	if of := sluice.AsError(err); of.Code == sluice.Unavailable { // the disk, not the directory
		out := sluice.Errorf(sluice.Unavailable, "the data directory %s cannot be used: %s", dir, of.Message).Because(err)
		out.Fixes = of.Fixes
		return out
	}
	fix := sluice.Ask("choose another directory with {data}")
	if errors.Is(err, fs.ErrPermission) {
		fix = sluice.Ask("make it writable for %d (`chown`), or choose another directory with {data}", os.Getuid())
	}
	return sluice.Errorf(sluice.Unavailable, "the data directory %s cannot be used: %w", dir, err).Advise(fix)
}

// followSQLite polls the counter that SQLite moves when another connection commits.
func followSQLite(db *DB) {
	ctx := context.Background()
	conn, err := db.read.Conn(ctx)
	if err != nil {
		db.log.Error("cannot follow foreign writes", "error", err)
		return
	}
	defer conn.Close()
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for last := int64(-1); ; {
		var v int64
		if err := conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&v); err != nil {
			db.log.Warn("cannot read data_version", "error", err)
		}
		if v != last {
			last = v
			db.signal()
		}
		select {
		case <-db.stop:
			return
		case <-tick.C:
		}
	}
}

func sqliteError(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE { // the log's index is the first file that has no room
		return sluice.AsError(fmt.Errorf("%w: %w", syscall.ENOSPC, err))
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return busy(err)
	case sqlite3.SQLITE_FULL:
		return sluice.AsError(fmt.Errorf("%w: %w", syscall.ENOSPC, err))
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return sluice.Errorf(sluice.Unavailable, "the database cannot be written").
			Fix("see that its file system is not mounted read-only, and check the owner and mode of its directory and files").Because(err)
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOLFS:
		return sluice.Errorf(sluice.Unavailable, "the database's files cannot be read or written: %s", e.Error()).
			Fix("see that there is room on the disk, that its file system is not mounted read-only, and what the system's log says of it").Because(err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return sluice.Errorf(sluice.Unavailable, "the database file is damaged").Do(sluice.RestoreBackup(), "restore a backup").Because(err)
	}
	return err
}

// sqliteRefused reports whether SQLite certainly undid a commit that failed. After
// an error of the disk it may be in the log and be found there after a crash.
func sqliteRefused(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff != sqlite3.SQLITE_IOERR
}
