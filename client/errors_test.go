package client_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
)

func wantCode(t *testing.T, what string, err error, code sluice.Code, says string) {
	t.Helper()
	e := sluice.AsError(err)
	if e == nil || e.Code != code || !strings.Contains(e.Message, says) || len(e.Fixes) == 0 {
		t.Errorf("%s: got %+v, want %s with a fix, saying %q", what, e, code, says)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, server := range []string{"", "localhost:7117", "ftp://x", "http://", "unix://", "http://x?y", "http://x#y", "://"} {
		_, err := client.New(client.Config{Server: server})
		wantCode(t, server, err, sluice.Invalid, "is not an address")
	}
}

// refusing is the address of a server that is gone.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func TestServersThatCannotBeReached(t *testing.T) {
	t.Parallel()
	server := refusing(t)
	_, err := dial(t, client.Config{Server: server}).Info(t.Context())
	wantCode(t, "a closed port", err, sluice.Unavailable, server)
	socket := "unix://" + t.TempDir() + "/none.sock"
	_, err = dial(t, client.Config{Server: socket}).Info(t.Context())
	wantCode(t, "no socket", err, sluice.Unavailable, socket)
}

func TestAnswersOfOthers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"a page":      func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") },
		"an error":    func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "bad gateway", http.StatusBadGateway) },
		"a redirect":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"half a body": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"version":`) },
		"a cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"version":`)
		},
	} {
		srv := httptest.NewServer(answer)
		_, err := dial(t, client.Config{Server: srv.URL, Token: "secret"}).Info(t.Context())
		srv.Close()
		wantCode(t, name, err, sluice.Unavailable, "answer")
	}
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hang := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	srv := httptest.NewServer(hang)
	defer srv.Close()
	_, err := dial(t, client.Config{Server: srv.URL}).Info(ctx)
	wantCode(t, "over TCP", err, sluice.TimedOut, srv.URL)

	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	_, err = dial(t, client.Config{Server: "http://sluice", Transport: client.InProcess(hang)}).Info(ctx)
	wantCode(t, "in process", err, sluice.TimedOut, "in time")
}

// TestChangesAreRetriedUnderOneKey breaks the first connections after the server
// has done what was asked.
func TestChangesAreRetriedUnderOneKey(t *testing.T) {
	t.Parallel()
	in := install(t)
	h := in.handler(true)
	var keys sync.Map
	var tries atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys.Store(r.Header.Get("Idempotency-Key"), true)
		if tries.Add(1) < 3 {
			h.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, r)
	}))
	defer srv.Close()
	c := dial(t, client.Config{Server: srv.URL})
	added := must[sluice.Component](t)(c.AddComponent(t.Context(), sluice.AddComponentRequest{Name: "my-prompt", Kind: "prompt"}))
	if added.Name != "my-prompt" || tries.Load() != 3 {
		t.Errorf("got %+v after %d tries, want it after 3", added, tries.Load())
	}
	keys.Range(func(key, _ any) bool {
		if id, err := uuid.Parse(key.(string)); err != nil || id.Version() != 7 {
			t.Errorf("got the key %q, want a UUID of version 7", key)
		}
		return true
	})

	tries.Store(2)
	must[sluice.Component](t)(c.AddComponent(t.Context(), sluice.AddComponentRequest{Name: "another", Kind: "prompt", Change: sluice.Change{IdempotencyKey: "mine"}}))
	if _, sent := keys.Load("mine"); !sent {
		t.Error("a key that was given was not sent")
	}

	tries.Store(1)
	_, err := c.CreateToken(t.Context(), sluice.CreateTokenRequest{Name: "ci", Roles: []sluice.Role{sluice.RoleViewer}})
	wantCode(t, "a secret that was lost on the way", err, sluice.Unavailable, "lost")
}

func TestNamesThatChangeAPath(t *testing.T) {
	t.Parallel()
	c := dial(t, client.Config{Server: refusing(t)})
	for _, name := range []string{"", ".", ".."} {
		_, err := c.Component(t.Context(), name)
		wantCode(t, name, err, sluice.Invalid, "not a name")
	}
}

// TestTextArrivesExactlyOrNotAtAll sends what JSON would alter: nothing is sent of it.
func TestTextArrivesExactlyOrNotAtAll(t *testing.T) {
	t.Parallel()
	c := dial(t, client.Config{Server: refusing(t)})
	bad := "gr\xfcn"
	for what, ask := range map[string]func() error{
		"reason is not text: line 1, column 3": func() error {
			_, err := c.Deploy(t.Context(), sluice.DeployRequest{Environment: "production", Change: sluice.Change{Reason: bad}})
			return err
		},
		"changes[0].value is not text: line 1, column 3": func() error {
			_, err := c.Deploy(t.Context(), sluice.DeployRequest{Environment: "production", Changes: []sluice.ChangeRequest{{Variable: "A", Value: &bad}}})
			return err
		},
		"files[0].text is not text: line 1, column 3": func() error {
			_, err := c.Publish(t.Context(), sluice.PublishRequest{Component: "a", Files: []sluice.File{{Path: "a", Text: bad}}})
			return err
		},
		"a name in the address is not text: line 1, column 3": func() error { _, err := c.Component(t.Context(), bad); return err },
		"text is not text: line 1, column 3":                  func() error { _, err := c.Runs(t.Context(), sluice.RunQuery{Text: bad}); return err },
		"the idempotency key is not text: line 1, column 3": func() error {
			_, err := c.Deploy(t.Context(), sluice.DeployRequest{Environment: "production", Change: sluice.Change{IdempotencyKey: bad}})
			return err
		},
	} {
		wantCode(t, what, ask(), sluice.Invalid, what)
	}
}
