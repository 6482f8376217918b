package sluicetest

import (
	"fmt"
	"time"

	"github.com/sluice-dev/sluice"
)

// recordedVersions keep what was said of them, and are known by label or content.
func recordedVersions(s *suite) {
	then := sluice.TimeOf(s.clock.Add(-time.Hour))
	one := s.versionRecord(prompt, "v1.0.0")
	one.Version.At, one.Version.Note, one.Version.Commit = then, "by mail", CommitOf("one")
	v := s.record(one).Recorded[0].Version
	s.equal("as it was made", words(v.Author, v.At, v.Note, v.Commit, v.RecordedAt > then), words("bob", then, "by mail", CommitOf("one"), true))
	s.equal("nothing follows", s.live("dev", "").Release, 0)
	future := s.versionRecord(prompt, "v1.1.0")
	future.Version.At = sluice.TimeOf(s.clock.Add(time.Hour))
	v = s.record(future).Recorded[0].Version
	s.equal("a clock that is ahead", v.At, v.RecordedAt)
	plain := s.versionRecord(prompt, "")
	plain.Version.Files = one.Version.Files
	r := s.record(plain, plain, one).Recorded
	s.equal("the content without its label", words(r[0].Created, r[0].Version.Number, r[1].Created, r[2].Created, r[2].Version.Number), "true 3 false false 1")
	value := pinned("v1.0.0")
	value.Label = ""
	s.record(s.releaseRecord("prod", 1, slotRecord(prompt, value)))
	s.live("prod", "my-prompt 3")
	s.publish(other, "v1.0.0")
	s.record(s.releaseRecord("prod", 2, slotRecord(other, value)))
	s.live("prod", "my-prompt 3, router v1.0.0") // the content without a label is known under one alone
	broken := sluice.Record{Version: &sluice.VersionRecord{
		Component: "broken", Kind: sluice.KindWorkflow, Files: []sluice.File{{Path: "a.yaml", Text: "blocks: [{block: nonsense}]"}}, Author: "bob", At: then,
	}}
	s.equal("what is no workflow", s.record(broken).Recorded[0].Created, true)
	s.purgedVersions()
}

// purgedVersions do not come back.
func (s *suite) purgedVersions() {
	gone := s.versionRecord("gone", "")
	s.record(gone)
	ok[sluice.Version](s)(s.Purge(s.ctx, sluice.PurgeRequest{Component: "gone", Version: "1", Change: sluice.Change{Reason: "a name was in it"}}))
	s.unchanged("purged bytes", func() { s.equal("known", s.record(gone).Recorded[0].Version.Purged, true) })
	_, err := s.File(s.ctx, "gone", "1", "prompt.md")
	s.refused(err, sluice.NotFound, "was purged")
}

// with gives a release the settings of its environment.
func with(r sluice.Record, settings sluice.EnvironmentRecord) sluice.Record {
	r.Release.Settings = &settings
	return r
}

// recordedEnvironments are made, changed, ended and brought back as elsewhere.
func recordedEnvironments(s *suite) {
	s.published(2)
	slot := slotRecord(prompt, pinned("v1.0.0"))
	settings := sluice.EnvironmentRecord{Alias: "eu", Parent: "stage", Tracks: sluice.TracksLatest, PromotesFrom: []string{"stage"}}
	r := s.record(with(s.releaseRecord("prod-eu", 1, slot), settings)).Recorded[0].Release
	s.equal("the release", r.Ref(), "prod-eu#1")
	shown := func() string {
		e := ok[sluice.Environment](s)(s.Environment(s.ctx, "prod-eu"))
		return fmt.Sprintf("%q %s %q %v", e.Alias, e.Parent, e.Tracks, e.PromotesFrom)
	}
	s.equal("made", shown(), `"eu" staging "latest" [staging]`)
	s.unchanged("known", func() { s.record(with(s.releaseRecord("prod-eu", 1, slot), sluice.EnvironmentRecord{})) })
	s.record(with(s.releaseRecord("PROD-EU", 2), sluice.EnvironmentRecord{Parent: "prod"}))
	s.equal("changed", shown(), `"" production "" []`)
	s.record(s.releaseRecord("prod-eu", 3))
	s.equal("left alone", shown(), `"" production "" []`)
	end := s.releaseRecord("prod-eu", 4, slotRecord(prompt, sluice.Value{}))
	end.Release.Action = sluice.ActionDelete
	s.record(end)
	_, err := s.Environment(s.ctx, "prod-eu")
	s.refused(err, sluice.NotFound, "was deleted")
	s.unrecorded(sluice.NotFound, "was deleted", s.releaseRecord("prod-eu", 5))
	back := with(s.releaseRecord("prod-eu", 5, slot), sluice.EnvironmentRecord{Alias: "eu"})
	s.equal("brought back", s.record(back).Recorded[0].Release.Ref(), "prod-eu#5")
	s.equal("with its settings", shown(), `"eu" base "" []`)
	s.live("eu", "my-prompt v1.0.0")
	s.unchanged("all again", func() { s.record(end, back) })
	needed := s.releaseRecord("production", 1)
	needed.Release.Action = sluice.ActionDelete
	s.record(needed)
	s.equal("what is needed stays", ok[sluice.Environment](s)(s.Environment(s.ctx, "prod")).Release, 1)
	full := s.releaseRecord("prod-eu", 6)
	full.Release.Action = sluice.ActionDelete
	s.record(full)
	s.live("eu", "my-prompt v1.0.0") // and what holds something
}

