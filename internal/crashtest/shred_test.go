package crashtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/pgtest"
	"github.com/sluice-dev/sluice/internal/store"
)

// TestShredLeavesNothing takes values of all sizes away, among others that stay,
// and looks for their sealed bytes in the engine's own files and in a backup.
func TestShredLeavesNothing(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		n := open(t, cfg)
		for round := range 12 {
			for _, key := range []string{"KEPT_KEY", "GONE_KEY"} {
				size := []int{12, 40, 200, 900, 2_000, 9_000, 60_000}[round%7]
				changes := make([]sluice.ChangeRequest, 0, 8)
				for i := range 8 {
					changes = append(changes, putting(fmt.Sprintf("%s_%d", key, i), "", random(size+i*13)))
				}
				must[sluice.Outcome](t)(n.Deploy(as("alice"), sluice.DeployRequest{Environment: "production", Changes: changes}))
			}
			if round == 5 { // which seals all of it anew, in place
				must[sluice.KeyReport](t)(n.RotateKey(as("alice"), sluice.RotateKeyRequest{}))
			}
		}
		before := sealedRows(t, cfg)
		inFiles := func(sealed []byte) bool { return found(pieces(sealed), everyByte(t, cfg)) }
		for _, bytes := range before {
			if !inFiles(bytes) {
				t.Fatal("the search does not find what is there")
			}
		}
		var shredded []string
		for i := range 8 {
			report := must[sluice.ShredReport](t)(n.ShredVariable(as("alice"), sluice.ShredRequest{Environment: "production", Key: fmt.Sprint("GONE_KEY_", i)}))
			if len(report.Kept) != 1 {
				t.Errorf("kept %v", report.Kept)
			}
			shredded = append(shredded, report.Shredded...)
		}
		if len(shredded) != 8*11 {
			t.Fatalf("%d values were shredded", len(shredded))
		}
		file := filepath.Join(t.TempDir(), store.File)
		w := must[*os.File](t)(os.Create(file))
		if err := n.db.Backup(as("alice"), w); err != nil {
			t.Fatal(err)
		}
		w.Close()
		backup := must[[]byte](t)(os.ReadFile(file))
		now := everyByte(t, cfg)
		for _, fingerprint := range shredded {
			if found(pieces(before[fingerprint]), now) {
				t.Errorf("the %d sealed bytes of %s are still in the files", len(before[fingerprint]), fingerprint)
			}
			if found(pieces(before[fingerprint]), backup) {
				t.Errorf("the %d sealed bytes of %s are in a backup", len(before[fingerprint]), fingerprint)
			}
		}
		report := holds(t, n, sluice.VerifyRequest{})
		if report.Opened != report.Sealed || report.Sealed != int64(len(before)-len(shredded)) {
			t.Errorf("verified %+v", report)
		}
	})
}

// random is a text of a size that no other has.
func random(size int) string {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte('a' + rand.IntN(26))
	}
	return string(b)
}

// sealedRows are the sealed bytes as they are stored, by fingerprint.
func sealedRows(t *testing.T, cfg store.Config) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, r := range everyRow(t, cfg)["sealed"] {
		out[r.column("fingerprint").(string)] = r.column("bytes").([]byte)
	}
	return out
}

func (r row) column(name string) any {
	for i, c := range r.columns {
		if c == name {
			return r.values[i]
		}
	}
	return nil
}

// pieces are short parts of sealed bytes, since pages break them up.
func pieces(sealed []byte) [][]byte {
	const size = 16
	var out [][]byte
	for at := 0; at+size <= len(sealed); at += max(size, len(sealed)/20) {
		out = append(out, sealed[at:at+size])
	}
	return out
}

func found(pieces [][]byte, data []byte) bool {
	for _, p := range pieces {
		if bytes.Contains(data, p) {
			return true
		}
	}
	return false
}

