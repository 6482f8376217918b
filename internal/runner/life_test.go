package runner_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/runner"
)

// TestDeadline: a run that has not ended by its deadline fails then, whatever it
// waits for.
func TestDeadline(t *testing.T) {
	t.Parallel()
	h := open(t)
	o := newOutside(t)
	for name, blocks := range map[string]string{
		"asks":    "{id: a, block: ask, prompt: Colour}",
		"waits":   "{id: a, block: delay, for: 24h}",
		"retries": "{id: a, block: http, url: " + o.URL + "/status/503/, retry: {attempts: 2, backoff: 1h}}",
		"pauses":  "{id: a, block: fail, message: oh, on_error: pause}",
	} {
		t.Run(name, func(t *testing.T) {
			h.release(name, "blocks: ["+blocks+"]\n")
			at := sluice.TimeOf(h.clock.now().Add(time.Minute))
			run := h.rest(h.start(sluice.StartRunRequest{Component: name, Timeout: 60}))
			if run.Deadline != at || run.Status.Ended() {
				t.Errorf("got %s with the deadline %s, want one that waits, and %s", told(run), run.Deadline, at)
			}
			h.clock.advance(time.Minute)
			run = h.rest(run)
			h.want(run, "failed\n  deadline_exceeded: the run did not end by its deadline, "+at.String()+"\n  fix: give it more time with timeout")
			for _, s := range h.listed(run.ID) {
				if !s.Status.Ended() {
					t.Errorf("step %s is still %s", s.Path, s.Status)
				}
			}
		})
	}
	h.release("stuck", "blocks: [{id: a, block: http, url: "+o.URL+"/never}]\n")
	run := h.rest(h.start(sluice.StartRunRequest{Component: "stuck", Timeout: 1})) // in real time
	if run.Status != sluice.RunFailed || run.Error.Code != sluice.TimedOut {
		t.Errorf("got %s, want a run that was cut off at its deadline", told(run))
	}
}

// TestIdempotencyKey: a repeated start returns the first run, and begins none.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.release("bot", "blocks: [{id: a, block: echo, value: '{{ inputs.n }}'}]\n")
	req := sluice.StartRunRequest{Component: "bot", Input: json.RawMessage(`{"n": 1}`), IdempotencyKey: "order-7"}
	first := h.start(req)
	h.want(h.rest(first), "completed 1")
	again := h.start(req)
	if again.ID != first.ID || !again.Replayed || first.Replayed {
		t.Errorf("got run %s (replayed %t), want %s again", again.ID, again.Replayed, first.ID)
	}
	req.Input = json.RawMessage(`{"n": 2}`)
	_, err := h.StartRun(h.ctx, req)
	refused(t, "another request with the same key", err, sluice.Conflict, "order-7", "new key")
	page, err := h.Runs(h.ctx, sluice.RunQuery{})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("got %d runs (%v), want 1", len(page.Items), err)
	}
}

// TestQueueLimit: when as many runs wait as may, another is refused; one that
// ended or paused makes room.
func TestQueueLimit(t *testing.T) {
	t.Parallel()
	h := build(t, sluice.RunBounds{Queue: 2})
	h.release("bot", "blocks: [{id: a, block: ask, prompt: Colour}]\n")
	first, second := h.start(sluice.StartRunRequest{Component: "bot"}), h.start(sluice.StartRunRequest{Component: "bot"})
	_, err := h.StartRun(h.ctx, sluice.StartRunRequest{Component: "bot"})
	refused(t, "a third run", err, sluice.LimitExceeded, "the limit is 2", "room for more runs")
	if _, err := h.CancelRun(h.ctx, sluice.CancelRunRequest{Run: first.ID}); err != nil {
		t.Fatal(err)
	}
	third := h.start(sluice.StartRunRequest{Component: "bot"})
	h.worker.Start()
	h.rest(second)
	h.rest(third) // now both are paused
	h.start(sluice.StartRunRequest{Component: "bot"})
	h.start(sluice.StartRunRequest{Component: "bot"})
}

