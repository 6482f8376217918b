package crashtest

import (
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/store"
)

// TestValueThatDoesNotOpen: what another key sealed, or a flipped bit damaged, is
// named with the way out, and the way out leads there: the audit holds again.
func TestValueThatDoesNotOpen(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		n := open(t, cfg)
		put := func(key, value string) {
			t.Helper()
			must[sluice.Outcome](t)(n.Deploy(as("alice"), sluice.DeployRequest{Environment: "staging", Changes: []sluice.ChangeRequest{putting(key, "", value)}}))
		}
		put("FOREIGN_KEY", "sealed with another key")
		put("FLIPPED_KEY", "a bit of it was flipped")
		v := must[sluice.Variable](t)(n.Variable(as("alice"), sluice.VariableRequest{Environment: sluice.EnvironmentRef{Name: "staging"}, Key: "FOREIGN_KEY"}))
		another := must[*seal.Ring](t)(seal.NewEphemeral())
		_, bytes, err := another.Seal("default", v.Fingerprint, []byte("sealed with another key"))
		if err != nil {
			t.Fatal(err)
		}
		db := raw(t, cfg)
		change := func(query string, args ...any) {
			t.Helper()
			if _, err := db.Exec(query, args...); err != nil {
				t.Fatal(err)
			}
		}
		change("UPDATE sealed SET bytes = $1 WHERE fingerprint = $2", bytes, v.Fingerprint)
		const says = "does not open with data key 1: it is damaged, or another key sealed it"
		for what, err := range map[string]error{
			"a reveal":   second(n.Variable(as("bob"), sluice.VariableRequest{Environment: sluice.EnvironmentRef{Name: "staging"}, Key: "FOREIGN_KEY", Reveal: true})),
			"a rotation": second(n.RotateKey(as("bob"), sluice.RotateKeyRequest{})),
		} {
			e := sluice.AsError(err)
			if sluice.CodeOf(err) != sluice.Unavailable || !strings.Contains(e.Message, says) || len(e.Fixes) != 3 {
				t.Errorf("%s: %v %q", what, err, e.Fixes)
			}
		}
		if got := problem(t, n, sluice.VerifyRequest{}); !strings.Contains(got, "(FOREIGN_KEY)") || !strings.Contains(got, says) {
			t.Errorf("the audit says %s", got)
		}
		// Another value, and what does not open is dropped; the same value.
		put("FOREIGN_KEY", "a new value")
		shredded := must[sluice.ShredReport](t)(n.ShredVariable(as("alice"), sluice.ShredRequest{Environment: "staging", Key: "FOREIGN_KEY"}))
		if len(shredded.Shredded) != 1 || shredded.Shredded[0] != v.Fingerprint {
			t.Errorf("shredded %+v", shredded)
		}
		v = must[sluice.Variable](t)(n.Variable(as("alice"), sluice.VariableRequest{Environment: sluice.EnvironmentRef{Name: "staging"}, Key: "FLIPPED_KEY"}))
		change("UPDATE sealed SET bytes = $1 WHERE fingerprint = $2", bytes, v.Fingerprint)
		put("FLIPPED_KEY", "a bit of it was flipped")
		for key, want := range map[string]string{"FOREIGN_KEY": "a new value", "FLIPPED_KEY": "a bit of it was flipped"} {
			if got := revealed(t, n, "staging", key); got != want {
				t.Errorf("%s is %q", key, got)
			}
		}
		must[sluice.KeyReport](t)(n.RotateKey(as("alice"), sluice.RotateKeyRequest{}))
		if report := holds(t, n, sluice.VerifyRequest{}); report.Opened != 2 {
			t.Errorf("verified %+v", report)
		}
	})
}

// TestTwoMasterKeys: of two servers on an empty database with different master
// keys, the first to set a variable decides; the other says what is wrong.
func TestTwoMasterKeys(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		here, there := sealing(t, cfg, seal.Config{Key: newKey(t)}), sealing(t, cfg, seal.Config{Key: newKey(t)})
		set := func(n *node, key string) error {
			return second(n.Deploy(as("alice"), sluice.DeployRequest{Environment: "staging", Changes: []sluice.ChangeRequest{putting(key, "", "x")}}))
		}
		if err := set(here, "HERE_KEY"); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{"a set": set(there, "THERE_KEY"), "a start": there.CheckKeys(as("alice"))} {
			e := sluice.AsError(err)
			if sluice.CodeOf(err) != sluice.Unavailable || !strings.Contains(e.Message, "does not open data key 1: it is another master key") ||
				!strings.Contains(strings.Join(sluice.Texts(e.Fixes), "\n"), "need the same master key") {
				t.Errorf("%s with another master key: %v %q", what, err, e.Fixes)
			}
		}
		if report := holds(t, here, sluice.VerifyRequest{}); report.Opened != 1 {
			t.Errorf("verified %+v", report)
		}
	})
}

// TestKeyFileWithoutDataKey: a process that ended between making the master key
// file and storing the data key leaves what the next one goes on with.
func TestKeyFileWithoutDataKey(t *testing.T) {
	t.Parallel()
	cfg := store.Config{Dir: t.TempDir()}
	master := seal.Config{File: newKeyFile(t, cfg.Dir), Make: true}
	n := sealing(t, cfg, master)
	must[sluice.Outcome](t)(n.Deploy(as("alice"), sluice.DeployRequest{Environment: "staging", Changes: []sluice.ChangeRequest{putting("A_KEY", "", "x")}}))
	if got := revealed(t, sealing(t, cfg, master), "staging", "A_KEY"); got != "x" {
		t.Errorf("it is %q", got)
	}
}
