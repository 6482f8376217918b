package sluicetest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

// runGroups are the questions about runs.
var runGroups = []group{
	{"starting runs", startingRuns},
	{"exact values of runs", exactValues},
	{"refused runs", refusedRuns},
	{"runs that wait", waitingRuns},
	{"lists of runs", listsOfRuns},
	{"sums of runs", sumsOfRuns},
	{"following a run", followingRuns},
	{"who may run", whoMayRun},
	{"text of runs", textOfRuns},
}

// The workflows of these groups: one that ends by itself after what it calls, and
// one that asks.
const (
	flow = "my-flow"
	part = "my-part"
	asks = "my-question"
)

const partText = `blocks: [{id: a, block: echo, value: "%s says {{ inputs.word }}"}]
`

const flowText = `inputs: {n: integer, word: {type: string, default: hello}}
blocks:
  - {id: first, block: echo, value: "{{ inputs.n + 1 }}"}
  - {id: small, block: fail, when: "{{ inputs.n < 0 }}", needs: first, message: "%s cannot take {{ inputs.n }}"}
  - {id: last, block: workflow, needs: [first, small], component: my-part, input: {word: "{{ inputs.word }}"}}
output: {sum: "{{ first.output }}", said: "{{ last.output }}", plain: "{{ env.PLAIN | default('-') }}", key: "{{ env.KEY | default('-') }}"}
`

const asksText = `blocks:
  - {id: q, block: ask, prompt: "%s: which, {{ inputs.name }}?", type: choice, options: [red, green]}
  - {id: bad, block: fail, needs: q, message: "not {{ q.value }}", on_error: pause}
output: "{{ q.value }} {{ bad.output }}"
`

// workflows publishes them in two versions, and makes the first live.
func (s *suite) workflows() {
	s.Helper()
	none := "none"
	ok[sluice.EnvironmentChange](s)(s.EditEnvironment(s.ctx, sluice.EditEnvironmentRequest{Name: "development", Tracks: &none}))
	for _, w := range [][2]string{{part, partText}, {flow, flowText}, {asks, asksText}} {
		for _, label := range []string{"v1.0.0", "v1.1.0"} {
			ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{
				Component: w[0], Kind: sluice.KindWorkflow, Label: label, Files: []sluice.File{{Path: "a.yaml", Text: fmt.Sprintf(w[1], label)}},
			}))
		}
		s.deploy("prod", w[0], "v1.0.0")
	}
}

// start starts a run, writes that down, and returns how it comes to rest.
func (s *suite) start(req sluice.StartRunRequest) sluice.Run {
	s.Helper()
	return s.rest(ok[sluice.Run](s)(s.StartRun(s.ctx, req)))
}

// rest follows a run until it ends or waits for a person, and writes down how it
// stands then.
func (s *suite) rest(run sluice.Run) sluice.Run {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
	defer cancel()
	for e, err := range s.WatchRun(ctx, sluice.WatchRunRequest{Run: run.ID}) {
		if err != nil {
			s.Fatalf("following run %s: %v", run.ID, err)
		}
		if r := e.Run; r != nil && (r.Status.Ended() || r.Status == sluice.RunPaused && r.Change > run.Change) {
			return ok[sluice.Run](s)(s.Services.Run(s.ctx, run.ID))
		}
	}
	s.Fatalf("run %s does not come to rest", run.ID)
	return run
}

// stands demands the status and the output of a run.
func (s *suite) stands(run sluice.Run, want string) {
	s.Helper()
	s.equal("run of "+run.Ref(), strings.TrimSpace(string(run.Status)+" "+string(run.Output)), want)
}

func input(text string) json.RawMessage { return json.RawMessage(text) }

// startingRuns: everything is pinned before the run is answered for.
func startingRuns(s *suite) {
	s.workflows()
	secret, plain, key := true, "then", "sesame-open"
	ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{
		{Variable: "PLAIN", Value: &plain}, {Variable: "KEY", Value: &key, Secret: &secret},
	}}))
	queued := ok[sluice.Run](s)(s.StartRun(s.ctx, sluice.StartRunRequest{
		Component: "MY-FLOW", Environment: "prod", Configured: true, Input: input(`{"n": 41, "word": "it is sesame-open"}`), Session: "s1",
		Metadata: map[string]string{"ticket": "OPS-7"}, Timeout: 60, IdempotencyKey: "once",
	}))
	s.equal("queued", fmt.Sprintf("%s %s %s %d %d", queued.Status, queued.Ref(), queued.Environment, queued.Release, queued.Deadline-queued.CreatedAt),
		"pending my-flow@v1.0.0 production 4 60000000")
	var pins []string
	for _, p := range queued.Components {
		pins = append(pins, p.Asked+"="+p.Component+"@"+p.Pin.String())
	}
	s.equal("pinned", pins, []string{"my-part=my-part@v1.0.0"})
	s.equal("loaded", fmt.Sprint(len(queued.Variables), queued.Warnings), "2 []")
	done := s.rest(queued)
	s.stands(done, `completed {"sum":42,"said":"v1.0.0 says it is «KEY»","plain":"then","key":"«KEY»"}`)
	again := ok[sluice.Run](s)(s.StartRun(s.ctx, sluice.StartRunRequest{
		Component: "MY-FLOW", Environment: "prod", Configured: true, Input: input(`{"n": 41, "word": "it is sesame-open"}`), Session: "s1",
		Metadata: map[string]string{"ticket": "OPS-7"}, Timeout: 60, IdempotencyKey: "once",
	}))
	s.equal("once", fmt.Sprint(again.ID == queued.ID, again.Replayed), "true true")
	for _, detail := range []bool{false, true} {
		var lines []string
		for _, step := range ok[[]sluice.RunStep](s)(sluice.Collect(s.Steps(s.ctx, sluice.StepQuery{Run: done.ID, Detail: detail}))) {
			lines = append(lines, step.Path+" "+step.Block+" "+string(step.Status))
		}
		s.equal("steps", lines, []string{"0 first completed", "1 small skipped", "2 last completed", "2.0 a completed"})
	}
	one := ok[[]sluice.RunStep](s)(sluice.Collect(s.Steps(s.ctx, sluice.StepQuery{Run: done.ID, Path: "2.0", Detail: true})))
	s.equal("one step", len(one), 1)
	s.stands(s.start(sluice.StartRunRequest{Component: flow, Version: "v1.1.0", Environment: "production#3", Input: input(`{"n": 1}`)}),
		`completed {"sum":2,"said":"v1.0.0 says hello","plain":"-","key":"-"}`)
	failed := s.start(sluice.StartRunRequest{Component: flow, Input: input(`{"n": -1}`)})
	s.equal("failed", fmt.Sprintf("%s at %s: %s", failed.Error.Code, failed.Error.Step, failed.Error.Message), "refused_by_policy at 1: v1.0.0 cannot take -1")
	unstored := s.start(sluice.StartRunRequest{Content: &sluice.RunContent{
		Kind: sluice.KindWorkflow, Files: []sluice.File{{Path: "a.yaml", Text: "blocks: [{id: a, block: workflow, component: my-part@latest, input: {word: hi}}]\n"}},
	}})
	s.stands(unstored, `completed "v1.1.0 says hi"`)
}