// TestConcurrency: a worker carries out as many runs at once as it may, and a loop
// as many iterations.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	for name, workflow := range map[string]string{
		"runs":       "blocks: [{id: a, block: http, url: %s/gate/3/, timeout: 20s}]\n",
		"iterations": "blocks: [{id: a, block: foreach, items: '{{ range(9) | list }}', concurrency: 3, blocks: [{id: b, block: http, url: %s/gate/3/, timeout: 20s}]}]\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bounds, runs := sluice.RunBounds{}, 1
			if name == "runs" {
				bounds.Concurrency, runs = 3, 9
			}
			h, o := build(t, bounds), newOutside(t)
			h.release("bot", fmt.Sprintf(workflow, o.URL))
			var all []sluice.Run
			for range runs {
				all = append(all, h.start(sluice.StartRunRequest{Component: "bot"}))
			}
			h.worker.Start()
			for _, run := range all {
				if run = h.rest(run); run.Status != sluice.RunCompleted {
					t.Errorf("got %s\n%s", told(run), h.steps(run.ID))
				}
			}
			if most := o.mostInside(); most != 3 {
				t.Errorf("got %d at once, want 3", most)
			}
		})
	}
}

// TestInterrupted: a run whose worker is gone is told as interrupted, and another
// worker goes on with it.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	h := build(t, sluice.RunBounds{})
	h.release("bot", "blocks: [{id: a, block: echo, value: 1}]\n")
	run := h.start(sluice.StartRunRequest{Component: "bot"})
	claims, err := h.ClaimRuns(h.ctx, "gone", "", 8, time.Minute)
	if err != nil || len(claims) != 1 {
		t.Fatalf("got the claims %v (%v)", claims, err)
	}
	stands := func(want sluice.RunStatus) {
		t.Helper()
		got, err := h.Control.Run(h.ctx, run.ID)
		if err != nil || got.Status != want {
			t.Errorf("got %s (%v), want %s", got.Status, err, want)
		}
		for _, status := range []sluice.RunStatus{sluice.RunRunning, sluice.RunInterrupted} {
			page, err := h.Runs(h.ctx, sluice.RunQuery{Status: []sluice.RunStatus{status}})
			if err != nil || (len(page.Items) == 1) != (status == want) {
				t.Errorf("of those that are %s: got %d (%v), and it is %s", status, len(page.Items), err, want)
			}
		}
	}
	stands(sluice.RunRunning)
	_, err = h.ResumeRun(h.ctx, sluice.ResumeRunRequest{Run: run.ID})
	refused(t, "resuming what runs", err, sluice.Conflict, "is running")
	_, err = h.ResumeRun(h.ctx, sluice.ResumeRunRequest{Run: run.ID, Retry: true})
	refused(t, "trying again what waits for nobody", err, sluice.Conflict, "waits for nobody")
	h.clock.advance(time.Minute)
	stands(sluice.RunInterrupted)
	h.goOn(run)
	err = h.CommitRun(h.ctx, sluice.RunCommit{Run: run.ID, Fence: claims[0].Fence, Status: sluice.RunCompleted, Output: []byte("7")}, time.Minute)
	refused(t, "a commit of the worker that was gone", err, sluice.Conflict)
	h.worker.Start()
	done := h.ended(run)
	h.want(done, "completed 1")
	if len(done.Resumed) != 1 || done.Resumed[0].How != "continue" || done.Resumed[0].Actor != "alice" {
		t.Errorf("got the resumptions %+v, want one by alice", done.Resumed)
	}
}

// TestClose gives back what runs, and another worker goes on with it.
func TestClose(t *testing.T) {
	t.Parallel()
	h, o := open(t), newOutside(t)
	h.release("bot", "blocks: [{id: a, block: http, url: "+o.URL+"/second, timeout: 1m}]\n")
	run := h.until(h.start(sluice.StartRunRequest{Component: "bot"}), func(r sluice.Run) bool { return r.Steps == 1 })
	o.await("/second")
	h.worker.Close()
	h.worker.Close()
	if got := h.until(run, func(sluice.Run) bool { return true }); got.Status != sluice.RunPending {
		t.Errorf("after its worker closed it is %s, want pending", got.Status)
	}
	h.hire(runner.Config{}).Start()
	h.want(h.ended(run), `completed "answered"`)
	if steps := h.listed(run.ID); steps[0].Attempts != 2 {
		t.Errorf("got %d attempts, want 2", steps[0].Attempts)
	}
}

