package sluicetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

func deploy(s *suite) {
	s.published(3)
	out := ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{
		Environment: "prod", Changes: set(other, "v1.0.0", prompt, "1.0.0"),
		Change: sluice.Change{Reason: "first day", Ticket: "INC-123"},
	}))
	s.equal("release", out.Release.Ref(), "production#1")
	s.equal("why", out.Release.Reason+" "+out.Release.Ticket+" "+out.Release.Actor, "first day INC-123 alice")
	s.equal("undo", *out.Undo.Operation, sluice.RevertRelease("production", 1, ""))
	s.equal("sorted", out.Release.Changes[0].Slot, "component/my-prompt")
	s.live("production", "my-prompt v1.0.0, router v1.0.0")
	one := s.deploy("prod", prompt, "latest")
	s.equal("undo of one", *one.Undo.Operation, sluice.RollbackTo("my-prompt", "production", "production#1", "v1.2.0"))
	same := s.deploy("prod", prompt, "v1.2.0")
	s.equal("without effect", same.Release == nil, true)
	walked := s.deploy("prod", prompt, "v1.0.0")
	s.equal("what lies under is a rollback", walked.Release.Action, sluice.ActionRollback)
	s.unchanged("what may not be", func() {
		for _, bad := range []struct {
			environment string
			changes     []sluice.ChangeRequest
			code        sluice.Code
		}{
			{"prod", nil, sluice.Invalid},
			{"prod", []sluice.ChangeRequest{{Component: prompt}}, sluice.Invalid},
			{"prod", []sluice.ChangeRequest{{Component: prompt, Version: "1", Hide: true}}, sluice.Invalid},
			{"prod", set(prompt, "v1.1.0", "My-Prompt", "v1.2.0"), sluice.Invalid},
			{"prod", set(prompt, "v1.1.0", other, "v9.9.9"), sluice.NotFound}, // all of it or nothing
			{"prod", set(prompt, "v1.1.0", "nobody", "1"), sluice.NotFound},
			{"prodution", set(prompt, "v1.1.0"), sluice.NotFound},
			{"", set(prompt, "v1.1.0"), sluice.Invalid},
			{"a b", set(prompt, "v1.1.0"), sluice.Invalid},
		} {
			_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: bad.environment, Changes: bad.changes})
			s.refused(err, bad.code)
		}
		_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prodution", Create: sluice.CreateMissing, Changes: set(prompt, "1")})
		s.refused(err, sluice.NotFound, "did you mean production?", `create: "always"`)
		_, err = s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Create: "perhaps", Changes: set(prompt, "1")})
		s.refused(err, sluice.Invalid)
		dry := ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{
			Environment: "brand-new", Create: sluice.CreateMissing, Changes: set(prompt, "1"), Change: sluice.Change{DryRun: true},
		}))
		s.equal("a dry run", dry.DryRun && dry.Created && dry.Release != nil, true)
	})
	created := ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "brand-new", Create: sluice.CreateMissing, Changes: set(prompt, "1")}))
	s.equal("created", created.Created, true)
}

func splits(s *suite) {
	s.published(3)
	s.deploy("prod", prompt, "v1.0.0")
	split := func(weights ...any) sluice.DeployRequest {
		ch := sluice.ChangeRequest{Component: prompt}
		for i := 0; i < len(weights); i += 2 {
			ch.Split = append(ch.Split, sluice.ShareRequest{Version: weights[i].(string), Weight: sluice.Weight(weights[i+1].(int))})
		}
		return sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{ch}}
	}
	s.unchanged("weights that do not add up", func() {
		for _, bad := range []sluice.DeployRequest{
			split("v1.0.0", 10000), split("v1.0.0", 9000, "v1.1.0", 999), split("v1.0.0", 5000, "1", 5000), split("v1.0.0", 10001, "v1.1.0", -1),
		} {
			_, err := s.Deploy(s.ctx, bad)
			s.refused(err, sluice.Invalid)
		}
	})
	ok[sluice.Outcome](s)(s.Deploy(s.ctx, split("v1.0.0", 9000, "v1.1.0", 1000)))
	s.live("prod", "my-prompt v1.1.0 10% / v1.0.0 90%")
	count := map[sluice.Label]int{}
	for i := range 400 {
		r, err := s.Resolve(s.ctx, sluice.ResolveRequest{Environment: "prod", Component: prompt, Key: fmt.Sprint(i)})
		if err != nil {
			s.Fatal(err)
		}
		count[r.Label]++
	}
	if count["v1.0.0"]+count["v1.1.0"] != 400 || count["v1.1.0"] < 15 || count["v1.1.0"] > 75 { // 40 and six standard deviations
		s.Errorf("400 keys get %v", count)
	}
	s.note(count)
	keyless := ok[sluice.Resolution](s)(s.Resolve(s.ctx, sluice.ResolveRequest{Environment: "prod", Component: prompt, Content: true}))
	s.equal("without a key", string(keyless.Label)+" "+keyless.Files[0].Text, "v1.0.0 This is v1.0.0.\n")
	further := ok[sluice.Outcome](s)(s.Deploy(s.ctx, split("v1.0.0", 5000, "v1.1.0", 5000)))
	s.equal("below each step lies the settled version", further.Release.Changes[0].Under, 1)
	back := ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", Components: []string{prompt}}))
	s.equal("a rollback leaves the split at once", back.Release.Changes[0].To.String(), "v1.0.0")
	settled := ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", To: "production#2"}))
	s.equal("a half-way split does not come back", settled.Release == nil, true)
}

