package sluicetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

// history of runs: five that differ in all that can be asked for. They are called
// after their sessions.
func (s *suite) fiveRuns() (since sluice.Time, waiting sluice.Run) {
	s.Helper()
	s.workflows()
	s.deploy("staging", flow, "v1.1.0", part, "v1.1.0")
	begin := func(session string, req sluice.StartRunRequest) sluice.Run {
		req.Session = session
		return s.start(req)
	}
	begin("a", sluice.StartRunRequest{Component: flow, Input: input(`{"n": 1, "word": "100% of it"}`)})
	begin("b", sluice.StartRunRequest{Component: flow, Input: input(`{"n": -1}`)})
	s.advance(time.Hour)
	since = sluice.TimeOf(s.clock)
	begin("c", sluice.StartRunRequest{Component: flow, Environment: "staging", Input: input(`{"n": 3}`)})
	begin("d", sluice.StartRunRequest{Component: flow, Version: "v1.1.0", Environment: "prod", Input: input(`{"n": -4}`)})
	waiting = begin("e", sluice.StartRunRequest{Component: asks, Input: input(`{"name": "Bob"}`)})
	return since, waiting
}

// listsOfRuns: newest first, by all that can be asked for, and page by page.
func listsOfRuns(s *suite) {
	since, _ := s.fiveRuns()
	sessions := func(q sluice.RunQuery) string {
		s.Helper()
		var out []string
		for {
			page := ok[sluice.Page[sluice.Run]](s)(s.Runs(s.ctx, q))
			for _, r := range page.Items {
				out = append(out, r.Session)
				if r.Input != nil || r.Output != nil {
					s.Errorf("the list has the input %s and the output %s of run %s", r.Input, r.Output, r.Session)
				}
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return strings.Join(out, "")
			}
		}
	}
	for _, tt := range []struct {
		name string
		q    sluice.RunQuery
		want string
	}{
		{"all", sluice.RunQuery{}, "edcba"},
		{"page by page", sluice.RunQuery{Paging: sluice.Paging{Limit: 2}}, "edcba"},
		{"one by one", sluice.RunQuery{Component: flow, Paging: sluice.Paging{Limit: 1}}, "dcba"},
		{"of a component", sluice.RunQuery{Component: "MY-QUESTION"}, "e"},
		{"in an environment", sluice.RunQuery{Environment: "stage"}, "c"},
		{"of a version", sluice.RunQuery{Component: flow, Version: "v1.1.0"}, "dc"},
		{"of a release", sluice.RunQuery{Environment: "prod", Release: 3}, "edba"},
		{"of another release", sluice.RunQuery{Environment: "prod", Release: 2}, ""},
		{"that failed", sluice.RunQuery{Status: []sluice.RunStatus{sluice.RunFailed}}, "db"},
		{"that failed in a release", sluice.RunQuery{Environment: "prod", Release: 3, Status: []sluice.RunStatus{sluice.RunFailed}}, "db"},
		{"that failed or wait", sluice.RunQuery{Status: []sluice.RunStatus{sluice.RunPaused, sluice.RunFailed}}, "edb"},
		{"that run", sluice.RunQuery{Status: []sluice.RunStatus{sluice.RunRunning, sluice.RunPending, sluice.RunInterrupted}}, ""},
		{"of a session", sluice.RunQuery{Session: "c"}, "c"},
		{"since", sluice.RunQuery{Since: since}, "edc"},
		{"until", sluice.RunQuery{Until: since}, "ba"},
		{"between", sluice.RunQuery{Since: since, Until: since}, ""},
		{"with a text in the error", sluice.RunQuery{Text: "CANNOT take -4"}, "d"},
		{"with a text in the input", sluice.RunQuery{Text: "100% of"}, "a"},
		{"with a text that is no pattern", sluice.RunQuery{Text: "100_ of"}, ""},
		{"with a text in the output", sluice.RunQuery{Text: "v1.1.0 says"}, "c"},
		{"of all at once", sluice.RunQuery{Component: flow, Environment: "prod", Version: "1", Status: []sluice.RunStatus{sluice.RunFailed}, Until: since, Session: "b", Text: "take"}, "b"},
	} {
		s.equal(tt.name, sessions(tt.q), tt.want)
	}
	for _, bad := range []struct {
		q    sluice.RunQuery
		code sluice.Code
	}{
		{sluice.RunQuery{Component: "my-flw"}, sluice.NotFound},
		{sluice.RunQuery{Environment: "nowhere"}, sluice.NotFound},
		{sluice.RunQuery{Component: flow, Version: "9"}, sluice.NotFound},
		{sluice.RunQuery{Version: "1"}, sluice.Invalid},
		{sluice.RunQuery{Release: 1}, sluice.Invalid},
	} {
		_, err := s.Runs(s.ctx, bad.q)
		s.refused(err, bad.code)
		_, err = s.RunStats(s.ctx, bad.q)
		s.refused(err, bad.code)
	}
	for _, p := range []sluice.Paging{{Cursor: "x"}, {Limit: -1}, {Cursor: strings.Repeat("9", 200)}} {
		_, err := s.Runs(s.ctx, sluice.RunQuery{Paging: p})
		s.refusedEarly(err, sluice.Invalid)
	}
}

