package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api"
)

func TestHostsAndOrigins(t *testing.T) {
	t.Parallel()
	in := install(t)
	cfg := in.config()
	cfg.Hosts = []string{"sluice.example.com"}
	h := api.New(cfg)
	for _, test := range []struct {
		host, origin string
		let          bool
	}{
		{"localhost", "", true},
		{"LOCALHOST:7117", "", true},
		{"127.0.0.1:7117", "", true},
		{"127.9.9.9", "", true},
		{"[::1]:7117", "", true},
		{"[::1]", "", true},
		{"sluice.example.com", "", true},
		{"Sluice.Example.com:443", "", true},
		{"attacker.example", "", false},
		{"attacker.example:7117", "", false},
		{"localhost.attacker.example", "", false},
		{"127.0.0.1.attacker.example", "", false},
		{"10.0.0.1:7117", "", false},
		{"0.0.0.0:7117", "", false},
		{"", "", false},
		{"localhost:7117", "http://localhost:7117", true},
		{"localhost:7117", "http://127.0.0.1:3000", true},
		{"sluice.example.com", "https://sluice.example.com", true},
		{"sluice.example.com", "https://sluice.example.com:8443", false},
		{"localhost:7117", "https://attacker.example", false},
		{"localhost:7117", "null", false},
		{"localhost:7117", "http://localhost.attacker.example", false},
		{"localhost:7117", "http://[", false},
	} {
		w := in.ask(h, "GET", "/v1/info", "", "Host", test.host, "Origin", test.origin)
		switch {
		case test.let && w.Code != http.StatusOK:
			t.Errorf("host %q, origin %q: got %d %s, want it to be let in", test.host, test.origin, w.Code, w.Body)
		case !test.let:
			wantProblem(t, w, 403, sluice.Denied)
		}
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("host %q, origin %q: Access-Control-Allow-Origin is %q", test.host, test.origin, got)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	in := install(t)
	h := api.New(in.config())
	for _, header := range []string{"", "Bearer", "Bearer ", "Basic " + in.token, in.token, "Bearer not-a-token"} {
		w := in.ask(h, "GET", "/v1/info", "", "Authorization", header)
		wantProblem(t, w, 401, sluice.Unauthenticated)
		if got := w.Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer") {
			t.Errorf("%q: WWW-Authenticate is %q", header, got)
		}
	}
	info := read[sluice.Info](t, in.ask(h, "GET", "/v1/info", "", "Authorization", "bearer "+in.token))
	if info.Actor.Name == "" || info.Organization != "default" {
		t.Errorf("got %+v", info)
	}
	for _, target := range []string{"/v1/info", "/metrics", "/v1/backup", "/v1/watch?environment=production", "/v1/components"} {
		wantProblem(t, in.ask(h, "GET", target, "", "Authorization", ""), 401, sluice.Unauthenticated)
	}
	for _, target := range []string{"/healthz", "/readyz"} { // which load balancers ask by addresses of their own
		if w := in.ask(h, "GET", target, "", "Authorization", "", "Host", "10.0.0.7:7117"); w.Code != 200 {
			t.Errorf("%s of another host: got %d %s", target, w.Code, w.Body)
		}
	}
	wantProblem(t, in.ask(h, "GET", "/openapi.json", "", "Host", "10.0.0.7:7117"), 403, sluice.Denied)
	for _, target := range []string{"/healthz", "/readyz", "/openapi.json"} {
		if w := in.ask(h, "GET", target, "", "Authorization", ""); w.Code != 200 {
			t.Errorf("%s without a token: got %d %s", target, w.Code, w.Body)
		}
	}
}

func TestOrganizations(t *testing.T) {
	t.Parallel()
	in := install(t)
	h := api.New(in.config())
	if w := in.ask(h, "GET", "/v1/info", "", "X-Organization-Id", "default"); w.Code != 200 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	wantProblem(t, in.ask(h, "GET", "/v1/info", "", "X-Organization-Id", "another"), 403, sluice.Denied)
}