// recordedSettings give way: a history can always be taken in.
func recordedSettings(s *suite) {
	s.record(with(s.releaseRecord("child", 1), sluice.EnvironmentRecord{Parent: "parent", PromotesFrom: []string{"source"}}))
	s.equal("what nothing was released to yet", ok[sluice.Environment](s)(s.Environment(s.ctx, "parent")).Parent+ok[sluice.Environment](s)(s.Environment(s.ctx, "source")).Parent, "basebase")
	s.record(with(s.releaseRecord("parent", 1), sluice.EnvironmentRecord{Parent: "child"}))
	s.equal("no circle", ok[sluice.Environment](s)(s.Environment(s.ctx, "child")).Parent, "base")
	s.record(with(s.releaseRecord("live", 1), sluice.EnvironmentRecord{Alias: "prod"}))
	s.equal("the alias moved", ok[sluice.Environment](s)(s.Environment(s.ctx, "prod")).Name+ok[sluice.Environment](s)(s.Environment(s.ctx, "production")).Alias, "live")
	s.unrecorded(sluice.Conflict, "stage is the name of an environment elsewhere, and here the alias of staging", with(s.releaseRecord("stage", 1), sluice.EnvironmentRecord{}))
	s.record(with(s.releaseRecord("late", 1), sluice.EnvironmentRecord{Alias: "Parent"}))
	s.equal("a name is not taken", ok[sluice.Environment](s)(s.Environment(s.ctx, "late")).Alias, "")
	for word, settings := range map[string]sluice.EnvironmentRecord{
		"itself":       {Parent: "prod-us"},
		"cannot track": {Tracks: "oldest"},
		"not a valid":  {Alias: "a b"},
	} {
		s.unchanged(word, func() {
			_, err := s.Record(s.ctx, sluice.RecordRequest{Records: []sluice.Record{with(s.releaseRecord("prod-us", 1), settings)}})
			if sluice.CodeOf(err) != sluice.Invalid {
				s.Errorf("%q: %v", word, err)
			}
		})
	}
}

// recordedInheritance: what has no release of its own for it inherits here.
func recordedInheritance(s *suite) {
	s.published(2)
	base := s.releaseRecord("base", 1, slotRecord(prompt, pinned("v1.0.0")))
	base.Release.Apart = []string{"stage", "nowhere"}
	s.record(base)
	s.live("staging", "")
	m := s.live("prod", "my-prompt v1.0.0 from base")
	s.equal("by itself", m.Release, 1)
	inherited := slotRecord(prompt, pinned("v1.0.0"))
	inherited.Origin = "base"
	follows := s.releaseRecord("staging", 1, inherited)
	follows.Release.Action, follows.Release.Cause = sluice.ActionInherited, "base#1"
	s.record(follows)
	s.live("staging", "my-prompt v1.0.0 from base")
	page := ok[sluice.Page[sluice.Release]](s)(s.Releases(s.ctx, sluice.ReleaseQuery{Environment: "prod"}))
	s.equal("in the name of who made it", words(page.Items[0].Action, page.Items[0].Actor, page.Items[0].Cause, page.Items[0].Commit == ""), "inherited bob base#1 true")
	own := inherited
	own.Origin = "staging"
	s.record(s.releaseRecord("staging", 2, own))
	s.live("staging", "my-prompt v1.0.0")
}

