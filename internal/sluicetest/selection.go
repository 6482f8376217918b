package sluicetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

// selection: each change of what is live can be asked of some components, and
// leaves the others as they are.
func selection(s *suite) {
	s.published(3)
	for i := range 2 {
		s.publish("third", fmt.Sprintf("v1.%d.0", i))
	}
	s.deploy("staging", prompt, "v1.0.0", other, "v1.0.0", "third", "v1.0.0")
	s.advance(time.Hour)
	then := sluice.TimeOf(s.clock)
	s.advance(time.Hour)
	several := ok[sluice.Outcome](s)(s.Promote(s.ctx, sluice.PromoteRequest{
		Environment: "prod", From: "staging", Components: []string{"Third", other, other},
	}))
	s.equal("promoted", len(several.Release.Changes), 2)
	s.live("prod", "router v1.0.0, third v1.0.0")
	s.deploy("staging", prompt, "v1.1.0", other, "v1.1.0", "third", "v1.1.0")
	s.deploy("staging", prompt, "v1.2.0")
	back := ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "staging", Components: []string{prompt, "third"}}))
	s.equal("rolled back", len(back.Release.Changes), 2)
	s.live("staging", "my-prompt v1.1.0, router v1.1.0, third v1.0.0")
	s.unchanged("one of them that cannot", func() {
		_, err := s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "staging", Components: []string{prompt, "third"}})
		s.refused(err, sluice.NotFound, "nothing was live before v1.0.0 of third")
		_, err = s.Promote(s.ctx, sluice.PromoteRequest{Environment: "prod", From: "staging", Components: []string{other, "nobody"}})
		s.refused(err, sluice.NotFound, "nobody does not exist")
	})
	ok[sluice.Outcome](s)(s.Restore(s.ctx, sluice.RestoreRequest{
		Environment: "prod", From: "staging@" + then.String(), Except: []string{"third"}, Change: sluice.Change{Reason: "as it was"},
	}))
	s.live("prod", "my-prompt v1.0.0, router v1.0.0, third v1.0.0")
	whole := ok[sluice.Outcome](s)(s.Restore(s.ctx, sluice.RestoreRequest{Environment: "prod", From: "staging"}))
	s.equal("restored", string(whole.Release.Action)+" of "+whole.Release.Source, "restore of staging#4")
	s.equal("the same root", s.live("prod", "my-prompt v1.1.0, router v1.1.0, third v1.0.0").Root, s.live("staging", "my-prompt v1.1.0, router v1.1.0, third v1.0.0").Root)
	undone := ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", Release: whole.Release.Number, Except: []string{other}}))
	s.equal("of one release, one component", len(undone.Release.Changes), 1)
	s.live("prod", "my-prompt v1.0.0, router v1.1.0, third v1.0.0")
}

// stickiness: a key keeps its version from question to question, and who got
// the challenger keeps it while its weight grows.
func stickiness(s *suite) {
	s.published(2)
	s.deploy("prod", prompt, "v1.0.0")
	split := func(weight sluice.Weight) map[string]sluice.Label {
		ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{{
			Component: prompt, Split: []sluice.ShareRequest{{Version: "v1.1.0", Weight: weight}, {Version: "v1.0.0", Weight: sluice.Whole - weight}},
		}}}))
		out := map[string]sluice.Label{}
		for i := range 100 {
			key := fmt.Sprint("user-", i/2) // each twice
			r := must(s.Resolve(s.ctx, sluice.ResolveRequest{Environment: "prod", Component: prompt, Key: key}))
			if before, asked := out[key]; asked && before != r.Label {
				s.Errorf("%s gets %s, then %s", key, before, r.Label)
			}
			out[key] = r.Label
		}
		return out
	}
	few, many := split(2000), split(6000)
	for key, label := range few {
		if label == "v1.1.0" && many[key] != label {
			s.Errorf("%s lost the challenger when its weight grew", key)
		}
	}
	s.equal("at 0.01 % and 99.99 %", len(split(1)) == 50 && len(split(sluice.Whole-1)) == 50, true)
}

// entries are found by what they are about and by when they were recorded.
func entries(s *suite) {
	s.published(1)
	s.advance(time.Hour)
	noon := sluice.TimeOf(s.clock)
	s.deploy("prod", prompt, "v1.0.0")
	s.deploy("staging", prompt, "v1.0.0")
	s.advance(time.Hour)
	one := sluice.TimeOf(s.clock)
	s.deploy("prod", other, "v1.0.0")
	for _, c := range []struct {
		q    sluice.AuditQuery
		want string
	}{
		{sluice.AuditQuery{Since: noon, Until: one - 1}, "staging#1 production#1"},
		{sluice.AuditQuery{Since: one}, "production#2"},
		{sluice.AuditQuery{Environment: "PROD", Kind: sluice.EntryRelease, Until: one - 1}, "production#1"},
		{sluice.AuditQuery{Component: "ROUTER", Kind: sluice.EntryVersionPublish}, "router@1"},
		{sluice.AuditQuery{Actor: "sluice", Kind: sluice.EntryTokenRotate}, ""},
		{sluice.AuditQuery{Actor: "sluice", Kind: sluice.EntryEnvironmentCreate}, "production staging development base"},
	} {
		var subjects []string
		for _, e := range ok[sluice.Page[sluice.Entry]](s)(s.Entries(s.ctx, c.q)).Items {
			subjects = append(subjects, e.Subject)
		}
		s.equal(fmt.Sprintf("%+v", c.q), strings.Join(subjects, " "), c.want)
	}
	for _, q := range []sluice.AuditQuery{{Environment: "nobody"}, {Component: "nobody"}} {
		_, err := s.Entries(s.ctx, q)
		s.refused(err, sluice.NotFound)
	}
}

// ending: who watches an environment is told when it ends.
func ending(s *suite) {
	s.published(1)
	ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "brief", Create: sluice.CreateMissing, Changes: set(prompt, "1")}))
	w := s.watch(sluice.WatchRequest{Environment: "brief"})
	w.want(sluice.EventSnapshot, 1)
	ok[sluice.EnvironmentChange](s)(s.DeleteEnvironment(s.ctx, sluice.DeleteEnvironmentRequest{Name: "brief"}))
	for {
		event, err, more := w.next()
		if err == nil && more && (event.Type == sluice.EventHeartbeat || event.Release != nil && event.Release.Action == sluice.ActionDelete) {
			continue
		}
		if sluice.CodeOf(err) != sluice.NotFound {
			s.Errorf("the watch ended with %+v, %v", event, err)
		}
		return
	}
}
