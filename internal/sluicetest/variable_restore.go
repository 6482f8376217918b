package sluicetest

import (
	"fmt"

	"github.com/sluice-dev/sluice"
)

func (s *suite) restored(req sluice.RestoreRequest) string {
	s.Helper()
	return told(ok[sluice.Outcome](s)(s.Restore(s.ctx, req)))
}

func restoringVariables(s *suite) {
	s.published(2)
	s.deploy("prod", prompt, "v1.0.0")
	s.configure("prod", put("A", "1"), put("API_TOKEN", "of prod"), put("B@"+prompt, "narrow"), put("EMPTY", ""), put("HIDDEN", "h"), hide("HIDDEN@"+prompt))
	s.equal("into a new one", s.restored(sluice.RestoreRequest{Environment: "debug", From: "prod", Create: sluice.CreateMissing}), "stubbed API_TOKEN")
	s.configured("debug", `A "1", API_TOKEN stub, B@my-prompt "narrow", EMPTY "", HIDDEN "h", HIDDEN@my-prompt hidden`)
	s.configure("debug", put("API_TOKEN", "of debug"), put("A", "2"), put("MORE", "m"), put("MORE_KEY", "k"))
	s.configure("prod", put("API_TOKEN", "rotated"))
	s.equal("secrets stay", s.restored(sluice.RestoreRequest{Environment: "debug", From: "prod#2"}), "kept API_TOKEN, kept MORE_KEY")
	s.configured("debug", `A "1", API_TOKEN masked, B@my-prompt "narrow", EMPTY "", HIDDEN "h", HIDDEN@my-prompt hidden, MORE_KEY masked`)
	s.equal("its own", s.reveal("debug", "API_TOKEN"), "of debug")
	s.equal("exactly", s.restored(sluice.RestoreRequest{Environment: "debug", From: "prod#2", Secrets: sluice.SecretsExact}), "")
	s.configured("debug", `A "1", API_TOKEN masked, B@my-prompt "narrow", EMPTY "", HIDDEN "h", HIDDEN@my-prompt hidden`)
	s.equal("of then", s.reveal("debug", "API_TOKEN"), "of prod")
	then := ok[sluice.Manifest](s)(s.State(s.ctx, sluice.EnvironmentRef{Name: "prod", Release: 2, Exact: true}))
	s.equal("the same root as then", ok[sluice.Manifest](s)(s.State(s.ctx, in("debug"))).Root, then.Root)
	s.equal("stubs", s.restored(sluice.RestoreRequest{Environment: "debug", From: "prod", Secrets: sluice.SecretsStub}), "stubbed API_TOKEN")
	s.equal("stubs that are there", s.restored(sluice.RestoreRequest{Environment: "debug", From: "prod", Secrets: sluice.SecretsStub}), "stubbed API_TOKEN")
	s.configure("debug", put("A", "7"), put("B@"+prompt, "8"))
	some := ok[sluice.Outcome](s)(s.Restore(s.ctx, sluice.RestoreRequest{Environment: "debug", From: "prod#0", Components: []string{prompt}}))
	s.equal("named components alone", words(len(some.Release.Changes), some.Release.Changes[0].Slot), "1 component/my-prompt")
	without := ok[sluice.Outcome](s)(s.Restore(s.ctx, sluice.RestoreRequest{Environment: "debug", From: "prod", Except: []string{prompt}, Secrets: sluice.SecretsExact}))
	s.equal("without a component's overlays", fmt.Sprint(len(without.Release.Changes)), "2")
	s.configured("debug", `A "1", API_TOKEN masked, B@my-prompt "8", EMPTY "", HIDDEN "h", HIDDEN@my-prompt hidden`)
	_, err := s.Restore(s.ctx, sluice.RestoreRequest{Environment: "debug", From: "prod", Secrets: "all"})
	s.refused(err, sluice.Invalid, "use current, exact or stub")
}

// restoringInherited: what equals the parent's stays inherited, what differs is
// pinned.
func restoringInherited(s *suite) {
	s.configure("base", put("A", "1"), put("API_TOKEN", "first"), put("SAME", "s"))
	s.configure("base", put("A", "2"), put("API_TOKEN", "second"))
	s.equal("by default", s.restored(sluice.RestoreRequest{Environment: "prod", From: "prod#1"}), "kept API_TOKEN")
	s.configured("prod", `A "1" pinned, API_TOKEN masked of base, SAME "s" of base`)
	s.equal("exactly", s.restored(sluice.RestoreRequest{Environment: "prod", From: "prod#1", Secrets: sluice.SecretsExact}), "")
	s.configured("prod", `A "1" pinned, API_TOKEN masked pinned, SAME "s" of base`)
	s.equal("of then", s.reveal("prod", "API_TOKEN"), "first")
	s.equal("the parent keeps its own", s.reveal("base", "API_TOKEN"), "second")
	s.equal("back to what is inherited", s.restored(sluice.RestoreRequest{Environment: "prod", From: "base", Secrets: sluice.SecretsExact}), "")
	s.configured("prod", `A "2" of base, API_TOKEN masked of base, SAME "s" of base`)
	s.equal("stubs cover the parent's", s.restored(sluice.RestoreRequest{Environment: "prod", From: "prod#1", Secrets: sluice.SecretsStub}), "stubbed API_TOKEN")
	s.configured("prod", `A "1" pinned, API_TOKEN stub pinned, SAME "s" of base`)
	s.configure("prod", drop("A"), drop("API_TOKEN"))
	s.configured("prod", `A "2" of base, API_TOKEN masked of base, SAME "s" of base`)
	s.equal("nothing at all", s.restored(sluice.RestoreRequest{Environment: "prod", From: "prod#0"}), "kept API_TOKEN")
	s.configured("prod", `A none pinned, API_TOKEN masked of base, SAME none pinned`)
	s.equal("nothing, exactly", s.restored(sluice.RestoreRequest{Environment: "prod", From: "prod#0", Secrets: sluice.SecretsExact}), "")
	s.configured("prod", `A none pinned, API_TOKEN none pinned, SAME none pinned`)
	rolled := s.back(sluice.RollbackRequest{To: "prod#2", Secrets: sluice.SecretsExact})
	s.equal("rolled back to what it inherited", rolled, "")
	s.configured("prod", `A "2" of base, API_TOKEN masked of base, SAME "s" of base`)
}
