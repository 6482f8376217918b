package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/sluice-dev/sluice"
)

// OpenBackup opens a copy of a backup file, so that it can be verified and read
// without changing it. Closing it removes the copy.
func OpenBackup(ctx context.Context, file string, cfg Config) (*DB, error) {
	if err := looksLikeBackup(file); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "sluice-backup-")
	if err != nil {
		return nil, sluice.Errorf(sluice.Unavailable, "no room to open the backup: %w", err).Fix("set TMPDIR to a directory with room")
	}
	cfg.Dir, cfg.Postgres, cfg.Hold = dir, "", false
	said, err := copyWhole(filepath.Join(dir, File), file)
	if err == nil {
		var db *DB
		if db, err = openExisting(ctx, cfg, said); err == nil {
			db.scratch, db.digested = dir, said == unchanged
			return db, nil
		}
	}
	os.RemoveAll(dir)
	return nil, err
}

// Digested reports whether the backup that was opened has digests, and holds them.
// One that was made before there were any has none.
func (db *DB) Digested() bool { return db.digested }

// openExisting refuses a database that is not Sluice's instead of making it one,
// and a backup that is not what was written.
func openExisting(ctx context.Context, cfg Config, said wholeness) (*DB, error) {
	probe := &DB{}
	err := probe.openFile(filepath.Join(cfg.Dir, File))
	if err == nil {
		err = probe.whole(ctx, said)
	}
	if e := probe.closeHandles(); err == nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	db, err := Open(ctx, cfg)
	if err != nil && sluice.AsError(err).Code == sluice.Internal {
		err = notABackup(err)
	}
	return db, err
}

// whole compares the digests of a backup: that of all its bytes, and those of its
// tables, which say where the damage is.
func (db *DB) whole(ctx context.Context, said wholeness) error {
	err := db.intact(ctx)
	if err == nil {
		err = db.checkDigests(ctx)
	}
	none := errors.Is(err, errNoDigests)
	switch {
	case said == unsaid && none:
		return nil // made before there were digests
	case said == unsaid && err == nil:
		return fileDamaged("its last line, which holds the digest, is missing or damaged")
	case said == changed && (err == nil || none):
		return fileDamaged("its bytes are not those that were written")
	case none:
		return fileDamaged("the digests of its tables are missing")
	}
	return err
}

func fileDamaged(reason string) error {
	return sluice.Errorf(sluice.Invalid, "the backup is damaged: %s", reason).Do(sluice.RestoreBackup(), "restore another one")
}

// intact checks that the file has Sluice's schema and that SQLite finds all its
// pages in order.
func (db *DB) intact(ctx context.Context) error {
	have, err := db.schema(ctx)
	if err != nil || have == 0 {
		return notABackup(err)
	}
	found := ""
	if err := db.read.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil || found != "ok" {
		return notABackup(errors.Join(err, errors.New(found)))
	}
	return nil
}

func notABackup(cause error) error {
	return sluice.Errorf(sluice.Invalid, "the file is not a backup of Sluice, or it is damaged").
		Do(sluice.MakeBackup(), "make one").Because(cause)
}

func looksLikeBackup(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return sluice.Errorf(sluice.NotFound, "the backup %s cannot be read: %w", file, err).Fix("check the path and its mode")
	}
	defer f.Close()
	head := make([]byte, len(sqliteHeader))
	if _, err := io.ReadFull(f, head); err != nil || !bytes.Equal(head, []byte(sqliteHeader)) {
		return notABackup(err)
	}
	return nil
}
