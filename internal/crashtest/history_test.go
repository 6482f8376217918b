package crashtest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// history is a ledger with an entry of every kind and a release of every action.
func history(tb testing.TB, n *node) {
	tb.Helper()
	publishing(tb, n)
	releasing(tb, n)
	configuring(tb, n)
	administering(tb, n)
	recording(tb, n)
}

// recording takes in a version and releases of elsewhere: of the past, of a time that
// is yet to come, and with a value that is not known here.
func recording(tb testing.TB, n *node) {
	tb.Helper()
	commit := func(digit string) sluice.Commit { return sluice.Commit(strings.Repeat(digit, 40)) }
	version := sluice.VersionRecord{
		Component: "taken-in", Kind: sluice.KindPrompt, Label: "v1.0.0", Files: []sluice.File{sluice.NewFile("prompt.md", []byte("Hello."))},
		Author: "bob", At: 1_700_000_000_000_000, Commit: commit("1"),
	}
	_, digest, err := sluice.CheckFiles(version.Files)
	if err != nil {
		tb.Fatal(err)
	}
	records := []sluice.Record{{Version: &version}}
	for i, at := range []sluice.Time{1_700_000_000_000_000, 4_000_000_000_000_000} {
		records = append(records, sluice.Record{Release: &sluice.ReleaseRecord{
			Environment: "shared", Settings: &sluice.EnvironmentRecord{Parent: "staging"}, Commit: commit(strconv.Itoa(i + 2)), Actor: "bob",
			Action: sluice.ActionDeploy, At: at, Slots: []sluice.SlotRecord{
				{Slot: sluice.ComponentSlot("taken-in"), Value: sluice.Settle(sluice.Pin{Version: 1, Label: "v1.0.0", Digest: digest})},
				{Slot: sluice.VariableSlot("MODEL", ""), Value: sluice.Value{Sealed: sluice.Sealed{Fingerprint: strings.Repeat(strconv.Itoa(i), 32)}}},
			},
		}})
	}
	must[sluice.RecordReport](tb)(n.Record(as("alice"), sluice.RecordRequest{Records: records}))
}

// configuring sets variables of every sort, rotates their key, shreds a value,
// and publishes what requires one.
func configuring(tb testing.TB, n *node) {
	tb.Helper()
	set := func(changes ...sluice.ChangeRequest) {
		tb.Helper()
		must[sluice.Outcome](tb)(n.Deploy(as("alice"), sluice.DeployRequest{Environment: "production", Changes: changes}))
	}
	variable := func(key, value, component string) sluice.ChangeRequest {
		return sluice.ChangeRequest{Variable: key, Component: component, Value: &value}
	}
	set(variable("LLM_MODEL", "gpt-4o", ""), variable("API_TOKEN", "one", ""), variable("LIMIT", "", "triage"))
	set(variable("API_TOKEN", "two", ""), sluice.ChangeRequest{Variable: "LLM_MODEL", Component: "triage", Hide: true})
	must[sluice.KeyReport](tb)(n.RotateKey(as("alice"), sluice.RotateKeyRequest{}))
	must[sluice.ShredReport](tb)(n.ShredVariable(as("alice"), sluice.ShredRequest{Environment: "production", Key: "API_TOKEN"}))
	must[sluice.Variable](tb)(n.Variable(as("alice"), sluice.VariableRequest{Environment: sluice.EnvironmentRef{Name: "production"}, Key: "API_TOKEN", Reveal: true}))
	must[sluice.Published](tb)(n.Publish(as("alice"), sluice.PublishRequest{
		Component: "needy", Kind: sluice.KindPrompt, Files: []sluice.File{sluice.NewFile("prompt.md", []byte("---\nrequires: [LLM_MODEL]\n---\nAnswer."))},
	}))
}

// publish makes the next version of a component.
func publish(tb testing.TB, n *node, component string, number int) sluice.Version {
	tb.Helper()
	return must[sluice.Published](tb)(n.Publish(as("alice"), sluice.PublishRequest{
		Component: component, Kind: sluice.KindPrompt, Label: fmt.Sprintf("v1.%d.0", number),
		Files: []sluice.File{
			sluice.NewFile("prompt.md", fmt.Appendf(nil, "You are %s, take %d.", component, number)),
			sluice.NewFile("shared/tone.md", []byte("Be kind.")),
		},
	})).Version
}

// deploy sets one version in one environment.
func deploy(tb testing.TB, n *node, component, version, environment string) sluice.Outcome {
	tb.Helper()
	return must[sluice.Outcome](tb)(n.Deploy(as("bob"), sluice.DeployRequest{
		Environment: environment, Create: sluice.CreateAlways,
		Changes: []sluice.ChangeRequest{{Component: component, Version: version}},
		Change:  sluice.Change{Reason: "as planned", Ticket: "INC-1"},
	}))
}

