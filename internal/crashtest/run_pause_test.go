package crashtest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// asking waits for a person in the middle.
const asking = `
name: asking
inputs: {site: string, lines: array}
blocks:
  - {id: first, block: http, method: PUT, url: "{{ inputs.site }}/{{ run.id }}/first"}
  - {id: sure, block: ask, prompt: "Send {{ inputs.lines | length }} lines?", type: choice, options: [send, drop], needs: first}
  - {id: send, block: http, method: POST, url: "{{ inputs.site }}/{{ run.id }}/send", body: "{{ sure.output.value }} by {{ sure.output.provided_by }}"}
`

// asked is how asking ends.
var asked = plan{output: map[string]any{"did": "send"}, steps: map[string]planned{
	"0": {sluice.StepCompleted, "PUT", "first", false}, "1": {status: sluice.StepCompleted}, "2": {sluice.StepCompleted, "POST", "send", true},
}}

// TestRunAsks kills the worker of a run at each boundary up to its question and
// behind it, and answers while there is none.
func TestRunAsks(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		n, s := openWorking(t, cfg), newSite(t)
		publishFlows(t, n, map[string]string{"asking": asking})
		for _, after := range []bool{false, true} {
			for at, waits := 1, false; !waits; at++ {
				id := begins(t, n, "asking", s).ID
				w := sends(t, cfg, workOrder{Run: id, N: at, After: after})
				waits = w.until("paused " + id)
				w.end()
				s.settle(t)
				pausesAgain(t, n, cfg, id)
				answered(t, n, id)
				w = sends(t, cfg, workOrder{Run: id, N: at, After: after})
				w.until("ended " + id)
				w.end()
				s.settle(t)
				_, stop := carries(t, n, workOrder{Lease: 10_000})
				told := answers(t, n, s, asked, id)
				stop()
				asked.check(t, n, s, id, 2, told)
				if got := s.to("/" + id + "/send"); len(got) == 0 || got[0].body != "send by bob" {
					t.Errorf("run %s was answered, and sent %+v", id, got)
				}
			}
		}
	})
}

// pausesAgain has a worker without kills bring a run to its question, and others
// look at it and change nothing.
func pausesAgain(t *testing.T, n *node, cfg store.Config, id string) {
	t.Helper()
	if must[sluice.Run](t)(n.Run(as("bob"), id)).Status != sluice.RunPaused {
		w := sends(t, cfg, workOrder{Run: id, Lease: 10_000})
		if !w.until("paused " + id) {
			t.Errorf("run %s does not pause: %q %s", id, w.said, w.errs.String())
		}
		w.end()
	}
	before := recordOf(t, n, id)
	w := sends(t, cfg, workOrder{Run: id})
	w.until("ready")
	w.end()
	if after := recordOf(t, n, id); after != before {
		t.Errorf("while it waited run %s changed from\n%s\nto\n%s", id, before, after)
	}
	waits := must[sluice.Run](t)(n.Run(as("bob"), id)).Waiting
	if waits == nil || waits.Reason != sluice.WaitAnswer || waits.Step != "1" || waits.Prompt != "Send 3 lines?" || fmt.Sprint(waits.Options) != "[send drop]" {
		t.Errorf("run %s waits for %+v", id, waits)
	}
}

// answered answers a run that no worker looks at: once, and not wrongly.
func answered(t *testing.T, n *node, id string) {
	t.Helper()
	for _, wrong := range []sluice.ResumeRunRequest{{Answer: json.RawMessage(`"keep"`)}, {Answer: json.RawMessage(`3`)}} {
		wrong.Run = id
		if _, err := n.ResumeRun(as("bob"), wrong); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("the answer %s: %v", wrong.Answer, err)
		}
	}
	right := sluice.ResumeRunRequest{Run: id, Answer: json.RawMessage(`"send"`)}
	run := must[sluice.Run](t)(n.ResumeRun(as("bob"), right))
	if run.Status != sluice.RunPending || run.Waiting != nil || len(run.Resumed) != 1 || run.Resumed[0].How != "answer" || run.Resumed[0].Actor != "bob" {
		t.Errorf("answered, it is %+v", run)
	}
	if _, err := n.ResumeRun(as("alice"), right); sluice.CodeOf(err) != sluice.Conflict {
		t.Errorf("the second answer: %v", err)
	}
}