// everyByte is what an engine keeps of the sealed values in its files: SQLite's
// file with its log, PostgreSQL's table with what it stores beside it.
func everyByte(t *testing.T, cfg store.Config) []byte {
	t.Helper()
	var out []byte
	if cfg.Postgres == "" {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			out = append(out, must[[]byte](t)(os.ReadFile(filepath.Join(cfg.Dir, store.File+suffix)))...)
		}
		return out
	}
	db := raw(t, cfg)
	defer db.Close()
	for _, statement := range []string{"CHECKPOINT", "SELECT 1"} { // so that the files have what the server's memory has
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	rows := must[*sql.Rows](t)(db.Query(`SELECT pg_read_binary_file(pg_relation_filepath(c)) FROM unnest(ARRAY['sealed'::regclass, 'sealed_pkey', 'sealed_key',
		(SELECT reltoastrelid FROM pg_class WHERE oid = 'sealed'::regclass)]) c`))
	defer rows.Close()
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			t.Fatal(err)
		}
		out = append(out, b...)
	}
	if err := rows.Err(); err != nil || strings.Count(string(out), "\x00") == 0 {
		t.Fatalf("%d bytes, %v", len(out), err)
	}
	return out
}

// TestShredBesideOthers: who still reads the past keeps the bytes, and so does on
// PostgreSQL an older transaction in another database. Then it is not said that
// they are gone, and the same command takes them away later.
func TestShredBesideOthers(t *testing.T) {
	t.Parallel()
	t.Run("a reader on sqlite", func(t *testing.T) {
		t.Parallel()
		cfg := store.Config{Dir: t.TempDir()}
		shredBeside(t, cfg, cfg, "SELECT count(*) FROM ledger")
	})
	t.Run("a reader on postgres", func(t *testing.T) {
		t.Parallel()
		cfg := store.Config{Postgres: pgtest.New(t)}
		shredBeside(t, cfg, cfg, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM ledger")
	})
	t.Run("a writer in another database", func(t *testing.T) {
		t.Parallel()
		shredBeside(t, store.Config{Postgres: pgtest.New(t)}, store.Config{Postgres: pgtest.New(t)}, "CREATE TABLE other (x INT)")
	})
}

// shredBeside shreds while a transaction is open that has done something before.
func shredBeside(t *testing.T, cfg, its store.Config, does ...string) {
	n := open(t, cfg)
	for _, value := range []string{"first", "second"} {
		must[sluice.Outcome](t)(n.Deploy(as("alice"), sluice.DeployRequest{Environment: "production", Changes: []sluice.ChangeRequest{putting("GONE_KEY", "", value)}}))
	}
	before := sealedRows(t, cfg)
	db := raw(t, its)
	other := must[*sql.Tx](t)(db.BeginTx(t.Context(), nil))
	for _, statement := range does {
		rows := must[*sql.Rows](t)(other.Query(statement))
		for rows.Next() { // to the end, so that it is done
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	left := func() (out []string) {
		live, files := sealedRows(t, cfg), everyByte(t, cfg)
		for fingerprint, sealed := range before {
			if live[fingerprint] == nil && found(pieces(sealed), files) {
				out = append(out, fingerprint)
			}
		}
		return out
	}
	req := sluice.ShredRequest{Environment: "production", Key: "GONE_KEY"}
	hurried, cancel := context.WithTimeout(as("alice"), 2*time.Second)
	defer cancel()
	report, err := n.ShredVariable(hurried, req)
	if there := left(); err == nil && len(there) > 0 {
		t.Errorf("shredded %v, and %v are still in the files", report.Shredded, there)
	}
	if err := errors.Join(other.Rollback(), db.Close()); err != nil {
		t.Fatal(err)
	}
	report, err = n.ShredVariable(as("alice"), req)
	if there := left(); err != nil || len(there) > 0 {
		t.Errorf("once the other has gone: %+v, %v; in the files are %v", report, err, there)
	}
}
