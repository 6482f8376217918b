package store

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-dev/sluice"
)

// tables are all that a backup holds, which is all but the schema's own version.
var tables = []string{
	"meta", "organizations", "ledger", "tree", "components", "versions", "version_files", "blobs", "drafts",
	"quarantines", "environments", "releases", "slots", "tokens", "idempotency",
	"data_keys", "sealed", "runs", "run_bodies", "run_steps", "run_effects", "run_callbacks",
}

// sqliteHeader begins every SQLite file.
const sqliteHeader = "SQLite format 3\x00"

// Backup writes everything, as it is at one moment, as one file: an SQLite
// database with this schema, whatever the engine, and behind it a line with the
// digest of all before. Writers are not held up.
func (db *DB) Backup(ctx context.Context, w io.Writer) error {
	dir, err := os.MkdirTemp("", "sluice-backup-")
	if err != nil {
		return sluice.Errorf(sluice.Unavailable, "no room for a backup: %w", err).Fix("set TMPDIR to a directory with room")
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, File)
	if err := db.backupTo(ctx, path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return writeWhole(w, f)
}

func (db *DB) backupTo(ctx context.Context, path string) error {
	to := &DB{log: db.log, now: db.now}
	defer func() { _ = to.closeHandles() }() // closed below when it matters
	if err := to.openFile(path); err != nil {
		return err
	}
	if err := to.migrate(ctx, func(migrate func() error) error { return migrate() }); err != nil {
		return err
	}
	err := db.View(ctx, "", func(from *Tx) error {
		tx, err := to.write.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // after a commit it does nothing
		if _, err := tx.ExecContext(ctx, "DELETE FROM meta"); err != nil {
			return err
		}
		for _, table := range tables {
			if err := copyTable(ctx, from, prepared(tx), table, ""); err != nil {
				return fmt.Errorf("copy %s: %w", table, err)
			}
		}
		return tx.Commit()
	})
	if err != nil {
		return err
	}
	if err := to.noteDigests(ctx); err != nil {
		return err
	}
	// One file, without a log beside it.
	if _, err := to.write.ExecContext(ctx, "PRAGMA journal_mode = DELETE"); err != nil {
		return to.mapped(err)
	}
	return to.closeHandles()
}

// inserter carries out one statement for many rows, until done.
type inserter func(ctx context.Context, query string) (insert func(args ...any) error, done func(), err error)

// prepared prepares the statement on a transaction.
func prepared(tx *sql.Tx) inserter {
	return func(ctx context.Context, query string) (func(...any) error, func(), error) {
		s, err := tx.PrepareContext(ctx, query)
		if err != nil {
			return nil, nil, err
		}
		return func(args ...any) error {
			_, err := s.ExecContext(ctx, args...)
			return err
		}, func() { s.Close() }, nil
	}
}

// inserting inserts by a transaction of the committer, which knows whether a
// statement may be prepared.
func (tx *Tx) inserting(_ context.Context, query string) (func(...any) error, func(), error) {
	return func(args ...any) error { return tx.change(query, args...) }, func() {}, nil
}

// copyTable copies the rows of a table that a condition selects.
func copyTable(ctx context.Context, from *Tx, to inserter, table, where string) error {
	rows, err := from.query("SELECT * FROM " + table + where)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	marks := make([]string, len(columns))
	for i := range marks {
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	insert, done, err := to(ctx, fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(columns, ", "), strings.Join(marks, ", ")))
	if err != nil {
		return err
	}
	defer done()
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range values {
			if b, isBytes := v.([]byte); isBytes && b == nil {
				values[i] = []byte{} // as SQLite's driver reads empty bytes, which are not absent
			}
		}
		if err := insert(values...); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Restored is what the entry of a restored backup holds.
type Restored struct {
	From    string `json:"from"`    // the id of the ledger that was backed up
	Entries int64  `json:"entries"` // how many it had
}

// RestoreFrom copies all of a backup into this database, which must be empty, in
// one transaction. The ledger goes on under a new id, with an entry that says so.
func (db *DB) RestoreFrom(ctx context.Context, from *DB, actor string) error {
	org := ""
	err := from.View(ctx, "", func(tx *Tx) (err error) {
		org, err = one[string](tx, "SELECT org FROM organizations ORDER BY org LIMIT 1")
		return err
	})
	if err != nil {
		return notABackup(err)
	}
	return from.View(ctx, org, func(source *Tx) error {
		return db.Update(ctx, org, func(tx *Tx) error {
			if n, err := one[int64](tx, "SELECT count(*) FROM organizations"); err != nil || n > 0 {
				if n > 0 {
					err = sluice.Errorf(sluice.Conflict, "there is data already").Fix("restore into an empty directory or database")
				}
				return err
			}
			for _, table := range tables {
				where := ""
				if table == "meta" {
					where = " WHERE name <> 'ledger'"
				}
				if err := copyTable(ctx, source, tx.inserting, table, where); err != nil {
					return fmt.Errorf("restore %s: %w", table, err)
				}
			}
			tx.dirty = true
			if err := tx.lockOrganization(); err != nil {
				return err
			}
			// What ran there goes on there; here only where someone says so.
			if err := tx.change("UPDATE runs SET status = 'paused', wake_at = 0, lease_until = 0 WHERE status IN ('pending', 'running')"); err != nil {
				return err
			}
			_, err := tx.Append(actor, sluice.EntryLedgerRestored, db.ledger, Restored{From: from.ledger, Entries: tx.seq})
			return err
		})
	})
}
