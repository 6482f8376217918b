package sluicetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// asking makes records ask the policy.
func asking(r sluice.Record) sluice.Record {
	r.Release.Ask = true
	return r
}

// askedRecords are let in as what they are would be, if it was done here.
func askedRecords(s *suite) {
	s.published(3)
	from := []string{"staging"}
	ok[sluice.EnvironmentChange](s)(s.EditEnvironment(s.ctx, sluice.EditEnvironmentRequest{Name: "prod", PromotesFrom: &from}))
	s.deploy("staging", prompt, "v1.0.0")
	s.deploy("staging", prompt, "v1.1.0")
	first, second := slotRecord(prompt, pinned("v1.0.0")), slotRecord(prompt, pinned("v1.1.0"))
	s.unrecorded(sluice.Refused, "takes versions from staging", asking(s.releaseRecord("prod", 1, slotRecord(prompt, pinned("v1.2.0")))))
	loose := with(asking(s.releaseRecord("production", 1, slotRecord(prompt, pinned("v1.2.0")))), sluice.EnvironmentRecord{Alias: "prod"})
	s.unrecorded(sluice.Refused, "takes versions from staging", loose) // its policy is not the record's to say
	s.record(asking(s.releaseRecord("prod", 1, first)))
	second.Under = pinned("v1.0.0")
	s.record(asking(s.releaseRecord("prod", 2, second)))
	s.record(s.releaseRecord("staging", 1, slotRecord(prompt, pinned("v1.2.0")))) // which is a fact
	s.quarantine("v1.0.0")
	back := asking(s.releaseRecord("prod", 3, first))
	back.Release.Action = sluice.ActionRollback
	s.unrecorded(sluice.Refused, "is quarantined and may not go live", back)
	again := asking(s.releaseRecord("prod", 4, second))
	s.record(again) // it is live
	s.record(s.releaseRecord("prod", 5, first))
	s.live("prod", "my-prompt v1.0.0") // unasked, it is what happened
	back = asking(s.releaseRecord("prod", 6, second))
	back.Release.Action = sluice.ActionRollback
	ok[sluice.EnvironmentChange](s)(s.EditEnvironment(s.ctx, sluice.EditEnvironmentRequest{Name: "prod", PromotesFrom: &[]string{"dev"}}))
	s.unrecorded(sluice.Refused, "takes versions from development", asking(s.releaseRecord("prod", 6, second)))
	s.record(back)
	s.live("prod", "my-prompt v1.1.0") // where it was live before, a rollback asks nobody
	s.unrecorded(sluice.Refused, "production takes versions from", asking(s.releaseRecord("base", 1, slotRecord(other, pinned("v1.0.0")))))
	ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{
		Component: "needy", Kind: sluice.KindPrompt, Label: "v1.0.0", Files: []sluice.File{{Path: "prompt.md", Text: "---\nrequires: [MISSING]\n---\nHelp.\n"}},
	}))
	v := ok[sluice.Version](s)(s.Version(s.ctx, "needy", "v1.0.0"))
	s.unrecorded(sluice.Refused, "requires MISSING", asking(s.releaseRecord("staging", 2, slotRecord("needy", sluice.Settle(v.Pin())))))
	s.record(s.releaseRecord("staging", 2, slotRecord("needy", sluice.Settle(v.Pin()))))
}

func (s *suite) quarantine(version string) {
	s.Helper()
	ok[sluice.QuarantineReport](s)(s.Quarantine(s.ctx, sluice.QuarantineRequest{Component: prompt, Version: version, Change: sluice.Change{Reason: "rude"}}))
}

// whoMayRecord: importers may, where their token lets them.
func whoMayRecord(s *suite) {
	s.published(1)
	records := func(r ...sluice.Record) sluice.RecordRequest {
		return sluice.RecordRequest{Records: r, Change: sluice.Change{DryRun: true}}
	}
	release := s.releaseRecord("prod", 1, slotRecord(prompt, pinned("v1.0.0")))
	for _, q := range []question{
		questionOf("a version", sluice.MayImport, s.Record, records(s.versionRecord("fresh", "v1.0.0"))),
		questionOf("a release", sluice.MayImport, s.Record, records(release)),
	} {
		for _, role := range sluice.Roles() {
			err := s.by(s.token("bob", nil, role).Secret, q.ask)
			allowed := sluice.Actor{Name: "bob", Roles: []sluice.Role{role}}.May(q.need, "") == nil
			if code := sluice.CodeOf(err); allowed && err != nil || !allowed && code != sluice.Denied {
				s.Errorf("%s, %s: %v; allowed is %t", q.name, role, err, allowed)
			}
		}
		if err := s.by("", q.ask); sluice.CodeOf(err) != sluice.Unauthenticated {
			s.Errorf("nobody: %v", err)
		}
	}
	ok[sluice.EnvironmentChange](s)(s.CreateEnvironment(s.ctx, sluice.CreateEnvironmentRequest{Name: "canary"}))
	limited := s.token("bob", []string{"staging", "canary"}, sluice.RoleImporter).Secret
	by := func(r ...sluice.Record) error {
		return s.by(limited, questionOf("", sluice.MayImport, s.Record, records(r...)).ask)
	}
	stage := s.releaseRecord("staging", 1)
	s.unchanged("where the token does not lead", func() {
		s.refused(by(release), sluice.Denied, "bob may not change production, only staging, canary")
		s.refused(by(stage, release), sluice.Denied, "record 2: ")
		s.refused(by(with(s.releaseRecord("elsewhere", 1), sluice.EnvironmentRecord{})), sluice.Denied, "bob may not change elsewhere")
		s.refused(by(with(stage, sluice.EnvironmentRecord{Parent: "prod"})), sluice.Denied, "bob may not change production")
		s.refused(by(with(stage, sluice.EnvironmentRecord{Alias: "prod"})), sluice.Denied, "bob may not change production")
		s.refused(by(with(stage, sluice.EnvironmentRecord{Parent: "unheard-of"})), sluice.Denied, "bob may not change unheard-of")
	})
	stage.Release.Settings = nil
	for _, r := range []sluice.Record{stage, s.versionRecord("fresh", "v1.0.0"), with(s.releaseRecord("canary", 1), sluice.EnvironmentRecord{Parent: "stage"})} {
		if err := by(r); err != nil {
			s.Errorf("%+v: %v", r, err)
		}
	}
}