func promote(s *suite) {
	s.published(3)
	from := []string{"staging"}
	ok[sluice.EnvironmentChange](s)(s.EditEnvironment(s.ctx, sluice.EditEnvironmentRequest{Name: "prod", PromotesFrom: &from}))
	s.unchanged("without evidence", func() {
		_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: set(prompt, "v1.0.0")})
		s.refused(err, sluice.Refused, "was never live there", "to staging")
		_, err = s.Promote(s.ctx, sluice.PromoteRequest{Environment: "prod", From: "dev"})
		s.refused(err, sluice.Refused, "takes promotions from staging")
		_, err = s.Promote(s.ctx, sluice.PromoteRequest{Environment: "prod", From: "staging", Components: []string{prompt}})
		s.refused(err, sluice.NotFound, "is not live in")
		_, err = s.Promote(s.ctx, sluice.PromoteRequest{Environment: "staging", From: "stage"})
		s.refused(err, sluice.Invalid, "itself")
		_, err = s.Promote(s.ctx, sluice.PromoteRequest{Environment: "prod", From: "staging#9"})
		s.refused(err, sluice.NotFound)
		empty := ok[sluice.Outcome](s)(s.Promote(s.ctx, sluice.PromoteRequest{Environment: "prod", From: "staging"}))
		s.equal("nothing", empty.Release == nil, true)
	})
	s.deploy("staging", prompt, "v1.0.0", other, "v1.0.0")
	s.deploy("staging", prompt, "v1.1.0")
	one := ok[sluice.Outcome](s)(s.Promote(s.ctx, sluice.PromoteRequest{
		Environment: "prod", From: "staging#1", Components: []string{prompt}, Expect: "none", Change: sluice.Change{Ticket: "INC-9"},
	}))
	s.equal("one from a release", one.Release.Source+" "+string(one.Release.Action)+" "+one.Release.Ticket, "staging#1 promote INC-9")
	s.live("prod", "my-prompt v1.0.0")
	ok[sluice.Outcome](s)(s.Promote(s.ctx, sluice.PromoteRequest{Environment: "prod", From: "staging", Except: []string{other}}))
	s.live("prod", "my-prompt v1.1.0")
	all := ok[sluice.Outcome](s)(s.Promote(s.ctx, sluice.PromoteRequest{Environment: "prod", From: "staging"}))
	s.equal("all", len(all.Release.Changes), 1)
	_, err := s.Promote(s.ctx, sluice.PromoteRequest{Environment: "prod", From: "staging", Components: []string{prompt}, Expect: "v1.0.0"})
	s.refused(err, sluice.Conflict, "is v1.1.0, not v1.0.0")
	_, err = s.Promote(s.ctx, sluice.PromoteRequest{Environment: "prod", From: "staging", Expect: "v1.0.0"})
	s.refused(err, sluice.Invalid, "exactly one component")
	s.deploy("prod", prompt, "v1.0.0") // was live there, so nobody is asked
	_, err = s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: set(prompt, "v1.2.0")})
	s.refused(err, sluice.Refused)
}

