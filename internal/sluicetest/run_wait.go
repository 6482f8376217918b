package sluicetest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

// waitingRuns: a run that waits goes on when it gets what it waits for, and on
// nothing else.
func waitingRuns(s *suite) {
	s.workflows()
	resume := func(req sluice.ResumeRunRequest) error {
		_, err := s.ResumeRun(s.ctx, req)
		return err
	}
	run := s.start(sluice.StartRunRequest{Component: asks, Input: input(`{"name": "Bob"}`)})
	s.equal("waits", fmt.Sprintf("%s at %s for %s: %s %s %s", run.Status, run.Waiting.Step, run.Waiting.Reason, run.Waiting.Prompt, run.Waiting.Type, run.Waiting.Options),
		"paused at 0 for answer: v1.0.0: which, Bob? choice [red green]")
	id := run.ID
	s.refused(resume(sluice.ResumeRunRequest{Run: id}), sluice.Conflict, "waits for an answer")
	s.refused(resume(sluice.ResumeRunRequest{Run: id, Answer: input(`"blue"`)}), sluice.Invalid, "red, green")
	s.refused(resume(sluice.ResumeRunRequest{Run: id, Retry: true}), sluice.Conflict)
	s.refused(resume(sluice.ResumeRunRequest{Run: id, Answer: input(`"red"`), Skip: true}), sluice.Invalid, "answer and skip were given together")
	s.refused(resume(sluice.ResumeRunRequest{Run: id, Step: "7", Answer: input(`"red"`)}), sluice.Conflict, "waits for nobody")
	s.advance(time.Hour)
	run = s.rest(ok[sluice.Run](s)(s.ResumeRun(s.ctx, sluice.ResumeRunRequest{Run: id, Answer: input(`{"value": "red"}`)})))
	s.equal("waits again", fmt.Sprintf("%s at %s for %s", run.Status, run.Waiting.Step, run.Waiting.Reason), "paused at 1 for error")
	s.refused(resume(sluice.ResumeRunRequest{Run: id, Answer: input(`"red"`)}), sluice.Conflict, "asks nothing")
	run = s.rest(ok[sluice.Run](s)(s.ResumeRun(s.ctx, sluice.ResumeRunRequest{Run: id, Step: "1", Retry: true})))
	s.equal("tried again", run.Status, sluice.RunPaused)
	run = s.rest(ok[sluice.Run](s)(s.ResumeRun(s.ctx, sluice.ResumeRunRequest{Run: id, Result: input(`"pink"`)})))
	s.stands(run, `completed "red pink"`)
	var how []string
	for _, r := range run.Resumed {
		how = append(how, r.How+" "+r.Step)
	}
	s.equal("resumed", how, []string{"answer 0", "retry 1", "result 1"})
	s.refused(resume(sluice.ResumeRunRequest{Run: id, Retry: true}), sluice.Conflict, "has ended: it completed")
	_, err := s.CancelRun(s.ctx, sluice.CancelRunRequest{Run: id})
	s.refused(err, sluice.Conflict, "has ended: it completed")
	ok[[]sluice.RunStep](s)(sluice.Collect(s.Steps(s.ctx, sluice.StepQuery{Run: id, Detail: true})))

	other := s.start(sluice.StartRunRequest{Component: asks, Input: input(`{"name": "Bob"}`)})
	_, err = s.CancelRun(s.ctx, sluice.CancelRunRequest{Run: other.ID, Reason: strings.Repeat("r", sluice.MaxNoteBytes+1)})
	s.refusedEarly(err, sluice.LimitExceeded)
	gone := ok[sluice.Run](s)(s.CancelRun(s.ctx, sluice.CancelRunRequest{Run: other.ID, Reason: "too late"}))
	s.equal("cancelled", string(gone.Status)+" "+gone.Error.Message, "cancelled cancelled by alice: too late")
	s.refused(resume(sluice.ResumeRunRequest{Run: other.ID, Answer: input(`"red"`)}), sluice.Conflict, "was cancelled")
	ok[[]sluice.RunStep](s)(sluice.Collect(s.Steps(s.ctx, sluice.StepQuery{Run: other.ID})))
}