// recordLimits hold for one request.
func recordLimits(s *suite) {
	s.published(1)
	s.unrecorded(sluice.LimitExceeded, "501 records in one request; the limit is 500", make([]sluice.Record, sluice.MaxRecords+1)...)
	var big []sluice.Record
	for i := range 3 {
		r := s.versionRecord(fmt.Sprint("big", i), "v1.0.0")
		for j := range 3 {
			r.Version.Files = append(r.Version.Files, sluice.File{Path: fmt.Sprint(j), Text: strings.Repeat("x", sluice.MaxFileBytes)})
		}
		big = append(big, r)
	}
	s.unrecorded(sluice.LimitExceeded, "send fewer records at once, in their order", big...)
	_, err := s.Record(s.ctx, sluice.RecordRequest{Records: slices.Concat(big, big, big)})
	s.refusedEarly(err, sluice.LimitExceeded) // perhaps by its size alone
	s.equal("fewer", len(s.record(big[:2]...).Recorded), 2)
	many := s.releaseRecord("prod", 1)
	for i := range sluice.MaxRecordSlots/2 + 1 {
		many.Release.Slots = append(many.Release.Slots, sluice.SlotRecord{Slot: sluice.Slot(fmt.Sprint("var/K", i)), Value: sluice.Value{None: true}})
	}
	s.unrecorded(sluice.LimitExceeded, "50002 slots in one request; the limit is 50000", many, many)
	long := s.releaseRecord("prod", 1)
	long.Release.Reason = strings.Repeat("x", sluice.MaxNoteBytes+1)
	s.unrecorded(sluice.LimitExceeded, "reason is 4097 bytes", long)
	names := s.releaseRecord("prod", 1)
	names.Release.Apart = make([]string, 1_001)
	s.unrecorded(sluice.LimitExceeded, "names 1001 environments; the limit is 1000", names)
}

// everyRecord keeps what every change promises.
func everyRecord(s *suite) {
	s.published(2)
	s.keepTheirPromises([]deed{
		deedOf(s, "record a version", s.Record, func(ch sluice.Change) sluice.RecordRequest {
			return sluice.RecordRequest{Records: []sluice.Record{s.versionRecord("fresh", "v1.0.0")}, Change: ch}
		}),
		deedOf(s, "record a release", s.Record, func(ch sluice.Change) sluice.RecordRequest {
			return sluice.RecordRequest{Records: []sluice.Record{
				with(s.releaseRecord("canary", 1, slotRecord(prompt, pinned("v1.0.0"))), sluice.EnvironmentRecord{Alias: "can", Parent: "prod"}),
				s.releaseRecord("base", 1, slotRecord(prompt, pinned("v1.1.0"))),
			}, Change: ch}
		}),
	})
}

// ascending reads the ledger as it grew, from an entry that is known.
func ascending(s *suite) {
	s.published(2)
	s.deploy("base", prompt, "v1.0.0")
	s.deploy("prod", prompt, "v1.1.0")
	walk(s, "the audit from its beginning", "x", func(p sluice.Paging) (sluice.Page[sluice.Entry], error) {
		return s.Entries(s.ctx, sluice.AuditQuery{Ascending: true, Paging: p})
	})
	forth := ok[sluice.Page[sluice.Entry]](s)(s.Entries(s.ctx, sluice.AuditQuery{Ascending: true})).Items
	back := ok[sluice.Page[sluice.Entry]](s)(s.Entries(s.ctx, sluice.AuditQuery{})).Items
	for i, e := range forth {
		if e.Seq != int64(i+1) || back[len(back)-1-i].Seq != e.Seq {
			s.Errorf("entry %d is %d", i+1, e.Seq)
		}
	}
	subjects := func(q sluice.AuditQuery) string {
		q.Ascending = true
		var out []string
		for _, e := range ok[sluice.Page[sluice.Entry]](s)(s.Entries(s.ctx, q)).Items {
			out = append(out, e.Subject)
		}
		return strings.Join(out, " ")
	}
	s.equal("of a kind", subjects(sluice.AuditQuery{Kind: sluice.EntryRelease, Environment: "prod"}), "production#1 production#2")
	last := forth[len(forth)-1].Seq
	s.equal("after the last one", subjects(sluice.AuditQuery{Paging: sluice.Paging{Cursor: fmt.Sprint(last)}}), "")
	s.deploy("prod", prompt, "v1.0.0")
	s.equal("what came since", subjects(sluice.AuditQuery{Paging: sluice.Paging{Cursor: fmt.Sprint(last)}}), "production#3")
}