// TestEmbedded: an embedded worker carries out what it is told to and nothing else.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	h := build(t, sluice.RunBounds{})
	h.release("bot", "blocks: [{id: a, block: echo, value: 1}]\n")
	first, second := h.start(sluice.StartRunRequest{Component: "bot"}), h.start(sluice.StartRunRequest{Component: "bot"})
	worker := h.hire(runner.Config{Embedded: true})
	worker.Carry(second.ID)
	h.want(h.rest(second), "completed 1")
	h.want(h.until(first, func(sluice.Run) bool { return true }), "pending")
	worker.Carry(first.ID)
	h.want(h.rest(first), "completed 1")
}

// TestCallback posts the ended run to whom it was promised, until it is heard.
func TestCallback(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.release("bot", "blocks: [{id: a, block: echo, value: '{{ env.KEY }}!'}]\n")
	h.deploy("production", setVariable("KEY", "sesame-open", true))
	type call struct {
		key  string
		body []byte
	}
	calls := make(chan call, 8)
	answers := make(chan int, 2)
	answers <- http.StatusInternalServerError
	answers <- http.StatusNoContent
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		calls <- call{r.Header.Get("Idempotency-Key"), body}
		w.WriteHeader(<-answers)
	}))
	t.Cleanup(server.Close)
	run := h.rest(h.start(sluice.StartRunRequest{Component: "bot", Configured: true, Callback: server.URL}))
	for range 2 {
		var got call
		select {
		case got = <-calls:
		case <-time.After(30 * time.Second):
			t.Fatal("nobody called")
		}
		var posted sluice.Run
		if err := json.Unmarshal(got.body, &posted); err != nil || got.key != run.ID || told(posted) != `completed "«KEY»!"` {
			t.Errorf("got %s with the key %s (%v), want run %s", got.body, got.key, err, run.ID)
		}
		h.clock.advance(10 * time.Second) // when it is due again
	}
	due := []sluice.Run{run}
	for n := 0; len(due) > 0; n++ { // the worker may still be noting that it was heard
		h.clock.advance(24 * time.Hour)
		var err error
		if due, err = h.DueCallbacks(h.ctx); err != nil || n > 10 {
			t.Fatalf("a callback that was heard is due again (%v)", err)
		}
	}
	_, err := h.StartRun(h.ctx, sluice.StartRunRequest{Component: "bot", Callback: "ftp://example.com"})
	refused(t, "a callback that is no URL of the web", err, sluice.Invalid, "https://")
}

// TestSweep removes the records of runs that ended longer ago than their
// environment keeps them, and no others.
func TestSweep(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.release("bot", "blocks: [{id: a, block: ask, prompt: Colour}]\n")
	h.deploy("staging", setVersion("bot", "1"))
	days := 14
	if _, err := h.EditEnvironment(h.ctx, sluice.EditEnvironmentRequest{Name: "staging", KeepRuns: &days}); err != nil {
		t.Fatal(err)
	}
	begin := func(environment string) sluice.Run {
		return h.rest(h.start(sluice.StartRunRequest{Component: "bot", Environment: environment}))
	}
	answer := sluice.ResumeRunRequest{Answer: json.RawMessage(`"red"`)}
	old, late, waiting, kept := begin("staging"), begin("staging"), begin("staging"), begin("production")
	h.resume(old, answer)
	h.resume(kept, answer)
	h.clock.advance(20 * 24 * time.Hour)
	h.resume(late, answer)
	for more := true; more; {
		var err error
		if more, err = h.SweepRuns(h.ctx); err != nil {
			t.Fatal(err)
		}
	}
	page, err := h.Runs(h.ctx, sluice.RunQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range page.Items {
		got = append(got, r.ID)
	}
	want := []string{kept.ID, waiting.ID, late.ID}
	if !slices.Equal(got, want) {
		t.Errorf("got the runs %v, want %v: what ended long ago is gone, %s", got, want, old.ID)
	}
	_, err = h.Control.Run(h.ctx, old.ID)
	refused(t, "what was swept", err, sluice.NotFound, "kept for a time")
}
