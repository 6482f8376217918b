package sluicetest

import (
	"strings"

	"github.com/sluice-dev/sluice"
)

// back goes back and returns what the answer says of slots: "kept A, stubbed B".
func (s *suite) back(req sluice.RollbackRequest) string {
	s.Helper()
	if req.Environment == "" {
		req.Environment = "prod"
	}
	return told(ok[sluice.Outcome](s)(s.Rollback(s.ctx, req)))
}

func told(out sluice.Outcome) string {
	var parts []string
	for _, k := range out.Kept {
		parts = append(parts, "kept "+k.Slot.Name())
	}
	for _, k := range out.Stubbed {
		parts = append(parts, "stubbed "+k.Slot.Name())
	}
	for range out.Warnings {
		parts = append(parts, "warned")
	}
	return strings.Join(parts, ", ")
}

// goingBack takes a whole environment back under each policy for secrets.
func goingBack(s *suite) {
	s.published(2)
	s.deploy("prod", prompt, "v1.0.0")
	s.configure("prod", put("A", "1"), put("E", ""), put("API_TOKEN", "old"), put("GONE_KEY", "gone"), put("SAME_KEY", "same"), put("FLIPPED", "x"))
	s.deploy("prod", prompt, "v1.1.0")
	s.configure("prod", put("A", "2"), drop("E"), put("API_TOKEN", "new"), drop("GONE_KEY"), put("LATE", "z"), put("LATE_KEY", "k"), putAs(true, "FLIPPED", "x"))
	now := `A "2", API_TOKEN masked, FLIPPED masked, LATE "z", LATE_KEY masked, SAME_KEY masked`
	s.configured("prod", now)
	for _, c := range []struct {
		policy     sluice.SecretPolicy
		told, have string
		token      string
	}{
		{
			"", "kept API_TOKEN, kept FLIPPED, kept LATE_KEY, stubbed GONE_KEY",
			`A "1", API_TOKEN masked, E "", FLIPPED masked, GONE_KEY stub, LATE_KEY masked, SAME_KEY masked`, "new",
		},
		{sluice.SecretsExact, "", `A "1", API_TOKEN masked, E "", FLIPPED "x", GONE_KEY masked, SAME_KEY masked`, "old"},
		{
			sluice.SecretsStub, "stubbed API_TOKEN, stubbed GONE_KEY",
			`A "1", API_TOKEN stub, E "", FLIPPED "x", GONE_KEY stub, SAME_KEY masked`, "no value",
		},
	} {
		s.equal("with "+string(c.policy), s.back(sluice.RollbackRequest{To: "prod#2", Secrets: c.policy}), c.told)
		s.configured("prod", c.have)
		s.equal("the token with "+string(c.policy), s.reveal("prod", "API_TOKEN"), c.token)
		s.equal("and back", s.back(sluice.RollbackRequest{To: "prod#4", Secrets: sluice.SecretsExact}), "")
		s.configured("prod", now)
	}
	root := func(n int64) sluice.Digest {
		return ok[sluice.Manifest](s)(s.State(s.ctx, sluice.EnvironmentRef{Name: "prod", Release: n, Exact: true})).Root
	}
	s.equal("exact is the same as then", root(7) == root(2) && root(8) == root(4), true)
	out := ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", To: "prod#2"}))
	s.equal("why", out.Kept[0].Reason.Form, "a secret keeps its present value; {secrets=exact} brings the old one back")
	s.equal("and how to set", out.Stubbed[0].Reason, sluice.Do(sluice.SetVariables("production", "", "GONE_KEY"), "a secret, and there is no present value"))
	s.equal("undo", *out.Undo.Operation, sluice.RevertRelease("production", out.Release.Number, sluice.SecretsExact))
	s.unchanged("a stub is no value", func() {
		_, err := s.Promote(s.ctx, sluice.PromoteRequest{Environment: "staging", From: "prod", WithConfig: []string{"GONE_KEY"}})
		s.refused(err, sluice.Refused, "GONE_KEY has no value in production: it is a stub", "set GONE_KEY in production")
		_, err = s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", To: "prod#1", Secrets: "some"})
		s.refused(err, sluice.Invalid, "use current, exact or stub")
	})
	s.configure("prod", put("GONE_KEY", "again"))
	s.equal("a stub is set as a secret", s.variable("prod", "GONE_KEY").Secret && s.reveal("prod", "GONE_KEY") == "again", true)
	s.equal("to nothing", s.back(sluice.RollbackRequest{To: "prod#0", Secrets: sluice.SecretsExact}), "")
	s.configured("prod", "")
}

