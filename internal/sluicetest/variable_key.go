package sluicetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

// reveals are the payloads of the entries that tell of reveals, oldest first.
func (s *suite) reveals() []string {
	s.Helper()
	var out []string
	for _, e := range ok[sluice.Page[sluice.Entry]](s)(s.Entries(s.ctx, sluice.AuditQuery{Kind: sluice.EntryVariableReveal})).Items {
		var what struct {
			Environment, Component string
			Variables              []string
		}
		if err := json.Unmarshal(e.Payload, &what); err != nil {
			s.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %s %s %v", e.Actor, e.Subject, what.Component, what.Variables))
	}
	slices.Reverse(out)
	return out
}

// revealing: each look at a secret is one entry, and a look at what is none is no
// entry.
func revealing(s *suite) {
	s.published(1)
	s.configure("base", put("SHARED_KEY", "of base"), put("PLAIN", "p"))
	s.configure("prod", put("API_TOKEN", "of prod"), put("API_TOKEN@"+prompt, "narrow"), put("EMPTY_KEY", ""))
	s.unchanged("what is no secret", func() {
		s.equal("plain", s.reveal("prod", "PLAIN"), "p")
		ok[sluice.EffectiveSet](s)(s.Effective(s.ctx, sluice.EffectiveRequest{Environment: sluice.EnvironmentRef{Name: "prod", Exact: true}, Reveal: true}))
	})
	s.equal("one", s.reveal("prod", "API_TOKEN"), "of prod")
	s.equal("an overlay", s.reveal("prod", "API_TOKEN@"+prompt), "narrow")
	s.equal("inherited", s.reveal("prod", "SHARED_KEY"), "of base")
	s.equal("empty", s.reveal("prod", "EMPTY_KEY"), "")
	set := ok[sluice.EffectiveSet](s)(s.Effective(s.ctx, sluice.EffectiveRequest{Environment: in("prod"), Component: prompt, Reveal: true}))
	var values []string
	for _, v := range set.Variables {
		values = append(values, v.Key+"="+*v.Value)
	}
	s.equal("all", strings.Join(values, " "), "API_TOKEN=narrow EMPTY_KEY= PLAIN=p SHARED_KEY=of base")
	s.configure("prod", put("API_TOKEN", "next"))
	ok[sluice.Variable](s)(s.Variable(s.ctx, sluice.VariableRequest{Environment: sluice.EnvironmentRef{Name: "prod", Release: 2, Exact: true}, Key: "API_TOKEN", Reveal: true}))
	s.equal("entries", strings.Join(s.reveals(), "\n"), `alice production#2  [API_TOKEN of production]
alice production#2 my-prompt [API_TOKEN@my-prompt of production]
alice production#2  [SHARED_KEY of base]
alice production#2  [EMPTY_KEY of production]
alice production#2 my-prompt [API_TOKEN@my-prompt of production EMPTY_KEY of production SHARED_KEY of base]
alice production#2  [API_TOKEN of production]`)
	s.unchanged("what is not there", func() {
		_, err := s.Variable(s.ctx, sluice.VariableRequest{Environment: in("prod"), Key: "NOWHERE_KEY", Reveal: true})
		s.refused(err, sluice.NotFound)
	})
	s.equal("by its environment", len(ok[sluice.Page[sluice.Entry]](s)(s.Entries(s.ctx, sluice.AuditQuery{Kind: sluice.EntryVariableReveal, Environment: "prod"})).Items), 6)
}

func (s *suite) shred(req sluice.ShredRequest) sluice.ShredReport {
	s.Helper()
	if req.Environment == "" {
		req.Environment = "prod"
	}
	return ok[sluice.ShredReport](s)(s.ShredVariable(s.ctx, req))
}

func shredding(s *suite) {
	s.published(1)
	for _, value := range []string{"first", "second", "third"} {
		s.configure("prod", put("API_TOKEN", value), put("A", value))
		s.advance(time.Hour)
	}
	s.configure("staging", put("API_TOKEN", "second"))
	s.unchanged("a dry run", func() {
		dry := s.shred(sluice.ShredRequest{Key: "API_TOKEN", Change: sluice.Change{DryRun: true}})
		s.equal("what it would do", fmt.Sprint(len(dry.Shredded), len(dry.Kept), dry.DryRun), "1 2 true")
	})
	report := s.shred(sluice.ShredRequest{Key: "API_TOKEN", Change: sluice.Change{Reason: "leaked", Ticket: "INC-1"}})
	s.equal("the first alone", fmt.Sprint(len(report.Shredded), len(report.Kept)), "1 2")
	s.equal("why", strings.HasSuffix(report.Kept[0].Reason.Text, " is live in staging") && strings.HasSuffix(report.Kept[1].Reason.Text, " is live in production"), true)
	s.unchanged("again", func() { s.equal("nothing is left", len(s.shred(sluice.ShredRequest{Key: "API_TOKEN"}).Shredded), 0) })
	at := func(n int64) sluice.EnvironmentRef {
		return sluice.EnvironmentRef{Name: "prod", Release: n, Exact: true}
	}
	s.configuredAt(at(1), `A "first", API_TOKEN shredded`)
	v := ok[sluice.Variable](s)(s.Variable(s.ctx, sluice.VariableRequest{Environment: at(1), Key: "API_TOKEN", Reveal: true}))
	s.equal("gone", v.Value == nil && v.Shredded && v.Fingerprint == report.Shredded[0], true)
	_, err := s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", To: "prod#1", Secrets: sluice.SecretsExact})
	s.refused(err, sluice.Refused, "the value that API_TOKEN had in production was shredded", `secrets: "current"`)
	s.equal("by default", s.back(sluice.RollbackRequest{To: "prod#1"}), "kept API_TOKEN")
	s.configure("prod", put("A", "third"))
	before := s.shred(sluice.ShredRequest{Key: "A", Before: sluice.TimeOf(s.clock.Add(-90 * time.Minute))})
	s.equal("before a time", fmt.Sprint(len(before.Shredded), len(before.Kept)), "0 3")
	s.advance(time.Hour)
	s.equal("plain ones too", len(s.shred(sluice.ShredRequest{Key: "A"}).Shredded), 2)
	gone := ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", To: "prod#2"}))
	s.equal("a plain one that is gone", gone.Stubbed[0].Reason, sluice.Do(sluice.SetVariables("production", "", "A"), "its old value was shredded"))
	s.configure("prod", put("API_TOKEN", "first"), put("A@"+prompt, "x"))
	s.equal("set again, it is there", s.reveal("prod", "API_TOKEN"), "first")
	s.configuredAt(at(1), `A shredded, API_TOKEN masked`)
	s.equal("and may go again", len(s.configure("prod", drop("API_TOKEN")).Kept)+len(s.shred(sluice.ShredRequest{Key: "API_TOKEN"}).Shredded), 2)
	s.configure("prod", drop("A@"+prompt))
	s.equal("an overlay", fmt.Sprint(len(s.shred(sluice.ShredRequest{Key: "A", Component: prompt}).Shredded)), "1")
	s.badShreds()
}

func (s *suite) badShreds() {
	s.unchanged("what may not be", func() {
		for _, bad := range []struct {
			req  sluice.ShredRequest
			code sluice.Code
		}{
			{sluice.ShredRequest{Environment: "prod", Key: "NOWHERE"}, sluice.NotFound},
			{sluice.ShredRequest{Environment: "nowhere", Key: "A"}, sluice.NotFound},
			{sluice.ShredRequest{Environment: "prod", Key: "A", Component: "nobody"}, sluice.NotFound},
			{sluice.ShredRequest{Environment: "prod", Key: "A B"}, sluice.Invalid},
		} {
			_, err := s.ShredVariable(s.ctx, bad.req)
			s.refused(err, bad.code)
		}
	})
	page := ok[sluice.Page[sluice.Entry]](s)(s.Entries(s.ctx, sluice.AuditQuery{Kind: sluice.EntryVariableShred}))
	s.equal("recorded", words(len(page.Items), page.Items[0].Subject, page.Items[0].Actor), "4 production alice")
}

// rotating: values, roots and fingerprints stay what they were.
func rotating(s *suite) {
	_, err := s.RotateKey(s.ctx, sluice.RotateKeyRequest{})
	s.refused(err, sluice.NotFound, "no variable was ever set", "set a variable")
	s.configure("base", put("SHARED_KEY", "of base"), put("PLAIN", ""))
	s.configure("prod", put("API_TOKEN", "old"))
	s.configure("prod", put("API_TOKEN", "new"))
	before := ok[sluice.Manifest](s)(s.State(s.ctx, in("prod")))
	rotate := func(req sluice.RotateKeyRequest, want string) {
		s.Helper()
		report, err := s.RotateKey(s.ctx, req)
		if err != nil {
			s.Fatal(err)
		}
		s.equal("rotated", fmt.Sprint(report.Key, report.Resealed, report.NewMaster, report.DryRun), want)
		s.equal("where the master key is", strings.HasPrefix(report.Master, "the master key file "), true)
	}
	s.unchanged("a dry run", func() { rotate(sluice.RotateKeyRequest{Change: sluice.Change{DryRun: true}}, "2 0 false true") })
	rotate(sluice.RotateKeyRequest{Change: sluice.Change{Reason: "yearly", Ticket: "INC-2"}}, "2 4 false false")
	once := sluice.Change{IdempotencyKey: "once"}
	rotate(sluice.RotateKeyRequest{Master: true, Change: once}, "3 4 true false")
	s.unchanged("the same request again", func() { rotate(sluice.RotateKeyRequest{Master: true, Change: once}, "3 0 true false") })
	rotate(sluice.RotateKeyRequest{}, "4 4 false false")
	s.configured("prod", `API_TOKEN masked, PLAIN "" of base, SHARED_KEY masked of base`)
	s.equal("values", s.reveal("prod", "API_TOKEN")+s.reveal("prod", "SHARED_KEY"), "newof base")
	s.equal("root", ok[sluice.Manifest](s)(s.State(s.ctx, in("prod"))).Root, before.Root)
	s.unchanged("the same value", func() { s.configure("prod", put("API_TOKEN", "new")) })
	s.equal("back", s.back(sluice.RollbackRequest{To: "prod#2", Secrets: sluice.SecretsExact})+s.reveal("prod", "API_TOKEN"), "old")
	page := ok[sluice.Page[sluice.Entry]](s)(s.Entries(s.ctx, sluice.AuditQuery{Kind: sluice.EntryKeyRotate}))
	s.equal("recorded", words(len(page.Items), page.Items[2].Subject, string(page.Items[2].Payload)), `3 data key {"key":2,"reason":"yearly","ticket":"INC-2"}`)
	_, err = s.RotateKey(s.ctx, sluice.RotateKeyRequest{Change: sluice.Change{Reason: strings.Repeat("x", sluice.MaxNoteBytes+1)}})
	s.refusedEarly(err, sluice.LimitExceeded)
}

// variableRoles holds each question about variables against each role.
func variableRoles(s *suite) {
	s.published(1)
	s.configure("prod", put("API_TOKEN", "x"), put("A", "1"))
	s.configure("staging", put("API_TOKEN", "y"), put("A", "2"))
	secrets := map[sluice.Role]string{}
	for _, role := range sluice.Roles() {
		secrets[role] = s.token("bob", nil, role).Secret
	}
	dry := sluice.Change{DryRun: true}
	for _, q := range []question{
		questionOf("list", sluice.MayRead, s.Variables, sluice.VariableQuery{Environment: in("prod")}),
		questionOf("get", sluice.MayRead, s.Variable, sluice.VariableRequest{Environment: in("prod"), Key: "API_TOKEN"}),
		questionOf("get a plain one revealed", sluice.MayRead, s.Variable, sluice.VariableRequest{Environment: in("prod"), Key: "A", Reveal: true}),
		questionOf("effective", sluice.MayRead, s.Effective, sluice.EffectiveRequest{Environment: in("prod")}),
		questionOf("diff", sluice.MayRead, s.DiffVariables, sluice.DiffVariablesRequest{From: "staging", To: "prod"}),
		questionOf("reveal", sluice.MayReveal, s.Variable, sluice.VariableRequest{Environment: in("prod"), Key: "API_TOKEN", Reveal: true}),
		questionOf("reveal all", sluice.MayReveal, s.Effective, sluice.EffectiveRequest{Environment: in("prod"), Reveal: true}),
		questionOf("set", sluice.MayDeploy, s.Deploy, sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{put("A", "2")}, Change: dry}),
		questionOf("import", sluice.MayDeploy, s.ImportVariables, sluice.ImportVariablesRequest{Environment: "prod", Text: "A=2", Change: dry}),
		questionOf("promote a plain one", sluice.MayDeploy, s.Promote, sluice.PromoteRequest{Environment: "prod", From: "staging", WithConfig: []string{"A"}, Change: dry}),
		questionOf("shred", sluice.MayAdminister, s.ShredVariable, sluice.ShredRequest{Environment: "prod", Key: "A", Change: dry}),
		questionOf("rotate", sluice.MayAdminister, s.RotateKey, sluice.RotateKeyRequest{Change: dry}),
	} {
		s.T.Run(q.name, func(t *testing.T) {
			on := *s
			on.T = t
			on.askedByAll(q, secrets)
		})
	}
	both := s.token("bob", nil, sluice.RoleDeployer, sluice.RoleRevealer).Secret
	promote := questionOf("", "", s.Promote, sluice.PromoteRequest{Environment: "prod", From: "staging", WithConfig: []string{"API_TOKEN"}}).ask
	s.refused(s.by(secrets[sluice.RoleDeployer], promote), sluice.Denied, "bob may not see the secrets of staging", "or leave the secrets of staging out of it")
	if err := s.by(both, promote); err != nil {
		s.Errorf("a deployer who may reveal: %v", err)
	}
}

