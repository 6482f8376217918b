package scout_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api/scout"
)

// outside is a server that runs speak to: a model that writes in pieces, and
// something that takes until it is let go.
type outside struct {
	*httptest.Server
	asked   chan struct{} // one for each request that waits
	release chan struct{} // closed to let them go
}

func newOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{asked: make(chan struct{}, 100), release: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /wait", func(w http.ResponseWriter, r *http.Request) {
		o.asked <- struct{}{}
		select {
		case <-o.release:
		case <-r.Context().Done():
		}
		fmt.Fprint(w, `{"ok": true}`)
	})
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i, piece := range []string{"Hel", "lo [DONE] ", `\u2028 there`} {
			if i == 2 { // the rest once the client has seen the first
				select {
				case <-o.release:
				case <-r.Context().Done():
				}
			}
			fmt.Fprintf(w, "data: {\"choices\": [{\"index\": 0, \"delta\": {\"content\": \"%s\"}}]}\n\n", piece)
			_ = http.NewResponseController(w).Flush()
		}
		fmt.Fprint(w, "data: {\"choices\": [{\"index\": 0, \"delta\": {}, \"finish_reason\": \"stop\"}]}\n\ndata: [DONE]\n\n")
	})
	o.Server = httptest.NewServer(mux)
	t.Cleanup(o.Close)
	return o
}

// waiting is a config that asks the outside and waits for it.
func (o *outside) waiting() string {
	return fmt.Sprintf(`{"workflow_schema_version": "1.0", "blocks": [
		{"block_archetype_id": "com.scoutos.http", "block_id": "call", "block_display_name": "Call", "block_inputs": {"method": "GET", "url": "%s/wait"}, "is_output": true}]}`, o.URL)
}

// live makes a workflow and has production run it.
func (in *installation) live(id, config string) {
	in.Helper()
	in.want("POST", "/v2/workflows?workflow_key="+id, config)
	in.want("PUT", "/v2/workflows/"+id+"/revisions/1/promote", "")
}

// ended waits for the end of a run.
func (in *installation) ended(id string) sluice.Run {
	in.Helper()
	var last sluice.Run
	for e, err := range in.Services().WatchRun(in.admin, sluice.WatchRunRequest{Run: id}) {
		if err != nil {
			in.Fatal(err)
		}
		if e.Run != nil {
			last = *e.Run
		}
	}
	return last
}

// TestExecute runs a workflow and is answered with its end.
func TestExecute(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	in.want("POST", "/v2/workflows?workflow_key=greet", named("Greet", "Hello {{ inputs.ticket_id }} from {{ env.PLACE }}"))
	for place, environment := range map[string]string{"prod": "production", "stage": "staging", "dev": "development"} {
		if _, err := in.Services().Deploy(in.admin, sluice.DeployRequest{Environment: environment, Changes: []sluice.ChangeRequest{{Variable: "PLACE", Value: &place}}}); err != nil {
			t.Fatal(err)
		}
	}
	in.want("PUT", "/v2/workflows/greet/revisions/1/promote", "")
	in.want("PUT", "/v2/workflows/greet/revisions/1/promote?environment=staging", "")
	in.want("PUT", "/v2/workflows/greet", named("Greet", "Good day {{ inputs.ticket_id }} from {{ env.PLACE }}"))
	for _, c := range []struct{ query, says, environment, revision string }{
		{"", "Hello T1 from prod", "production", "1"},
		{"?environment=production", "Hello T1 from prod", "production", "1"},
		{"?environment=staging", "Hello T1 from stage", "staging", "1"},
		{"?environment=stage", "Hello T1 from stage", "staging", "1"},
		{"?environment=development", "Good day T1 from dev", "development", "2"},
		{"?environment=staging&revision_id=2", "Good day T1 from stage", "staging", "2"},
		{"?revision_id=latest", "Good day T1 from prod", "production", "2"},
		{"?environment=production%232", "Hello T1 from prod", "production", "1"},
		{"?environment=console", "Good day T1 from dev", "development", "2"},
		{"?environment=console&revision_id=1", "Hello T1 from dev", "development", "1"},
	} {
		got := in.want("POST", "/v2/workflows/greet/execute"+c.query, `{"inputs": {"ticket_id": "T1"}}`)
		in.is(got, c.says, "run", "state", "say", "output")
		in.is(got, "greet", "workflow_id")
		in.is(got, "say", "output_block_id")
		in.is(got, "workflow_run_completed", "run", "stop_reason")
		in.is(got, got.at("run", "workflow_run_id"), "run", "session_id")
		in.is(got, c.environment, "run", "environment")
		in.is(got, c.revision, "run", "revision_id")
		for name, want := range map[string]any{"Environment": c.environment, "Revision": c.revision, "Release": got.at("run", "release"), "Run": got.at("run", "workflow_run_id")} {
			if v := got.head.Get("X-Sluice-" + name); v != fmt.Sprint(want) || v == "" {
				t.Errorf("%s: the header %s is %q, want %v", c.query, name, v, want)
			}
		}
	}
	in.is(in.want("POST", "/v2/workflows/greet/execute?session_id=s1", `{"inputs": {"ticket_id": "T1"}}`), "s1", "run", "session_id")
	in.want("POST", "/v2/workflows/greet/execute", `{}`) // the ticket is optional

	none := in.ask("POST", "/v2/workflows/greet/execute?environment=prodction", `{}`)
	if none.status != 422 || !strings.Contains(none.text, "there is") || !strings.Contains(none.text, "production") {
		t.Errorf("an environment that is none: %d %s", none.status, none.text)
	}
	in.want("POST", "/v2/workflows?workflow_key=idle", named("Idle", "x"))
	if got := in.ask("POST", "/v2/workflows/idle/execute", `{}`); got.status != 404 || !strings.Contains(got.text, "not live in production") {
		t.Errorf("what is not live: %d %s", got.status, got.text)
	}
}

