package crashtest

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/pgtest"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/store"
)

func newKey(tb testing.TB) string {
	tb.Helper()
	return must[string](tb)(seal.NewIdentity())
}

// writeKey writes a key file for its owner alone.
func writeKey(tb testing.TB, file, text string) {
	tb.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// TestRotatedAway: a server that has the old master key alone, after another
// rotated to a new one, says so and changes nothing. With the new one it goes on.
func TestRotatedAway(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		first := newKey(t)
		file := filepath.Join(t.TempDir(), "master.key")
		writeKey(t, file, first)
		here, old := sealing(t, cfg, seal.Config{File: file}), sealing(t, cfg, seal.Config{Key: first})
		seals(t, here)
		opens(t, old)
		must[sluice.KeyReport](t)(here.RotateKey(as("alice"), sluice.RotateKeyRequest{Master: true}))
		before := must[sluice.Info](t)(here.Info(as("alice"))).Epoch
		for what, err := range map[string]error{
			"a reveal":   second(old.Variable(as("bob"), sluice.VariableRequest{Environment: sluice.EnvironmentRef{Name: "staging"}, Key: "K0_1_KEY", Reveal: true})),
			"all":        second(old.Effective(as("bob"), sluice.EffectiveRequest{Environment: sluice.EnvironmentRef{Name: "staging"}, Reveal: true})),
			"a set":      second(old.Deploy(as("bob"), sluice.DeployRequest{Environment: "staging", Changes: []sluice.ChangeRequest{putting("LOST_KEY", "", "x")}})),
			"a rotation": second(old.RotateKey(as("bob"), sluice.RotateKeyRequest{})),
			"an import":  second(old.ImportVariables(as("bob"), sluice.ImportVariablesRequest{Environment: "staging", Text: "LOST_KEY=x"})),
		} {
			e := sluice.AsError(err)
			if sluice.CodeOf(err) != sluice.Unavailable || !strings.Contains(e.Message, "SLUICE_MASTER_KEY does not open data key 2") || len(e.Fixes) == 0 || strings.Contains(fmt.Sprint(e, e.Fixes), first[20:30]) {
				t.Errorf("%s with the old master key: %v", what, err)
			}
		}
		// What needs no key goes on: what is live, and going back.
		must[sluice.Manifest](t)(old.State(as("bob"), sluice.EnvironmentRef{Name: "staging"}))
		if after := must[sluice.Info](t)(here.Info(as("alice"))).Epoch; after != before {
			t.Errorf("the ledger went from %d to %d", before, after)
		}
		opens(t, here)
		both := strings.TrimSpace(string(must[[]byte](t)(os.ReadFile(file))))
		opens(t, sealing(t, cfg, seal.Config{Key: both}))
	})
}

func second[T any](_ T, err error) error { return err }

// TestDataKeyDamaged: one that cannot be opened is named, and nothing is sealed
// beside it.
func TestDataKeyDamaged(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		n := open(t, cfg)
		seals(t, n)
		db := raw(t, cfg)
		var wrapped []byte
		if err := db.QueryRow("SELECT wrapped FROM data_keys").Scan(&wrapped); err != nil {
			t.Fatal(err)
		}
		damaged := append([]byte{}, wrapped...)
		damaged[len(damaged)-1] ^= 1
		write := func(b []byte) {
			if _, err := db.Exec("UPDATE data_keys SET wrapped = $1", b); err != nil {
				t.Fatal(err)
			}
		}
		write(damaged)
		other := open(t, cfg)
		err := second(other.Deploy(as("bob"), sluice.DeployRequest{Environment: "staging", Changes: []sluice.ChangeRequest{putting("LOST_KEY", "", "x")}}))
		if sluice.CodeOf(err) != sluice.Unavailable || !strings.Contains(err.Error(), "data key 1 is damaged where it is stored") {
			t.Errorf("set: %v", err)
		}
		if got := problem(t, other, sluice.VerifyRequest{}); !strings.Contains(got, "data key 1 is damaged") {
			t.Errorf("the audit says %s", got)
		}
		write(wrapped)
		opens(t, other)
	})
}

// TestKeysRotatedBetween: a change that read the keys, and then waits while
// another server rotates them to the end, is begun anew with those that are there.
func TestKeysRotatedBetween(t *testing.T) {
	t.Parallel()
	cfg := store.Config{Postgres: pgtest.New(t)}
	n := open(t, cfg)
	set := func(key string) error {
		return second(n.Deploy(as("bob"), sluice.DeployRequest{Environment: "production", Changes: []sluice.ChangeRequest{putting(key, "", "the value of "+key)}}))
	}
	if err := set("FIRST_KEY"); err != nil {
		t.Fatal(err)
	}
	other := must[*sql.Tx](t)(raw(t, cfg).Begin())
	if _, err := other.Exec("SELECT seq FROM organizations FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- set("SECOND_KEY") }()
	watching := raw(t, cfg)
	for waiting := 0; waiting == 0; { // until it has read the keys, and waits for its turn
		select {
		case err := <-done:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
		if err := watching.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	rotateBy(t, other)
	if err := errors.Join(other.Commit(), <-done); err != nil {
		t.Fatal(err)
	}
	for _, n := range []*node{n, open(t, cfg)} {
		for _, key := range []string{"FIRST_KEY", "SECOND_KEY"} {
			if got := revealed(t, n, "production", key); got != "the value of "+key {
				t.Errorf("%s is %q", key, got)
			}
		}
		if report := holds(t, n, sluice.VerifyRequest{}); report.Opened != 2 {
			t.Errorf("verified %+v", report)
		}
	}
}

// rotateBy rotates the keys of one value as a server does, in one transaction.
func rotateBy(t *testing.T, tx *sql.Tx) {
	t.Helper()
	var w seal.Wrapped
	var fingerprint string
	var sealed []byte
	if err := errors.Join(tx.QueryRow("SELECT number, wrapped FROM data_keys").Scan(&w.Number, &w.Bytes),
		tx.QueryRow("SELECT fingerprint, bytes FROM sealed").Scan(&fingerprint, &sealed)); err != nil {
		t.Fatal(err)
	}
	master := must[*seal.Master](t)(seal.Read(t.Context(), seal.Config{Key: os.Getenv(keyVariable)}))
	ring := must[*seal.Ring](t)(master.Unwrap([]seal.Wrapped{w}))
	value := must[[]byte](t)(ring.Open("default", fingerprint, w.Number, sealed))
	next := must[seal.Wrapped](t)(ring.Rotate(master))
	number, sealed, err := ring.Seal("default", fingerprint, value)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		second(tx.Exec("UPDATE data_keys SET number = $1, wrapped = $2", next.Number, next.Bytes)),
		second(tx.Exec("UPDATE sealed SET key = $1, bytes = $2", number, sealed)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}