// sumsOfRuns: by version and release, with rates and durations.
func sumsOfRuns(s *suite) {
	since, waiting := s.fiveRuns()
	s.advance(90 * time.Second)
	ok[sluice.Run](s)(s.ResumeRun(s.ctx, sluice.ResumeRunRequest{Run: waiting.ID, Answer: input(`"red"`)}))
	s.rest(waiting)
	waiting = s.rest(ok[sluice.Run](s)(s.ResumeRun(s.ctx, sluice.ResumeRunRequest{Run: waiting.ID, Skip: true})))
	s.stands(waiting, `completed "red "`)
	groups := func(q sluice.RunQuery) (out []string) {
		s.Helper()
		stats := ok[sluice.RunStats](s)(s.RunStats(s.ctx, q))
		for _, g := range append(stats.Groups, stats.Total) {
			out = append(out, fmt.Sprintf("%s@%s %s#%d: %d runs, %d completed, %d failed, %.2f", g.Component, g.Label, g.Environment, g.Release, g.Runs, g.Completed, g.Failed, g.ErrorRate))
		}
		return out
	}
	s.equal("all", groups(sluice.RunQuery{}), []string{
		"my-flow@v1.1.0 production#3: 1 runs, 0 completed, 1 failed, 1.00",
		"my-question@v1.0.0 production#3: 1 runs, 1 completed, 0 failed, 0.00",
		"my-flow@v1.1.0 staging#1: 1 runs, 1 completed, 0 failed, 0.00",
		"my-flow@v1.0.0 production#3: 2 runs, 1 completed, 1 failed, 0.50",
		"@ #0: 5 runs, 3 completed, 2 failed, 0.40",
	})
	s.equal("of an environment, since", groups(sluice.RunQuery{Environment: "prod", Since: since}), []string{
		"my-flow@v1.1.0 production#3: 1 runs, 0 completed, 1 failed, 1.00",
		"my-question@v1.0.0 production#3: 1 runs, 1 completed, 0 failed, 0.00",
		"@ #0: 2 runs, 1 completed, 1 failed, 0.50",
	})
	s.equal("of nothing", groups(sluice.RunQuery{Session: "nobody"}), []string{"@ #0: 0 runs, 0 completed, 0 failed, 0.00"})
	asked := ok[sluice.RunStats](s)(s.RunStats(s.ctx, sluice.RunQuery{Component: asks}))
	for _, p := range []int64{asked.Total.P50, asked.Total.P95} {
		if want := int64(90_000_000); p < want*95/100 || p > want*105/100 {
			s.Errorf("a run that took %d µs is summed up as %d µs, which is not within 5 %%", want, p)
		}
	}
}
