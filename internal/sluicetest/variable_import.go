package sluicetest

import (
	"fmt"
	"strings"

	"github.com/sluice-dev/sluice"
)

// differences are the lines of a comparison: `A changed "1" "2"`.
func differences(list []sluice.VariableDiff) string {
	var lines []string
	for _, d := range list {
		line := sluice.Variable{Key: d.Key, Component: d.Component}.Name() + " " + d.Status
		for _, side := range []*sluice.Variable{d.From, d.To} {
			if side != nil {
				_, value, _ := strings.Cut(shown(*side), " ")
				line += " " + value
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, ", ")
}

func (s *suite) importText(req sluice.ImportVariablesRequest) sluice.ImportReport {
	s.Helper()
	if req.Environment == "" {
		req.Environment = "prod"
	}
	return ok[sluice.ImportReport](s)(s.ImportVariables(s.ctx, req))
}

func importing(s *suite) {
	s.published(1)
	s.configure("prod", put("A", "1"), put("KEPT", "stays"), put("API_TOKEN", "old"))
	text := "\ufeff# of production\r\nexport A = 2 # was 1\r\nAPI_TOKEN='n$w'\r\nEMPTY=\r\nB=\"two\\nlines\"\r\nB_SECRET=once\r\nMULTI='a\r\nb'\r\nB_SECRET=\"again\"\r\n"
	s.unchanged("a dry run", func() {
		dry := s.importText(sluice.ImportVariablesRequest{Text: text, File: ".env.prod", Change: sluice.Change{DryRun: true}})
		s.equal("what it would do", differences(dry.Variables),
			`A changed "1" "2", API_TOKEN changed masked masked, B added "two\nlines", B_SECRET added masked, EMPTY added "", MULTI added "a\nb"`)
		s.equal("as a dry run", dry.DryRun && dry.Release != nil, true)
	})
	report := s.importText(sluice.ImportVariablesRequest{Text: text, File: ".env.prod", Change: sluice.Change{Reason: "cut over", Ticket: "INC-1"}})
	s.equal("one release", words(report.Release.Ref(), report.Release.Action, report.Release.Reason, len(report.Release.Changes)), "production#2 configure cut over 6")
	s.equal("repeated", fmt.Sprint(report.Repeated), "[{B_SECRET 6}]")
	s.configured("prod", `A "2", API_TOKEN masked, B "two\nlines", B_SECRET masked, EMPTY "", KEPT "stays", MULTI "a\nb"`)
	s.equal("secrets", s.reveal("prod", "API_TOKEN")+s.reveal("prod", "B_SECRET"), "n$wagain")
	s.unchanged("the same again", func() {
		again := s.importText(sluice.ImportVariablesRequest{Text: text})
		s.equal("without effect", words(again.Release == nil, strings.Count(differences(again.Variables), " same ")), "true 6")
	})
	overlay := s.importText(sluice.ImportVariablesRequest{Component: "My-Prompt", Text: "A=narrow\nB_SECRET=too\n"})
	s.equal("into an overlay", differences(overlay.Variables), `A@my-prompt added "narrow", B_SECRET@my-prompt added masked`)
	yes, no := true, false
	told := s.importText(sluice.ImportVariablesRequest{Text: "A=2\nC=1", Secret: &yes})
	s.equal("all secret", differences(told.Variables), `A changed "2" masked, C added masked`)
	s.equal("kept secret", differences(s.importText(sluice.ImportVariablesRequest{Text: "A=3"}).Variables), `A changed masked masked`)
	s.equal("none secret", differences(s.importText(sluice.ImportVariablesRequest{Text: "A=3\nD_KEY=4", Secret: &no}).Variables), `A changed masked "3", D_KEY added "4"`)
	made := s.importText(sluice.ImportVariablesRequest{Environment: "fresh", Create: sluice.CreateMissing, Text: "A=1"})
	s.equal("a new environment", made.Created, true)
	s.badImports()
}

// badImports: a line that is wrong refuses the file, and no message repeats it.
func (s *suite) badImports() {
	s.unchanged("a bad file", func() {
		for _, bad := range []struct {
			text  string
			code  sluice.Code
			words []string
		}{
			{"A=1\nhunter2\n", sluice.Invalid, []string{".env:2:1: no KEY=VALUE"}},
			{"A=1\n  export 9hunter2=x\nB C=hunter2\n", sluice.Invalid, []string{".env:2:10:", ".env:3:2:"}},
			{"A='hunter2\n", sluice.Invalid, []string{".env:1:3: the quote that opens here is not closed"}},
			{"A=\"x\" hunter2\n", sluice.Invalid, []string{".env:1:7: only a comment"}},
			{"A=hunter2\x00\n", sluice.Invalid, []string{".env:1:10: this is a NUL byte"}},
			{strings.Repeat("=hunter2\n", 9), sluice.Invalid, []string{".env:1:1: no key", "and 4 more"}},
			{"\n# nothing\n", sluice.Invalid, []string{".env assigns no variable"}},
			{"A=1\nB=" + strings.Repeat("hunter2", sluice.MaxValueBytes/7+1), sluice.LimitExceeded, []string{".env:2:1: the value of B is"}},
		} {
			_, err := s.ImportVariables(s.ctx, sluice.ImportVariablesRequest{Environment: "prod", File: ".env", Text: bad.text})
			s.refused(err, bad.code, bad.words...)
			if said := fmt.Sprint(err, sluice.AsError(err).Fixes); strings.Contains(said, "hunter2") {
				s.Errorf("it repeats the line: %s", said)
			}
		}
		for _, bad := range []sluice.ImportVariablesRequest{
			{Environment: "nowhere", Text: "A=1"},
			{Environment: "prod", Component: "nobody", Text: "A=1"},
			{Environment: "prodution", Create: sluice.CreateMissing, Text: "A=1"},
		} {
			_, err := s.ImportVariables(s.ctx, bad)
			s.refused(err, sluice.NotFound)
		}
		_, err := s.ImportVariables(s.ctx, sluice.ImportVariablesRequest{Environment: "prod", Create: "perhaps", Text: "A=1"})
		s.refused(err, sluice.Invalid)
	})
}

func pruning(s *suite) {
	s.published(1)
	s.configure("base", put("SHARED", "base"), put("COVERED", "base"))
	s.configure("prod", put("A", "1"), put("B", "2"), put("COVERED", "prod"), put("A@"+prompt, "3"), put("C_KEY@"+prompt, "4"), put("B@"+other, "5"))
	s.deploy("prod", prompt, "1")
	s.unchanged("a dry run", func() {
		dry := s.importText(sluice.ImportVariablesRequest{Text: "A=9", Prune: true, Change: sluice.Change{DryRun: true}})
		s.equal("what it would take", differences(dry.Variables), `A changed "1" "9", B removed "2", COVERED changed "prod" "base"`)
	})
	report := s.importText(sluice.ImportVariablesRequest{Text: "A=9", Prune: true})
	s.equal("one release", words(report.Release.Number, len(report.Release.Changes)), "4 3")
	s.configured("prod", `A "9", A@my-prompt "3", B@router "5", COVERED "base" of base, C_KEY@my-prompt masked, SHARED "base" of base`)
	s.live("prod", "my-prompt v1.0.0")
	overlay := s.importText(sluice.ImportVariablesRequest{Component: prompt, Text: "A=3\nD=6", Prune: true})
	s.equal("of an overlay", differences(overlay.Variables), `A@my-prompt same "3" "3", C_KEY@my-prompt removed masked, D@my-prompt added "6"`)
	s.configured("prod", `A "9", A@my-prompt "3", B@router "5", COVERED "base" of base, D@my-prompt "6", SHARED "base" of base`)
	s.unchanged("nothing left to take", func() {
		again := s.importText(sluice.ImportVariablesRequest{Text: "A=9", Prune: true})
		s.equal("without effect", again.Release == nil, true)
	})
}

func comparingVariables(s *suite) {
	s.published(1)
	s.configure("base", put("COMMON", "1"), put("API_TOKEN", "shared"))
	s.configure("staging", put("A", "1"), put("ONLY", "here"), put("B_TOKEN", "same"), put("C_TOKEN", "one"), put("A@"+prompt, "x"))
	s.configure("prod", put("A", "2"), put("B_TOKEN", "same"), put("C_TOKEN", "two"), put("COMMON", "1"), hide("API_TOKEN"), putAs(true, "SHOWN", "3"))
	s.configure("staging", putAs(false, "SHOWN", "3"))
	diff := func(from, to, component string) sluice.VariablesDiff {
		return ok[sluice.VariablesDiff](s)(s.DiffVariables(s.ctx, sluice.DiffVariablesRequest{From: from, To: to, Component: component}))
	}
	d := diff("stage", "prod", "")
	s.equal("ends", d.From+" "+d.To, "staging#3 production#2")
	s.equal("all", differences(d.Variables),
		`A changed "1" "2", A@my-prompt removed "x", API_TOKEN removed masked, C_TOKEN changed masked masked, ONLY removed "here", SHOWN changed "3" masked`)
	s.equal("as a component gets it", differences(diff("staging", "prod", prompt).Variables),
		`A@my-prompt changed "x" "2", API_TOKEN@my-prompt removed masked, C_TOKEN@my-prompt changed masked masked, ONLY@my-prompt removed "here", SHOWN@my-prompt changed "3" masked`)
	s.configure("staging", hide("ONLY@"+prompt))
	s.equal("hidden is not there", strings.Contains(differences(diff("staging", "prod", prompt).Variables), "ONLY"), false)
	s.equal("with its past", differences(diff("prod#1", "prod", "").Variables),
		`A added "2", API_TOKEN removed masked, B_TOKEN added masked, C_TOKEN added masked, SHOWN added masked`)
	s.equal("with itself", len(diff("prod", "prod", "").Variables), 0)
	s.equal("from nothing", len(diff("dev#0", "dev", "").Variables), 2)
	for _, bad := range []sluice.DiffVariablesRequest{
		{From: "nowhere", To: "prod"}, {From: "prod#99", To: "prod"}, {From: "prod", To: "staging", Component: "nobody"},
	} {
		_, err := s.DiffVariables(s.ctx, bad)
		s.refused(err, sluice.NotFound)
	}
	_, err := s.DiffVariables(s.ctx, sluice.DiffVariablesRequest{From: "prod@never", To: "prod"})
	s.refused(err, sluice.Invalid)
	both := ok[sluice.Diff](s)(s.Diff(s.ctx, sluice.DiffRequest{From: "staging", To: "prod", Contents: true}))
	s.equal("the other comparison names them masked", string(both.Slots[0].Slot)+" "+fmt.Sprint(len(both.Files)), "var/A 0")
}

func promotingVariables(s *suite) {
	s.published(2)
	s.configure("base", put("SHARED_KEY", "of base"))
	s.deploy("staging", prompt, "v1.0.0")
	s.configure("staging", put("A", "1"), put("API_TOKEN", "of staging"), put("A@"+prompt, "2"), put("NOT", "this"))
	s.configure("prod", put("NOT", "that"))
	plain := ok[sluice.Outcome](s)(s.Promote(s.ctx, sluice.PromoteRequest{Environment: "prod", From: "staging"}))
	s.equal("versions alone", words(len(plain.Release.Changes), plain.Release.Changes[0].Slot), "1 component/my-prompt")
	out := ok[sluice.Outcome](s)(s.Promote(s.ctx, sluice.PromoteRequest{
		Environment: "prod", From: "staging", WithConfig: []string{"A", "API_TOKEN", "A@My-Prompt", "A", "SHARED_KEY"},
	}))
	s.equal("as", string(out.Release.Action)+" "+out.Release.Source, "promote staging#3")
	s.configured("prod", `A "1", A@my-prompt "2", API_TOKEN masked, NOT "that", SHARED_KEY masked of base`)
	s.equal("the value itself", s.reveal("prod", "API_TOKEN"), "of staging")
	s.equal("one value", s.variable("prod", "API_TOKEN").Fingerprint, s.variable("staging", "API_TOKEN").Fingerprint)
	s.configure("staging", put("A", "3"), hide("A@"+prompt))
	then := ok[sluice.Outcome](s)(s.Promote(s.ctx, sluice.PromoteRequest{Environment: "prod", From: "staging", Components: []string{prompt}, WithConfig: []string{"A@" + prompt}}))
	s.equal("what is hidden", then.Release.Changes[0].To.String(), "hidden")
	s.unchanged("what may not be", func() {
		for name, code := range map[string]sluice.Code{"NOWHERE": sluice.NotFound, "A@router": sluice.NotFound, "A@nobody": sluice.NotFound, "A=hunter2": sluice.Invalid, "": sluice.Invalid} {
			_, err := s.Promote(s.ctx, sluice.PromoteRequest{Environment: "prod", From: "staging", WithConfig: []string{"A", name}})
			if sluice.CodeOf(err) != code || strings.Contains(fmt.Sprint(err, sluice.AsError(err).Fixes), "hunter2") {
				s.Errorf("with %q: %v, want %s", name, err, code)
			}
		}
	})
	past := ok[sluice.Outcome](s)(s.Promote(s.ctx, sluice.PromoteRequest{Environment: "prod", From: "staging#3", WithConfig: []string{"A"}}))
	s.equal("from the past", past.Release == nil, true)
}
