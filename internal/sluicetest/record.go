package sluicetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

// recordGroups are the questions about what happened elsewhere.
var recordGroups = []group{
	{"records", records},
	{"records that do not fit", recordsThatDoNotFit},
	{"what is no record", noRecords},
	{"recorded versions", recordedVersions},
	{"recorded environments", recordedEnvironments},
	{"recorded settings that do not fit", recordedSettings},
	{"recorded inheritance", recordedInheritance},
	{"recorded times", recordedTimes},
	{"recorded rollbacks", recordedRollbacks},
	{"recorded freezes", recordedFreezes},
	{"asking the policy of records", askedRecords},
	{"recorded variables", recordedVariables},
	{"recorded secrets", recordedSecrets},
	{"who may record", whoMayRecord},
	{"limits of records", recordLimits},
	{"every change of records", everyRecord},
	{"the audit from its beginning", ascending},
}

// another is an empty installation with the same clock.
func (s *suite) another() *suite {
	o := *s
	o.Services, o.asker = s.open(s.T, s.now)
	o.said = nil
	return &o
}

// elsewhere reads what happened in another installation.
func (s *suite) elsewhere(o *suite) History {
	s.Helper()
	h, err := Elsewhere(o.ctx, o.Services)
	if err != nil {
		s.Fatal(err)
	}
	return h
}

func (s *suite) record(records ...sluice.Record) sluice.RecordReport {
	s.Helper()
	return ok[sluice.RecordReport](s)(s.Record(s.ctx, sluice.RecordRequest{Records: records}))
}

func (s *suite) unrecorded(code sluice.Code, word string, records ...sluice.Record) {
	s.Helper()
	s.unchanged(word, func() {
		report, err := s.Record(s.ctx, sluice.RecordRequest{Records: records})
		if err == nil {
			s.Fatalf("%q: it was recorded: %+v", word, report)
		}
		s.refused(err, code, word)
	})
}

// versionRecord is a version whose text is its label's.
func (s *suite) versionRecord(component, label string) sluice.Record {
	return sluice.Record{Version: &sluice.VersionRecord{
		Component: component, Kind: sluice.KindPrompt, Number: 1, Label: label, Files: text(label), Author: "bob", At: sluice.TimeOf(s.clock),
	}}
}

// pinned is the version with a label of a text, as a release elsewhere names it.
func pinned(label string) sluice.Value {
	_, digest, err := sluice.CheckFiles(text(label))
	if err != nil {
		panic(err)
	}
	return sluice.Settle(sluice.Pin{Version: 7, Label: sluice.Label(label), Digest: digest})
}

// releaseRecord is the n-th release of an environment elsewhere.
func (s *suite) releaseRecord(environment string, n int, slots ...sluice.SlotRecord) sluice.Record {
	if slots == nil {
		slots = []sluice.SlotRecord{}
	}
	return sluice.Record{Release: &sluice.ReleaseRecord{
		Environment: environment, Commit: CommitOf(fmt.Sprint(environment, n)), Actor: "bob", Action: sluice.ActionDeploy,
		At: sluice.TimeOf(s.clock), Slots: slots,
	}}
}

func slotRecord(component string, v sluice.Value) sluice.SlotRecord {
	return sluice.SlotRecord{Slot: sluice.ComponentSlot(component), Value: v}
}

