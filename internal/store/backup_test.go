package store

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// backup writes a backup of some content to a file.
func backup(t *testing.T, db *DB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "backup")
	var b bytes.Buffer
	if err := db.Backup(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// fill makes a ledger with bytes of its own.
func fill(t *testing.T, db *DB) {
	t.Helper()
	update(t, db, func(tx *Tx) error {
		for i := range 200 {
			if err := note(tx, fmt.Sprint("entry ", i)); err != nil {
				return err
			}
		}
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		files := []sluice.File{sluice.NewFile("all", all), sluice.NewFile("none", nil)}
		infos, digest, err := sluice.CheckFiles(files)
		return errors.Join(err, tx.AddVersion(sluice.Version{Component: "my-prompt", Number: 1, Digest: digest, Files: infos, Author: "alice"}, files))
	})
}

// TestBackupHoldsEverything compares all rows of all tables on both sides of a
// backup, with every pair of engines.
func TestBackupHoldsEverything(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, source Config) {
		db := open(t, source)
		fill(t, db)
		from, err := OpenBackup(t.Context(), backup(t, db), Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer from.Close()
		for _, table := range tables {
			if got, want := dump(t, from, table, ""), dump(t, db, table, ""); got != want {
				t.Errorf("%s: the backup has\n%s\nthe database\n%s", table, got, want)
			}
		}
		for name, target := range map[string]Config{"sqlite": {Dir: t.TempDir()}, "postgres": {Postgres: pgURL(t)}} {
			to, err := Open(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			defer to.Close()
			if err := to.RestoreFrom(t.Context(), from, "alice"); err != nil {
				t.Fatal(err)
			}
			for table, where := range map[string]string{"meta": "name <> 'ledger'", "ledger": "seq <= 200", "blobs": "1 = 1", "versions": "1 = 1", "version_files": "1 = 1"} {
				if got, want := dump(t, to, table, " WHERE "+where), dump(t, db, table, " WHERE "+where); got != want {
					t.Errorf("%s restored into %s:\n%s\nthe database\n%s", table, name, got, want)
				}
			}
			last := entries(t, to)[200]
			if want := fmt.Sprintf(`{"from":"%s","entries":200}`, db.Ledger()); last.Kind != sluice.EntryLedgerRestored || string(last.Payload) != want {
				t.Errorf("the last entry is %s %s, want %s", last.Kind, last.Payload, want)
			}
		}
	})
}

// dump is all rows of a table as text.
func dump(t *testing.T, db *DB, table, where string) string {
	t.Helper()
	var out strings.Builder
	err := db.View(t.Context(), org, func(tx *Tx) error {
		rows, err := tx.query("SELECT * FROM " + table + where)
		if err != nil {
			return err
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			fmt.Fprintf(&out, "%q\n", values)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	slices.Sort(lines) // the engines return rows in orders of their own
	return strings.Join(lines, "\n")
}

// TestBadBackup opens what is no backup. Each is refused with a clear error and
// left as it was.
func TestBadBackup(t *testing.T) {
	t.Parallel()
	db := open(t, Config{Dir: t.TempDir()})
	fill(t, db)
	good, err := os.ReadFile(backup(t, db))
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string][]byte{
		"empty":           {},
		"text":            []byte("name,version\nmy-prompt,1\n"),
		"header alone":    good[:16],
		"half":            good[:len(good)/2],
		"last page gone":  good[:len(good)-4096],
		"torn page":       append(bytes.Clone(good[:len(good)-100]), make([]byte, 50)...),
		"page of zeroes":  append(append(bytes.Clone(good[:8192]), make([]byte, 4096)...), good[12288:]...),
		"foreign":         foreign(t, "CREATE TABLE notes (id INTEGER PRIMARY KEY)"),
		"foreign, alike":  foreign(t, "CREATE TABLE schema_migrations (version_id INTEGER, is_applied INTEGER); INSERT INTO schema_migrations VALUES (1, 1)"),
		"a newer program": newer(t, good),
	}
	for name, content := range bad {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "backup")
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
			from, err := OpenBackup(t.Context(), file, Config{})
			if err == nil {
				from.Close()
				t.Fatal("it opens")
			}
			if e := sluice.AsError(err); e.Code == sluice.Internal || len(e.Fixes) == 0 {
				t.Errorf("%s: %v, fixes %q", e.Code, err, e.Fixes)
			}
			if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, content) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
	if _, err := OpenBackup(t.Context(), filepath.Join(t.TempDir(), "missing"), Config{}); sluice.CodeOf(err) != sluice.NotFound {
		t.Errorf("a missing file: %v", err)
	}
}

// foreign is an SQLite file of another program.
func foreign(t *testing.T, statements string) []byte {
	t.Helper()
	return altered(t, nil, statements)
}

// newer is a backup that a program of the future made.
func newer(t *testing.T, backup []byte) []byte {
	t.Helper()
	return altered(t, backup, "INSERT INTO schema_migrations (version_id, is_applied) VALUES (999, 1)")
}

func altered(t *testing.T, content []byte, statements string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