func rollback(s *suite) {
	s.published(4)
	for _, v := range []string{"v1.0.0", "v1.1.0", "v1.2.0"} {
		s.advance(time.Minute)
		s.deploy("prod", prompt, v)
	}
	back := func(req sluice.RollbackRequest) sluice.Outcome {
		s.Helper()
		req.Environment = "prod"
		return ok[sluice.Outcome](s)(s.Rollback(s.ctx, req))
	}
	first := back(sluice.RollbackRequest{Components: []string{prompt}})
	s.equal("previous", first.Release.Changes[0].To.String(), "v1.1.0")
	s.equal("undo", *first.Undo.Operation, sluice.RollbackTo("my-prompt", "production", "production#3", "v1.1.0"))
	s.equal("further back, never forward", back(sluice.RollbackRequest{Components: []string{prompt}}).Release.Changes[0].To.String(), "v1.0.0")
	s.unchanged("nothing is left", func() {
		_, err := s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", Components: []string{prompt}})
		s.refused(err, sluice.NotFound, "nothing was live before", "take my-prompt away from production")
		for _, bad := range []struct {
			req  sluice.RollbackRequest
			code sluice.Code
		}{
			{sluice.RollbackRequest{}, sluice.Invalid},
			{sluice.RollbackRequest{To: "v1.0.0"}, sluice.Invalid},
			{sluice.RollbackRequest{To: "staging#0"}, sluice.Invalid},
			{sluice.RollbackRequest{To: "production#99"}, sluice.NotFound},
			{sluice.RollbackRequest{Release: 99}, sluice.NotFound},
			{sluice.RollbackRequest{Release: -1}, sluice.Invalid},
			{sluice.RollbackRequest{Release: 1, To: "v1.0.0"}, sluice.Invalid},
			{sluice.RollbackRequest{Components: []string{prompt}, To: "v9.9.9"}, sluice.NotFound},
			{sluice.RollbackRequest{Components: []string{"nobody"}}, sluice.NotFound},
			{sluice.RollbackRequest{Components: []string{prompt}, Expect: "v1.2.0"}, sluice.Conflict},
			{sluice.RollbackRequest{Components: []string{prompt, other}, Expect: "v1.2.0"}, sluice.Invalid},
		} {
			bad.req.Environment = "prod"
			_, err := s.Rollback(s.ctx, bad.req)
			s.refused(err, bad.code)
		}
	})
	s.equal("to a version", back(sluice.RollbackRequest{Components: []string{prompt}, To: "1.2.0"}).Release.Changes[0].To.String(), "v1.2.0")
	never := back(sluice.RollbackRequest{Components: []string{prompt}, To: "v1.3.0"})
	s.equal("what was never live is a deploy", never.NeverLive, []string{prompt})
	rollbackMany(s, back)
}

func rollbackMany(s *suite, back func(sluice.RollbackRequest) sluice.Outcome) {
	s.deploy("prod", prompt, "v1.0.0", other, "v1.0.0")
	together := s.deploy("prod", prompt, "v1.1.0", other, "v1.1.0").Release
	s.deploy("prod", prompt, "v1.2.0")
	reverted := back(sluice.RollbackRequest{Release: together.Number})
	s.equal("what moved on is kept", fmt.Sprint(reverted.Kept), "[{component/my-prompt it has moved on to v1.2.0}]")
	s.live("prod", "my-prompt v1.2.0, router v1.0.0")
	whole := back(sluice.RollbackRequest{To: together.Ref(), Except: []string{prompt}})
	s.equal("all but one", len(whole.Release.Changes), 1)
	at := together.At.String()
	s.advance(time.Minute)
	ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", To: "production@" + at}))
	s.live("prod", "my-prompt v1.1.0, router v1.1.0")
	s.equal("the same root as then", s.live("prod", "my-prompt v1.1.0, router v1.1.0").Root, together.Root)
	back(sluice.RollbackRequest{To: "production#0"})
	s.live("prod", "")
}