// refusedRuns: what cannot run is said at once, and leaves no record.
func refusedRuns(s *suite) {
	s.workflows()
	s.publish(prompt, "v1.0.0")
	content := func(kind, text string) *sluice.RunContent {
		return &sluice.RunContent{Kind: kind, Files: []sluice.File{{Path: "a.yaml", Text: text}}}
	}
	for _, bad := range []struct {
		req  sluice.StartRunRequest
		code sluice.Code
	}{
		{sluice.StartRunRequest{}, sluice.Invalid},
		{sluice.StartRunRequest{Component: "my-flw"}, sluice.NotFound},
		{sluice.StartRunRequest{Component: flow, Content: content(sluice.KindWorkflow, "blocks: []")}, sluice.Invalid},
		{sluice.StartRunRequest{Content: content(sluice.KindWorkflow, "blocks: [{id: a, block: eco}]")}, sluice.Invalid},
		{sluice.StartRunRequest{Content: content("config", "a: 1")}, sluice.Invalid},
		{sluice.StartRunRequest{Content: content(sluice.KindWorkflow, "blocks: []"), Version: "1"}, sluice.Invalid},
		{sluice.StartRunRequest{Component: flow, Version: "9"}, sluice.NotFound},
		{sluice.StartRunRequest{Component: flow, Version: "a b"}, sluice.Invalid},
		{sluice.StartRunRequest{Component: flow, Environment: "nowhere"}, sluice.NotFound},
		{sluice.StartRunRequest{Component: flow, Environment: "prod#99"}, sluice.NotFound},
		{sluice.StartRunRequest{Component: flow, Environment: "staging"}, sluice.NotFound},
		{sluice.StartRunRequest{Component: prompt}, sluice.NotFound},
		{sluice.StartRunRequest{Component: flow}, sluice.Invalid},
		{sluice.StartRunRequest{Component: flow, Input: input(`[1]`)}, sluice.Invalid},
		{sluice.StartRunRequest{Component: flow, Input: input(`{"n": "one"}`)}, sluice.Invalid},
		{sluice.StartRunRequest{Component: flow, Input: input(`{"n": 1}`), Timeout: -1}, sluice.Invalid},
		{sluice.StartRunRequest{Component: flow, Input: input(`{"n": 1}`), Callback: "mailto:bob@example.com"}, sluice.Invalid},
		{sluice.StartRunRequest{Component: flow, Input: input(`{"n": 1}`), Key: strings.Repeat("k", sluice.MaxKeyBytes+1)}, sluice.LimitExceeded},
		{sluice.StartRunRequest{Component: flow, Input: input(`{"n": 1}`), Session: strings.Repeat("s", sluice.MaxTicketBytes+1)}, sluice.LimitExceeded},
		{sluice.StartRunRequest{Component: flow, Input: input(`{"n": 1}`), Metadata: map[string]string{"a\x00": "b"}}, sluice.Invalid},
	} {
		_, err := s.StartRun(s.ctx, bad.req)
		s.refused(err, bad.code)
	}
	s.equal("no record", len(ok[sluice.Page[sluice.Run]](s)(s.Runs(s.ctx, sluice.RunQuery{})).Items), 0)
	_, err := s.Services.Run(s.ctx, "nobody")
	s.refused(err, sluice.NotFound, "run nobody does not exist")
	_, err = sluice.Collect(s.Steps(s.ctx, sluice.StepQuery{Run: "nobody"}))
	s.refused(err, sluice.NotFound)
	_, err = s.CancelRun(s.ctx, sluice.CancelRunRequest{Run: "nobody"})
	s.refused(err, sluice.NotFound)
	_, err = s.ResumeRun(s.ctx, sluice.ResumeRunRequest{Run: "nobody"})
	s.refused(err, sluice.NotFound)
	for _, err := range s.WatchRun(s.ctx, sluice.WatchRunRequest{Run: "nobody"}) {
		s.refused(err, sluice.NotFound)
		break
	}
}
