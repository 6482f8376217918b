package sluicetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

// expecting is a change that expects what is there.
func expecting(ch sluice.ChangeRequest, expect string) sluice.ChangeRequest {
	ch.Expect = expect
	return ch
}

func expectedVariables(s *suite) {
	s.published(1)
	s.configure("prod", put("A", "1"), put("API_TOKEN", "x"), hide("A@"+prompt))
	at := func(n int64) *int64 { return &n }
	deploy := func(ch sluice.ChangeRequest, expected *int64) error {
		_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{ch}, ExpectedRelease: expected})
		return err
	}
	a, token := s.variable("prod", "A").Fingerprint, s.variable("prod", "API_TOKEN").Fingerprint
	s.unchanged("another expectation", func() {
		s.refused(deploy(expecting(put("A", "2"), token), nil), sluice.Conflict, "A in production is plain:", "production#1 by alice", "the variables of production")
		s.refused(deploy(expecting(put("A", "2"), "none"), nil), sluice.Conflict)
		s.refused(deploy(expecting(put("A", "2"), "stub"), nil), sluice.Conflict)
		s.refused(deploy(expecting(put("A", "2"), "hidden"), nil), sluice.Conflict)
		s.refused(deploy(expecting(drop("A"), "00000000"), nil), sluice.Conflict)
		s.refused(deploy(expecting(hide("API_TOKEN"), a), nil), sluice.Conflict, "is secret:")
		s.refused(deploy(expecting(put("B", "1"), a), nil), sluice.Conflict, "B in production is not live")
		for _, wrong := range []string{"gpt-4o", "hunter2hunter2", a[:7], a + "0", "v1.0.0", strings.Repeat("z", 100)} {
			err := deploy(expecting(put("A", "2"), wrong), nil)
			s.refused(err, sluice.Invalid, "the beginning of its fingerprint", "see the fingerprints")
			if strings.Contains(fmt.Sprint(err), wrong) {
				s.Errorf("it repeats what was expected: %v", err)
			}
		}
		s.refused(deploy(put("A", "2"), at(0)), sluice.Conflict, "is at release #1, not #0")
		_, err := s.ImportVariables(s.ctx, sluice.ImportVariablesRequest{Environment: "prod", Text: "A=2", ExpectedRelease: at(7)})
		s.refused(err, sluice.Conflict)
	})
	for i, expect := range []string{a, "plain:", "PLAIN:", ""} {
		if i > 0 {
			expect += strings.ToUpper(s.variable("prod", "A").Fingerprint[:8+i])
		}
		if err := deploy(expecting(put("A", fmt.Sprint(i+2)), expect), at(int64(i)+1)); err != nil {
			s.Errorf("expecting %s: %v", expect, err)
		}
	}
	for _, ch := range []sluice.ChangeRequest{
		expecting(put("API_TOKEN", "y"), "secret:"+token[:8]), expecting(put("B", "1"), "none"), expecting(put("B@"+prompt, "1"), "NONE"),
		expecting(put("A@"+prompt, "1"), "hidden"), expecting(drop("B"), s.fingerprintOf("B", "1")),
	} {
		s.configure("prod", ch)
	}
	ok[sluice.ImportReport](s)(s.ImportVariables(s.ctx, sluice.ImportVariablesRequest{Environment: "prod", Text: "A=9", ExpectedRelease: at(10)}))
}

// fingerprintOf is the fingerprint of a value, by the only way to learn it: set
// it elsewhere.
func (s *suite) fingerprintOf(key, value string) string {
	s.Helper()
	s.configure("staging", put(key, value))
	return s.variable("staging", key).Fingerprint
}

