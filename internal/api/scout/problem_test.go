package scout_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api/scout"
)

// TestProblems answers what is wrong as Scout's API does: a sentence, or with
// status 422 a list of places.
func TestProblems(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	in.revisions("triage", 1)
	deep := strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)
	for _, c := range []struct {
		method, path, body string
		status             int
		where, want        string // of 422 the place
	}{
		{"GET", "/v2/workflows/triag", "", 404, "", "did you mean triage?"},
		{"GET", "/v2/nothing", "", 404, "", "nothing at this path"},
		{"GET", "/v2/usage", "", 404, "", "nothing at this path"},
		{"PATCH", "/v2/workflows/triage", "", 405, "", "use DELETE, GET, PUT"},
		{"GET", "/v2/workflows/triage/execute", "", 405, "", "use POST"},
		{"POST", "/v2/workflows?workflow_key=x", "", 422, "[body]", "is missing"},
		{"POST", "/v2/workflows?workflow_key=x", `{"hush`, 422, "[body 6]", "is not JSON, at byte 6"},
		{"POST", "/v2/workflows?workflow_key=x", `["hush"]`, 422, "[body]", "should be an object"},
		{"POST", "/v2/workflows?workflow_key=x", `{"tags": "hush"}`, 422, "[body tags]", "should be a list"},
		{"POST", "/v2/workflows?workflow_key=x", `{"workflow_display_name": 12345}`, 422, "[body workflow_display_name]", "should be a string"},
		{"POST", "/v2/workflows?workflow_key=x", `{"workflow_key": "x", "workflow_config": {}}`, 422, "[body workflow_config]", "is wrapped"},
		{"POST", "/v2/workflows?workflow_key=x", deep, 422, "", "nested deeper than 64"},
		{"POST", "/v2/workflows?workflow_key=x", `{}`, 422, "[body]", "has no blocks"},
		{"POST", "/v2/workflows?workflow_key=a%20b", `{"blocks": [` + block + `]}`, 422, "[body]", "is not a valid name"},
		{"POST", "/v2/workflows?workflow_key=x", `{"tags": ["a,b"], "blocks": [` + block + `]}`, 422, "[body]", "without commas"},
		{"POST", "/v2/workflows/revisions", `{}`, 422, "[query workflow_id]", "no workflow is named"},
		{"POST", "/v2/workflows/revisions?workflow_id=a&workflow_key=b", `{}`, 422, "[query workflow_key]", "two workflows are named"},
		{"POST", "/v2/workflows/revisions?workflow_id=none", `{}`, 404, "", "component none does not exist"},
		{"GET", "/v2/workflows?limit=0", "", 422, "[query limit]", "limit is not a number"},
		{"GET", "/v2/workflows?limit=many", "", 422, "[query limit]", "limit is not a number"},
		{"PUT", "/v2/workflows/triage/revisions/1", `{}`, 422, "[body name]", "the name is missing"},
		{"PUT", "/v2/workflows/triage/revisions/1", `{"name": "***"}`, 422, "[body name]", "no letter and no digit"},
		{"PUT", "/v2/workflows/triage/revisions/1", `{"name": "latest"}`, 422, "[body]", "reserved word"},
		{"PUT", "/v2/workflows/triage/revisions/9/promote", "", 404, "", "has no version 9"},
		{"PUT", "/v2/workflows/triage/revisions/1/promote?environment=stagng", "", 422, "[query environment]", "did you mean staging?"},
		{"PUT", "/v2/workflows/triage/environments/stagng", `{"deployments": []}`, 404, "", "did you mean staging?"},
		{"PUT", "/v2/workflows/triage/environments/staging", `{}`, 422, "[body deployments]", "are missing"},
		{"POST", "/v2/workflows/triage/execute?environment=prodction", `{}`, 422, "[query environment]", "did you mean production?"},
		{"POST", "/v2/workflows/triage/execute?environment=a%20b", `{}`, 422, "[query environment]", "is not a valid name"},
		{"POST", "/v2/workflows/triage/execute", `{"inputs": ["hush"]}`, 422, "[body inputs]", "should be an object"},
		{"POST", "/v2/workflows/triage/execute", `{"streaming": "hush"}`, 422, "[body streaming]", "should be true or false"},
		{"POST", "/v2/workflows/triage/execute?session_id=" + strings.Repeat("s", 300), `{}`, 422, "[query session_id]", "the limit is 256"},
		{"POST", "/v2/workflows/triage/execute", `{"inputs": {"x": "` + strings.Repeat("x", sluice.MaxInputBytes) + `"}}`, 413, "", "the limit is 4194304"},
		{"POST", "/v2/workflows/triage/execute", "{\"inputs\": {\"x\": \"\xfc\"}}", 422, "[body]", "line 1, column 19: this byte is not UTF-8"},
		{"POST", "/v2/workflows/triage/execute", `{"inputs": {"x": "\ud800"}}`, 422, "[body]", `\ud800 is half of a character`},
		{"GET", "/v2/run_logs?workflow_id=%ff", "", 422, "", "query parameter workflow_id is not text"},
		{"POST", "/v2/workflows/execute", `{}`, 422, "[body workflow_config]", "is missing"},
		{"POST", "/v2/workflows/execute", `{"workflow_config": 7}`, 422, "[body workflow_config]", "should be an object"},
		{"GET", "/v2/run_logs", "", 422, "[query workflow_id]", "no workflow is named"},
		{"GET", "/v2/run_logs?workflow_id=triage&status=done", "", 422, "[query status]", "choose one of"},
		{"GET", "/v2/run_logs?workflow_id=triage&start_date=soon", "", 422, "[query start_date]", "is not a time"},
		{"GET", "/v2/run_logs?workflow_id=triage&environment=qa", "", 422, "[query environment]", "does not exist"},
		{"GET", "/v2/run_logs?workflow_id=triage&revision_id=9", "", 422, "[query]", "has no version 9"},
		{"GET", "/v2/run_logs/details?workflow_id=triage", "", 422, "[query workflow_run_id]", "no run is named"},
		{"GET", "/v2/run_logs/details?workflow_id=triage&workflow_run_id=r1", "", 404, "", "r1 does not exist"},
	} {
		got := in.ask(c.method, c.path, c.body)
		said := fmt.Sprint(got.at("detail"))
		if c.status == 422 {
			said = fmt.Sprint(got.at("detail", 0, "msg"))
			if where := fmt.Sprint(got.at("detail", 0, "loc")); c.where != "" && where != c.where {
				t.Errorf("%s %s: the place is %s, want %s", c.method, c.path, where, c.where)
			}
		}
		if got.status != c.status || !strings.Contains(said, c.want) {
			t.Errorf("%s %.100s %.100s: got %d %.300s, want %d %s", c.method, c.path, c.body, got.status, got.text, c.status, c.want)
		}
		if strings.Contains(got.text, "hush") || strings.Contains(got.text, "12345") {
			t.Errorf("%s %s: the error tells what was sent: %s", c.method, c.path, got.text)
		}
	}
}

