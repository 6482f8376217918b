package runner_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sluice-dev/sluice"
)

// TestACutAnswerIsAWarning: of its step and of the run, without secrets, and with
// on_cut in a block or a front matter an error.
func TestACutAnswerIsAWarning(t *testing.T) {
	t.Parallel()
	h := open(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"choices": [{"index": 0, "finish_reason": "hunter22", "message": {"role": "assistant", "content": "Dear"}}]}`)
	}))
	t.Cleanup(server.Close)
	h.publish("letter", sluice.KindPrompt, "---\nmodel: small\non_cut: fail\n---\nWrite a letter.\n")
	h.deploy("production", setVersion("letter", "latest"), setVariable("OPENAI_API_KEY", "hunter22", true), setVariable("OPENAI_BASE_URL", server.URL, false))
	h.release("bot", `blocks:
  - {id: each, block: foreach, items: [1, 2], blocks: [{id: ask, block: llm, model: small, prompt: Write}]}
  - {id: strict, block: llm, model: small, prompt: Write, on_cut: fail, on_error: ignore}
  - {id: letter, block: prompt, component: letter, needs: [strict], on_error: ignore}
output: "{{ strict.error }}|{{ letter.error }}"
`)
	run := h.rest(h.start(sluice.StartRunRequest{Component: "bot", Configured: true}))
	const says = "the answer ended for a reason that is not known here: «OPENAI_API_KEY»"
	h.want(run, `completed "`+says+`|`+says+`"`)
	var told []sluice.RunWarning
	for _, s := range h.listed(run.ID) {
		told = append(told, s.Warnings...)
	}
	for i, path := range []string{"0.0.0", "0.1.0"} {
		want := sluice.RunWarning{Code: sluice.WarnAnswerUnfinished, Message: says, Step: path, Block: "ask"}
		if len(run.Warnings) != 2 || len(told) != 2 || run.Warnings[i] != want || told[i] != want {
			t.Fatalf("the run has the warnings %v and its steps %v, want %v", run.Warnings, told, want)
		}
	}
}
