package scout_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api/scout"
)

// revisions makes a workflow with some revisions.
func (in *installation) revisions(id string, n int) {
	in.Helper()
	in.want("POST", "/v2/workflows?workflow_key="+id, named(id, "1"))
	for i := 2; i <= n; i++ {
		in.want("PUT", "/v2/workflows/"+id, named(id, fmt.Sprint(i)))
	}
}

// deployments are an environment's, as revision:traffic.
func deployments(r reply, path ...any) string {
	list, _ := r.at(append(path, "deployments")...).([]any)
	var out []string
	for i := range list {
		at := func(name string) any {
			return r.at(append(append([]any{}, path...), "deployments", i, "deployment_config", name)...)
		}
		out = append(out, fmt.Sprintf("%v:%v", at("revision_id"), at("traffic")))
	}
	return strings.Join(out, " ")
}

// TestTraffic deploys revisions side by side.
func TestTraffic(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	in.revisions("a", 3)
	one := func(revision, traffic string) string {
		text := `{"revision_lookup": "revision_id", "revision_id": "` + revision + `"`
		if traffic != "" {
			text += `, "traffic": ` + traffic
		}
		return text + "}"
	}
	for _, c := range []struct {
		deployments string
		status      int
		want        string // deployments, or words of the error
	}{
		{one("1", ""), 200, "1:100"},
		{one("2", "1"), 200, "2:100"},
		{one("1", "100"), 200, "1:100"},
		{one("2", "0.1") + "," + one("1", "0.9"), 200, "2:10 1:90"},
		{one("2", "12.5") + "," + one("1", "87.5"), 200, "2:12.5 1:87.5"},
		{one("2", "33.33") + "," + one("3", "33.33") + "," + one("1", "33.34"), 200, "2:33.33 3:33.33 1:33.34"},
		{one("2", "0.3333333") + "," + one("3", "0.3333333") + "," + one("1", "0.3333334"), 200, "2:33.33 3:33.33 1:33.34"},
		{one("2", "0.07") + "," + one("1", "0.93"), 200, "2:7 1:93"},
		{one("2", "0") + "," + one("1", "1"), 200, "1:100"},
		{`{"revision_lookup": "latest"}`, 200, "3:100"},
		{`{"revision_lookup": "latest", "traffic": 50},` + one("1", "50"), 200, "3:50 1:50"},
		{"", 200, ""},
		{one("2", "50"), 422, "adds up to 50"},
		{one("2", "0.5") + "," + one("1", "0.4"), 422, "adds up to 0.9"},
		{one("2", "1e308") + "," + one("1", "1e308"), 422, "adds up to +Inf"},
		{one("2", "0"), 422, "adds up to 0"},
		{one("2", "-1") + "," + one("1", "2"), 422, "deployments 0 traffic] the traffic is below 0"},
		{one("2", "0.5") + "," + one("1", ""), 422, "deployments 1 traffic] the traffic is missing"},
		{one("2", "0.001") + "," + one("1", "99.999"), 422, "deployments 0 traffic] the traffic is less than 0.01 %"},
		{one("3", "0.5") + `,{"revision_lookup": "latest", "traffic": 0.5}`, 422, "two shares"},
		{one("9", ""), 422, "deployments 0 revision_id] a has no version 9"},
		{`{"revision_lookup": "newest"}`, 422, "deployments 0 revision_lookup] the revision_lookup is not known"},
		{`{"revision_lookup": "revision_id"}`, 422, "deployments 0 revision_id] the revision is missing"},
		{strings.Repeat(one("1", "1")+",", 99) + one("1", "1"), 422, "100 deployments; the limit is 16"},
		{`7`, 422, "it should be an object"},
	} {
		body := `{"name": "Staging", "description": "d", "deployments": [` + c.deployments + `]}`
		before := deployments(in.want("GET", "/v2/workflows/a/environments", ""), "data", 1)
		got := in.ask("PUT", "/v2/workflows/a/environments/staging", body)
		now := in.want("GET", "/v2/workflows/a/environments", "")
		if got.status == 200 && c.status == 200 {
			if d := deployments(got, "data"); d != c.want || !same(deployments(now, "data", 1), d) {
				t.Errorf("%s: got %s, then %s, want %s", c.deployments, d, deployments(now, "data", 1), c.want)
			}
			continue
		}
		said := fmt.Sprint(got.at("detail", 0, "loc"), " ", got.at("detail", 0, "msg"))
		if got.status != c.status || !strings.Contains(said, c.want) || got.at("detail", 0, "type") == nil {
			t.Errorf("%.200s: got %d %s, want %d %s", c.deployments, got.status, got.text, c.status, c.want)
		}
		if d := deployments(now, "data", 1); d != before {
			t.Errorf("%.200s: changed %s to %s", c.deployments, before, d)
		}
	}
}