func publishing(tb testing.TB, n *node) {
	tb.Helper()
	for i := range 4 {
		for _, name := range []string{"my-prompt", "triage", "invoice-parser"} {
			publish(tb, n, name, i)
		}
	}
	name, note := "add-urgency", "louder"
	edited := must[sluice.Version](tb)
	edited(n.EditVersion(as("alice"), sluice.EditVersionRequest{Component: "triage", Version: "1", Name: &name}))
	edited(n.EditVersion(as("alice"), sluice.EditVersionRequest{Component: "triage", Version: "2", Name: &name, Note: &note}))
	must[sluice.Published](tb)(n.Publish(as("alice"), sluice.PublishRequest{
		Component: "triage", Name: name, Files: []sluice.File{sluice.NewFile("prompt.md", []byte("Once more."))},
	}))
	description := "reads invoices"
	must[sluice.Component](tb)(n.EditComponent(as("alice"), sluice.EditComponentRequest{Name: "invoice-parser", Description: &description}))
	// Imported into an environment that was never live: its releases keep their own time.
	must[sluice.Outcome](tb)(n.Deploy(as("alice"), sluice.DeployRequest{
		Environment: "archive", Create: sluice.CreateAlways, Author: "bob", At: 1_600_000_000_000_000,
		Changes: []sluice.ChangeRequest{{Component: "my-prompt", Version: "1"}},
	}))
}

func releasing(tb testing.TB, n *node) {
	tb.Helper()
	done := must[sluice.Outcome](tb)
	for _, version := range []string{"1", "2", "3"} {
		deploy(tb, n, "my-prompt", version, "production")
		deploy(tb, n, "triage", version, "base")
	}
	done(n.Deploy(as("alice"), sluice.DeployRequest{Environment: "production", Changes: []sluice.ChangeRequest{
		{Component: "my-prompt", Split: []sluice.ShareRequest{{Version: "3", Weight: 9000}, {Version: "4", Weight: 1000}}},
		{Component: "triage", Hide: true},
	}}))
	done(n.Rollback(as("bob"), sluice.RollbackRequest{Environment: "production", Components: []string{"my-prompt"}}))
	done(n.Promote(as("alice"), sluice.PromoteRequest{Environment: "staging", From: "production"}))
	done(n.Deploy(as("alice"), sluice.DeployRequest{Environment: "production", Changes: []sluice.ChangeRequest{{Component: "triage", Unset: true}}}))
	done(n.Restore(as("alice"), sluice.RestoreRequest{Environment: "canary", From: "production#2", Create: sluice.CreateAlways}))
	done(n.Rollback(as("alice"), sluice.RollbackRequest{Environment: "production", To: "production#1"}))
}

func administering(tb testing.TB, n *node) {
	tb.Helper()
	report := must[sluice.QuarantineReport](tb)
	report(n.Quarantine(as("alice"), sluice.QuarantineRequest{Component: "triage", Version: "4", Change: sluice.Change{Reason: "rude"}}))
	report(n.Quarantine(as("alice"), sluice.QuarantineRequest{Component: "my-prompt", Version: "4", Change: sluice.Change{Reason: "rude"}}))
	report(n.Quarantine(as("alice"), sluice.QuarantineRequest{Component: "my-prompt", Version: "4", Lift: true, Change: sluice.Change{Reason: "it was not"}}))
	must[sluice.Version](tb)(n.Purge(as("alice"), sluice.PurgeRequest{Component: "invoice-parser", Version: "1", Change: sluice.Change{Reason: "a name was in it"}}))
	changed := must[sluice.EnvironmentChange](tb)
	changed(n.CreateEnvironment(as("alice"), sluice.CreateEnvironmentRequest{Name: "debug", Parent: "production"}))
	parent, latest, from := "staging", sluice.TracksLatest, []string{"staging"}
	changed(n.EditEnvironment(as("alice"), sluice.EditEnvironmentRequest{Name: "debug", Parent: &parent, Tracks: &latest, PromotesFrom: &from}))
	publish(tb, n, "invoice-parser", 4)
	changed(n.DeleteEnvironment(as("alice"), sluice.DeleteEnvironmentRequest{Name: "canary"}))
	token := must[sluice.Token](tb)
	made := token(n.CreateToken(as("alice"), sluice.CreateTokenRequest{Name: "bob", Roles: []sluice.Role{sluice.RoleDeployer}, Environments: []string{"staging"}}))
	token(n.RotateToken(as("alice"), sluice.RotateTokenRequest{ID: made.ID, Grace: 60}))
	gone := token(n.CreateToken(as("alice"), sluice.CreateTokenRequest{Name: "auditor", Roles: []sluice.Role{sluice.RoleViewer}}))
	token(n.RevokeToken(as("alice"), sluice.RevokeTokenRequest{ID: gone.ID}))
}