// followingRuns: who follows a run sees all of its steps, in the order in which
// they ended, and its end; who comes later sees what came since.
func followingRuns(s *suite) {
	s.workflows()
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
	defer cancel()
	follow := func(req sluice.WatchRunRequest) (steps []string, last sluice.Run) {
		s.Helper()
		seen := map[string]bool{}
		for e, err := range s.WatchRun(ctx, req) {
			switch {
			case err != nil:
				s.Fatal(err)
			case e.Step != nil && e.Step.Status.Ended() && !seen[e.Step.Path]:
				seen[e.Step.Path] = true
				steps = append(steps, e.Step.Path)
			case e.Run != nil:
				last = *e.Run
			}
		}
		return steps, last
	}
	run := ok[sluice.Run](s)(s.StartRun(s.ctx, sluice.StartRunRequest{Component: flow, Input: input(`{"n": 1}`)}))
	steps, last := follow(sluice.WatchRunRequest{Run: run.ID})
	s.equal("steps", steps, []string{"0", "1", "2.0", "2"})
	s.stands(last, `completed {"sum":2,"said":"v1.0.0 says hello","plain":"-","key":"-"}`)
	s.note(last)
	later, again := follow(sluice.WatchRunRequest{Run: run.ID})
	s.equal("the same later", len(later), 4)
	s.equal("and the same end", again.Change, last.Change)
	none, same := follow(sluice.WatchRunRequest{Run: run.ID, After: last.Change})
	s.equal("nothing since", len(none), 0)
	s.equal("but how it ended", same.Status, sluice.RunCompleted)
	some, _ := follow(sluice.WatchRunRequest{Run: run.ID, After: last.Change - 2})
	s.equal("the last step since", some, []string{"2"})
}

// whoMayRun: running needs the permission in that environment, and content that is
// not stored that to publish besides.
func whoMayRun(s *suite) {
	s.workflows()
	s.deploy("staging", flow, "v1.0.0", part, "v1.0.0")
	own := s.start(sluice.StartRunRequest{Component: asks, Input: input(`{"name": "Bob"}`)})
	for _, who := range []struct {
		name         string
		roles        []sluice.Role
		environments []string
	}{
		{"viewer", []sluice.Role{sluice.RoleViewer}, nil},
		{"publisher", []sluice.Role{sluice.RolePublisher}, nil},
		{"runner", []sluice.Role{sluice.RoleRunner}, []string{"staging"}},
		{"both", []sluice.Role{sluice.RoleRunner, sluice.RolePublisher}, []string{"staging"}},
	} {
		token, err := s.CreateToken(s.ctx, sluice.CreateTokenRequest{Name: who.name, Roles: who.roles, Environments: who.environments})
		if err != nil {
			s.Fatal(err)
		}
		ctx, err := s.asker(s.ctx, token.Secret)
		if err != nil {
			s.Fatal(err)
		}
		var codes []string
		for _, req := range []sluice.StartRunRequest{
			{Component: flow, Environment: "prod", Input: input(`{"n": 1}`)},
			{Component: flow, Environment: "stage", Input: input(`{"n": 1}`)},
			{Environment: "staging", Content: &sluice.RunContent{Kind: sluice.KindWorkflow, Files: []sluice.File{{Path: "a.yaml", Text: "blocks: [{id: a, block: echo, value: 1}]"}}}},
		} {
			_, err := s.StartRun(ctx, req)
			codes = append(codes, string(sluice.CodeOf(err)))
		}
		_, err = s.Services.Run(ctx, own.ID)
		codes = append(codes, string(sluice.CodeOf(err)))
		_, err = s.CancelRun(ctx, sluice.CancelRunRequest{Run: own.ID})
		codes = append(codes, string(sluice.CodeOf(err)))
		_, err = s.ResumeRun(ctx, sluice.ResumeRunRequest{Run: own.ID, Answer: input(`"red"`)})
		codes = append(codes, string(sluice.CodeOf(err)))
		want := map[string]string{
			"viewer":    "permission_denied permission_denied permission_denied  permission_denied permission_denied",
			"publisher": "permission_denied permission_denied permission_denied  permission_denied permission_denied",
			"runner":    "permission_denied  permission_denied  permission_denied permission_denied", "both": "permission_denied    permission_denied permission_denied",
		}[who.name]
		s.equal(who.name, strings.Join(codes, " "), want)
	}
}