// TestFailedRun is answered as one that did what it was to do.
func TestFailedRun(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	in.live("a", named("A", "{{ inputs.ticket_id.nothing.there }}"))
	got := in.want("POST", "/v2/workflows/a/execute", `{"inputs": {"ticket_id": "T1"}}`)
	in.is(got, "workflow_run_failed", "run", "stop_reason")
	in.is(got, "failed", "run", "state", "say", "status")
	if errs, _ := got.at("run", "errors").([]any); len(errs) != 1 {
		t.Errorf("got %s", got.text)
	}
	events := in.streamed("POST", "/v2/workflows/a/execute", `{"inputs": {"ticket_id": "T1"}, "streaming": true}`)
	if want := "workflow_run_started block_run_started block_run_failed workflow_run_failed"; names(events) != want {
		t.Errorf("got %s, want %s", names(events), want)
	}
	if last := events[len(events)-1]; last.at("data", "message") == nil {
		t.Errorf("got %s", last.text)
	}
}

// TestIdempotency answers the same request once more with the run that it began.
func TestIdempotency(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	in.live("a", named("A", "x"))
	once := in.want("POST", "/v2/workflows/a/execute", `{"inputs": {}}`, "Idempotency-Key", "k")
	again := in.want("POST", "/v2/workflows/a/execute", `{"inputs": {}}`, "Idempotency-Key", "k")
	other := in.want("POST", "/v2/workflows/a/execute", `{"inputs": {}}`, "Idempotency-Key", "l")
	if a, b, c := once.at("run", "workflow_run_id"), again.at("run", "workflow_run_id"), other.at("run", "workflow_run_id"); a != b || a == c {
		t.Errorf("got runs %v, %v and %v", a, b, c)
	}
	in.is(again, true, "run", "replayed")
	if got := in.ask("POST", "/v2/workflows/a/execute", `{"inputs": {"ticket_id": "T2"}}`, "Idempotency-Key", "k"); got.status != 409 {
		t.Errorf("the key for another request: %d %s", got.status, got.text)
	}
}

// TestConsole runs the draft: published or not, and the latest where there is none.
func TestConsole(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	in.live("a", named("A", "one"))
	run := func(want, revision string) reply {
		t.Helper()
		got := in.want("POST", "/v2/workflows/a/execute?environment=console", `{"inputs": {}}`)
		in.is(got, want, "run", "state", "say", "output")
		in.is(got, revision, "run", "revision_id")
		in.is(got, "development", "run", "environment")
		return got
	}
	save := func(text string) {
		t.Helper()
		file := sluice.NewFile("workflow.json", []byte(named("A", text)))
		if _, err := in.Services().SaveDraft(in.admin, sluice.SaveDraftRequest{Component: "a", Files: []sluice.File{file}}); err != nil {
			t.Fatal(err)
		}
	}
	run("one", "1")
	save("two")
	unsaved := run("two", "draft")
	if _, err := in.Services().PublishDraft(in.admin, sluice.PublishDraftRequest{Component: "a"}); err != nil {
		t.Fatal(err)
	}
	run("two", "2")
	id := fmt.Sprint(unsaved.at("run", "workflow_run_id"))
	in.is(in.want("GET", "/v2/run_logs/details?workflow_id=a&workflow_run_id="+id, ""), "draft", "revision_id")
}