// records: an empty installation that is fed with another's history is the same, and
// remains so.
func records(s *suite) {
	o := s.another()
	o.history()
	h := s.elsewhere(o)
	s.advance(24 * time.Hour)
	for at, batch := 0, 7; at < len(h.Records); at += batch {
		for i, done := range s.record(h.Records[at:min(at+batch, len(h.Records))]...).Recorded {
			if r := h.Records[at+i].Release; !done.Created || done.RootDiffers || r != nil && (done.Release.Commit != r.Commit || done.Release.At != r.At) {
				s.Errorf("%+v became %+v", r, done)
			}
		}
	}
	s.sameAs(o)
	s.unchanged("all of it again", func() {
		for at := 0; at < len(h.Records); at += 10 {
			for _, done := range s.record(h.Records[at:min(at+10, len(h.Records))]...).Recorded {
				s.equal("created", done.Created, false)
			}
		}
	})
	for _, req := range []sluice.RollbackRequest{
		{Environment: "prod", Components: []string{prompt}},
		{Environment: "prod", Components: []string{prompt}},
		{Environment: "prod", To: "prod#4"},
		{Environment: "prod", Components: []string{prompt}},
		{Environment: "staging", Components: []string{prompt}},
		{Environment: "base", To: "base#1"},
	} {
		there, wrong := o.Rollback(o.ctx, req)
		here, err := s.Rollback(s.ctx, req)
		s.equal(fmt.Sprintf("rollback %+v", req), words(here.Undo, err), words(there.Undo, wrong))
	}
	s.sameAs(o)
}

// history has a release of every action.
func (s *suite) history() {
	s.published(3)
	ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{Component: prompt, Files: text("no label"), Note: "by mail"}))
	from, parent := []string{"staging"}, "staging"
	change := func(what sluice.EnvironmentChange, err error) { ok[sluice.EnvironmentChange](s)(what, err) }
	s.deploy("base", other, "v1.0.0")
	change(s.EditEnvironment(s.ctx, sluice.EditEnvironmentRequest{Name: "prod", PromotesFrom: &from}))
	for _, v := range []string{"v1.0.0", "4", "v1.1.0", "v1.0.0"} {
		s.deploy("staging", prompt, v)
		s.advance(time.Hour)
		ok[sluice.Outcome](s)(s.Promote(s.ctx, sluice.PromoteRequest{Environment: "prod", From: "staging", Change: sluice.Change{Reason: "ready", Ticket: "INC-1"}}))
	}
	change(s.CreateEnvironment(s.ctx, sluice.CreateEnvironmentRequest{Name: "canary", Alias: "can", Parent: "prod"}))
	s.deploy("staging", other, "v1.1.0")
	s.deploy("base", other, "v1.1.0")
	ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", Components: []string{prompt}}))
	ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", To: "prod#3"}))
	ok[sluice.Outcome](s)(s.Restore(s.ctx, sluice.RestoreRequest{Environment: "debug", From: "prod#4", Create: sluice.CreateAlways}))
	ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "staging", Changes: []sluice.ChangeRequest{
		{Component: prompt, Split: []sluice.ShareRequest{{Version: "v1.2.0", Weight: 1000}, {Version: "v1.0.0", Weight: 9000}}}, {Component: other, Hide: true},
	}}))
	ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "staging", Changes: []sluice.ChangeRequest{{Component: other, Unset: true}}}))
	change(s.EditEnvironment(s.ctx, sluice.EditEnvironmentRequest{Name: "canary", Parent: &parent}))
	change(s.DeleteEnvironment(s.ctx, sluice.DeleteEnvironmentRequest{Name: "canary"}))
	change(s.CreateEnvironment(s.ctx, sluice.CreateEnvironmentRequest{Name: "canary", Alias: "can", Tracks: sluice.TracksLatest}))
	s.publish(prompt, "v2.0.0")
}

// sameAs compares every release of every environment with that of another
// installation, and what a rollback would uncover.
func (s *suite) sameAs(o *suite) {
	s.Helper()
	environments := ok[[]sluice.Environment](s)(s.Environments(s.ctx, true))
	s.equal("the environments", namesOf(environments), namesOf(must(o.Environments(o.ctx, true))))
	for _, e := range environments {
		for n := range e.Release + 1 {
			here, there := s.shown(e.Name, n), o.shown(e.Name, n)
			if here != there {
				s.Errorf("%s#%d is\n%s\nand elsewhere\n%s", e.Name, n, here, there)
			}
		}
	}
	lines := func(s *suite) (out []string) {
		for _, r := range must(s.Releases(s.ctx, sluice.ReleaseQuery{})).Items {
			out = append(out, words(r.Ref(), r.Action, r.Actor, r.Cause, r.Source, r.Reason, r.Ticket, r.Root))
		}
		return out
	}
	s.equal("history", strings.Join(lines(s), "\n"), strings.Join(lines(o), "\n"))
}