// revertingVariables takes one release back, where it still holds.
func revertingVariables(s *suite) {
	s.published(1)
	s.configure("prod", put("A", "1"), put("B", "1"), put("API_TOKEN", "old"))
	changed := s.configure("prod", put("A", "2"), put("B", "2"), put("API_TOKEN", "new"), put("C", "3")).Release
	s.configure("prod", put("B", "3"))
	s.equal("by default", s.back(sluice.RollbackRequest{Release: changed.Number}), "kept API_TOKEN, kept B")
	s.configured("prod", `A "1", API_TOKEN masked, B "3"`)
	s.equal("present", s.reveal("prod", "API_TOKEN"), "new")
	again := s.configure("prod", put("A", "2"), put("API_TOKEN", "newer")).Release
	s.equal("exactly", s.back(sluice.RollbackRequest{Release: again.Number, Secrets: sluice.SecretsExact}), "")
	s.configured("prod", `A "1", API_TOKEN masked, B "3"`)
	s.equal("the one before", s.reveal("prod", "API_TOKEN"), "new")
	last := s.configure("prod", put("API_TOKEN", "last")).Release
	s.equal("stubs", s.back(sluice.RollbackRequest{Release: last.Number, Secrets: sluice.SecretsStub}), "stubbed API_TOKEN")
	s.configured("prod", `A "1", API_TOKEN stub, B "3"`)
	first := s.configure("prod", drop("API_TOKEN"), put("NEW_KEY", "x")).Release
	s.equal("what came is taken exactly", s.back(sluice.RollbackRequest{Release: first.Number, Secrets: sluice.SecretsExact}), "")
	s.configured("prod", `A "1", API_TOKEN stub, B "3"`)
	// What a parent gave is taken back there, and its children follow.
	s.configure("base", put("P", "1"), put("P_KEY", "one"))
	parent := s.configure("base", put("P", "2"), put("P_KEY", "two")).Release
	s.equal("of a parent", s.back(sluice.RollbackRequest{Environment: "base", Release: parent.Number, Secrets: sluice.SecretsExact}), "")
	s.configured("staging", `P "1" of base, P_KEY masked of base`)
	s.equal("inherited", s.reveal("staging", "P_KEY"), "one")
	hidden := s.configure("prod", hide("P"), put("P_KEY", "own")).Release
	s.equal("what covered a parent", s.back(sluice.RollbackRequest{Release: hidden.Number, Secrets: sluice.SecretsExact}), "")
	s.configured("prod", `A "1", API_TOKEN stub, B "3", P "1" of base, P_KEY masked of base`)
	some := s.configure("prod", put("A", "5"), put("A@"+prompt, "6")).Release
	s.equal("without a component", s.back(sluice.RollbackRequest{Release: some.Number, Except: []string{prompt}}), "")
	s.configured("prod", `A "1", A@my-prompt "6", API_TOKEN stub, B "3", P "1" of base, P_KEY masked of base`)
}

// overlaysBack: a component goes back alone, or with its overlays.
func overlaysBack(s *suite) {
	s.published(3)
	s.deploy("prod", prompt, "v1.0.0", other, "v1.0.0")
	s.configure("prod", put("A@"+prompt, "1"), put("B_KEY@"+prompt, "old"), put("A", "wide"), put("A@"+other, "1"))
	s.deploy("prod", prompt, "v1.1.0")
	s.configure("prod", put("A@"+prompt, "2"), put("B_KEY@"+prompt, "new"), put("A", "wider"), put("A@"+other, "2"), put("C@"+prompt, "3"))
	out := ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", Components: []string{prompt}}))
	s.equal("alone", told(out), "kept A@my-prompt, kept B_KEY@my-prompt, kept C@my-prompt")
	s.equal("it says how", out.Kept[0].Reason.Form, "it has changed since; {with_config} takes it back too")
	s.equal("one change", words(len(out.Release.Changes), out.Release.Changes[0].To), "1 v1.0.0")
	s.deploy("prod", prompt, "v1.2.0")
	with := sluice.RollbackRequest{Components: []string{prompt}, To: "prod#2", WithConfig: true}
	s.equal("with its overlays", s.back(with), "kept B_KEY@my-prompt")
	s.configured("prod", `A "wider", A@my-prompt "1", A@router "2", B_KEY@my-prompt masked`)
	s.equal("present", s.reveal("prod", "B_KEY@"+prompt), "new")
	s.deploy("prod", prompt, "v1.2.0")
	with.Secrets = sluice.SecretsExact
	s.equal("exactly", s.back(with), "")
	s.equal("old", s.reveal("prod", "B_KEY@"+prompt), "old")
	s.configure("prod", put("A@"+prompt, "9"))
	with.Environment = "prod"
	only := ok[sluice.Outcome](s)(s.Rollback(s.ctx, with))
	s.equal("overlays alone", words(len(only.Release.Changes), only.Release.Changes[0].Slot), "1 var/A@my-prompt")
	// A version's overlays are those of the last time that it was live.
	s.deploy("prod", prompt, "v1.2.0")
	s.configure("prod", put("A@"+prompt, "8"))
	s.equal("of its last time", s.back(sluice.RollbackRequest{Components: []string{prompt}, WithConfig: true}), "")
	s.configured("prod", `A "wider", A@my-prompt "1", A@router "2", B_KEY@my-prompt masked`)
	s.unchanged("what may not be", func() {
		for _, bad := range []sluice.RollbackRequest{
			{To: "prod#2", WithConfig: true}, {Release: 2, WithConfig: true, Components: []string{prompt}},
		} {
			bad.Environment = "prod"
			_, err := s.Rollback(s.ctx, bad)
			s.refused(err, sluice.Invalid, "only the rollback of components", "leave out with_config")
		}
	})
	all := s.back(sluice.RollbackRequest{To: "prod#1", Except: []string{prompt}, Secrets: sluice.SecretsExact})
	s.equal("all but one and its overlays", all, "")
	s.configured("prod", `A@my-prompt "1", B_KEY@my-prompt masked`)
}