// same compares deployments in any order: in lists, what a split started from comes last.
func same(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	if len(x) != len(y) {
		return false
	}
	for _, part := range x {
		if !strings.Contains(" "+b+" ", " "+part+" ") {
			return false
		}
	}
	return true
}

// TestEnvironments shows what is live where, and since when.
func TestEnvironments(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	in.revisions("a", 2)
	list := in.want("GET", "/v2/workflows/a/environments", "")
	for i, name := range []string{"development", "staging", "production"} {
		in.is(list, name, "data", i, "environment_id")
		in.is(list, name, "data", i, "environment_config", "name")
	}
	in.is(list, "latest", "data", 0, "deployments", 0, "deployment_config", "revision_lookup") // development follows it
	in.is(list, "development#2@2", "data", 0, "deployments", 0, "deployment_id")
	in.is(list, "[]", "data", 2, "deployments")

	put := in.want("PUT", "/v2/workflows/a/environments/prod", `{"name": "p", "description": "", "deployments": [{"revision_lookup": "latest"}]}`)
	in.is(put, "production", "data", "environment_id")
	in.is(put, "latest", "data", "deployments", 0, "deployment_config", "asked")
	in.is(put, "2", "data", "deployments", 0, "deployment_config", "revision_id")
	in.is(put, "revision_id", "data", "deployments", 0, "deployment_config", "revision_lookup")
	in.is(put, "admin", "data", "deployments", 0, "created_by", "details", "user_id")
	in.is(put, 1, "data", "sluice", "release")
	in.want("PUT", "/v2/workflows/a", named("a", "3"))
	if d := deployments(in.want("GET", "/v2/workflows/a/environments", ""), "data", 2); d != "2:100" {
		t.Errorf("latest has moved on to %s", d)
	}

	stale := in.ask("PUT", "/v2/workflows/a/environments/production", `{"deployments": [{"revision_lookup": "latest"}], "expected_release": 0}`)
	if stale.status != 409 || !strings.Contains(stale.text, "is at release #1, not #0") {
		t.Errorf("another's change was overwritten: %d %s", stale.status, stale.text)
	}
	for _, key := range []string{"once", "once"} {
		in.is(in.want("PUT", "/v2/workflows/a/revisions/3/promote", "", "Idempotency-Key", key), 2, "data", "sluice", "release")
	}
	in.is(in.want("PUT", "/v2/workflows/a/revisions/1/promote?environment=staging&reason=why", ""), "staging", "data", "sluice", "environment")
	releases, err := in.Services().Releases(in.admin, sluice.ReleaseQuery{Environment: "staging"})
	if err != nil || len(releases.Items) != 1 || releases.Items[0].Reason != "why" {
		t.Errorf("got %v, %v", releases, err)
	}
	// Promoting what ran before goes back, as a rollback does.
	in.want("PUT", "/v2/workflows/a/revisions/2/promote", "")
	releases, err = in.Services().Releases(in.admin, sluice.ReleaseQuery{Environment: "production"})
	if err != nil || releases.Items[0].Action != sluice.ActionRollback {
		t.Errorf("got %v, %v", releases, err)
	}
}

// TestPolicy holds for this API as for any other.
func TestPolicy(t *testing.T) {
	t.Parallel()
	in := install(t, scout.Config{}, sluice.RunBounds{})
	in.revisions("a", 2)
	from := []string{"staging"}
	if _, err := in.Services().EditEnvironment(in.admin, sluice.EditEnvironmentRequest{Name: "production", PromotesFrom: &from}); err != nil {
		t.Fatal(err)
	}
	got := in.ask("PUT", "/v2/workflows/a/revisions/2/promote", "")
	if got.status != 422 || got.at("detail", 0, "type") != "refused_by_policy" || !strings.Contains(got.text, "takes versions from staging") {
		t.Errorf("past the policy: %d %s", got.status, got.text)
	}
	in.want("PUT", "/v2/workflows/a/revisions/2/promote?environment=staging", "")
	in.want("PUT", "/v2/workflows/a/revisions/2/promote", "")

	for revision, want := range map[string]string{"2": "409 a@2 is live in", "1": "405 a@1 cannot be deleted"} {
		got := in.ask("DELETE", "/v2/workflows/a/revisions/"+revision, "")
		if !strings.HasPrefix(fmt.Sprint(got.status, " ", got.at("detail")), want) {
			t.Errorf("deleted revision %s: %d %s, want %s", revision, got.status, got.text, want)
		}
	}
	in.want("PUT", "/v2/workflows/a/environments/staging", `{"deployments": [{"revision_lookup": "revision_id", "revision_id": "1", "traffic": 1}, {"revision_lookup": "latest", "traffic": 99}]}`)
	if got := in.ask("DELETE", "/v2/workflows/a/revisions/1", ""); got.status != 409 || !strings.Contains(got.text, "staging") {
		t.Errorf("deleted what has a share: %d %s", got.status, got.text)
	}
}