func restore(s *suite) {
	s.published(3)
	s.deploy("base", other, "v1.0.0")
	s.deploy("prod", prompt, "v1.0.0")
	s.advance(time.Hour)
	then := sluice.TimeOf(s.clock)
	s.advance(time.Hour)
	s.deploy("prod", prompt, "v1.1.0")
	s.deploy("base", other, "v1.1.0")
	out := ok[sluice.Outcome](s)(s.Restore(s.ctx, sluice.RestoreRequest{Environment: "debug", From: "prod@" + then.String(), Create: sluice.CreateMissing}))
	s.equal("a new environment", out.Created, true)
	s.equal("in one release from", out.Release.Source, "production#2")
	m := s.live("debug", "my-prompt v1.0.0, router v1.0.0")
	s.equal("what differs from the parent is pinned", len(m.Pinned()), 1)
	s.equal("the same root", m.Root, s.liveAt(sluice.EnvironmentRef{Name: "prod", At: then}, "my-prompt v1.0.0, router v1.0.0 from base").Root)
	ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "debug", Changes: []sluice.ChangeRequest{{Component: other, Unset: true}}}))
	s.live("debug", "my-prompt v1.0.0, router v1.1.0 from base")
	s.unchanged("what may not be", func() {
		_, err := s.Restore(s.ctx, sluice.RestoreRequest{Environment: "debug", From: "debug"})
		s.refused(err, sluice.Invalid, "itself")
		_, err = s.Restore(s.ctx, sluice.RestoreRequest{Environment: "nowhere", From: "prod"})
		s.refused(err, sluice.NotFound)
		_, err = s.Restore(s.ctx, sluice.RestoreRequest{Environment: "debug", From: "prod@never"})
		s.refused(err, sluice.Invalid, "is not a time")
		_, err = s.Restore(s.ctx, sluice.RestoreRequest{Environment: "debug", From: "prod#0", Components: []string{"nobody"}})
		s.refused(err, sluice.NotFound)
	})
	one := ok[sluice.Outcome](s)(s.Restore(s.ctx, sluice.RestoreRequest{Environment: "debug", From: "prod", Components: []string{prompt}}))
	s.equal("one component", len(one.Release.Changes), 1)
	empty := ok[sluice.Outcome](s)(s.Restore(s.ctx, sluice.RestoreRequest{Environment: "debug", From: "prod#0"}))
	s.equal("nothing at all", len(empty.Release.Changes), 2)
	s.live("debug", "router none")
}

// imports carry the authors and dates of elsewhere.
func imports(s *suite) {
	s.published(2)
	day := func(n int) sluice.Time { return sluice.TimeOf(time.Date(2024, 1, n, 12, 0, 0, 0, time.UTC)) }
	v := ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{
		Component: prompt, Label: "v2.0.0", Files: text("the past"), Author: "bob", At: day(1),
	})).Version
	s.equal("author and date", v.Author+" "+v.At.String(), "bob 2024-01-01T12:00:00.000000Z")
	s.equal("recorded now", v.RecordedAt > day(1), true)
	past := func(version string, at sluice.Time) (sluice.Outcome, error) {
		return s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: set(prompt, version), Author: "bob", At: at})
	}
	r := ok[sluice.Outcome](s)(past("v1.0.0", day(2))).Release
	s.equal("dated", r.At.String()+" "+r.Actor, "2024-01-02T12:00:00.000000Z bob")
	ok[sluice.Outcome](s)(past("v1.1.0", day(4)))
	s.unchanged("time that goes back", func() {
		_, err := past("v2.0.0", day(3))
		s.refused(err, sluice.Conflict, "oldest first")
		_, err = past("v2.0.0", sluice.TimeOf(s.clock.Add(time.Hour)))
		s.refused(err, sluice.Invalid, "future")
		_, err = s.Publish(s.ctx, sluice.PublishRequest{Component: prompt, Files: text("x"), At: sluice.TimeOf(s.clock.Add(time.Hour))})
		s.refused(err, sluice.Invalid, "future")
	})
	s.liveAt(sluice.EnvironmentRef{Name: "prod", At: day(3)}, "my-prompt v1.0.0")
	s.liveAt(sluice.EnvironmentRef{Name: "prod", At: day(1)}, "")
	s.deploy("prod", prompt, "v2.0.0") // from here on the environment lives at its own time
	noted := ok[sluice.Outcome](s)(past("v1.0.0", day(5))).Release
	s.equal("only noted", noted.SourceAt.String()+" "+fmt.Sprint(noted.At > day(5)), "2024-01-05T12:00:00.000000Z true")
	page := ok[sluice.Page[sluice.Component]](s)(s.Components(s.ctx, sluice.ComponentQuery{At: day(3)}))
	s.equal("components then", len(page.Items) == 1 && page.Items[0].Environments["prod"] == "v1.0.0", true)
}

