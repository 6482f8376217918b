package sluicetest

import (
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

// variableRecord is a release that configures an environment.
func (s *suite) variableRecord(environment string, n int, name string, v sluice.Sealed) sluice.Record {
	r := s.releaseRecord(environment, n, sluice.SlotRecord{Slot: sluice.Slot("var/" + name), Value: sluice.Value{Sealed: v}})
	r.Release.Action = sluice.ActionConfigure
	return r
}

// recordedVariables have values that are not known here, until they are set here.
func recordedVariables(s *suite) {
	s.published(1)
	o := s.another()
	o.configure("base", put("MODEL", "one"), put("API_TOKEN", "first"))
	o.configure("base", put("MODEL", "two"), put("API_TOKEN", "second"))
	s.advance(time.Hour)
	s.record(s.elsewhere(o).Records...)
	there := must(o.State(o.ctx, in("prod")))
	s.equal("root", s.live("prod", "").Root, there.Root)
	page := ok[sluice.Page[sluice.Variable]](s)(s.Variables(s.ctx, sluice.VariableQuery{Environment: in("prod")}))
	for i, v := range page.Items {
		if v.Value != nil || v.Shredded || !v.Unavailable || v.Fingerprint != there.Slots[i].Value.Fingerprint || v.Environment != "base" {
			s.Errorf("listed as %+v", v)
		}
	}
	for _, reveal := range []bool{false, true} {
		v := ok[sluice.Variable](s)(s.Variable(s.ctx, sluice.VariableRequest{Environment: in("prod"), Key: "API_TOKEN", Reveal: reveal}))
		s.equal("one", words(v.Value == nil, v.Unavailable, v.Secret), "true true true")
		set := ok[sluice.EffectiveSet](s)(s.Effective(s.ctx, sluice.EffectiveRequest{Environment: in("prod"), Component: prompt, Reveal: reveal}))
		s.equal("what a component gets", words(len(set.Variables), set.Variables[1].Unavailable), "2 true")
	}
	s.equal("to differ", len(ok[sluice.VariablesDiff](s)(s.DiffVariables(s.ctx, sluice.DiffVariablesRequest{From: "prod", To: "base@" + sluice.TimeOf(s.clock.Add(-2*time.Hour)).String()})).Variables), 2)
	run := ok[sluice.Run](s)(s.StartRun(s.ctx, sluice.StartRunRequest{Environment: "prod", Configured: true, Content: &sluice.RunContent{
		Kind: sluice.KindWorkflow, Files: []sluice.File{{Path: "a.yaml", Text: "blocks: [{id: a, block: echo, value: \"{{ env.MODEL | default('-') }}\"}]\n"}},
	}}))
	said := strings.Join(sluice.WarningTexts(run.Warnings, sluice.PlainWords), " ")
	s.equal("a run says so", said, "not loaded, since they were set elsewhere and are unavailable here: API_TOKEN, MODEL; set API_TOKEN, MODEL in production")
	s.goesBack(o)
	s.configure("prod", put("MODEL", "ours"))
	s.configured("prod", `API_TOKEN unavailable of base, MODEL "ours"`)
	_, err := s.RotateKey(s.ctx, sluice.RotateKeyRequest{})
	s.equal("the keys rotate without them", err, nil)
	report := s.shred(sluice.ShredRequest{Environment: "base", Key: "MODEL"})
	s.equal("what is elsewhere can be shredded here", len(report.Shredded), 1)
}

// goesBack: a value that is not known here comes back as it was, since it may be
// known where it was set.
func (s *suite) goesBack(o *suite) {
	s.Helper()
	req := sluice.RollbackRequest{Environment: "base", To: "base#1", Secrets: sluice.SecretsExact}
	for _, in := range []*suite{s, o} {
		ok[sluice.Outcome](in)(in.Rollback(in.ctx, req))
	}
	s.equal("the same root", s.live("base", "").Root, o.live("base", "").Root)
	s.configured("base", "API_TOKEN unavailable, MODEL unavailable")
}

// recordedSecrets: what is kept here comes back by a record to where it was, and
// nowhere else, and never unmasked.
func recordedSecrets(s *suite) {
	s.configure("prod", put("API_TOKEN", "hunter2"), put("PLAIN", "seen"))
	m := s.live("prod", "")
	token, plain := m.Slots[0].Value.Sealed, m.Slots[1].Value.Sealed
	unmasked := token
	unmasked.Secret = false
	s.configure("prod", put("API_TOKEN", "hunter3"))
	s.equal("where it was", len(s.record(s.variableRecord("prod", 1, "API_TOKEN", token)).Recorded[0].Stubbed), 0)
	s.equal("in an overlay of the same", len(s.record(s.variableRecord("prod", 2, "API_TOKEN@"+prompt, token)).Recorded[0].Stubbed), 0)
	s.equal("it is there", s.reveal("prod", "API_TOKEN"), "hunter2")
	for i, r := range []sluice.Record{
		s.variableRecord("staging", 1, "API_TOKEN", token),
		s.variableRecord("staging", 2, "API_TOKEN", unmasked),
		s.variableRecord("prod", 3, "API_TOKEN", unmasked),
		s.variableRecord("prod", 4, "OTHER_TOKEN", token),
		s.variableRecord("prod", 5, "API_TOKE", token),
		with(s.variableRecord("sandbox", 1, "API_TOKEN", token), sluice.EnvironmentRecord{Parent: "base"}),
	} {
		if i == 0 || i == 5 {
			r.Release.Slots[0].Origin = "production" // which it does not inherit from
		}
		done := s.record(r).Recorded[0]
		s.equal("stubbed", len(done.Stubbed), 1)
		for _, ch := range done.Release.Changes {
			s.equal("a stub", words(ch.To.Sealed, ch.Origin == ""), "stub true")
		}
	}
	inherits := with(s.variableRecord("child", 1, "API_TOKEN", token), sluice.EnvironmentRecord{Parent: "prod"})
	inherits.Release.Slots[0].Origin = "prod"
	s.equal("what it inherits", len(s.record(inherits).Recorded[0].Stubbed), 0)
	s.equal("a plain one goes anywhere", len(s.record(s.variableRecord("staging", 3, "PLAIN", plain)).Recorded[0].Stubbed), 0)
	s.configured("staging", `API_TOKEN stub, PLAIN "seen"`)
	if said := strings.Join(s.said, ""); strings.Contains(strings.ReplaceAll(said, `"value":"hunter2"`, ""), "hunter") {
		s.Errorf("a secret is told: %s", said)
	}
}
