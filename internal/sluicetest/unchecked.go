package sluicetest

import (
	"context"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// unchecked: what cannot run does not go live unseen.
func unchecked(s *suite) {
	bob, carol := s.token("bob", nil, sluice.RolePublisher).Secret, s.token("carol", nil, sluice.RoleOverrider).Secret
	for _, b := range brokenContents {
		req := sluice.PublishRequest{Component: "broken-" + b.kind, Kind: b.kind, Files: []sluice.File{{Path: b.path, Text: b.text}}}
		s.unchanged(b.path, func() {
			_, err := s.Publish(s.ctx, req)
			s.refused(err, sluice.Invalid, b.places...)
			var told []string
			for _, m := range sluice.AsError(err).Mistakes {
				told = append(told, m.Place())
			}
			s.equal(b.path+" as data", told, b.places)
		})
		req.Unchecked = true
		publish := func(ctx context.Context) error {
			return errorOf(s.Publish(ctx, req))
		}
		s.refused(s.by(bob, publish), sluice.Denied, "may not publish unchecked", "role overrider")
		if err := s.by(carol, publish); err != nil {
			s.Fatal(err)
		}
		v := ok[sluice.Version](s)(s.Version(s.ctx, req.Component, "1"))
		s.equal("the mark of "+b.path, words(v.ReadAs, v.Unchecked.Mistakes), words(sluice.ReadsAs(b.kind), len(b.places)))
	}
	uncheckedLive(s)
	uncheckedRecord(s)
	uncheckedKind(s)
	keptEnsemble(s)
}

// keptEnsemble: what needs an operation that is not here is published without a mark, and
// a run of it is refused by naming that with its place.
func keptEnsemble(s *suite) {
	text := "trigger: [{type: http}]\nflow:\n  - {agent: send, operation: email}\n"
	out := ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{
		Component: "mailing", Kind: sluice.KindEnsemble, Files: []sluice.File{{Path: "m.yaml", Text: text}},
	}))
	s.equal("what an ensemble is read as", words(out.Version.ReadAs, out.Version.Unchecked == nil), "other true")
	places := []string{}
	for _, n := range out.Notes {
		places = append(places, n.Place())
	}
	s.equal("the notes on an ensemble", places, []string{"m.yaml:1:1", "m.yaml:3:30"})
	_, err := s.StartRun(s.ctx, sluice.StartRunRequest{Component: "mailing", Version: "1"})
	s.refused(err, sluice.Invalid, "the ensemble cannot run here", "m.yaml:3:30: the operation email, of the agent send")
	s.equal("as data", len(sluice.AsError(err).Mistakes), 1)
}

// brokenContents are contents with the places of all that is wrong with them.
var brokenContents = []struct {
	kind, path, text string
	places           []string
}{
	{"prompt", "p.md", "---\nmodel: m\ntemperature: hot\n---\nHi {{ name\n", []string{"p.md:3:14", "p.md:5:6"}},
	{"script", "s.js", "const a = 1;\nreturn a +;\n", []string{"s.js:2:11"}},
	{"workflow", "w.yaml", "inputs: {n: {type: integer, default: x}}\nblocks:\n  - {id: a, block: echo, vaule: 1}\n", []string{"w.yaml:1:38", "w.yaml:3:26"}},
	{"ensemble", "e.yaml", "ensemble: e\nagents:\n  - {name: a, operation: code, config: {code: \"return (\"}}\n", []string{"e.yaml:3:56"}},
	{"agent", "agent.yaml", "name: a\nrequires: [A, B-C]\n", []string{"agent.yaml:2:15"}},
}