// TestRunCancelled cancels a run from another process while its worker is inside
// of a step. Whether the worker learns of it from its lease or from its commit,
// the record stays as it is.
func TestRunCancelled(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		n, s := openWorking(t, cfg), newSite(t)
		publishFlows(t, n, map[string]string{"invoice": invoice, "orders": orders})
		for _, lapse := range []bool{false, true} {
			id := begins(t, n, "orders", s).ID
			held := s.holdNext("/"+id+"/store", true)
			w := sends(t, cfg, workOrder{Run: id, Lapse: lapse, Lease: map[bool]int{true: 20_000}[lapse]})
			held.arrives(t)
			cancelled := must[sluice.Run](t)(n.CancelRun(as("bob"), sluice.CancelRunRequest{Run: id, Reason: "not needed"}))
			before := recordOf(t, n, id)
			if lapse {
				close(held.release)
				if !w.until("refused " + id + " conflict") {
					t.Errorf("the late commit was not refused: %q", w.said)
				}
			} else if s.settle(t); !w.until("idle") { // it breaks its request off
				t.Errorf("the worker goes on: %q", w.said)
			}
			w.end()
			s.settle(t)
			if after := recordOf(t, n, id); after != before {
				t.Errorf("the late worker changed\n%s\nto\n%s", before, after)
			}
			if cancelled.Status != sluice.RunCancelled || cancelled.Error == nil || cancelled.Error.Message != "cancelled by bob: not needed" || cancelled.EndedAt == 0 {
				t.Errorf("cancelled: %+v", cancelled)
			}
			for _, step := range must[[]sluice.RunStep](t)(sluice.Collect(n.Steps(as("bob"), sluice.StepQuery{Run: id}))) {
				if want := ordered.steps[step.Path].status; step.Path == "7" && step.Status != sluice.StepCancelled || step.Path != "7" && step.Status != want {
					t.Errorf("step %s is %s", step.Path, step.Status)
				}
			}
			if got := s.of(id); got[len(got)-1].path != "/"+id+"/store" {
				t.Errorf("after it was cancelled the run sent %+v", got[len(got)-1])
			}
		}
	})
}

// TestRunOverdue lets deadlines pass while no worker lives: of runs that nobody has
// begun, of one whose worker was killed, and of one that waits for a person.
func TestRunOverdue(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		n, s := openWorking(t, cfg), newSite(t)
		publishFlows(t, n, map[string]string{"asking": asking, "quick": "blocks: [{id: a, block: echo, value: 1}, {id: b, block: echo, value: \"{{ a.output }}\"}]"})
		soon := func(req *sluice.StartRunRequest) { req.Timeout = 3 }
		fresh, quick, killed, waits := begins(t, n, "asking", s, soon), begins(t, n, "quick", s, soon), begins(t, n, "asking", s, soon), begins(t, n, "asking", s, soon)
		held := s.holdNext("/"+killed.ID+"/first", true)
		w := sends(t, cfg, workOrder{Run: killed.ID})
		held.arrives(t)
		w.end()
		w = sends(t, cfg, workOrder{Run: waits.ID})
		if !w.until("paused") {
			t.Errorf("it does not pause: %q %s", w.said, w.errs.String())
		}
		w.end()
		s.settle(t)
		over, cancel := context.WithDeadline(context.Background(), waits.Deadline.Std().Add(time.Millisecond))
		defer cancel()
		<-over.Done()
		carries(t, n, workOrder{})
		follows(t, n, begins(t, n, "quick", s).ID) // from here on the worker knows its file
		cfg.Now = func() time.Time { return time.Now().Add(-time.Hour) }
		past := openWorking(t, cfg)
		known := begins(t, past, "quick", s, soon)
		for name, begun := range map[string]sluice.Run{"fresh": fresh, "quick": quick, "known": known, "killed": killed, "waits": waits} {
			before := len(s.of(begun.ID))
			run := ends(t, n, begun.ID)
			if run.Status != sluice.RunFailed || run.Error == nil || run.Error.Code != sluice.TimedOut || run.Waiting != nil || len(run.Output) > 0 {
				t.Errorf("%s: %+v with the error %+v", name, run, run.Error)
			}
			steps := must[[]sluice.RunStep](t)(sluice.Collect(n.Steps(as("bob"), sluice.StepQuery{Run: run.ID})))
			for _, step := range steps {
				if !step.Status.Ended() {
					t.Errorf("%s: it has ended, and step %s is %s", name, step.Path, step.Status)
				}
			}
			if begun := map[string]int{"killed": 1, "waits": 2}[name]; len(steps) != begun {
				t.Errorf("%s: there are %d steps, want %d: %+v", name, len(steps), begun, steps)
			}
			if after := s.of(run.ID); len(after) != before {
				t.Errorf("%s: after its deadline it sent %+v", name, after[before:])
			}
		}
	})
}

// ends waits until a run has ended, whatever it is before.
func ends(t *testing.T, n *node, id string) sluice.Run {
	t.Helper()
	ctx, cancel := context.WithTimeout(as("bob"), patience)
	defer cancel()
	for e, err := range n.WatchRun(ctx, sluice.WatchRunRequest{Run: id}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Run != nil && e.Run.Status.Ended() {
			return *e.Run
		}
	}
	t.Fatalf("run %s does not end", id)
	return sluice.Run{}
}
