package scout_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api/scout"
)

// documented is the call as Scout's documentation prints it.
const documented = `curl -X POST "https://api.scoutos.com/v2/workflows/{workflow_id}/execute?environment=staging" \
  -H "Authorization: Bearer $SCOUT_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "inputs": {
      "ticket_id": "TKT-TEST-001",
      "subject": "Staging smoke test",
      "body": "Validate that the new urgency classifier returns the correct tier.",
      "customer_email": "staging-test@example.com"
    }
  }'`

// ticket is a workflow that takes what the documented call sends.
const ticket = `{"workflow_display_name": "Triage", "workflow_schema_version": "1.0", "blocks": [
	{"block_archetype_id": "com.scoutos.input", "block_id": "inputs", "block_display_name": "Inputs", "dependencies": [], "block_inputs": {"items": [
		{"key": "ticket_id", "display_name": "Ticket", "input_type": "short_text", "is_optional": false},
		{"key": "subject", "display_name": "Subject", "input_type": "short_text", "is_optional": false},
		{"key": "body", "display_name": "Body", "input_type": "long_text", "is_optional": false},
		{"key": "customer_email", "display_name": "Customer", "input_type": "short_text", "is_optional": true}]}},
	{"block_archetype_id": "com.scoutos.text", "block_id": "tier", "block_display_name": "Tier", "is_output": true,
		"block_inputs": {"text": "{% if 'smoke' in inputs.subject %}low{% else %}high{% endif %}"}, "dependencies": [{"block_id": "inputs"}]}]}`

// TestCurl makes the documented call with the program that is documented. Host,
// workflow and token are all that is replaced.
func TestCurl(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	in.want("POST", "/v2/workflows?workflow_key=triage", ticket)
	in.want("PUT", "/v2/workflows/triage/revisions/1/promote?environment=staging", "")
	call := strings.NewReplacer("https://api.scoutos.com", in.url, "{workflow_id}", "triage").Replace(documented)
	run := func(script string) reply {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", script)
		cmd.Env = append(os.Environ(), "SCOUT_API_KEY="+in.token)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: is curl installed?", err)
		}
		got := reply{text: string(out)}
		if err := json.Unmarshal(out, &got.json); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return got
	}
	got := run(call)
	in.is(got, "low", "run", "state", "tier", "output")
	in.is(got, "workflow_run_completed", "run", "stop_reason")
	in.is(got, "staging", "run", "environment")
	in.is(got, "1", "run", "revision_id")

	for old, c := range map[string]struct{ put, want string }{
		"environment=staging": {"environment=production", "not live in production"},
		"$SCOUT_API_KEY":      {"wrong", "token"},
		`"ticket_id"`:         {`"tiket_id"`, "ticket_id"},
		"triage/execute":      {"triag/execute", "did you mean triage?"},
	} {
		if got := run(strings.Replace(call, old, c.put, 1)); got.at("detail") == nil || !strings.Contains(got.text, c.want) {
			t.Errorf("%s for %s: %s, want %s", c.put, old, got.text, c.want)
		}
	}
}