// TestExecuteConfig runs what is not stored.
func TestExecuteConfig(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	body := fmt.Sprintf(`{"workflow_config": %s, "inputs": {"ticket_id": "T1"}}`, named("A", "Hi {{ inputs.ticket_id }}"))
	got := in.want("POST", "/v2/workflows/execute?environment=staging&workflow_key=trial", body)
	in.is(got, "Hi T1", "run", "state", "say", "output")
	in.is(got, "trial", "workflow_id")
	in.is(got, "draft", "run", "revision_id")
	in.is(in.want("GET", fmt.Sprintf("/v2/run_logs/details?workflow_id=trial&workflow_run_id=%v", got.at("run", "workflow_run_id")), ""), "draft", "revision_id")
	in.is(in.want("POST", "/v2/workflows/execute", body), "a", "workflow_id")
	in.is(in.want("POST", "/v2/workflows/execute", `{"workflow_config": {"blocks": [`+block+`]}}`), "workflow", "workflow_id")
	begun := in.streamed("POST", "/v2/workflows/execute", strings.TrimSuffix(body, "}")+`, "streaming": true}`)[0]
	in.is(begun.reply, "a", "data", "workflow_id")
	in.is(begun.reply, "A", "data", "workflow_config", "workflow_display_name")
	if got := in.ask("GET", "/v2/workflows/trial", ""); got.status != 404 {
		t.Errorf("it was stored: %d %s", got.status, got.text)
	}
	if got := in.ask("POST", "/v2/workflows/execute", `{"workflow_config": {"blocks": [{"block_archetype_id": "com.scoutos.slack", "block_id": "s"}]}}`); got.status != 422 || !strings.Contains(got.text, "cannot be run") {
		t.Errorf("a block that does not run: %d %s", got.status, got.text)
	}
}

// TestSplit has a session keep its version, and shares runs without one.
func TestSplit(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	in.revisions("a", 2)
	in.want("PUT", "/v2/workflows/a/environments/production",
		`{"deployments": [{"revision_lookup": "revision_id", "revision_id": "1", "traffic": 0.5}, {"revision_lookup": "latest", "traffic": 0.5}]}`)
	seen := map[any]int{}
	for range 24 {
		seen[in.want("POST", "/v2/workflows/a/execute", `{"inputs": {}}`).at("run", "revision_id")]++
	}
	if len(seen) != 2 {
		t.Errorf("runs without a session got %v", seen)
	}
	for s := range 5 {
		kept := map[any]int{}
		for range 3 {
			kept[in.want("POST", fmt.Sprintf("/v2/workflows/a/execute?session_id=s%d", s), `{"inputs": {}}`).at("run", "revision_id")]++
		}
		if len(kept) != 1 {
			t.Errorf("session %d got %v", s, kept)
		}
	}
}

// asking is a workflow in Sluice's own form that asks a person.
const asking = `{"blocks": [{"id": "sure", "block": "ask", "prompt": "Send it?", "type": "boolean"}, {"id": "said", "block": "echo", "value": "{{ sure.output }}"}]}`

// TestPause is answered at once, and the run waits.
func TestPause(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	in.live("a", asking)
	got := in.want("POST", "/v2/workflows/a/execute", `{"inputs": {}}`)
	in.is(got, "workflow_run_paused", "run", "stop_reason")
	in.is(got, "sure", "run", "waiting", "block")
	in.is(got, "Send it?", "run", "waiting", "prompt")
	id := fmt.Sprint(got.at("run", "workflow_run_id"))
	if !strings.Contains(fmt.Sprint(got.at("run", "errors", 0)), "POST /v1/runs/"+id+"/resume") {
		t.Errorf("it does not say how to go on: %s", got.text)
	}
	events := in.streamed("POST", "/v2/workflows/a/execute", `{"inputs": {}, "streaming": true}`)
	if want := "workflow_run_started block_run_started workflow_run_paused"; names(events) != want {
		t.Errorf("got %s, want %s", names(events), want)
	}
	if _, err := in.Services().ResumeRun(in.admin, sluice.ResumeRunRequest{Run: id, Answer: []byte("true")}); err != nil {
		t.Fatal(err)
	}
	if r := in.ended(id); r.Status != sluice.RunCompleted {
		t.Errorf("after the answer it %s: %v", r.Status, r.Error)
	}
	in.is(in.want("GET", "/v2/run_logs/details?workflow_id=a&workflow_run_id="+id, ""), "success", "blocks", "said", "status")
}

