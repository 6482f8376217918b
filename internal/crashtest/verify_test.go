package crashtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/pgtest"
	"github.com/sluice-dev/sluice/internal/store"
)

// holds fails unless the whole ledger holds.
func holds(tb testing.TB, n *node, req sluice.VerifyRequest) sluice.VerifyReport {
	tb.Helper()
	report := must[sluice.VerifyReport](tb)(n.Verify(as("alice"), req))
	if !report.Holds {
		tb.Fatalf("the ledger does not hold: %s", report.Problem)
	}
	return report
}

// problem fails unless something does not hold, and returns what.
func problem(tb testing.TB, n *node, req sluice.VerifyRequest) string {
	tb.Helper()
	report := must[sluice.VerifyReport](tb)(n.Verify(as("alice"), req))
	if report.Holds {
		tb.Fatal("the ledger holds, although it was tampered with")
	}
	return report.Problem
}

func TestVerifyHolds(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		n := open(t, cfg)
		holds(t, n, sluice.VerifyRequest{})
		history(t, n)
		report := holds(t, n, sluice.VerifyRequest{})
		info := must[sluice.Info](t)(n.Info(as("alice")))
		if report.Entries != info.Epoch || report.Size != info.Epoch || report.Releases == 0 || report.Versions != 16 || report.Sealed != 3 || report.Opened != 3 {
			t.Errorf("report %+v at epoch %d", report, info.Epoch)
		}
		if info.VerifiedAt == 0 {
			t.Error("the time of the check was not recorded")
		}
		cp := must[sluice.Checkpoint](t)(n.Checkpoint(as("alice")))
		if cp.Root != report.Root || cp.Size != report.Size {
			t.Errorf("checkpoint %+v, report %+v", cp, report)
		}
	})
}

func TestCheckpoint(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		n := open(t, cfg)
		first := must[sluice.Checkpoint](t)(n.Checkpoint(as("alice")))
		history(t, n)
		for _, key := range []string{"", first.Key} {
			holds(t, n, sluice.VerifyRequest{Against: first.Note, Key: key})
		}
		changed := strings.Replace(first.Note, "\n4\n", "\n5\n", 1)
		if got := problem(t, n, sluice.VerifyRequest{Against: changed}); !strings.Contains(got, "not valid") {
			t.Errorf("a changed note: %s", got)
		}
		other := open(t, store.Config{Dir: t.TempDir()})
		foreign := must[sluice.Checkpoint](t)(other.Checkpoint(as("alice")))
		if got := problem(t, n, sluice.VerifyRequest{Against: foreign.Note}); !strings.Contains(got, "not signed with the key") {
			t.Errorf("another key: %s", got)
		}
		if got := problem(t, n, sluice.VerifyRequest{Against: foreign.Note, Key: foreign.Key}); !strings.Contains(got, "the checkpoint is of") {
			t.Errorf("another ledger: %s", got)
		}
		for _, req := range []sluice.VerifyRequest{{Against: "not a note"}, {Against: first.Note, Key: "nonsense"}} {
			if _, err := n.Verify(as("alice"), req); sluice.CodeOf(err) != sluice.Invalid {
				t.Errorf("%+v: %v", req, err)
			}
		}
	})
}

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		n := open(t, cfg)
		history(t, n)
		cp := must[sluice.Checkpoint](t)(n.Checkpoint(as("alice")))
		file := filepath.Join(t.TempDir(), "backup")
		w := must[*os.File](t)(os.Create(file))
		if err := n.db.Backup(as("alice"), w); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		deploy(t, n, "triage", "2", "production") // after the backup
		from := must[*store.DB](t)(store.OpenBackup(as("alice"), file, store.Config{}))
		defer from.Close()
		for engine, target := range map[string]store.Config{"sqlite": {Dir: t.TempDir()}, "postgres": {Postgres: pgtest.New(t)}} {
			t.Run("into "+engine, func(t *testing.T) { restoreInto(t, from, target, cp) })
		}
	})
}

func restoreInto(t *testing.T, from *store.DB, target store.Config, cp sluice.Checkpoint) {
	db := must[*store.DB](t)(store.Open(as("alice"), target))
	if err := db.RestoreFrom(as("alice"), from, "alice"); err != nil {
		t.Fatal(err)
	}
	if err := db.RestoreFrom(as("alice"), from, "alice"); sluice.CodeOf(err) != sluice.Conflict {
		t.Errorf("a restore over data: %v", err)
	}
	if db.Ledger() == cp.Ledger {
		t.Error("the restored ledger has the same id")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	n := open(t, target)
	report := holds(t, n, sluice.VerifyRequest{Against: cp.Note, Key: cp.Key})
	if report.Size != cp.Size+1 {
		t.Errorf("%d entries were restored, with the one that says so; the backup had %d", report.Size, cp.Size)
	}
	deploy(t, n, "triage", "1", "production")
	holds(t, n, sluice.VerifyRequest{Against: must[sluice.Checkpoint](t)(n.Checkpoint(as("alice"))).Note})
}
