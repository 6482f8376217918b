package runner_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// TestPartials: who follows a run sees outputs while they are written, without
// secrets, and then the steps and the end.
func TestPartials(t *testing.T) {
	t.Parallel()
	h, o := open(t), newOutside(t)
	h.release("bot", `blocks:
  - {id: q, block: ask, prompt: Colour}
  - {id: said, block: llm, needs: q, model: small, prompt: "it is {{ env.KEY }}", base_url: "`+o.URL+`/v1", api_key: key}
`)
	h.deploy("production", setVariable("KEY", "sesame-open", true))
	run := h.rest(h.start(sluice.StartRunRequest{Component: "bot", Configured: true}))
	next, stop := iter.Pull2(h.WatchRun(h.ctx, sluice.WatchRunRequest{Run: run.ID}))
	t.Cleanup(stop)
	var said strings.Builder
	var seen []string
	for e, err, more := next(); more; e, err, more = next() {
		switch {
		case err != nil:
			t.Fatal(err)
		case e.Partial != nil:
			said.WriteString(e.Partial.Text)
			if e.Partial.Path != "1" || e.Partial.Block != "said" {
				t.Errorf("a piece is of step %s (%s), want 1 (said)", e.Partial.Path, e.Partial.Block)
			}
		case e.Step != nil:
			seen = append(seen, e.Step.Path+" "+string(e.Step.Status))
		case e.Run.Status == sluice.RunPaused:
			if _, err := h.ResumeRun(h.ctx, sluice.ResumeRunRequest{Run: run.ID, Answer: []byte(`"red"`)}); err != nil {
				t.Fatal(err)
			}
		case e.Run.Status.Ended():
			h.want(*e.Run, `completed "small heard: it is «KEY»"`)
		}
	}
	if said.String() != "small heard: it is «KEY»" {
		t.Errorf("the pieces say %q, want what the output says", said.String())
	}
	if len(seen) < 3 || seen[0] != "0 waiting" || seen[len(seen)-1] != "1 completed" {
		t.Errorf("the steps were %q, want the question first and the answer last", seen)
	}
}

// TestTape: what a step read of the outside stays on its tape: of a question the
// clock as well as the answer, of a request each attempt.
func TestTape(t *testing.T) {
	t.Parallel()
	h, o := open(t), newOutside(t)
	h.release("bot", `blocks:
  - {id: q, block: ask, prompt: "{{ now() }}"}
  - {id: call, block: http, needs: q, url: "`+o.URL+`/status/503-200/", headers: {Authorization: "{{ env.KEY }}"}, retry: {attempts: 2, backoff: 1ms}}
`)
	h.deploy("production", setVariable("KEY", "sesame-open", true))
	run := h.rest(h.start(sluice.StartRunRequest{Component: "bot", Configured: true}))
	run = h.resume(run, sluice.ResumeRunRequest{Answer: []byte(`"red"`)})
	h.want(run, `completed "answer 2"`)
	var got []string
	for _, step := range h.listed(run.ID) {
		for _, e := range step.Effects {
			got = append(got, fmt.Sprintf("%s: %s in attempt %d", step.Path, e.Kind, e.Attempt))
			if strings.Contains(string(e.Request)+string(e.Response)+e.Error, "sesame") {
				t.Errorf("the tape of step %s holds a secret: %s %s", step.Path, e.Request, e.Response)
			}
		}
	}
	want := []string{"0: clock in attempt 1", "0: answer in attempt 1", "1: http in attempt 1", "1: http in attempt 2"}
	if !slices.Equal(got, want) {
		t.Errorf("got the effects %q, want %q", got, want)
	}
}
