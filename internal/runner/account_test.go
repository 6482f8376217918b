package runner_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// bounded demands that a run ended for what it collected or held, with the step.
func (h *house) bounded(what string, run sluice.Run, says string) {
	h.Helper()
	e := run.Error
	if run.Status != sluice.RunFailed || e == nil || e.Code != sluice.LimitExceeded || !strings.Contains(e.Message, says) || e.Step == "" || len(e.Fixes) == 0 {
		h.Fatalf("%s: got %.500s %+v, want that it ends since %s", what, told(run), e, says)
	}
	for _, s := range h.listed(run.ID) {
		if !s.Status.Ended() {
			h.Errorf("%s: step %s is %s", what, s.Path, s.Status)
		}
	}
}

// stored is what the steps of a run take on disk.
func (h *house) stored(run string) (n int) {
	for _, s := range h.listed(run) {
		n += len(s.Settings) + len(s.Output) + len(s.Extra)
		for _, e := range s.Effects {
			n += len(e.Request) + len(e.Response)
		}
	}
	return n
}

// TestARunIsBoundedAsAWhole: whatever a run collects counts, no block is too small
// to end it, and no on_error lets it go on.
func TestARunIsBoundedAsAWhole(t *testing.T) {
	t.Parallel()
	const most = 1 << 20
	h := build(t, sluice.RunBounds{Bytes: most})
	h.worker.Start()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 50_000))
	}))
	t.Cleanup(server.Close)
	h.release("part", "inputs: {text: text}\nblocks: [{id: a, block: template, template: 1}]\n")
	each := func(body, more string) string {
		return fmt.Sprintf("blocks:\n  - {id: each, block: foreach, items: '{{ range(300) | list }}', concurrency: 3, on_error: ignore%s, blocks: [%s]}\noutput: done\n", more, body)
	}
	text := fmt.Sprintf(`{"text": "%s"}`, strings.Repeat("x", 4000))
	for name, flow := range map[string]string{
		"outputs":               each(`{id: b, block: template, template: "{{ inputs.text }}", on_error: ignore}`, ""),
		"outputs of the list":   each(`{id: b, block: delay, for: 0}`, `, output: "{{ inputs.text }}"`),
		"answers":               each(fmt.Sprintf(`{id: b, block: http, url: %q, on_error: ignore}`, server.URL), ""),
		"what requests send":    each(fmt.Sprintf(`{id: b, block: http, method: POST, url: %q, max_bytes: 1, body: "{{ inputs.text }}", on_error: ignore}`, server.URL), ""),
		"lines of scripts":      each(`{id: b, block: script, code: "for (let i = 0; i < 100; i++) console.log(text)", input: {text: "{{ inputs.text }}"}, on_error: ignore}`, ""),
		"inputs of other flows": each(`{id: b, block: workflow, component: part, input: {text: "{{ inputs.text }}"}, on_error: ignore}`, ""),
	} {
		h.release("bot", flow)
		run := h.do("bot", text)
		h.bounded(name, run, "what the run has collected would have more than 1048576 bytes")
		if n := h.stored(run.ID); n > most {
			t.Errorf("%s: %d bytes are on disk, want at most %d", name, n, most)
		}
	}
}

// TestWhatEarlierTurnsCollectedCounts: a pause does not begin the count anew.
func TestWhatEarlierTurnsCollectedCounts(t *testing.T) {
	t.Parallel()
	h := build(t, sluice.RunBounds{Bytes: 1 << 20})
	h.worker.Start()
	h.release("bot", `blocks:
  - {id: a, block: template, template: "{{ inputs.text }}"}
  - {id: ask, block: ask, prompt: Go on, needs: [a]}
  - {id: b, block: template, template: "{{ inputs.text }}", needs: [ask]}
`)
	run := h.do("bot", fmt.Sprintf(`{"text": "%s"}`, strings.Repeat("x", 300_000)))
	if run.Status != sluice.RunPaused {
		t.Fatalf("got %.300s, want it paused", told(run))
	}
	h.bounded("after a pause", h.resume(run, sluice.ResumeRunRequest{Answer: []byte(`"yes"`)}), "with step 2 (b), what the run has collected")
}

// TestMemoryIsCountedBeforeItIsTaken: a short text can be a value that takes much.
func TestMemoryIsCountedBeforeItIsTaken(t *testing.T) {
	t.Parallel()
	h := build(t, sluice.RunBounds{Memory: 4 << 20})
	h.worker.Start()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "["+strings.Repeat("[],", 100_000)+"0]")
	}))
	t.Cleanup(server.Close)
	h.release("bot", fmt.Sprintf("blocks: [{id: a, block: http, url: %q, on_error: ignore}]\n", server.URL))
	h.bounded("nested lists", h.do("bot", ""), "with step 0 (a), the values that runs hold in memory would take more than 4194304 bytes")
	h.release("small", `blocks:
  - {id: each, block: foreach, items: "{{ range(400) | list }}", output: "{{ index }}", blocks: [{id: b, block: template, template: "{{ inputs.text }}"}]}
output: "{{ each.output | length }}"
`)
	// What an iteration held is given back, so that all together may take more.
	h.want(h.do("small", fmt.Sprintf(`{"text": "%s"}`, strings.Repeat("x", 20_000))), "completed 400")
}