// TestStream tells the course of a run, with what a model writes while it writes.
func TestStream(t *testing.T) {
	t.Parallel()
	in, out := install(t, scout.Config{Heartbeat: time.Millisecond}, sluice.RunBounds{}), newOutside(t)
	in.live("a", fmt.Sprintf(`{"workflow_schema_version": "1.0", "blocks": [
		{"block_archetype_id": "com.scoutos.llm", "block_id": "write", "block_display_name": "Write", "is_output": true, "block_inputs":
			{"model": "m", "base_url": "%s/v1", "api_key": "k", "prompt_items": [{"role": "user", "content": "hello"}]}}]}`, out.URL))
	stream := in.open("POST", "/v2/workflows/a/execute", `{"inputs": {}, "streaming": true}`)
	defer stream.close()
	if stream.head.Get("X-Sluice-Revision") != "1" {
		t.Errorf("the headers are %v", stream.head)
	}
	stream.until(t, `"update_type":"partial"`)
	stream.until(t, ": ping") // nothing else happens
	close(out.release)
	stream.until(t, "data: [DONE]")

	events := in.streamed("POST", "/v2/workflows/a/execute", `{"inputs": {}, "streaming": true}`)
	text := ""
	for _, e := range events {
		if e.at("data", "update_type") == "partial" {
			text += fmt.Sprint(e.at("data", "update_data", "output"))
		}
	}
	const want = "Hello [DONE] \u2028 there"
	last := events[len(events)-1]
	if last.name != "workflow_run_completed" || last.at("data", "output") != want || text != "" && text != want {
		t.Errorf("the pieces are %q, the end is %s", text, last.text)
	}
	for i, e := range events {
		for _, key := range []string{"organization_id", "id", "correlation_id", "environment", "timestamp", "version"} {
			if s, _ := e.at(key).(string); s == "" {
				t.Errorf("event %d has no %s: %s", i, key, e.text)
			}
		}
	}
}

// TestClientGone goes on with a run that nobody waits for any more.
func TestClientGone(t *testing.T) {
	t.Parallel()
	in, out := install(t, scout.Config{}, sluice.RunBounds{}), newOutside(t)
	in.live("a", out.waiting())
	stream := in.open("POST", "/v2/workflows/a/execute", `{"inputs": {}, "streaming": true}`)
	<-out.asked
	stream.close()
	in.is(in.want("GET", "/v2/run_logs/details?workflow_id=a&workflow_run_id="+stream.head.Get("X-Sluice-Run"), ""), "running", "status")
	close(out.release)
	if r := in.ended(stream.head.Get("X-Sluice-Run")); r.Status != sluice.RunCompleted {
		t.Errorf("it %s: %v", r.Status, r.Error)
	}
}

// TestTokenEnds ends what a token is shown, and lets the run go on.
func TestTokenEnds(t *testing.T) {
	t.Parallel()
	in, out := install(t, scout.Config{}, sluice.RunBounds{}), newOutside(t)
	in.live("a", out.waiting())
	admin := in.token
	short, err := in.Services().CreateToken(in.admin, sluice.CreateTokenRequest{Name: "short", Roles: []sluice.Role{sluice.RoleRunner}, ExpiresIn: 1})
	if err != nil {
		t.Fatal(err)
	}
	in.token = short.Secret
	stream := in.open("POST", "/v2/workflows/a/execute", `{"inputs": {}, "streaming": true}`)
	defer stream.close()
	stream.until(t, `"message":"the token has expired`)
	rest, err := io.ReadAll(stream)
	if err != nil || strings.Contains(string(rest), "[DONE]") {
		t.Errorf("the stream ends with %q, %v", rest, err)
	}
	in.token = admin
	close(out.release)
	if r := in.ended(stream.head.Get("X-Sluice-Run")); r.Status != sluice.RunCompleted {
		t.Errorf("it %s: %v", r.Status, r.Error)
	}
}

// TestFullQueue asks clients to come back later.
func TestFullQueue(t *testing.T) {
	t.Parallel()
	in, out := install(t, scout.Config{}, sluice.RunBounds{Queue: 1}), newOutside(t)
	in.live("a", out.waiting())
	stream := in.open("POST", "/v2/workflows/a/execute", `{"inputs": {}, "streaming": true}`)
	defer stream.close()
	<-out.asked
	got := in.ask("POST", "/v2/workflows/a/execute", `{"inputs": {}}`)
	if got.status != 429 || got.head.Get("Retry-After") == "" || got.at("detail") == nil {
		t.Errorf("got %d %v %s", got.status, got.head, got.text)
	}
	close(out.release)
	stream.until(t, "data: [DONE]")
	in.want("POST", "/v2/workflows/a/execute", `{"inputs": {}}`)
}
