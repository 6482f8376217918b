package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api"
)

// TestChangesOverHTTP is what someone with curl sees.
func TestChangesOverHTTP(t *testing.T) {
	t.Parallel()
	in := install(t)
	h := api.New(in.config())
	post := func(target, body string, headers ...string) string {
		t.Helper()
		w := in.ask(h, "POST", target, body, headers...)
		if w.Code != http.StatusOK && w.Code != http.StatusCreated {
			t.Fatalf("%s %s: got %d %s", target, body, w.Code, w.Body)
		}
		if got := w.Header().Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: content type %q", target, got)
		}
		if strings.Contains(w.Body.String(), "null") {
			t.Errorf("%s: an answer has a null: %s", target, w.Body)
		}
		return w.Body.String()
	}
	post("/v1/components", `{"name":"my-prompt","kind":"prompt"}`)
	post("/v1/components/my-prompt/versions", `{"files":[{"path":"a","text":"one"}],"label":"1.0.0"}`)
	post("/v1/components/my-prompt/versions", `{"files":[{"path":"a","text":"two"}]}`)

	const releases = "/v1/environments/prod/releases"
	first := post(releases, `{"changes":[{"component":"my-prompt","version":"v1.0.0"}]}`, "If-Match", `"0"`, "Idempotency-Key", "k1")
	if again := post(releases, `{"changes":[{"component":"my-prompt","version":"v1.0.0"}]}`, "If-Match", `W/"0"`, "Idempotency-Key", "k1"); again == first ||
		strings.Replace(again, `,"replayed":true`, "", 1) != first {
		t.Errorf("a retry: got %s, want the first answer, %s, marked", again, first)
	}
	wantProblem(t, in.ask(h, "POST", releases, `{"changes":[{"component":"my-prompt","version":"2"}]}`, "Idempotency-Key", "k1"), 409, sluice.Conflict)
	wantProblem(t, in.ask(h, "POST", releases, `{"changes":[{"component":"my-prompt","version":"2"}]}`, "If-Match", `"0"`), 409, sluice.Conflict)
	wantProblem(t, in.ask(h, "POST", releases, `{"changes":[{"component":"my-prompt","version":"2"}],"expected_release":2}`, "If-Match", "1"), 400, sluice.Invalid)
	post(releases, `{"changes":[{"component":"my-prompt","version":"2"}]}`, "If-Match", "1")
	post("/v1/environments/prod/rollback", `{"components":["my-prompt"]}`, "If-Match", `W/"2"`)

	for target, want := range map[string]string{
		"/v1/environments/prod/state":             `"release":3`,
		"/v1/environments/prod/state?release=0":   `"release":0`,
		"/v1/environments/prod/state?release=2":   `"release":2`,
		"/v1/environments/prod/resolve/my-prompt": `"label":"v1.0.0"`,
		"/v1/history?environment=prod&limit=1":    `"next":`,
		"/v1/history?at=2999-01-01T00:00:00Z":     `"environments":{`,
		"/v1/diff?from=prod%231&to=prod%232":      `"from":"production#1"`,
	} {
		w := in.ask(h, "GET", target, "")
		if body := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(body, want) || strings.Contains(body, "null") {
			t.Errorf("%s: got %d %s, want %s and no null", target, w.Code, body, want)
		}
	}
	wantProblem(t, in.ask(h, "GET", "/v1/environments/prod/state?release=1&at=2024-01-01T00:00:00Z", ""), 400, sluice.Invalid)
	wantProblem(t, in.ask(h, "GET", "/v1/environments/prod/state?release=-1", ""), 400, sluice.Invalid)
	if w := in.ask(h, "DELETE", "/v1/components/my-prompt/draft", ""); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
		t.Errorf("discarding what is not there: got %d %s", w.Code, w.Body)
	}
	post("/v1/audit/verify", "")
}
