package crashtest

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

// orders is a workflow with every way in which a block can matter after a crash.
// Most blocks wait for the one before, so that there is a boundary behind each.
const orders = `
name: orders
inputs: {site: string, lines: array}
blocks:
  - {id: look, block: http, url: "{{ inputs.site }}/{{ run.id }}/look"}
  - {id: hello, block: echo, value: "{{ inputs.lines | length }} lines"}
  - {id: count, block: script, code: "return {n: lines.length, seen: look.did}", input: {lines: "{{ inputs.lines }}", look: "{{ look.output }}"}}
  - {id: large, block: condition, condition: "{{ count.output.n > 2 }}", block_on_true: charge, block_on_false: refund}
  - {id: charge, block: http, method: POST, url: "{{ inputs.site }}/{{ run.id }}/charge", body: {amount: "{{ count.output.n }}"}}
  - {id: refund, block: http, method: POST, url: "{{ inputs.site }}/{{ run.id }}/refund"}
  - {id: book, block: http, method: POST, idempotent: true, url: "{{ inputs.site }}/{{ run.id }}/book", body: "{{ now() }}", needs: charge}
  - {id: store, block: http, method: PUT, url: "{{ inputs.site }}/{{ run.id }}/store", body: {charged: "{{ charge.output.did }}"}, needs: book}
  - id: each
    block: foreach
    items:
      - {name: "{{ inputs.lines[0] }}", i: 0, at: "{{ now() }}"}
      - {name: "{{ inputs.lines[1] }}", i: 1, at: "{{ now() }}"}
      - {name: "{{ inputs.lines[2] }}", i: 2, at: "{{ now() }}"}
    as: line
    concurrency: 2
    needs: store
    blocks:
      - {id: ship, block: http, method: POST, url: "{{ inputs.site }}/{{ run.id }}/ship/{{ line.i }}", body: "{{ line }}"}
      - {id: label, block: http, url: "{{ inputs.site }}/{{ run.id }}/label/{{ line.i }}", needs: ship}
      - {id: note, block: template, template: "{{ line.name }} {{ ship.output.did }} {{ label.output.did }}"}
    output: "{{ note.output }}"
  - {id: inner, block: workflow, component: invoice, input: {site: "{{ inputs.site }}", lines: "{{ each.output }}"}}
  - {id: missing, block: http, url: "{{ inputs.site }}/{{ run.id }}/missing", on_error: ignore, needs: inner}
  - {id: rest, block: delay, for: 30ms, needs: missing}
  - {id: flaky, block: http, url: "{{ inputs.site }}/{{ run.id }}/flaky", retry: {attempts: 4, backoff: 20ms}, needs: rest}
  - {id: patch, block: http, method: PATCH, url: "{{ inputs.site }}/{{ run.id }}/patch", needs: flaky}
  - {id: broken, block: fail, message: "as meant", on_error: {fallback: "fell back"}, needs: patch}
  - {id: never, block: http, method: POST, url: "{{ inputs.site }}/{{ run.id }}/never", when: "{{ count.output.n > 100 }}"}
  - {id: all, block: reduce, items: "{{ each.output }}", initial: "", value: "{{ accumulator }}[{{ item }}]"}
  - {id: go_on, block: continue_if, condition: "{{ all.output | length > 3 }}"}
  - {id: remove, block: http, method: DELETE, url: "{{ inputs.site }}/{{ run.id }}/remove", needs: [go_on, broken]}
output:
  hello: "{{ hello.output }}"
  charge: "{{ charge.output.did }}"
  all: "{{ all.output }}"
  inner: "{{ inner.output }}"
  missing: "{{ missing.failed }}"
  broken: "{{ broken.output }}"
  remove: "{{ remove.output.did }}"
`

// invoice is the workflow that orders calls.
const invoice = `
name: invoice
inputs: {site: string, lines: array}
blocks:
  - {id: total, block: template, template: "{{ inputs.lines | length }}"}
  - {id: send, block: http, method: POST, url: "{{ inputs.site }}/{{ run.id }}/send", body: {total: "{{ total.output }}"}}
`

var lines = []string{"ink", "paper", "glue"}

// plan is how a workflow is to end: each step, by its path, and the output.
type plan struct {
	steps  map[string]planned
	output any
}

