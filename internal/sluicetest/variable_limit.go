package sluicetest

import (
	"fmt"
	"strings"

	"github.com/sluice-dev/sluice"
)

func variableLimits(s *suite) {
	s.published(1)
	largest := strings.Repeat("é", sluice.MaxValueBytes/2)
	s.configure("prod", put("LARGE", largest), put("LARGE_KEY", strings.Repeat("x", sluice.MaxValueBytes)))
	s.equal("the largest comes back", *s.variable("prod", "LARGE").Value == largest && len(s.reveal("prod", "LARGE_KEY")) == sluice.MaxValueBytes, true)
	for _, text := range awkward {
		if strings.Contains(text, "\x00") || strings.ToValidUTF8(text, "") != text {
			continue
		}
		s.configure("prod", put("AWKWARD", text))
		if got := *s.variable("prod", "AWKWARD").Value; got != text {
			s.Errorf("%.60q came back as %.60q", text, got)
		}
	}
	s.unchanged("too much", func() {
		for _, bad := range []struct {
			value string
			code  sluice.Code
			words string
		}{
			{largest + "x", sluice.LimitExceeded, "the value of A is 65537 bytes; the limit is 65536"},
			{"nul \x00 within", sluice.Invalid, "the value of A is not text: line 1, column 5: this is a NUL byte"},
		} {
			_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{put("A", bad.value)}})
			s.refused(err, bad.code, bad.words)
		}
		many := make([]sluice.ChangeRequest, sluice.MaxChanges+1)
		for i := range many {
			many[i] = put(fmt.Sprint("K", i), "")
		}
		_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: many})
		s.refused(err, sluice.LimitExceeded, "10001 changes in one change set; the limit is 10000")
		_, err = s.ImportVariables(s.ctx, sluice.ImportVariablesRequest{Environment: "prod", File: ".env", Text: strings.Repeat("A=1\n", 10_001)})
		s.refused(err, sluice.LimitExceeded, ".env:10001:1: more than 10000 assignments")
		_, err = s.ImportVariables(s.ctx, sluice.ImportVariablesRequest{Environment: "prod", File: ".env", Text: strings.Repeat("#", sluice.MaxDotenvBytes+1)})
		s.refused(err, sluice.LimitExceeded, "the limit is 4194304")
	})
}

// scopeLimits: an environment holds so many keys of its own, and so does each of
// its overlays.
func scopeLimits(s *suite) {
	s.published(1)
	keys := func(from, n int, suffix string) []sluice.ChangeRequest {
		var out []sluice.ChangeRequest
		for i := range n {
			out = append(out, put(fmt.Sprintf("K%d%s", from+i, suffix), "x"))
		}
		return out
	}
	s.configure("base", keys(5000, 3, "")...) // what is inherited does not count
	s.unchanged("one more at once", func() {
		_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: keys(0, sluice.MaxVariables+1, "")})
		s.refused(err, sluice.LimitExceeded, "production would hold 1001 variables; the limit is 1000", "delete a variable in production")
	})
	full := append(keys(0, sluice.MaxVariables, ""), keys(0, sluice.MaxVariables, "@"+prompt)...)
	if out, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: full}); err != nil || len(out.Release.Changes) != 2*sluice.MaxVariables {
		s.Fatalf("as many as there may be: %v", err)
	}
	s.unchanged("one more", func() {
		_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{put("MORE", "x")}})
		s.refused(err, sluice.LimitExceeded, "production would hold 1001")
		_, err = s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{put("MORE@"+prompt, "x")}})
		s.refused(err, sluice.LimitExceeded, "the overlay of my-prompt in production would hold 1001")
		_, err = s.ImportVariables(s.ctx, sluice.ImportVariablesRequest{Environment: "prod", Text: "MORE=x"})
		s.refused(err, sluice.LimitExceeded)
		_, err = s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{hide("K5000")}})
		s.refused(err, sluice.LimitExceeded)
	})
	s.configure("prod", put("K0", "changed"), put("MORE@"+other, "x"))
	s.configure("prod", drop("K1"), put("MORE", "x"))
	page := ok[sluice.Page[sluice.Variable]](s)(s.Variables(s.ctx, sluice.VariableQuery{Environment: in("prod"), Paging: sluice.Paging{Limit: sluice.MaxPage}}))
	s.equal("a page of them", fmt.Sprint(len(page.Items), page.Next != ""), "1000 true")
	s.said = s.said[:len(s.said)-1] // large, and like the others
	pruned := s.importText(sluice.ImportVariablesRequest{Text: "LAST=1", Prune: true})
	s.equal("pruned", len(pruned.Release.Changes), sluice.MaxVariables+1)
}
