package api_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api"
)

// TestRequestsThatCannotBeRead shows that whatever finds a mistake, it is told in
// one form and names what is wrong.
func TestRequestsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	in := install(t)
	h := api.New(in.config())
	const publish = "/v1/components/my-prompt/versions"
	for _, test := range []struct {
		name, method, target, body string
		headers                    []string
		status                     int
		code                       sluice.Code
		says                       string
	}{
		{"an unknown field", "POST", publish, `{"files":[{"path":"a","text":"x"}],"lable":"v1.0.0"}`, nil, 400, sluice.Invalid, "lable"},
		{"an unknown field further in", "POST", publish, `{"files":[{"path":"a","test":"x"}]}`, nil, 400, sluice.Invalid, "files[0].test"},
		{"a field that is missing", "POST", publish, `{}`, nil, 400, sluice.Invalid, "files"},
		{"a field of another type", "POST", publish, `{"files":"x"}`, nil, 400, sluice.Invalid, "files: expected array"},
		{"a time that is none", "POST", publish, `{"files":[{"path":"a"}],"at":"noon"}`, nil, 400, sluice.Invalid, "noon"},
		{"no JSON", "POST", publish, `{"files":`, nil, 400, sluice.Invalid, "body"},
		{"more than JSON", "POST", publish, `{"files":[{"path":"a"}]} {}`, nil, 400, sluice.Invalid, "after top-level value"},
		{"no body", "POST", publish, ``, nil, 400, sluice.Invalid, "body"},
		{"a body in Latin-1", "POST", publish, "{\"files\":[{\"path\":\"\xe4\"}]}", nil, 400, sluice.Invalid, "body: it is not text: line 1, column 20: this byte is not UTF-8"},
		{"half of a character in a body", "PUT", "/v1/environments/production/variables/A", `{"value":"a\ud800"}`, nil, 400, sluice.Invalid, `line 1, column 12: \ud800 is half of a character`},
		{"a NUL in a body", "PUT", "/v1/environments/production/variables/A", `{"value":"a\u0000"}`, nil, 400, sluice.Invalid, "the value of A is not text: line 1, column 2: this is a NUL byte"},
		{"a parameter in Latin-1", "GET", "/v1/components?kind=gr%fcn", ``, nil, 400, sluice.Invalid, "query parameter kind is not text: line 1, column 3"},
		{"a parameter with NUL", "GET", "/v1/runs?text=%00", ``, nil, 400, sluice.Invalid, "query parameter text is not text: line 1, column 1"},
		{"a parameter of a watch", "GET", "/v1/watch?environment=prod%ff", ``, nil, 400, sluice.Invalid, "query parameter environment is not text"},
		{"a query that would be read in part", "DELETE", "/v1/environments/production/variables/A?reason=%zz", ``, nil, 400, sluice.Invalid, "the query of the address cannot be read"},
		{"a path with NUL", "GET", "/v1/runs/a%00b", ``, nil, 400, sluice.Invalid, "the path of the address is not text: line 1, column 11"},
		{"a header in Latin-1", "POST", "/v1/components", `{"name":"a","kind":"b"}`, []string{"Idempotency-Key", "gr\xfcn"}, 400, sluice.Invalid, "the header Idempotency-Key is not text: line 1, column 3"},
		{"another media type", "POST", publish, `x`, []string{"Content-Type", "text/plain"}, 415, sluice.Invalid, "JSON"},
		{"an unknown parameter", "GET", "/v1/components?knd=prompt", ``, nil, 400, sluice.Invalid, "knd"},
		{"a page that is too long", "GET", "/v1/components?limit=1001", ``, nil, 413, sluice.LimitExceeded, "limit"},
		{"a parameter that is missing", "GET", "/v1/diff?from=staging", ``, nil, 400, sluice.Invalid, "to"},
		{"a parameter of another type", "GET", "/v1/components?limit=many", ``, nil, 400, sluice.Invalid, "limit"},
		{"a time in a parameter", "GET", "/v1/history?at=noon", ``, nil, 400, sluice.Invalid, "noon"},
		{"an If-Match that is no release", "POST", "/v1/environments/production/rollback", `{}`, []string{"If-Match", `"x"`}, 400, sluice.Invalid, "If-Match"},
		{"a watch of nothing", "GET", "/v1/watch", ``, nil, 400, sluice.Invalid, "environment"},
		{"an unknown route", "GET", "/v1/nothing", ``, nil, 404, sluice.NotFound, "/v1/nothing"},
		{"a wrong method", "DELETE", "/v1/components", ``, nil, 405, sluice.Invalid, "DELETE"},
		{"a body that is too large", "POST", "/v1/components", `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, nil, 413, sluice.LimitExceeded, "1048576"},
		{"content that is too large", "POST", publish, `{"files":[{"path":"a","text":"` + strings.Repeat("x", 6<<20) + `"}]}`, nil, 413, sluice.LimitExceeded, "6291456"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in := &installation{token: in.token}
			p := wantProblem(t, in.ask(h, test.method, test.target, test.body, test.headers...), test.status, test.code)
			if !strings.Contains(p.Detail, test.says) {
				t.Errorf("got %q, want it to say %q", p.Detail, test.says)
			}
			if len(p.Fixes) == 0 && test.status != 413 {
				t.Errorf("%q has no fix", p.Detail)
			}
		})
	}
}

func TestMethodsThatWouldDoAreNamed(t *testing.T) {
	t.Parallel()
	in := install(t)
	w := in.ask(api.New(in.config()), "DELETE", "/v1/components", "")
	if got := w.Header().Get("Allow"); !strings.Contains(got, "GET") || !strings.Contains(got, "POST") {
		t.Errorf("Allow: got %q", got)
	}
}

// asking answers every authentication with an error.
type asking struct{ err error }

func (a asking) Authenticate(context.Context, string) (sluice.Actor, error) {
	if a.err == nil {
		panic("nobody is there")
	}
	return sluice.Actor{}, a.err
}

// TestUnknownErrorsNameTheirLog says where the cause is that no answer shows.
func TestUnknownErrorsNameTheirLog(t *testing.T) {
	t.Parallel()
	in := install(t)
	for place, want := range map[string]string{"": "the server's log, which is the server's standard error", "the line above": "the line above"} {
		cfg := in.config()
		cfg.Auth, cfg.LogPlace = asking{errors.New("a cause")}, place
		w := in.ask(api.New(cfg), "GET", "/v1/info", "")
		p := wantProblem(t, w, http.StatusInternalServerError, sluice.Internal)
		if id := w.Header().Get("X-Request-Id"); len(p.Fixes) != 1 || !strings.Contains(p.Fixes[0].Text, want) || !strings.Contains(p.Fixes[0].Text, id) {
			t.Errorf("got %q, want %q and the request %s", p.Fixes, want, id)
		}
	}
}

func TestCodesHaveTheirStatus(t *testing.T) {
	t.Parallel()
	in := install(t)
	for code, status := range map[sluice.Code]int{
		sluice.Invalid: 400, sluice.Unauthenticated: 401, sluice.Denied: 403, sluice.NotFound: 404, sluice.Conflict: 409,
		sluice.LimitExceeded: 413, sluice.Refused: 422, sluice.Internal: 500, sluice.Unavailable: 503, sluice.TimedOut: 504,
	} {
		cfg := in.config()
		cfg.Auth = asking{sluice.Errorf(code, "it is so").Fix("do this").Fix("or that")}
		w := in.ask(api.New(cfg), "GET", "/v1/info", "")
		p := wantProblem(t, w, status, code)
		if p.Detail != "it is so" || len(p.Fixes) != 2 || p.Fixes[1].Text != "or that" {
			t.Errorf("%s: got %+v", code, p)
		}
		if got := w.Header().Get("WWW-Authenticate"); (got != "") != (status == http.StatusUnauthorized) {
			t.Errorf("%s: WWW-Authenticate is %q", code, got)
		}
	}
}

func TestWhatPassesByItselfIsNoMistake(t *testing.T) {
	t.Parallel()
	in := install(t)
	cfg := in.config()
	cfg.Auth = asking{sluice.Errorf(sluice.LimitExceeded, "it is full").Because(sluice.ErrFull)}
	w := in.ask(api.New(cfg), "GET", "/v1/info", "")
	wantProblem(t, w, http.StatusTooManyRequests, sluice.LimitExceeded)
	if w.Header().Get("Retry-After") == "" {
		t.Error("it does not say when to try again")
	}
}

func TestDefectsAreLoggedAndNeverShown(t *testing.T) {
	t.Parallel()
	for name, auth := range map[string]asking{"an error": {errors.New("nobody is there")}, "a panic": {}} {
		in := install(t)
		cfg := in.config()
		cfg.Auth = auth
		w := in.ask(api.New(cfg), "GET", "/v1/info", "")
		id := w.Header().Get("X-Request-Id")
		if body := w.Body.String(); strings.Contains(body, "nobody is there") || strings.Contains(body, ".go:") {
			t.Errorf("%s: the answer tells too much: %s", name, body)
		}
		wantProblem(t, w, 500, sluice.Internal)
		log := in.log.String()
		if !strings.Contains(log, "nobody is there") || !strings.Contains(log, "level=ERROR") || id == "" || !strings.Contains(log, id) {
			t.Errorf("%s: want the cause and the request %q in the log, got %s", name, id, log)
		}
	}
}