func (s *suite) askedByAll(q question, secrets map[sluice.Role]string) {
	if err := s.by("", q.ask); sluice.CodeOf(err) != sluice.Unauthenticated {
		s.Errorf("nobody: %v", err)
	}
	for _, role := range sluice.Roles() {
		err := s.by(secrets[role], q.ask)
		allowed := sluice.Actor{Name: "bob", Roles: []sluice.Role{role}}.May(q.need, "production") == nil
		if allowed != (err == nil) || !allowed && sluice.CodeOf(err) != sluice.Denied {
			s.Errorf("%s: %v; allowed is %t", role, err, allowed)
		}
	}
}

func variablePages(s *suite) {
	s.published(1)
	s.configure("prod", put("A", "1"), put("B", "2"), put("B@"+prompt, "3"), put("B@"+other, "4"), put("C_KEY", "5"), put("b", "6"))
	walk(s, "variables", "", func(p sluice.Paging) (sluice.Page[sluice.Variable], error) {
		return s.Variables(s.ctx, sluice.VariableQuery{Environment: in("prod"), Paging: p})
	})
	walk(s, "wide variables", "", func(p sluice.Paging) (sluice.Page[sluice.Variable], error) {
		return s.Variables(s.ctx, sluice.VariableQuery{Environment: in("prod"), Wide: true, Paging: p})
	})
}

// watchingVariables: who watches sees what moved, and no value.
func watchingVariables(s *suite) {
	s.configure("prod", put("API_TOKEN", "hunter2"))
	w := s.watch(sluice.WatchRequest{Environment: "prod"})
	snapshot := w.want(sluice.EventSnapshot, 1)
	s.equal("masked", strings.HasPrefix(snapshot.Snapshot.Slots[0].Value.String(), "secret:"), true)
	s.configure("prod", put("A", "hunter2"), put("API_TOKEN", "hunter3"))
	release := w.want(sluice.EventRelease, 2)
	s.equal("both", words(len(release.Release.Changes), release.Release.Action), "2 configure")
	s.configure("base", put("B", "hunter2"))
	w.want(sluice.EventRelease, 3)
	if said := strings.Join(s.said, ""); strings.Contains(strings.ReplaceAll(said, `"value":"hunter2"`, ""), "hunter") {
		s.Errorf("a value is told: %s", said)
	}
	cancelled, cancel := context.WithCancel(s.ctx)
	cancel()
	for range s.Watch(cancelled, sluice.WatchRequest{Environment: "prod"}) {
		s.Error("a watch of nobody")
	}
}
