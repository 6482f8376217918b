package scout_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api/scout"
)

// TestRunLogs finds the records of runs.
func TestRunLogs(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	in.live("a", named("Triage", "said {{ inputs.ticket_id }}"))
	in.live("other", named("Other", "x"))
	in.want("PUT", "/v2/workflows/a/revisions/1/promote?environment=staging", "")
	in.want("PUT", "/v2/workflows/a", named("Triage", "{{ inputs.nothing }}"))
	ran := map[any]string{} // by id
	run := func(name, query string) {
		t.Helper()
		ran[in.want("POST", "/v2/workflows/a/execute"+query, `{"inputs": {"ticket_id": "T1"}}`).at("run", "workflow_run_id")] = name
	}
	run("production", "")
	run("session", "?session_id=s1")
	run("staging", "?environment=staging&session_id=s1")
	run("failed", "?environment=staging&revision_id=2")
	in.want("POST", "/v2/workflows/other/execute", `{"inputs": {}}`)

	for query, want := range map[string]string{
		"":                         "failed staging session production",
		"&environment=staging":     "failed staging",
		"&environment=prod":        "session production",
		"&revision_id=2":           "failed",
		"&status=failed":           "failed",
		"&status=failed,completed": "failed staging session production",
		"&status=running":          "",
		"&session_id=s1":           "staging session",
		"&session_id=s2":           "",
		"&start_date=2020-01-01&end_date=2099-12-31": "failed staging session production",
		"&start_date=2099-01-01T00:00:00Z":           "",
		"&end_date=2020-01-01":                       "",
		"&summary_only=true":                         "failed staging session production",
	} {
		for _, limit := range []string{"", "&limit=1"} {
			var got []string
			for cursor := ""; ; {
				events := in.streamed("GET", "/v2/run_logs?workflow_id=a"+query+limit+"&cursor="+cursor, "")
				for _, e := range events[:len(events)-1] {
					got = append(got, ran[e.at("workflow_run_id")])
					if blocks, _ := e.at("blocks").(map[string]any); (len(blocks) == 0) != strings.Contains(query, "summary_only") {
						t.Errorf("%s: the blocks are %v", query, blocks)
					}
				}
				last := events[len(events)-1]
				if last.at("final") != true {
					t.Errorf("%s: the last object is %s", query, last.text)
				}
				if last.at("has_more") != true {
					break
				}
				cursor = fmt.Sprint(last.at("next_cursor"))
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%q: got %v, want %s", query+limit, got, want)
			}
		}
	}

	detail := in.want("GET", "/v2/run_logs/details?workflow_id=A&session_id=s1", "")
	for path, want := range map[string]any{
		"workflow_display_name": "Triage", "workflow_id": "a", "status": "completed", "session_id": "s1", "environment": "staging",
		"revision_id": "1", "output": "said T1", "actor": "admin",
	} {
		in.is(detail, want, path)
	}
	in.is(detail, "said T1", "blocks", "say", "block_output")
	in.is(detail, "success", "blocks", "say", "status")
	in.is(detail, "com.scoutos.text", "blocks", "say", "block_archetype_id")
	in.is(detail, "template", "blocks", "say", "block_type")
	in.is(detail, "Say", "blocks", "say", "block_display_name")
	in.is(detail, "said {{ inputs.ticket_id }}", "blocks", "say", "config", "block_inputs", "text")
	for _, elapsed := range []any{detail.at("elapsed_time_ms"), detail.at("blocks", "say", "elapsed_time_ms")} {
		if ms, ok := elapsed.(float64); !ok || ms != math.Trunc(ms) {
			t.Errorf("%v is no whole number", elapsed)
		}
	}
	for _, query := range []string{"?workflow_id=nothing", "/details?workflow_id=nothing&session_id=s1", "/details?workflow_id=nothing&workflow_run_id=" + fmt.Sprint(detail.at("workflow_run_id"))} {
		if got := in.ask("GET", "/v2/run_logs"+query, ""); got.status != 404 {
			t.Errorf("%s: %d %s", query, got.status, got.text)
		}
	}
	in.is(detail, "T1", "inputs", "ticket_id")
	id := fmt.Sprint(detail.at("workflow_run_id"))
	in.is(in.want("GET", "/v2/run_logs/details?workflow_id=a&workflow_run_id="+id, ""), id, "workflow_run_id")
	for run, name := range ran {
		if name != "production" { // whose session is the run itself
			continue
		}
		in.is(in.want("GET", fmt.Sprintf("/v2/run_logs/details?workflow_id=a&session_id=%v", run), ""), run, "workflow_run_id")
	}
	if got := in.ask("GET", "/v2/run_logs/details?workflow_id=other&workflow_run_id="+id, ""); got.status != 404 || !strings.Contains(got.text, "is not of workflow other") {
		t.Errorf("another workflow's run: %d %s", got.status, got.text)
	}
}

// TestSecretsStayOut of answers, events and logs.
func TestSecretsStayOut(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	in.live("a", named("A", "the key is {{ env.API_KEY }}"))
	hush, secret := "hush-hush-12345", true
	if _, err := in.Services().Deploy(in.admin, sluice.DeployRequest{
		Environment: "production", Changes: []sluice.ChangeRequest{{Variable: "API_KEY", Value: &hush, Secret: &secret}},
	}); err != nil {
		t.Fatal(err)
	}
	texts := []string{in.want("POST", "/v2/workflows/a/execute", `{"inputs": {}}`).text}
	for _, e := range in.streamed("POST", "/v2/workflows/a/execute", `{"inputs": {}, "streaming": true}`) {
		texts = append(texts, e.text)
	}
	for _, e := range in.streamed("GET", "/v2/run_logs?workflow_id=a", "") {
		texts = append(texts, e.text)
	}
	all := strings.Join(texts, "\n")
	if strings.Contains(all, hush) || !strings.Contains(all, "«API_KEY»") {
		t.Errorf("got %s", all)
	}
}
