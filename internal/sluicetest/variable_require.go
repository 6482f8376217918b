package sluicetest

import (
	"fmt"
	"strings"

	"github.com/sluice-dev/sluice"
)

// needing publishes a version that requires variables.
func (s *suite) needing(component, label string, keys ...string) sluice.Version {
	s.Helper()
	content := "---\nname: " + label + "\nrequires: [" + strings.Join(keys, ", ") + "]\n---\nThis is " + label + ".\n"
	return ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{
		Component: component, Kind: sluice.KindPrompt, Label: label, Files: []sluice.File{{Path: "prompt.md", Text: content}},
	})).Version
}

// lonely keeps development from following.
func (s *suite) lonely() {
	none := "none"
	ok[sluice.EnvironmentChange](s)(s.EditEnvironment(s.ctx, sluice.EditEnvironmentRequest{Name: "development", Tracks: &none}))
}

func required(s *suite) {
	s.lonely()
	v := s.needing(prompt, "v1.0.0", "LLM_MODEL", "API_TOKEN", "LLM_MODEL")
	s.equal("declared", fmt.Sprint(v.Requires), "[API_TOKEN LLM_MODEL]")
	s.equal("and kept", fmt.Sprint(ok[sluice.Version](s)(s.Version(s.ctx, prompt, "1")).Requires), "[API_TOKEN LLM_MODEL]")
	deploy := func(changes ...sluice.ChangeRequest) error {
		_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: append(set(prompt, "v1.0.0"), changes...)})
		return err
	}
	s.unchanged("what lacks something", func() {
		s.refused(deploy(), sluice.Refused, "my-prompt@v1.0.0 requires API_TOKEN, LLM_MODEL, which production lacks",
			"set API_TOKEN, LLM_MODEL in production", "to production and set API_TOKEN, LLM_MODEL")
		s.refused(deploy(put("LLM_MODEL", "x")), sluice.Refused, "requires API_TOKEN, which")
		s.refused(deploy(put("LLM_MODEL", "x"), put("API_TOKEN@"+other, "x")), sluice.NotFound)
	})
	s.configure("base", put("LLM_MODEL", "x"))
	s.unchanged("hidden from it", func() {
		s.refused(deploy(put("API_TOKEN", "x"), hide("LLM_MODEL")), sluice.Refused, "requires LLM_MODEL, which")
		s.refused(deploy(put("API_TOKEN", "x"), hide("API_TOKEN@"+prompt)), sluice.Refused, "requires API_TOKEN, which")
	})
	if err := deploy(put("API_TOKEN@"+prompt, "")); err != nil {
		s.Errorf("with an inherited value and an empty one in its overlay, of the same release: %v", err)
	}
	taken := s.configure("prod", drop("API_TOKEN@"+prompt))
	s.equal("what is taken away is warned of", told(taken), "warned")
	s.equal("how", taken.Warnings[0], sluice.Do(sluice.SetVariables("production", "", "API_TOKEN"), "my-prompt@v1.0.0 requires API_TOKEN, which production lacks"))
	away := s.configure("base", drop("LLM_MODEL"))
	s.equal("also by a parent", told(away), "warned")
	s.configure("staging", put("API_TOKEN", "x"), put("LLM_MODEL", "y"))
	s.deploy("staging", prompt, "v1.0.0")
	s.promotesWhatIsRequired()
	split := []sluice.ChangeRequest{{Component: other, Split: []sluice.ShareRequest{{Version: "v1.0.0", Weight: 5000}, {Version: "v1.1.0", Weight: 5000}}}}
	s.needing(other, "v1.0.0", "A")
	s.needing(other, "v1.1.0", "B")
	_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: append(split, put("A", "1"))})
	s.refused(err, sluice.Refused, "router@v1.1.0 requires B, which production lacks")
	s.configure("prod", append(split, put("A", "1"), put("B@"+other, "2"))...)
	config := ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{
		Component: "settings", Kind: sluice.KindConfig, Files: []sluice.File{{Path: "a.yaml", Text: "requires: [A, not a key]\n"}},
	}))
	s.equal("a config is data", len(config.Version.Requires), 0)
}

