package scout_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api"
	"github.com/sluice-dev/sluice/internal/api/scout"
	"github.com/sluice-dev/sluice/internal/sandbox"
	"github.com/sluice-dev/sluice/internal/server"
)

// installation is a real server with the adapter before it.
type installation struct {
	testing.TB
	*server.Server
	url   string
	token string
	admin context.Context
}

// TestMain lets this program evaluate templates in processes of its own.
func TestMain(m *testing.M) {
	sandbox.Enter()
	os.Exit(m.Run())
}

// install opens a server.
func install(t testing.TB, cfg scout.Config, runs sluice.RunBounds) *installation {
	t.Helper()
	s, err := server.Open(t.Context(), server.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Runs: runs})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Services = s.Services()
	front := httptest.NewServer(api.New(api.Config{
		Services: s.Services(), Auth: s.Services().(api.Authenticator), Adapters: []api.Adapter{scout.New(cfg)},
	}))
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	admin := sluice.WithActor(t.Context(), sluice.Actor{Name: "alice", Org: "default", Roles: []sluice.Role{sluice.RoleAdmin}})
	return &installation{t, s, front.URL, s.FirstToken(), admin}
}

// reply is an answer, and the JSON in it.
type reply struct {
	status int
	head   http.Header
	text   string
	json   map[string]any
}