func namesOf(environments []sluice.Environment) (out []string) {
	for _, e := range environments {
		out = append(out, fmt.Sprintf("%s %q %s %q %q %t #%d", e.Name, e.Alias, e.Parent, e.Tracks, e.PromotesFrom, e.Deleted, e.Release))
	}
	return out
}

// shown is what an environment held after a release.
func (s *suite) shown(environment string, n int64) string {
	m := must(s.State(s.ctx, sluice.EnvironmentRef{Name: environment, Release: n, Exact: true}))
	lines := []string{string(m.Root)}
	for _, slot := range m.Slots {
		lines = append(lines, fmt.Sprintf("%s %s from %q since #%d over #%d pinned %t", slot.Slot, slot.Value.Encode(), slot.Origin, slot.Since, slot.Under, slot.PinnedBy > 0))
	}
	return strings.Join(lines, "\n")
}

// recordsThatDoNotFit are refused, and nothing of what came with them is kept.
func recordsThatDoNotFit(s *suite) {
	s.published(1)
	s.deploy("prod", prompt, "v1.0.0")
	fresh := s.versionRecord("fresh", "v1.0.0")
	changed := s.versionRecord(prompt, "v1.0.0")
	changed.Version.Files = text("another")
	s.unrecorded(sluice.Conflict, "record 2: my-prompt@v1.0.0 has other content here", fresh, changed)
	pin := pinned("v1.0.0")
	pin.Digest = pinned("v1.1.0").Digest
	s.unrecorded(sluice.Conflict, "labels never move", s.releaseRecord("prod", 1, slotRecord(prompt, pin)))
	s.unrecorded(sluice.NotFound, "record the version before the release", fresh, s.releaseRecord("prod", 1, slotRecord(prompt, pinned("v9.0.0"))))
	s.unrecorded(sluice.NotFound, "component unheard-of does not exist", s.releaseRecord("prod", 1, slotRecord("unheard-of", pinned("v1.0.0"))))
	inherited := slotRecord(prompt, pinned("v1.0.0"))
	inherited.Origin = "nowhere"
	s.unrecorded(sluice.NotFound, "record the releases of nowhere first", s.releaseRecord("prod", 1, inherited))
	s.unrecorded(sluice.NotFound, "create the environment nowhere", s.releaseRecord("nowhere", 1))
	stale := s.releaseRecord("prod", 1)
	at := int64(0)
	stale.Release.ExpectedRelease = &at
	s.unrecorded(sluice.Conflict, "production is at release #1, not #0: deploy by alice", stale)
	at = 1
	r := s.record(fresh, stale).Recorded
	s.equal("as expected", words(r[0].Created, r[1].Release.Number, len(r[1].Release.Changes)), "true 2 0")
	s.live("prod", "my-prompt v1.0.0")
}