// promotesWhatIsRequired: staging has what the version needs, production lacks it.
func (s *suite) promotesWhatIsRequired() {
	s.configure("prod", sluice.ChangeRequest{Component: prompt, Unset: true})
	promote := func(with ...string) (sluice.Outcome, error) {
		return s.Promote(s.ctx, sluice.PromoteRequest{Environment: "prod", From: "staging", WithConfig: with})
	}
	s.unchanged("a promotion", func() {
		_, err := promote()
		s.refused(err, sluice.Refused, "requires API_TOKEN, LLM_MODEL, which production lacks", "first set")
		_, err = promote("API_TOKEN")
		s.refused(err, sluice.Refused, "requires LLM_MODEL, which production lacks")
	})
	ok[sluice.Outcome](s)(promote("API_TOKEN", "LLM_MODEL"))
	s.configured("prod", `API_TOKEN masked, LLM_MODEL "y"`)
}

// requiredTracking: who follows every publish does not take what would lack
// something; the publish stands and the ledger says so.
func requiredTracking(s *suite) {
	s.needing(prompt, "v1.0.0")
	out := ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{
		Component: prompt, Label: "v1.1.0", Files: []sluice.File{{Path: "a.json", Text: `{"requires": ["LLM_MODEL"], "messages": [{"role": "user", "content": "Help."}]}`}},
	}))
	s.equal("refused", words(out.Created, len(out.Live), out.Refused[0].Environment), "true 0 development")
	s.equal("why", out.Refused[0].Reason, "my-prompt@v1.1.0 requires LLM_MODEL, which development lacks")
	s.live("dev", "my-prompt v1.0.0")
	page := ok[sluice.Page[sluice.Entry]](s)(s.Entries(s.ctx, sluice.AuditQuery{Kind: sluice.EntryTrackRefused}))
	s.equal("recorded", words(len(page.Items), page.Items[0].Subject), "1 development")
	s.configure("base", put("LLM_MODEL", "x"))
	next := s.needing(prompt, "v1.2.0", "LLM_MODEL")
	s.equal("what is there", ok[sluice.Resolution](s)(s.Resolve(s.ctx, sluice.ResolveRequest{Environment: "dev", Component: prompt})).Version, next.Number)
	for text, words := range map[string]string{
		"requires: LLM_MODEL\n": "a.yaml:1:11: requires is not a list of keys", "x: 1\nrequires: [A, B-C]\n": "a.yaml:2:15: a variable key", "requires: [A\n": "a.yaml:",
	} {
		_, err := s.Publish(s.ctx, sluice.PublishRequest{Component: prompt, Files: []sluice.File{{Path: "a.yaml", Text: text}}})
		if sluice.CodeOf(err) != sluice.Invalid || !strings.Contains(err.Error(), words) {
			s.Errorf("%q: %v; want %s", text, err, words)
		}
	}
}

// requiredBack: what goes back waits for nobody; it is told what is missing.
func requiredBack(s *suite) {
	s.lonely()
	s.needing(prompt, "v1.0.0", "OLD_KEY")
	s.publish(prompt, "v1.1.0")
	s.configure("prod", append(set(prompt, "v1.0.0"), put("OLD_KEY", "x"))...)
	s.deploy("prod", prompt, "v1.1.0")
	s.configure("prod", drop("OLD_KEY"))
	out := ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", Components: []string{prompt}}))
	s.equal("a rollback", out.Release.Changes[0].To.String()+" "+told(out), "v1.0.0 warned")
	s.equal("says", out.Warnings[0], sluice.Do(sluice.SetVariables("production", "", "OLD_KEY"), "my-prompt@v1.0.0 requires OLD_KEY, which production lacks"))
	s.configure("prod", sluice.ChangeRequest{Component: prompt, Unset: true})
	again := ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", To: "prod#1"}))
	s.equal("a stub is a lack", told(again), "stubbed OLD_KEY, warned")
	exact := ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", To: "prod#1", Secrets: sluice.SecretsExact}))
	s.equal("with its value it is none", told(exact), "")
	restored := ok[sluice.Outcome](s)(s.Restore(s.ctx, sluice.RestoreRequest{Environment: "debug", From: "prod", Create: sluice.CreateMissing}))
	s.equal("a restore", told(restored), "stubbed OLD_KEY, warned")
	s.needing(prompt, "v1.2.0", "OLD_KEY")
	_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "debug", Changes: set(prompt, "v1.2.0")})
	s.refused(err, sluice.Refused, "requires OLD_KEY, which debug lacks")
	never := ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", Components: []string{prompt}, To: "v1.2.0"}))
	s.equal("never live, and nothing lacks", told(never)+fmt.Sprint(never.NeverLive), "[my-prompt]")
	undone := ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "base", To: "base#0"}))
	s.equal("nothing", undone.Release == nil, true)
}