// planned is one step. Name is what the site knows it by, and once says that its
// request must not be repeated.
type planned struct {
	status sluice.StepStatus
	method string
	name   string
	once   bool
}

// ordered is how orders ends.
var ordered = plan{output: wantOutput(), steps: map[string]planned{
	"0": {sluice.StepCompleted, "GET", "look", false}, "1": {status: sluice.StepCompleted}, "2": {status: sluice.StepCompleted}, "3": {status: sluice.StepCompleted},
	"4": {sluice.StepCompleted, "POST", "charge", true}, "5": {status: sluice.StepSkipped},
	"6": {sluice.StepCompleted, "POST", "book", false}, "7": {sluice.StepCompleted, "PUT", "store", false}, "8": {status: sluice.StepCompleted},
	"8.0.0": {sluice.StepCompleted, "POST", "ship/0", true}, "8.0.1": {sluice.StepCompleted, "GET", "label/0", false}, "8.0.2": {status: sluice.StepCompleted},
	"8.1.0": {sluice.StepCompleted, "POST", "ship/1", true}, "8.1.1": {sluice.StepCompleted, "GET", "label/1", false}, "8.1.2": {status: sluice.StepCompleted},
	"8.2.0": {sluice.StepCompleted, "POST", "ship/2", true}, "8.2.1": {sluice.StepCompleted, "GET", "label/2", false}, "8.2.2": {status: sluice.StepCompleted},
	"9": {status: sluice.StepCompleted}, "9.0": {status: sluice.StepCompleted}, "9.1": {sluice.StepCompleted, "POST", "send", true},
	"10": {sluice.StepIgnored, "GET", "missing", false}, "11": {status: sluice.StepCompleted}, "12": {sluice.StepCompleted, "GET", "flaky", false},
	"13": {sluice.StepCompleted, "PATCH", "patch", true}, "14": {status: sluice.StepCompleted}, "15": {status: sluice.StepSkipped},
	"16": {status: sluice.StepCompleted}, "17": {status: sluice.StepCompleted}, "18": {sluice.StepCompleted, "DELETE", "remove", false},
}}

// wantOutput is the output of orders.
func wantOutput() map[string]any {
	all := ""
	for i, line := range lines {
		all += fmt.Sprintf("[%s ship/%d label/%d]", line, i, i)
	}
	return map[string]any{
		"hello": "3 lines", "charge": "charge", "all": all, "inner": map[string]any{"did": "send"},
		"missing": true, "broken": "fell back", "remove": "remove",
	}
}

// publishFlows publishes workflows and makes them live in production.
func publishFlows(t *testing.T, n *node, flows map[string]string) {
	t.Helper()
	for name, text := range flows {
		must[sluice.Published](t)(n.Publish(as("alice"), sluice.PublishRequest{
			Component: name, Kind: sluice.KindWorkflow, Label: "v1.0.0", Files: []sluice.File{sluice.NewFile("workflow.yaml", []byte(text))},
		}))
		deploy(t, n, name, "1", "production")
	}
}

// begins starts a run.
func begins(t *testing.T, n *node, component string, s *site, more ...func(*sluice.StartRunRequest)) sluice.Run {
	t.Helper()
	req := sluice.StartRunRequest{Component: component, Environment: "production"}
	req.Input = must[[]byte](t)(json.Marshal(map[string]any{"site": s.URL, "lines": lines}))
	for _, f := range more {
		f(&req)
	}
	return must[sluice.Run](t)(n.StartRun(as("alice"), req))
}

// patience is how long a test waits for what must come, before it fails.
const patience = 30 * time.Second

// follows waits until a run has ended or is paused, and demands that its changes
// only grow.
func follows(t *testing.T, n *node, id string) sluice.Run {
	t.Helper()
	ctx, cancel := context.WithTimeout(as("bob"), patience)
	defer cancel()
	last, step := int64(0), int64(0)
	for e, err := range n.WatchRun(ctx, sluice.WatchRunRequest{Run: id}) {
		switch {
		case err != nil:
			t.Fatal(err)
		case e.Step != nil && e.Step.Change < step:
			t.Errorf("run %s: step %s has change %d after %d", id, e.Step.Path, e.Step.Change, step)
		case e.Step != nil:
			step = e.Step.Change
		case e.Run != nil && e.Run.Change <= last:
			t.Errorf("run %s: change %d after %d", id, e.Run.Change, last)
		case e.Run != nil:
			last = e.Run.Change
			if step > last {
				t.Errorf("run %s: a step has change %d, and the run %d", id, step, last)
			}
			if e.Run.Status.Ended() || e.Run.Status == sluice.RunPaused {
				return must[sluice.Run](t)(n.Run(as("bob"), id))
			}
		}
	}
	t.Fatalf("run %s neither ends nor pauses", id)
	return sluice.Run{}
}