// uncheckedLive: the mark shows where a change is confirmed, and a rollback tells it too.
func uncheckedLive(s *suite) {
	s.publish(prompt, "v1.0.0")
	broken := sluice.PublishRequest{Component: prompt, Label: "v1.1.0", Files: []sluice.File{{Path: "prompt.md", Text: "Hi {{ name\n"}}, Unchecked: true}
	out := ok[sluice.Published](s)(s.Publish(s.ctx, broken))
	s.equal("the mark", out.Version.Unchecked.First, "prompt.md:1:6: the user message: the tag is not closed")
	tell := func(o sluice.Outcome) string {
		var refs []string
		for _, m := range o.Unchecked {
			refs = append(refs, words(m.Ref(), m.Mistakes))
		}
		return strings.Join(refs, ", ")
	}
	const marked = "my-prompt@v1.1.0 1"
	deploy := func(version string, dry bool) sluice.Outcome {
		return ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: set(prompt, version), Change: sluice.Change{DryRun: dry}}))
	}
	s.equal("a sound version", tell(deploy("v1.0.0", false)), "")
	s.equal("a dry run", tell(deploy("v1.1.0", true)), marked)
	s.equal("a deploy", tell(deploy("v1.1.0", false)), marked)
	setting := ok[sluice.Setting](s)(s.Setting(s.ctx, sluice.EnvironmentRef{Name: "prod"}, prompt))
	s.equal("what is live", tell(sluice.Outcome{Unchecked: setting.Unchecked}), marked)
	s.equal("a promotion", tell(ok[sluice.Outcome](s)(s.Promote(s.ctx, sluice.PromoteRequest{Environment: "staging", From: "prod"}))), marked)
	s.equal("a restore", tell(ok[sluice.Outcome](s)(s.Restore(s.ctx, sluice.RestoreRequest{Environment: "copy", From: "prod", Create: sluice.CreateMissing}))), marked)
	s.equal("a way back", tell(ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", Components: []string{prompt}}))), "")
	deploy("v1.1.0", false)
	deploy("v1.0.0", false)
	list := ok[sluice.Page[sluice.Version]](s)(s.Versions(s.ctx, sluice.VersionQuery{Component: prompt}))
	s.equal("listed", words(list.Items[0].Unchecked != nil, list.Items[1].Unchecked == nil, list.Items[1].ReadAs), "true true prompt")
}

// uncheckedRecord: what was published elsewhere is a fact, and is marked.
func uncheckedRecord(s *suite) {
	record := func(path, text string) sluice.Version {
		out := ok[sluice.RecordReport](s)(s.Record(s.ctx, sluice.RecordRequest{Records: []sluice.Record{{Version: &sluice.VersionRecord{
			Component: "recorded", Kind: sluice.KindScript, Label: "v1.0." + path[:1], Files: []sluice.File{{Path: path, Text: text}}, Author: "bob", At: sluice.TimeOf(s.now()),
		}}}}))
		return *out.Recorded[0].Version
	}
	s.equal("a record", words(record("1.js", "return 1;").Unchecked == nil), "true")
	s.equal("a broken record", record("2.js", "return (;").Unchecked.Mistakes, 1)
	s.equal("another language", record("3.py", "print(1)").ReadAs, sluice.ReadAsOther)
}

// uncheckedKind: content of a component that becomes another kind is read as that when
// it goes live, and a rollback does not ask.
func uncheckedKind(s *suite) {
	for _, text := range []string{"return (;", "return 1;"} {
		ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{Component: "turned", Kind: "notes", Files: []sluice.File{{Path: "t.js", Text: text}}}))
	}
	kind := sluice.KindScript
	ok[sluice.Component](s)(s.EditComponent(s.ctx, sluice.EditComponentRequest{Name: "turned", Kind: &kind}))
	deploy := func(version string, dry bool) int {
		o := ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: set("turned", version), Change: sluice.Change{DryRun: dry}}))
		return len(o.Unchecked)
	}
	readAs := func(version string) string { return ok[sluice.Version](s)(s.Version(s.ctx, "turned", version)).ReadAs }
	s.equal("a dry run tells", deploy("1", true), 1)
	s.equal("and marks nothing", readAs("1"), "")
	s.equal("a deploy tells", deploy("1", false), 1)
	s.equal("and marks", readAs("1"), sluice.KindScript)
	s.equal("what is sound", deploy("2", false), 0)
	ok[sluice.Component](s)(s.EditComponent(s.ctx, sluice.EditComponentRequest{Name: "turned", Kind: ref("notes")}))
	ok[sluice.Component](s)(s.EditComponent(s.ctx, sluice.EditComponentRequest{Name: "turned", Kind: &kind}))
	back := ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", Components: []string{"turned"}}))
	s.equal("a rollback never asks", words(len(back.Unchecked), readAs("1") == ""), "0 true")
	page := ok[sluice.Page[sluice.Entry]](s)(s.Entries(s.ctx, sluice.AuditQuery{Kind: sluice.EntryVersionCheck}))
	subjects := []string{}
	for _, e := range page.Items {
		subjects = append(subjects, e.Subject)
	}
	slices.Sort(subjects)
	s.equal("in the ledger", subjects, []string{"turned@1", "turned@2"})
}

func ref(s string) *string { return &s }

func errorOf[T any](_ T, err error) error { return err }