func variablesOnce(s *suite) {
	once := sluice.Change{IdempotencyKey: "once", Reason: "because"}
	req := sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{put("API_TOKEN", "first"), put("A", "1")}, Change: once}
	first := ok[sluice.Outcome](s)(s.Deploy(s.ctx, req))
	text := sluice.ImportVariablesRequest{Environment: "prod", Text: "# of now\nB=2\nB_TOKEN=x\n", Change: sluice.Change{IdempotencyKey: "text"}}
	report := ok[sluice.ImportReport](s)(s.ImportVariables(s.ctx, text))
	s.unchanged("the same requests", func() {
		again := ok[sluice.Outcome](s)(s.Deploy(s.ctx, req))
		s.equal("replayed", words(again.Replayed, again.Release.Ref()), "true "+first.Release.Ref())
		imported := ok[sluice.ImportReport](s)(s.ImportVariables(s.ctx, text))
		s.equal("replayed", words(imported.Replayed, imported.Release.Ref(), len(imported.Variables)), "true "+report.Release.Ref()+" 2")
		for _, changes := range [][]sluice.ChangeRequest{
			{put("API_TOKEN", "second"), put("A", "1")},
			{put("API_TOKEN", "first"), put("A", "2")},
			{put("API_TOKEN", "first"), put("B", "1")},
			{putAs(true, "API_TOKEN", "first"), put("A", "1")},
			{put("API_TOKEN", "first"), drop("A")},
		} {
			other := req
			other.Changes = changes
			_, err := s.Deploy(s.ctx, other)
			s.refused(err, sluice.Conflict, "was used for another request", "new key")
		}
		for _, content := range []string{"B=3\nB_TOKEN=x\n", "# of now\nB=2\nB_TOKEN=y\n"} {
			other := text
			other.Text = content
			_, err := s.ImportVariables(s.ctx, other)
			s.refused(err, sluice.Conflict, "was used for another request")
		}
		crossed := text
		crossed.IdempotencyKey = "once"
		_, err := s.ImportVariables(s.ctx, crossed)
		s.refused(err, sluice.Conflict)
	})
	if _, err := s.RotateKey(s.ctx, sluice.RotateKeyRequest{}); err != nil {
		s.Fatal(err)
	}
	s.unchanged("also under another data key", func() {
		s.equal("replayed", ok[sluice.Outcome](s)(s.Deploy(s.ctx, req)).Replayed, true)
	})
	s.configure("prod", put("A", "7"))
	s.advance(25 * time.Hour)
	s.equal("after a day the key is free", ok[sluice.Outcome](s)(s.Deploy(s.ctx, req)).Replayed, false)
}

// everyVariableChange holds each change of variables against what all changes
// promise.
func everyVariableChange(s *suite) {
	s.published(2)
	s.configure("prod", put("API_TOKEN", "one"), put("A", "1")) // so that there is a key, as a dry run makes none
	s.configure("prod", put("API_TOKEN", "two"))
	s.configure("staging", put("A", "2"), put("S_KEY", "of staging"))
	deploy := func(changes ...sluice.ChangeRequest) func(sluice.Change) sluice.DeployRequest {
		return func(ch sluice.Change) sluice.DeployRequest {
			return sluice.DeployRequest{Environment: "prod", Changes: changes, Change: ch}
		}
	}
	s.keepTheirPromises([]deed{
		deedOf(s, "set", s.Deploy, deploy(put("A", "3"), put("NEW_KEY", "x"), put("A@"+prompt, "4"))),
		deedOf(s, "hide", s.Deploy, deploy(hide("A@"+prompt))),
		deedOf(s, "delete", s.Deploy, deploy(drop("NEW_KEY"), drop("A@"+prompt))),
		deedOf(s, "set in a new environment", s.Deploy, func(ch sluice.Change) sluice.DeployRequest {
			return sluice.DeployRequest{Environment: "born", Create: sluice.CreateAlways, Changes: []sluice.ChangeRequest{put("A", "1")}, Change: ch}
		}),
		deedOf(s, "import", s.ImportVariables, func(ch sluice.Change) sluice.ImportVariablesRequest {
			return sluice.ImportVariablesRequest{Environment: "prod", Text: "A=5\nIMPORTED_TOKEN=x", Prune: true, Change: ch}
		}),
		deedOf(s, "promote", s.Promote, func(ch sluice.Change) sluice.PromoteRequest {
			return sluice.PromoteRequest{Environment: "prod", From: "staging", WithConfig: []string{"A", "S_KEY"}, Change: ch}
		}),
		deedOf(s, "rollback", s.Rollback, func(ch sluice.Change) sluice.RollbackRequest {
			return sluice.RollbackRequest{Environment: "prod", To: "prod#1", Secrets: sluice.SecretsStub, Change: ch}
		}),
		deedOf(s, "restore", s.Restore, func(ch sluice.Change) sluice.RestoreRequest {
			return sluice.RestoreRequest{Environment: "restored", From: "prod#2", Secrets: sluice.SecretsExact, Create: sluice.CreateMissing, Change: ch}
		}),
		deedOf(s, "shred", s.ShredVariable, func(ch sluice.Change) sluice.ShredRequest {
			return sluice.ShredRequest{Environment: "prod", Key: "API_TOKEN", Change: ch}
		}),
	})
}