// ask sends one request; pairs are further headers.
func (in *installation) ask(method, path, body string, pairs ...string) reply {
	in.Helper()
	r, err := http.NewRequestWithContext(in.Context(), method, in.url+path, strings.NewReader(body))
	if err != nil {
		in.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+in.token)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Set(pairs[i], pairs[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		in.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		in.Fatalf("%s %s: %v", method, path, err)
	}
	out := reply{status: resp.StatusCode, head: resp.Header, text: string(b)}
	_ = json.Unmarshal(b, &out.json) // a stream is none
	return out
}

// want asks what must succeed.
func (in *installation) want(method, path, body string, pairs ...string) reply {
	in.Helper()
	got := in.ask(method, path, body, pairs...)
	if got.status != http.StatusOK {
		in.Fatalf("%s %s %s: got %d %s", method, path, body, got.status, got.text)
	}
	return got
}

// at walks into an answer: at("data", 0, "workflow_id").
func (r reply) at(path ...any) any {
	var v any = r.json
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

// is compares one place of an answer.
func (in *installation) is(got reply, want any, path ...any) {
	in.Helper()
	if v := got.at(path...); fmt.Sprint(v) != fmt.Sprint(want) {
		in.Errorf("%v is %v, want %v in %s", path, v, want, got.text)
	}
}

// named is a config with a name and one block that says something.
func named(name, text string) string {
	return fmt.Sprintf(`{"workflow_display_name": %q, "workflow_schema_version": "1.0", "blocks": [
		{"block_archetype_id": "com.scoutos.input", "block_id": "inputs", "block_display_name": "Inputs", "block_inputs": {"items": [
			{"key": "ticket_id", "display_name": "Ticket", "input_type": "short_text", "is_optional": true}]}, "dependencies": []},
		{"block_archetype_id": "com.scoutos.text", "block_id": "say", "block_display_name": "Say", "block_inputs": {"text": %q},
			"is_output": true, "dependencies": [{"block_id": "inputs"}]}]}`, name, text)
}

// block is one that says nothing much.
const block = `{"block_archetype_id":"com.scoutos.text","block_id":"say","block_inputs":{"text":"x"}}`

// TestWorkflows goes the way of a workflow: made, revised, named, live, gone.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	made := in.want("POST", "/v2/workflows?workflow_key=triage", named("Triage", "one"))
	in.is(made, "triage", "data", "workflow_id")
	in.is(made, "triage", "data", "workflow_key")
	in.is(made, "1", "data", "revision_id")
	in.is(made, "Triage", "data", "workflow_config", "workflow_display_name")
	in.is(made, "admin", "data", "created_by", "details", "user_id")
	if got := in.ask("POST", "/v2/workflows?workflow_key=Triage", named("Triage", "two")); got.status != 409 || !strings.Contains(got.text, "exists") {
		t.Errorf("a second one: %d %s", got.status, got.text)
	}
	in.is(in.want("POST", "/v2/workflows/revisions?workflow_key=triage", named("Triage", "two")), "2", "data", "revision_id")
	in.is(in.want("POST", "/v2/workflows/revisions?workflow_id=triage", named("Triage", "two")), "2", "data", "revision_id") // the same again
	in.is(in.want("PUT", "/v2/workflows/triage", named("Triage", "three")), "3", "data", "revision_id")
	in.is(in.want("GET", "/v2/workflows/triage", ""), "3", "data", "revision_id")

	noted := in.want("PUT", "/v2/workflows/triage/revisions/2", `{"name": "add-urgency", "description": "ranks tickets"}`)
	in.is(noted, "add-urgency", "data", "name")
	in.is(noted, "ranks tickets", "data", "description")
	spoken := in.want("PUT", "/v2/workflows/triage/revisions/3", `{"name": "Fix null customer!", "description": "more"}`)
	in.is(spoken, "Fix null customer!", "data", "name")
	in.is(spoken, "more", "data", "description")
	for _, name := range []string{"add-urgency", "Add-Urgency"} {
		if got := in.ask("PUT", "/v2/workflows/triage/revisions/3", `{"name": "`+name+`"}`); got.status != 409 || !strings.Contains(got.text, "triage@2 is named add-urgency already") {
			t.Errorf("a name that is taken: %d %s", got.status, got.text)
		}
	}
	for _, name := range []string{"修复空客户", "Fix: null customer", "Fix null customer!"} { // two of them come to one word
		in.is(in.want("PUT", "/v2/workflows/triage/revisions/1", `{"name": "Fix null customer?"}`), "Fix null customer?", "data", "name")
		in.is(in.want("PUT", "/v2/workflows/triage/revisions/3", `{"name": "`+name+`"}`), name, "data", "name")
		in.is(in.want("GET", "/v2/workflows/triage", ""), name, "data", "name")
		in.is(in.want("GET", "/v2/workflows/triage/revisions", ""), "more", "data", 0, "description")
		if got := in.ask("PUT", "/v2/workflows/triage/revisions/1", `{"name": "`+name+`"}`); got.status != 409 {
			t.Errorf("the name %s is taken: %d %s", name, got.status, got.text)
		}
		in.is(in.want("GET", "/v2/workflows/triage/revisions", ""), name, "data", 0, "name")
	}
	in.is(in.want("GET", "/v2/workflows/triage/revisions", ""), "add-urgency", "data", 1, "name")

	list := in.want("GET", "/v2/workflows/triage/revisions", "")
	for i, want := range []string{"3", "2", "1"} {
		in.is(list, want, "data", i, "revision_id")
	}
	in.is(list, "two", "data", 1, "workflow_config", "blocks", 1, "block_inputs", "text")
	first := in.want("GET", "/v2/workflows/triage/revisions?limit=2", "")
	in.is(first, true, "has_more")
	rest := in.want("GET", "/v2/workflows/triage/revisions?cursor="+fmt.Sprint(first.at("next_cursor")), "")
	in.is(rest, "1", "data", 0, "revision_id")
	in.is(rest, false, "has_more")

	in.is(in.want("PUT", "/v2/workflows/triage/revisions/add-urgency/promote", ""), "production", "data", "sluice", "environment")
	if got := in.ask("DELETE", "/v2/workflows/triage", ""); got.status != 409 || !strings.Contains(got.text, `PUT /v2/workflows/triage/environments/production {\"deployments\":[]}`) {
		t.Errorf("deleted what is live: %d %s", got.status, got.text)
	}
	in.is(in.want("PUT", "/v2/workflows/triage/environments/production", `{"deployments":[]}`), "[]", "data", "deployments")
	const back = "create triage again with POST /v2/workflows?workflow_key=triage"
	in.is(in.want("DELETE", "/v2/workflows/triage", ""), "workflow triage is archived, and its revisions and history stay; to have it back, "+back, "detail")
	for _, c := range []struct{ method, path string }{
		{"GET", "/v2/workflows/triage"}, {"PUT", "/v2/workflows/triage"}, {"GET", "/v2/workflows/triage/environments"},
	} {
		if got := in.ask(c.method, c.path, named("Triage", "four")); got.status != 404 || !strings.Contains(got.text, "is archived (fix: "+back) {
			t.Errorf("%s %s of what was deleted: %d %s", c.method, c.path, got.status, got.text)
		}
	}
	in.is(in.want("GET", "/v2/workflows", ""), "[]", "data")
	if got := in.ask("POST", "/v2/workflows?workflow_key=triage", `{"blocks": [{"block_archetype_id": "com.scoutos.nothing"}]}`); got.status != 422 {
		t.Errorf("brought back with what does not run: %d %s", got.status, got.text)
	}
	if got := in.ask("GET", "/v2/workflows/triage", ""); got.status != 404 {
		t.Errorf("a refused creation brought it back: %d %s", got.status, got.text)
	}
	in.is(in.want("POST", "/v2/workflows?workflow_key=triage", named("Triage", "back")), "4", "data", "revision_id")
	in.is(in.want("GET", "/v2/workflows/triage/environments", ""), "4", "data", 0, "deployments", 0, "deployment_config", "revision_id")
}

// TestKeysFromNames makes workflows without a key.
func TestKeysFromNames(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	for i, c := range []struct{ name, want string }{
		{"Ticket  Triage (v2)!", "ticket-triage-v2"},
		{"ticket triage v2", "ticket-triage-v2-2"},
		{"TICKET-TRIAGE-V2", "ticket-triage-v2-3"},
		{"注文", "workflow"},
		{"…", "workflow-2"},
		{strings.Repeat("long ", 60), strings.TrimSuffix(strings.Repeat("long-", 20), "-")},
	} {
		in.is(in.want("POST", "/v2/workflows", named(c.name, fmt.Sprint(i))), c.want, "data", "workflow_id")
	}
	once := in.want("POST", "/v2/workflows", named("Again", "x"), "Idempotency-Key", "k1")
	twice := in.want("POST", "/v2/workflows", named("Again", "x"), "Idempotency-Key", "k1")
	in.is(once, "again", "data", "workflow_id")
	in.is(twice, "again", "data", "workflow_id")
	if got := in.ask("POST", "/v2/workflows", `{"blocks": []}`); got.status != 422 || !strings.Contains(got.text, "neither a key nor a name") {
		t.Errorf("without a name: %d %s", got.status, got.text)
	}
}

func TestListWorkflows(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	for _, c := range []string{
		`"workflow_display_name": "Alpha", "tags": ["x"], "workflow_description": "finds needles"`,
		`"workflow_display_name": "Beta", "tags": ["x", "y"]`, `"workflow_display_name": "Gamma ray", "tags": ["y"]`,
	} {
		in.want("POST", "/v2/workflows", "{"+c+`, "blocks": [`+block+"]}")
	}
	if _, err := in.Services().AddComponent(in.admin, sluice.AddComponentRequest{Name: "a-prompt", Kind: sluice.KindPrompt}); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"": "alpha beta gamma-ray", "?tags=x": "alpha beta", "?tags=x&tags=y": "beta", "?tags=x,y": "beta",
		"?query=NEEDLE": "alpha", "?query=gamma+r": "gamma-ray", "?query=nothing": "", "?sort=created_at&direction=desc&drive=true": "alpha beta gamma-ray",
	} {
		var got []string
		for next := ""; ; {
			path := "/v2/workflows" + query
			if query == "" {
				path += "?"
			}
			page := in.want("GET", path+"&limit=1&start_at="+next, "")
			list, _ := page.at("data").([]any)
			for i := range list {
				got = append(got, fmt.Sprint(page.at("data", i, "workflow_id")))
			}
			if page.at("has_more") != true {
				break
			}
			next = fmt.Sprint(page.at("next_cursor"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %v, want %s", query, got, want)
		}
	}
}

// TestOtherForms shows workflows that were published in another form than Scout's.
func TestOtherForms(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	publish := func(name string, files ...sluice.File) {
		t.Helper()
		if _, err := in.Services().Publish(in.admin, sluice.PublishRequest{Component: name, Kind: sluice.KindWorkflow, Files: files}); err != nil {
			t.Fatal(err)
		}
	}
	publish("wrapped", sluice.NewFile("wrapped.json", []byte(`{"workflow_key": "wrapped", "workflow_config": {"workflow_display_name": "W", "blocks": [`+block+`]}}`)))
	publish("plain", sluice.NewFile("plain.yaml", []byte("name: plain\nblocks:\n- {id: hello, block: echo, value: Hello}\n")))
	in.is(in.want("GET", "/v2/workflows/wrapped", ""), "W", "data", "workflow_config", "workflow_display_name")
	plain := in.want("GET", "/v2/workflows/plain", "")
	in.is(plain, "plain.yaml", "data", "workflow_config", "sluice_files", 0, "path")
	config, err := json.Marshal(plain.at("data", "workflow_config"))
	if err != nil {
		t.Fatal(err)
	}
	if got := in.ask("PUT", "/v2/workflows/plain", string(config)); got.status != 422 || !strings.Contains(got.text, "POST /v1/components/") {
		t.Errorf("written back: %d %s", got.status, got.text)
	}
	if _, err := in.Services().AddComponent(in.admin, sluice.AddComponentRequest{Name: "empty", Kind: sluice.KindWorkflow}); err != nil {
		t.Fatal(err)
	}
	in.is(in.want("GET", "/v2/workflows/empty", ""), "", "data", "revision_id")
	in.is(in.want("GET", "/v2/workflows/empty/revisions", ""), "[]", "data")
}

// TestStoredForm keeps a config as JSON with one value a line, whatever is in it.
func TestStoredForm(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	in.want("POST", "/v2/workflows?workflow_key=a", `{"notes":[1.50],"workflow_description":"<é>","blocks":[`+block+`]}`)
	f, err := in.Services().File(in.admin, "a", "1", "workflow.json")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "notes": [
    1.50
  ],
  "workflow_description": "<é>",
  "blocks": [
    {
      "block_archetype_id": "com.scoutos.text",
      "block_id": "say",
      "block_inputs": {
        "text": "x"
      }
    }
  ]
}
`
	if f.Text != want {
		t.Errorf("got %s, want %s", f.Text, want)
	}
	// What would grow beyond the limit stays as it came.
	deep := `{"blocks":[` + block + `],"notes":` + strings.Repeat("[", 50) + strings.Repeat("0,", 50_000) + "0" + strings.Repeat("]", 50) + "}"
	in.want("POST", "/v2/workflows?workflow_key=b", deep)
	if f, err = in.Services().File(in.admin, "b", "1", "workflow.json"); err != nil || f.Text != deep {
		t.Errorf("got %d bytes, %v", len(f.Text), err)
	}
	over := `{"x":"` + strings.Repeat("x", sluice.MaxFileBytes) + `"}`
	if got := in.ask("POST", "/v2/workflows?workflow_key=c", over); got.status != 413 {
		t.Errorf("over the limit of a file: %d %s", got.status, got.text)
	}
	if got := in.ask("POST", "/v2/workflows?workflow_key=c", `{"x":"`+strings.Repeat("x", 6<<20)+`"}`); got.status != 413 {
		t.Errorf("over the limit of a body: %d %s", got.status, got.text)
	}
	if got := in.ask("GET", "/v2/workflows/c", ""); got.status != 404 {
		t.Errorf("what was refused is there: %d %s", got.status, got.text)
	}
}

func TestHeartbeatDefault(t *testing.T) {
	t.Parallel()
	if a := scout.New(scout.Config{}); a.Heartbeat != 15*time.Second || a.Log == nil {
		t.Errorf("got %v, %v", a.Heartbeat, a.Log)
	}
}