// TestMistakesHaveTheirPlacesInTheBody: all that is wrong with a config is told at
// once, by paths of the body as it was sent, and unchecked takes it all the same.
func TestMistakesHaveTheirPlacesInTheBody(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	in.revisions("triage", 1)
	const body = `{"blocks": [{"block_archetype_id": "com.scoutos.input", "block_id": "inputs", "block_inputs": {"items": [{"key": "n", "input_type": "number", "default": "x"}]}},
		{"block_archetype_id": "com.scoutos.text", "block_id": "a", "block_inputs": {"text": "é \"quoted\" {{ inputs.n "}},
		{"block_archetype_id": "com.scoutos.slack", "block_id": "b"}]}`
	want := []string{
		"[body blocks 0 block_inputs items 0 default] the default of \"n\" does not fit it: it is text; a number is wanted",
		"[body blocks 1 block_inputs text] text: the tag is not closed",
		"[body blocks 2 block_archetype_id] blocks of \"com.scoutos.slack\" cannot be run",
	}
	for _, call := range [][2]string{{"POST", "/v2/workflows?workflow_key=x"}, {"PUT", "/v2/workflows/triage"}, {"POST", "/v2/workflows/revisions?workflow_id=triage"}} {
		got := in.ask(call[0], call[1], body)
		for i, w := range want {
			said := fmt.Sprint(got.at("detail", i, "loc"), " ", got.at("detail", i, "msg"))
			if got.status != 422 || !strings.HasPrefix(said, w) {
				t.Errorf("%s %s: got %d %s, want %s", call[0], call[1], got.status, said, w)
			}
		}
	}
	got := in.ask("PUT", "/v2/workflows/triage?unchecked=true", body)
	if n := fmt.Sprint(got.at("data", "unchecked", "mistakes")); got.status != 200 || n != "3" {
		t.Errorf("unchecked: got %d %s", got.status, got.text)
	}
	if got = in.ask("PUT", "/v2/workflows/triage/revisions/2/promote", ""); fmt.Sprint(got.at("data", "sluice", "unchecked", 0, "version")) != "2" {
		t.Errorf("promoted: %d %s", got.status, got.text)
	}
	if got = in.ask("PUT", "/v2/workflows/triage?unchecked=perhaps", body); got.status != 422 || fmt.Sprint(got.at("detail", 0, "loc")) != "[query unchecked]" {
		t.Errorf("perhaps: %d %s", got.status, got.text)
	}
}