// TestTrustedCallersNameThemselves is about the Unix socket and calls in process.
func TestTrustedCallersNameThemselves(t *testing.T) {
	t.Parallel()
	in := install(t)
	cfg := in.config()
	cfg.Trusted, cfg.Auth = true, nil
	h := api.New(cfg)
	for given, want := range map[string]string{"alice": "alice", "alice@example.com": "alice@example.com", "": "local", "Alice Ö. Example": "Alice Ö. Example"} {
		w := in.ask(h, "GET", "/v1/info", "", "Authorization", "", "Host", "any.example", "X-Sluice-Actor", given)
		if got := read[sluice.Info](t, w).Actor; got.Name != want || got.May(sluice.MayAdminister, "") != nil {
			t.Errorf("%q: got the actor %+v, want an administrator %s", given, got, want)
		}
	}
	for _, given := range []string{"two \x1b words", "-x", "a\tb", " ", "a\xff", strings.Repeat("x", 129)} {
		wantProblem(t, in.ask(h, "GET", "/v1/info", "", "X-Sluice-Actor", given), 400, sluice.Invalid)
	}
	wantProblem(t, in.ask(h, "GET", "/v1/info", "", "Origin", "https://attacker.example"), 403, sluice.Denied)
}

// TestOthersMayNotNameThemselves keeps that header to the trusted handler.
func TestOthersMayNotNameThemselves(t *testing.T) {
	t.Parallel()
	in := install(t)
	h := api.New(in.config())
	info := read[sluice.Info](t, in.ask(h, "GET", "/v1/info", "", "X-Sluice-Actor", "mallory"))
	if info.Actor.Name == "mallory" {
		t.Errorf("the caller chose to be %s", info.Actor.Name)
	}
}

func TestBackup(t *testing.T) {
	t.Parallel()
	in := install(t)
	cfg := in.config()
	failing := errors.New("the disk is gone")
	cfg.Backup = func(_ context.Context, w io.Writer) error {
		_, err := w.Write([]byte("everything"))
		return err
	}
	w := in.ask(api.New(cfg), "GET", "/v1/backup", "")
	if w.Code != 200 || w.Body.String() != "everything" || w.Header().Get("Content-Type") != "application/octet-stream" {
		t.Errorf("got %d %s %q", w.Code, w.Header(), w.Body)
	}
	viewer, err := in.CreateToken(sluice.WithActor(context.Background(), sluice.Actor{Name: "root", Org: "default", Roles: []sluice.Role{sluice.RoleAdmin}}),
		sluice.CreateTokenRequest{Name: "viewer", Roles: []sluice.Role{sluice.RoleViewer}})
	if err != nil {
		t.Fatal(err)
	}
	wantProblem(t, in.ask(api.New(cfg), "GET", "/v1/backup", "", "Authorization", "Bearer "+viewer.Secret), 403, sluice.Denied)

	cfg.Backup = func(context.Context, io.Writer) error { return failing }
	wantProblem(t, in.ask(api.New(cfg), "GET", "/v1/backup", ""), 500, sluice.Internal)

	cfg.Backup = func(_ context.Context, w io.Writer) error {
		_, _ = w.Write([]byte("half of"))
		return failing
	}
	func() {
		defer func() {
			if got := recover(); got != http.ErrAbortHandler {
				t.Errorf("a backup that breaks off: got %v, want the connection to be cut", got)
			}
		}()
		in.ask(api.New(cfg), "GET", "/v1/backup", "")
	}()
	if !strings.Contains(in.log.String(), failing.Error()) {
		t.Errorf("the cause is not in the log: %s", in.log)
	}
}

func TestHealthAndMetrics(t *testing.T) {
	t.Parallel()
	in := install(t)
	h := api.New(in.config())
	in.ask(h, "GET", "/v1/components/no-such", "")
	in.ask(h, "GET", "/nowhere", "")
	page := in.ask(h, "GET", "/metrics", "").Body.Bytes()
	for _, want := range []string{
		`sluice_http_requests_total{route="GET /v1/components/{name}",status="404"} 1`,
		`sluice_http_requests_total{route="none",status="404"} 1`,
		`sluice_http_request_duration_seconds_count{route="GET /v1/components/{name}"} 1`,
	} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("want %s in\n%s", want, page)
		}
	}
	in.state.Close()
	if w := in.ask(h, "GET", "/healthz", "", "Authorization", ""); w.Code != 200 {
		t.Errorf("the process is up: got %d %s", w.Code, w.Body)
	}
}