// check holds an ended run against what the site saw. Said is what a person said
// of steps whose outcome was not known: result, skip or retry.
func (p plan) check(t *testing.T, n *node, s *site, id string, kills int, said map[string]string) {
	t.Helper()
	run := must[sluice.Run](t)(n.Run(as("bob"), id))
	var output any
	if err := json.Unmarshal(run.Output, &output); err != nil || run.Status != sluice.RunCompleted || !reflect.DeepEqual(output, p.output) {
		t.Errorf("run %s: %s with %s, %+v; want %v", id, run.Status, run.Output, run.Error, p.output)
	}
	steps := must[[]sluice.RunStep](t)(sluice.Collect(n.Steps(as("bob"), sluice.StepQuery{Run: id, Detail: true})))
	begun, paths := 0, map[string]bool{}
	for _, step := range steps {
		if step.Status != sluice.StepSkipped {
			begun++
		}
		paths["/"+id+"/"+p.steps[step.Path].name] = true
		want, there := p.steps[step.Path]
		if said[step.Path] == "skip" {
			want.status = sluice.StepIgnored
		}
		if !there || step.Status != want.status || step.Change > run.Change || step.EndedAt == 0 {
			t.Errorf("run %s: step %+v, want it %s", id, step, want.status)
		}
		want.check(t, s, id, step, kills, said[step.Path])
	}
	if len(steps) != len(p.steps) || run.Steps != begun {
		t.Errorf("run %s has %d steps of which %d began; want %d, and says %d", id, len(steps), begun, len(p.steps), run.Steps)
	}
	for _, r := range s.of(id) {
		if !paths[r.path] {
			t.Errorf("run %s: there is no block for %+v", id, r)
		}
	}
}

// check holds one step against the requests that it made.
func (want planned) check(t *testing.T, s *site, id string, step sluice.RunStep, kills int, said string) {
	t.Helper()
	if want.name == "" {
		return
	}
	got, acted := s.to("/"+id+"/"+want.name), 0
	for _, r := range got {
		if r.acted {
			acted++
		}
		key := ""
		if want.method == "POST" || want.method == "PATCH" {
			key = id + "-" + step.Path
		}
		if r.method != want.method || r.key != key || r.body != got[0].body {
			t.Errorf("run %s: step %s made %+v, want %s with key %q and the body %s", id, step.Path, r, want.method, key, got[0].body)
		}
	}
	most := 1 + kills
	if want.name == "flaky" {
		most++
	}
	switch {
	case acted == 0 || acted > most || want.once && acted != 1:
		t.Errorf("run %s: step %s acted %d times: %+v", id, step.Path, acted, got)
	case step.Attempts < len(got) || step.Attempts > len(got)+kills:
		t.Errorf("run %s: step %s has %d attempts, and %d requests arrived", id, step.Path, step.Attempts, len(got))
	}
	taped := map[int]bool{}
	for _, e := range step.Effects {
		if e.Kind != sluice.EffectHTTP {
			continue
		}
		var asked struct{ Method, URL, Body string }
		if err := json.Unmarshal(e.Request, &asked); err != nil || asked.Method != want.method || !strings.HasSuffix(asked.URL, "/"+id+"/"+want.name) || asked.Body != got[0].body {
			t.Errorf("run %s: step %s has on its tape %s, and sent %+v", id, step.Path, e.Request, got[0])
		}
		if taped[e.Attempt] || e.Attempt > step.Attempts {
			t.Errorf("run %s: step %s has attempt %d on its tape, of %d", id, step.Path, e.Attempt, step.Attempts)
		}
		taped[e.Attempt] = true
	}
	if len(taped) > len(got) || len(taped) == 0 && (said == "" || said == "retry") {
		t.Errorf("run %s: step %s has %d requests on its tape, and made %d", id, step.Path, len(taped), len(got))
	}
}