// TestWhoMayCall refuses who may not, in Scout's form.
func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	in.revisions("a", 1)
	admin := in.token
	for token, status := range map[string]int{"": 401, "wrong": 401} {
		in.token = token
		got := in.ask("GET", "/v2/workflows", "")
		if got.status != status || got.head.Get("WWW-Authenticate") == "" || got.at("detail") == nil {
			t.Errorf("token %q: %d %v %s", token, got.status, got.head, got.text)
		}
	}
	in.token = admin
	if got := in.ask("GET", "/v2/workflows", "", "X-Organization-Id", "another"); got.status != 403 {
		t.Errorf("another organization: %d %s", got.status, got.text)
	}
	viewer, err := in.Services().CreateToken(in.admin, sluice.CreateTokenRequest{Name: "viewer", Roles: []sluice.Role{sluice.RoleViewer}})
	if err != nil {
		t.Fatal(err)
	}
	in.token = viewer.Secret
	in.want("GET", "/v2/workflows", "")
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/v2/workflows?workflow_key=b", "{}"},
		{"PUT", "/v2/workflows/a", `{"x": 1}`},
		{"DELETE", "/v2/workflows/a", ""},
		{"PUT", "/v2/workflows/a/revisions/1/promote", ""},
		{"PUT", "/v2/workflows/a/revisions/1", `{"name": "n"}`},
		{"PUT", "/v2/workflows/a/environments/staging", `{"deployments": []}`},
		{"POST", "/v2/workflows/a/execute", `{}`},
		{"POST", "/v2/workflows/execute", `{"workflow_config": {"blocks": [` + block + `]}}`},
	} {
		if got := in.ask(c.method, c.path, c.body); got.status != 403 || !strings.Contains(got.text, "viewer may not") {
			t.Errorf("%s %s: %d %s", c.method, c.path, got.status, got.text)
		}
	}
}

// FuzzBodies sends what nobody thought of: no answer is a failure of the server.
func FuzzBodies(f *testing.F) {
	for _, body := range []string{
		"", "{}", "null", `{"inputs": {"a": 1}, "streaming": false}`, `{"inputs": null, "workflow_config": {"blocks": [{"block_id": "a"}]}}`,
		`{"deployments": [{"revision_lookup": "latest", "traffic": 0.5}, {"revision_lookup": "revision_id", "revision_id": "1", "traffic": 0.5}]}`,
		`{"deployments": [{"revision_lookup": "revision_id", "revision_id": "env:staging", "traffic": 1e-9}]}`, `{"name": "a b", "description": "c"}`,
		`{"workflow_config": {"workflow_config": {}}}`, "{\"inputs\": {\"\xff\": \"\u2028\"}}", strings.Repeat("[", 5000),
	} {
		for route := range 5 {
			f.Add(body, route)
		}
	}
	in := install(f, scout.Config{}, sluice.RunBounds{})
	in.revisions("a", 2)
	routes := []string{
		"POST /v2/workflows/a/execute?environment=development", "POST /v2/workflows/execute?environment=staging",
		"PUT /v2/workflows/a/environments/staging", "PUT /v2/workflows/a", "PUT /v2/workflows/a/revisions/1",
	}
	f.Fuzz(func(t *testing.T, body string, route int) {
		method, path, _ := strings.Cut(routes[uint(route)%uint(len(routes))], " ")
		// A run that waits for a long time is left: only its client waits for it.
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, method, in.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+in.token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			if ctx.Err() == nil {
				t.Fatalf("%s %s %q: %v", method, path, body, err)
			}
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body) // a stream that is cut has a status
		if resp.StatusCode >= 500 {
			t.Errorf("%s %s %q: %d %s", method, path, body, resp.StatusCode, text)
		}
	})
}