func compareAndSet(s *suite) {
	s.published(3)
	s.deploy("prod", prompt, "v1.0.0")
	at := func(n int64) *int64 { return &n }
	s.unchanged("a stale expectation", func() {
		_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: set(prompt, "v1.1.0"), ExpectedRelease: at(0)})
		s.refused(err, sluice.Conflict, "is at release #1, not #0", "alice")
		_, err = s.Promote(s.ctx, sluice.PromoteRequest{Environment: "prod", From: "staging", ExpectedRelease: at(5)})
		s.refused(err, sluice.Conflict)
		_, err = s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", Components: []string{prompt}, ExpectedRelease: at(2)})
		s.refused(err, sluice.Conflict)
		_, err = s.Restore(s.ctx, sluice.RestoreRequest{Environment: "prod", From: "staging", ExpectedRelease: at(2)})
		s.refused(err, sluice.Conflict)
		for expect, code := range map[string]sluice.Code{"v1.1.0": sluice.Conflict, "none": sluice.Conflict, "latest": sluice.Invalid, "a b": sluice.Invalid} {
			ch := sluice.ChangeRequest{Component: prompt, Version: "v1.1.0", Expect: expect}
			if _, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{ch}}); sluice.CodeOf(err) != code {
				s.Errorf("expecting %s: %v; want %s", expect, err, code)
			}
		}
	})
	v := ok[sluice.Version](s)(s.Version(s.ctx, prompt, "v1.0.0"))
	for i, expect := range []string{"v1.0.0", "2", "3"} {
		ch := sluice.ChangeRequest{Component: prompt, Version: fmt.Sprint(i + 2), Expect: expect}
		if i == 2 {
			ch.Version, ch.Expect = "v1.0.0", "none" // of another slot
			ch.Component = other
		}
		ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{ch}, ExpectedRelease: at(int64(i) + 1)}))
	}
	_, err := s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", Components: []string{prompt}, Expect: string(v.Digest)})
	s.refused(err, sluice.Conflict, "is v1.2.0")
}

func idempotency(s *suite) {
	s.published(3)
	req := sluice.DeployRequest{Environment: "prod", Changes: set(prompt, "v1.0.0"), Change: sluice.Change{IdempotencyKey: "once"}}
	first := ok[sluice.Outcome](s)(s.Deploy(s.ctx, req))
	s.unchanged("the same request", func() {
		again := ok[sluice.Outcome](s)(s.Deploy(s.ctx, req))
		s.equal("replayed", again.Replayed, true)
		s.equal("the first answer", again.Release.Ref()+again.Undo.Text, first.Release.Ref()+first.Undo.Text)
		changed := req
		changed.Changes = set(prompt, "v1.1.0")
		_, err := s.Deploy(s.ctx, changed)
		s.refused(err, sluice.Conflict, "was used for another request", "new key")
		_, err = s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", Components: []string{prompt}, Change: req.Change})
		s.refused(err, sluice.Conflict)
		long := req
		long.IdempotencyKey = strings.Repeat("k", sluice.MaxKeyBytes+1)
		_, err = s.Deploy(s.ctx, long)
		s.refusedEarly(err, sluice.LimitExceeded)
	})
	s.deploy("prod", prompt, "v1.1.0")
	s.equal("also after others", ok[sluice.Outcome](s)(s.Deploy(s.ctx, req)).Release.Number, 1)
	// A refusal is not an answer: what was refused may be tried again.
	failed := sluice.DeployRequest{Environment: "later", Changes: set(prompt, "v1.0.0"), Change: sluice.Change{IdempotencyKey: "later"}}
	_, err := s.Deploy(s.ctx, failed)
	s.refused(err, sluice.NotFound)
	ok[sluice.EnvironmentChange](s)(s.CreateEnvironment(s.ctx, sluice.CreateEnvironmentRequest{Name: "later"}))
	s.equal("then it is done", ok[sluice.Outcome](s)(s.Deploy(s.ctx, failed)).Replayed, false)
	s.advance(25 * time.Hour)
	s.equal("after a day the key is free", ok[sluice.Outcome](s)(s.Deploy(s.ctx, req)).Replayed, false)
}
