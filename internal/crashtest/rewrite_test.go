package crashtest

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// TestTruncate takes the last releases away, so that what remains is a ledger
// that holds by itself. Only a checkpoint tells that there was more.
func TestTruncate(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		n := open(t, cfg)
		history(t, n)
		for i := range 8 {
			deploy(t, n, "my-prompt", fmt.Sprint(2+i%2), "production")
		}
		db := raw(t, cfg)
		for cut := range int64(8) {
			truncated(t, n, cfg, db, cut+1)
		}
	})
}

func truncated(t *testing.T, n *node, cfg store.Config, db *sql.DB, cut int64) {
	t.Helper()
	cp := must[sluice.Checkpoint](t)(n.Checkpoint(as("alice")))
	truncate(t, db, cp.Size-cut)
	holds(t, n, sluice.VerifyRequest{})
	if got := problem(t, n, sluice.VerifyRequest{Against: cp.Note}); !strings.Contains(got, "cut off") {
		t.Errorf("%d entries less: %s", cut, got)
	}
	// Others in place of those that are gone, and one more.
	again := must[*node](t)(start(as("alice"), cfg)) // a process that remembers nothing
	defer again.close()
	for i := range cut + 1 {
		deploy(t, again, "triage", fmt.Sprint(1+(i+cut)%2), "production")
	}
	holds(t, n, sluice.VerifyRequest{})
	if got := problem(t, n, sluice.VerifyRequest{Against: cp.Note}); !strings.Contains(got, "rewritten") {
		t.Errorf("%d entries rewritten: %s", cut, got)
	}
}

// truncate takes away all after an entry, each of which is a release.
func truncate(t *testing.T, db *sql.DB, last int64) {
	do := func(statement string, args ...any) {
		t.Helper()
		if _, err := db.Exec(statement, args...); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	const open = "9223372036854775807"
	do("DELETE FROM ledger WHERE seq > $1", last)
	do("DELETE FROM tree WHERE position >= $1", tlog.StoredHashCount(last))
	do("DELETE FROM releases WHERE seq > $1", last)
	const head = "(SELECT max(number) FROM releases r WHERE r.environment = slots.environment)"
	do("DELETE FROM slots WHERE since > " + head)
	do("UPDATE slots SET until = " + open + " WHERE until <> " + open + " AND until > " + head)
	const its = "FROM releases r WHERE r.environment = environments.name AND r.seq = (SELECT max(x.seq) FROM releases x WHERE x.environment = r.environment)"
	do("UPDATE environments SET release = (SELECT number " + its + "), epoch = (SELECT seq " + its + "), at = (SELECT at " + its + "), root = (SELECT root " + its + ") WHERE release > 0")
	do("UPDATE organizations SET seq = $1, recorded_at = (SELECT recorded_at FROM ledger WHERE seq = $2)", last, last)
}

// TestRewrite puts another ledger in place of the first, with its name and its
// key. By itself it holds.
func TestRewrite(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		dir := store.Config{Dir: t.TempDir()}
		n := open(t, dir)
		history(t, n)
		cp := must[sluice.Checkpoint](t)(n.Checkpoint(as("alice")))
		other := open(t, cfg)
		history(t, other)
		db := raw(t, cfg)
		for _, r := range rowsOf(t, raw(t, dir), "meta") {
			for _, statement := range []string{"DELETE FROM meta WHERE name = $1", "INSERT INTO meta (name, value) VALUES ($1, $2)"} {
				if _, err := db.Exec(statement, r.values[:strings.Count(statement, "$")]...); err != nil {
					t.Fatal(err)
				}
			}
		}
		forged := open(t, cfg)
		report := holds(t, forged, sluice.VerifyRequest{})
		if own := must[sluice.Checkpoint](t)(forged.Checkpoint(as("alice"))); own.Ledger != cp.Ledger || own.Key != cp.Key {
			t.Fatalf("the rewritten ledger is not a forgery: %+v", own)
		}
		if got := problem(t, forged, sluice.VerifyRequest{Against: cp.Note}); !strings.Contains(got, "rewritten") {
			t.Errorf("of %d entries: %s", report.Entries, got)
		}
	})
}
