package store

import (
	goflag "flag" // the package has a flag of its own
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var rewrite = goflag.Bool("update", false, "rewrite the golden files")

// TestSchema compares what the migrations make with a golden dump for each
// engine. A difference is a new migration, or a mistake.
func TestSchema(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg Config) {
		db := open(t, cfg)
		got := strings.Join(schemaOf(t, db), "\n") + "\n"
		golden := filepath.Join("testdata", "schema."+db.Engine()+".txt")
		if *rewrite {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("the schema is not that of %s (run with -update when it is meant):\n%s", golden, got)
		}
	})
}

// schemaOf lists tables, columns and indexes, a line each.
func schemaOf(t *testing.T, db *DB) []string {
	t.Helper()
	ask := `SELECT coalesce(sql, name) FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND tbl_name <> '` + versionTable + `' ORDER BY type DESC, name`
	if db.Engine() == "postgres" {
		ask = `SELECT table_name || '.' || column_name || ' ' || data_type || coalesce(' ' || collation_name, '') || CASE is_nullable WHEN 'YES' THEN ' NULL' ELSE '' END
				FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> '` + versionTable + `'
			UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> '` + versionTable + `' ORDER BY 1`
	}
	return listOf(t, db, ask)
}

func listOf(t *testing.T, db *DB, ask string) (out []string) {
	t.Helper()
	err := db.View(t.Context(), org, func(tx *Tx) (err error) {
		out, err = all(tx, plain[string], ask)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestBackupCoversSchema fails when a table is added and left out of backups.
func TestBackupCoversSchema(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg Config) {
		db := open(t, cfg)
		ask := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
		if db.Engine() == "postgres" {
			ask = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
		}
		have := listOf(t, db, ask)
		want := append(slices.Clone(tables), versionTable)
		slices.Sort(have)
		slices.Sort(want)
		if fmt.Sprint(have) != fmt.Sprint(want) {
			t.Errorf("the schema has %v, a backup %v", have, want)
		}
	})
}
