package server_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/pgtest"
	"github.com/sluice-dev/sluice/internal/server"
)

// saved fills an installation and returns a backup of it.
func saved(t *testing.T, cfg server.Config) []byte {
	t.Helper()
	var out bytes.Buffer
	run(t, cfg, func(c *client.Client) {
		for i := range 8 {
			if err := set(c, fmt.Sprint("API_KEY_", i), fmt.Sprint("a secret value ", i)); err != nil {
				t.Fatal(err)
			}
		}
		_, err := c.Publish(t.Context(), sluice.PublishRequest{
			Component: "my-prompt", Kind: "prompt", Files: []sluice.File{sluice.NewFile("prompt.md", bytes.Repeat([]byte("text\n"), 3000))},
			Change: sluice.Change{IdempotencyKey: "once"},
		})
		if err := errors.Join(err, c.Backup(t.Context(), &out)); err != nil {
			t.Fatal(err)
		}
	})
	return out.Bytes()
}

// places are offsets all over a backup: in each of many equal parts, in the first
// page of each table, and in the last line.
func places(t *testing.T, file string, size int) []int {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	out := []int{size - 1, size - 2, size - 70}
	for i := range 64 {
		out = append(out, i*size/64+r.IntN(size/64))
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	page := 0
	if err := db.QueryRow("PRAGMA page_size").Scan(&page); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Query("SELECT rootpage FROM sqlite_master WHERE type = 'table' AND rootpage > 0")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		root := 0
		if err := rows.Scan(&root); err != nil {
			t.Fatal(err)
		}
		// Rows stand at the end of a page, its list of rows at the beginning.
		out = append(out, root*page-1-r.IntN(30), (root-1)*page+r.IntN(page))
	}
	return out
}

// TestDamagedBackup flips one byte of a backup at a time, in places all over it:
// each is found, by the check and by a restore, which makes nothing.
func TestDamagedBackup(t *testing.T) {
	key := newKey(t)
	for engine, cfg := range map[string]server.Config{
		"sqlite": {Data: t.TempDir(), MasterKey: key}, "postgres": {Data: t.TempDir(), Postgres: pgtest.New(t), MasterKey: key},
	} {
		t.Run(engine, func(t *testing.T) {
			good := saved(t, cfg)
			file := filepath.Join(t.TempDir(), "backup")
			write(t, file, string(good), 0o600)
			report, err := server.VerifyBackup(t.Context(), cfg, file)
			if err != nil || !report.Holds || !report.Digests || report.Opened != 8 || report.Sealed != 8 {
				t.Fatalf("undamaged: %+v, %v", report, err)
			}
			target := filepath.Join(t.TempDir(), "restored")
			for i, at := range places(t, file, len(good)) {
				bad := bytes.Clone(good)
				bad[at] ^= 1 << (at % 8)
				write(t, file, string(bad), 0o600)
				if i%8 == 0 { // which opens it in the same way as the restore
					if _, err := server.VerifyBackup(t.Context(), cfg, file); sluice.CodeOf(err) != sluice.Invalid {
						t.Errorf("byte %d of %d: the check says %v", at, len(good), err)
					}
				}
				_, err := server.Restore(t.Context(), server.Config{Data: target}, file, func() error { return os.Mkdir(target, 0o700) })
				if sluice.CodeOf(err) != sluice.Invalid {
					t.Fatalf("byte %d of %d: the restore says %v", at, len(good), err)
				}
				if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
					t.Fatalf("byte %d: the directory was made", at)
				}
			}
		})
	}
}

// TestBackupWithAndWithoutDigests opens a backup whose tables were changed while its
// last line was taken away, one that has no digests at all, and one that is whole
// with the wrong master key.
func TestBackupWithAndWithoutDigests(t *testing.T) {
	cfg := server.Config{Data: t.TempDir(), MasterKey: newKey(t)}
	good := saved(t, cfg)
	cut := good[:len(good)-88]
	for name, c := range map[string]struct {
		content []byte
		change  string
		key     string
		says    string // "" when it holds
	}{
		"its last line is gone":         {content: cut, says: "its last line, which holds the digest, is missing or damaged"},
		"a wrapped key was changed":     {content: cut, change: "UPDATE data_keys SET wrapped = randomblob(400)", says: "the table data_keys is not what was written"},
		"a value was changed":           {content: cut, change: "UPDATE sealed SET bytes = randomblob(64)", says: "the table sealed is not what was written"},
		"a remembered key went":         {content: cut, change: "DELETE FROM idempotency", says: "the table idempotency is not what was written"},
		"made before there were any":    {content: cut, change: "DROP TABLE backup_digests"},
		"the master key is another one": {content: good, key: newKey(t), says: "does not hold: data keys: the key in SLUICE_MASTER_KEY does not open data key 1"},
	} {
		t.Run(name, func(t *testing.T) {
			file, target := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "restored")
			write(t, file, string(c.content), 0o600)
			if c.change != "" {
				db, err := sql.Open("sqlite", file)
				if err == nil {
					_, err = db.Exec(c.change)
				}
				if err := errors.Join(err, db.Close()); err != nil {
					t.Fatal(err)
				}
			}
			with := server.Config{Data: target, MasterKey: cfg.MasterKey}
			if c.key != "" {
				with.MasterKey = c.key
			}
			report, err := server.Restore(t.Context(), with, file, func() error { return os.Mkdir(target, 0o700) })
			if c.says == "" {
				if err != nil || report.Digests || report.Opened != 8 {
					t.Fatalf("%+v, %v", report, err)
				}
				run(t, with, func(s *client.Client) {
					if got, err := reveal(s, "API_KEY_3"); got != "a secret value 3" {
						t.Errorf("%q, %v", got, err)
					}
				})
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
			if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
				t.Error("the directory was made")
			}
		})
	}
}