// noRecords are malformed.
func noRecords(s *suite) {
	s.published(1)
	slot := func(change func(*sluice.SlotRecord)) sluice.Record {
		one := slotRecord(prompt, pinned("v1.0.0"))
		change(&one)
		return s.releaseRecord("prod", 1, one)
	}
	release := func(change func(*sluice.ReleaseRecord)) sluice.Record {
		r := s.releaseRecord("prod", 1, slotRecord(prompt, pinned("v1.0.0")))
		change(r.Release)
		return r
	}
	version := func(change func(*sluice.VersionRecord)) sluice.Record {
		r := s.versionRecord("fresh", "v1.0.0")
		change(r.Version)
		return r
	}
	variable := func(name string, v sluice.Sealed) sluice.Record {
		return slot(func(r *sluice.SlotRecord) { r.Slot, r.Value = sluice.Slot("var/"+name), sluice.Value{Sealed: v} })
	}
	share := func(label string, weight sluice.Weight) sluice.Share {
		return sluice.Share{Pin: pinned(label).Pin, Weight: weight}
	}
	print := strings.Repeat("0a", 16)
	for word, record := range map[string]sluice.Record{
		"a version or a release": {},
		"one of the two":         {Version: s.versionRecord(prompt, "v1.0.0").Version, Release: s.releaseRecord("prod", 1).Release},
		"has no author":          version(func(r *sluice.VersionRecord) { r.Author = "" }),
		"is not a valid name":    version(func(r *sluice.VersionRecord) { r.Component = "a b" }),
		"version label":          version(func(r *sluice.VersionRecord) { r.Label = "first" }),
		"not 40 or 64 hex":       version(func(r *sluice.VersionRecord) { r.Commit = "HEAD" }),
		"git rev-parse":          release(func(r *sluice.ReleaseRecord) { r.Commit = "main" }),
		"has no actor":           release(func(r *sluice.ReleaseRecord) { r.Actor = "" }),
		`action "shake"`:         release(func(r *sluice.ReleaseRecord) { r.Action = "shake" }),
		"cause is not text":      release(func(r *sluice.ReleaseRecord) { r.Cause = "\a" }),
		"reads as a":             release(func(r *sluice.ReleaseRecord) { r.Environment = "v1.0.0" }),
		"is not a slot":          slot(func(r *sluice.SlotRecord) { r.Slot = "nothing" }),
		"named twice":            release(func(r *sluice.ReleaseRecord) { r.Slots = append(r.Slots, slotRecord("My-Prompt", sluice.Value{})) }),
		"not settled":            slot(func(r *sluice.SlotRecord) { r.Under = sluice.Value{None: true} }),
		"inherits it from":       slot(func(r *sluice.SlotRecord) { r.Value, r.Origin = sluice.Value{}, "base" }),
		"is pinned":              slot(func(r *sluice.SlotRecord) { r.Pinned, r.Origin = true, "base" }),
		"number from 1":          slot(func(r *sluice.SlotRecord) { r.Value.Version = -1; r.Value.Split = []sluice.Share{share("v1.0.0", 1)} }),
		"64 hex digits":          slot(func(r *sluice.SlotRecord) { r.Value.Digest = "sha256:00" }),
		"the label is v1.0.0":    slot(func(r *sluice.SlotRecord) { r.Value.Label = "1.0.0" }),
		"add up to 50%": slot(func(r *sluice.SlotRecord) {
			r.Value.Split = []sluice.Share{share("v1.0.0", 2500), {Pin: sluice.Pin{Version: 8, Digest: pinned("x").Digest}, Weight: 2500}}
		}),
		"it is a variable's":    slot(func(r *sluice.SlotRecord) { r.Value.Stub = true }),
		"something and none":    slot(func(r *sluice.SlotRecord) { r.Value.None = true }),
		"a component's version": slot(func(r *sluice.SlotRecord) { r.Slot = "var/A" }),
		"has a fingerprint, or": variable("A", sluice.Sealed{Secret: true}),
		"a stub or hidden":      variable("A", sluice.Sealed{Fingerprint: print, Stub: true}),
		"32 hex digits":         variable("A", sluice.Sealed{Fingerprint: "hunter2"}),
		"only an overlay":       variable("A", sluice.Sealed{Hidden: true}),
		"which commit":          {Release: &sluice.ReleaseRecord{Environment: "prod", Actor: "bob", Action: sluice.ActionConfigure, Slots: variable("A", sluice.Sealed{Fingerprint: print}).Release.Slots}},
	} {
		s.unchanged(word, func() {
			_, err := s.Record(s.ctx, sluice.RecordRequest{Records: []sluice.Record{record}})
			e := sluice.AsError(err)
			if e == nil || e.Code != sluice.Invalid || !strings.Contains(e.Message+strings.Join(sluice.Texts(e.Fixes), " "), word) {
				s.Errorf("%q: the error is %v, with the fixes %v", word, err, e)
			}
		})
	}
	s.unrecorded(sluice.Invalid, "nothing to record")
}
