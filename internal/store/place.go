package store

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/sluice-dev/sluice"
)

// place remembers which files the paths of a SQLite database named when it was
// opened. While they are open their inodes cannot be given to other files, so a
// path that still names the same inode names the file that SQLite writes to.
//
// A change is acknowledged only when that was so both before its transaction
// began to write and after its commit was synchronised. It is refused before, and
// of unknown outcome when the files moved between the two. What is overwritten in
// place keeps its inode and is noticed only when it gets shorter.
type place struct {
	dir string
	log *slog.Logger

	mu    sync.Mutex
	files []placed
	moved bool // as the last look found it, so that the log has each change once
}

// placed is one path and what it named. Info is nil where there was no file.
type placed struct {
	path string
	info fs.FileInfo
}

// openPlace remembers the database file alone, before SQLite opens it.
func openPlace(dir string, log *slog.Logger) (*place, error) {
	path := filepath.Join(dir, File)
	info, err := os.Stat(path)
	if err != nil {
		return nil, dirError(dir, err)
	}
	return &place{dir: dir, log: log, files: []placed{{path, info}}}, nil
}

// complete remembers the write-ahead log and its index too, which are there as
// long as a connection is open.
func (p *place) complete() error {
	p.mu.Lock()
	for _, suffix := range []string{"-wal", "-shm"} {
		path := p.files[0].path + suffix
		info, err := os.Stat(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			p.mu.Unlock()
			return dirError(p.dir, err)
		}
		p.files = append(p.files, placed{path, info})
	}
	p.mu.Unlock()
	return p.check()
}

// check reports whether all paths still name what was opened.
func (p *place) check() error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	what := p.look()
	if p.moved != (what != "") {
		p.moved = what != ""
		if p.moved {
			p.log.Error("the data directory moved; changes are refused", "directory", p.dir, "file", what)
		} else {
			p.log.Info("the data directory is in its place again", "directory", p.dir)
		}
	}
	if what == "" {
		return nil
	}
	return sluice.Errorf(sluice.Unavailable, "the data directory is not as it was opened: %s", what).
		Fix("stop every Sluice server of this directory, put its files back together as they were, or restore a backup into an empty directory, and start again").
		Fix("until then nothing is changed, and what is read comes from the files that were opened").Because(errMoved)
}

// errMoved is the cause of every refusal because the database is not where it was.
var errMoved = errors.New("the database moved")

// look says what is not as it was; "" when all is.
func (p *place) look() string {
	for i := range p.files {
		f := &p.files[i]
		if f.info == nil {
			continue
		}
		name := filepath.Base(f.path)
		now, err := os.Stat(f.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return name + " is missing"
		case err != nil:
			return name + " cannot be looked at"
		case !os.SameFile(f.info, now):
			return name + " is another file"
		case i == 0 && now.Size() < f.info.Size():
			return name + " was overwritten and is shorter than it was"
		case i == 0:
			f.info = now
		}
	}
	return ""
}

// Check reports whether the database is still the one that was opened, and
// answers. Unavailable when it is not.
func (db *DB) Check(ctx context.Context) error {
	if err := db.place.check(); err != nil {
		return err
	}
	return db.View(ctx, "", func(tx *Tx) error {
		id, err := one[string](tx, ledgerID)
		if err != nil {
			return err
		}
		return db.sameLedger(id)
	})
}

// sameLedger refuses a database that was put in the place of the one that was opened.
func (db *DB) sameLedger(id string) error {
	if id == db.ledger {
		return nil
	}
	return sluice.Errorf(sluice.Unavailable, "the database holds the ledger %s; this program opened %s", id, db.ledger).
		Fix("restart every Sluice server of this database; until then nothing is changed").Because(errMoved)
}

// fresh refuses to make a new database where one was lost. Beside are the files
// that only an installation in use has; a log of SQLite's is one as well, which
// SQLite would delete when it finds no database beside it.
func fresh(dir string, beside []string) error {
	info, err := os.Stat(filepath.Join(dir, File))
	if err == nil && info.Size() > 0 {
		return nil
	}
	state := "is missing"
	if err == nil {
		state = "is empty"
	} else if !errors.Is(err, fs.ErrNotExist) {
		return dirError(dir, err)
	}
	sign := signOf(dir, beside)
	if sign == "" {
		return nil
	}
	return lost(dir, state, sign)
}

// signOf is a file that says that the directory had a database; "" when none does.
func signOf(dir string, beside []string) string {
	for _, name := range beside {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return name
		}
	}
	if info, err := os.Stat(filepath.Join(dir, File+"-wal")); err == nil && info.Size() > 0 {
		return File + "-wal"
	}
	return ""
}

func lost(dir, state, sign string) error {
	e := sluice.Errorf(sluice.Unavailable, "%s in %s %s, and %s beside it says that there was a database", File, dir, state, sign)
	if sign == File+"-wal" {
		return e.Fix("put the database back beside it; or move %s out of the directory and restore a backup into it", sign)
	}
	return e.Fix("put the database back, or restore a backup into the directory").
		Fix("for a new installation, move %s out of the directory and keep it, since it opens the secrets in backups", sign)
}
