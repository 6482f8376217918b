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

// TestStepLimit: a run has ten thousand steps at most, and what it has begun is
// told.
func TestStepLimit(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.release("bot", `blocks:
  - id: a
    block: foreach
    items: "{{ range(inputs.n) | list }}"
    concurrency: 64
    blocks: [{id: b, block: foreach, items: "{{ range(99) | list }}", concurrency: 64, output: 1, blocks: [{id: c, block: template, template: 1}]}]
    output: "{{ b.output | length }}"
`)
	run := h.do("bot", `{"n": 9}`)
	if run.Status != sluice.RunCompleted || run.Steps != 1+9+9*99 {
		t.Errorf("got %d steps and %s, want %d that complete", run.Steps, told(run), 1+9+9*99)
	}
	run = h.do("bot", `{"n": 101}`)
	if run.Status != sluice.RunFailed || run.Error.Code != sluice.LimitExceeded || run.Steps != sluice.MaxSteps ||
		run.Error.Message != "the run has begun 10000 steps, which is the limit" {
		t.Errorf("got %d steps and %s, want 10000 and the limit exceeded", run.Steps, told(run))
	}
}

// TestOutputLimit: an output that is too large fails its block, with its size, and
// a fallback of it is no way around.
func TestOutputLimit(t *testing.T) {
	t.Parallel()
	h := open(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat(`"`, sluice.MaxOutputBytes/2+1))
	}))
	t.Cleanup(server.Close)
	h.release("bot", fmt.Sprintf(`blocks:
  - {id: large, block: http, url: %s, max_bytes: 16777216, on_error: ignore}
  - {id: other, block: http, url: %[1]s, max_bytes: 16777216, on_error: {fallback: small}}
output: ["{{ large.error }}", "{{ other.output }}"]
`, server.URL))
	h.want(h.do("bot", ""), `completed ["the output is 16777220 bytes; the limit is 16777216","small"]`)
	h.release("whole", fmt.Sprintf(`blocks:
  - {id: a, block: http, url: %s, max_bytes: 16777216, on_error: ignore}
  - id: list
    block: foreach
    items: "{{ range(9) | list }}"
    output: "{{ inputs.text }}"
    blocks: [{id: b, block: template, template: 1}]
`, server.URL))
	run := h.do("whole", `{"text": "`+strings.Repeat("x", 2<<20)+`"}`)
	if run.Status != sluice.RunFailed || run.Error.Code != sluice.LimitExceeded || run.Error.Step != "1" {
		t.Errorf("got %.300s, want that the list is too large", told(run))
	}
}

// TestInputLimits: what a run cannot take is refused before it begins.
func TestInputLimits(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.release("bot", "inputs: {n: integer}\nblocks: [{id: a, block: echo, value: '{{ inputs.n }}'}]\n")
	long := strings.Repeat("x", sluice.MaxInputBytes)
	for _, tt := range []struct {
		name string
		req  sluice.StartRunRequest
		code sluice.Code
		says string
	}{
		{"nothing", sluice.StartRunRequest{}, sluice.Invalid, "no component"},
		{"unknown", sluice.StartRunRequest{Component: "bit"}, sluice.NotFound, "bot"},
		{"both", sluice.StartRunRequest{Component: "bot", Content: &sluice.RunContent{}}, sluice.Invalid, "leave one"},
		{"no input", sluice.StartRunRequest{Component: "bot"}, sluice.Invalid, "$.n: it is missing"},
		{"a list", sluice.StartRunRequest{Component: "bot", Input: []byte("[1]")}, sluice.Invalid, "input"},
		{"no JSON", sluice.StartRunRequest{Component: "bot", Input: []byte("{")}, sluice.Invalid, "input"},
		{"a wrong type", sluice.StartRunRequest{Component: "bot", Input: []byte(`{"n": "one"}`)}, sluice.Invalid, "a whole number is wanted"},
		{"too much", sluice.StartRunRequest{Component: "bot", Input: []byte(`{"n": "` + long + `"}`)}, sluice.LimitExceeded, "the limit is 4194304"},
		{"a timeout of less than nothing", sluice.StartRunRequest{Component: "bot", Timeout: -1}, sluice.Invalid, "365 days"},
		{"a timeout beyond a year", sluice.StartRunRequest{Component: "bot", Timeout: 366 * 24 * 3600}, sluice.Invalid, "365 days"},
		{"a long key", sluice.StartRunRequest{Component: "bot", Key: long[:sluice.MaxKeyBytes+1]}, sluice.LimitExceeded, "the key"},
		{"a long session", sluice.StartRunRequest{Component: "bot", Session: long[:sluice.MaxTicketBytes+1]}, sluice.LimitExceeded, "session"},
	} {
		_, err := h.StartRun(h.ctx, tt.req)
		refused(t, tt.name, err, tt.code, tt.says)
	}
	page, err := h.Runs(h.ctx, sluice.RunQuery{})
	if err != nil || len(page.Items) != 0 {
		t.Errorf("got %d runs (%v), want none", len(page.Items), err)
	}
}

// TestAnswerLimits: an answer that cannot be read or is too long changes nothing.
func TestAnswerLimits(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.release("bot", "blocks: [{id: a, block: ask, prompt: Colour, type: json}]\n")
	run := h.do("bot", "")
	for _, tt := range []struct {
		answer string
		code   sluice.Code
		says   string
	}{
		{"red", sluice.Invalid, "quotes"},
		{`"` + strings.Repeat("x", sluice.MaxInputBytes) + `"`, sluice.LimitExceeded, "the answer is 4194306 bytes"},
	} {
		_, err := h.ResumeRun(h.ctx, sluice.ResumeRunRequest{Run: run.ID, Answer: []byte(tt.answer)})
		refused(t, tt.answer[:3], err, tt.code, tt.says)
	}
	h.want(h.until(run, func(sluice.Run) bool { return true }), told(run))
	_, err := h.ResumeRun(h.ctx, sluice.ResumeRunRequest{Run: strings.Repeat("x", 1000)})
	refused(t, "a run that is none", err, sluice.NotFound, "does not exist")
}