// recordedTimes are those of elsewhere as long as time does not go back.
func recordedTimes(s *suite) {
	s.published(3)
	s.deploy("prod", prompt, "v1.0.0")
	start := sluice.TimeOf(s.clock)
	hours := func(n int64) sluice.Time { return start + sluice.Time(n*time.Hour.Microseconds()) }
	s.advance(10 * time.Hour)
	at := func(n int, label string, t sluice.Time) string {
		r := s.releaseRecord("prod", n, slotRecord(prompt, pinned(label)))
		r.Release.At = t
		made := s.record(r).Recorded[0].Release
		return words(made.At == t, made.SourceAt == t, made.RecordedAt > hours(10)-1)
	}
	s.equal("where something was live before", at(1, "v1.1.0", hours(2)), "true false true")
	s.equal("back", at(2, "v1.2.0", hours(1)), "false true true")
	s.equal("before the last one", at(3, "v1.1.0", hours(3)), "false true true")
	s.equal("yet to come", at(4, "v1.2.0", hours(11)), "false true true")
	s.advance(2 * time.Hour)
	s.equal("later", at(5, "v1.0.0", hours(11)), "true false true")
	s.equal("none", at(6, "v1.1.0", 0), "false true true")
	s.liveAt(sluice.EnvironmentRef{Name: "prod", At: hours(1)}, "my-prompt v1.0.0")
	s.liveAt(sluice.EnvironmentRef{Name: "prod", At: hours(9)}, "my-prompt v1.1.0")
	// The past of what merely inherits here is its own.
	s.deploy("base", other, "v1.0.0")
	s.advance(10 * time.Hour)
	base := s.releaseRecord("base", 1, slotRecord(other, pinned("v1.1.0")))
	base.Release.At = hours(15)
	s.record(base)
	page := ok[sluice.Page[sluice.Release]](s)(s.Releases(s.ctx, sluice.ReleaseQuery{Environment: "prod", Paging: sluice.Paging{Limit: 1}}))
	s.equal("only noted", words(page.Items[0].Action, page.Items[0].SourceAt, page.Items[0].At == page.Items[0].RecordedAt), words("inherited", hours(15), true))
	s.liveAt(sluice.EnvironmentRef{Name: "base", At: hours(16)}, "router v1.1.0")
}

// recordedRollbacks lead on to where they lead elsewhere, and hold nobody back who
// was not there.
func recordedRollbacks(s *suite) {
	s.published(3)
	var records []sluice.Record
	release := func(action sluice.Action, label, under string) {
		slot := slotRecord(prompt, pinned(label))
		if under != "" {
			slot.Under = pinned(under)
		}
		r := s.releaseRecord("prod", len(records)+1, slot)
		r.Release.Action = action
		records = append(records, r)
		s.advance(time.Minute)
	}
	release(sluice.ActionPromote, "v1.0.0", "")
	release(sluice.ActionPromote, "v1.1.0", "v1.0.0")
	release(sluice.ActionPromote, "v1.0.0", "v1.1.0")
	release(sluice.ActionPromote, "v1.2.0", "v1.0.0")
	release(sluice.ActionRollback, "v1.0.0", "v1.1.0")
	release(sluice.ActionRollback, "v1.1.0", "v1.0.0")
	s.advance(time.Hour)
	s.record(records...)
	back := func(want string) {
		s.Helper()
		ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", Components: []string{prompt}}))
		s.live("prod", want)
	}
	back("my-prompt v1.0.0")
	_, err := s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", Components: []string{prompt}})
	s.refused(err, sluice.NotFound, "nothing was live before v1.0.0")
	empty := slotRecord(prompt, sluice.Value{})
	empty.Under = pinned("v1.0.0")
	unset := s.releaseRecord("prod", 7, empty)
	unset.Release.Action = sluice.ActionUnset
	s.record(unset)
	s.live("prod", "")
	back("my-prompt v1.0.0")
	// Which time of a version is meant, the record can say.
	twice := slotRecord(prompt, pinned("v1.2.0"))
	twice.Under, twice.UnderSince = pinned("v1.0.0"), records[2].Release.At
	s.record(s.releaseRecord("prod", 8, twice))
	back("my-prompt v1.0.0")
	back("my-prompt v1.1.0")
	recent := s.releaseRecord("prod", 9, slotRecord(prompt, pinned("v1.2.0")))
	recent.Release.Action = sluice.ActionRollback
	recent.Release.Slots[0].Under = pinned("v1.0.0")
	s.record(recent)
	_, err = s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", Components: []string{prompt}})
	s.refused(err, sluice.Conflict, "bob rolled my-prompt in production back")
}

// recordedFreezes: a release that froze anew what was frozen already is told apart
// by what lies under it.
func recordedFreezes(s *suite) {
	s.published(2)
	freeze := func(n int, action sluice.Action, label, under string) sluice.Release {
		slot := slotRecord(prompt, pinned(label))
		slot.Under, slot.Pinned = pinned(under), true
		r := s.releaseRecord("staging", n, slot)
		r.Release.Action = action
		s.advance(time.Minute)
		return *s.record(r).Recorded[0].Release
	}
	s.record(s.releaseRecord("staging", 1, slotRecord(prompt, pinned("v1.0.0"))))
	s.advance(time.Minute)
	first := freeze(2, sluice.ActionRestore, "v1.1.0", "v1.0.0")
	again := freeze(3, sluice.ActionRollback, "v1.1.0", "v1.1.0")
	m := ok[sluice.Manifest](s)(s.State(s.ctx, sluice.EnvironmentRef{Name: "staging"}))
	slot, _ := m.Find(sluice.ComponentSlot(prompt))
	s.equal("since, under and frozen by", []int64{slot.Since, slot.Under, slot.PinnedBy}, []int64{again.Number, first.Number, again.Number})
}
