package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api"
	"github.com/sluice-dev/sluice/internal/control"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/live"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/store"
)

// installation is the real thing on SQLite, and what its handler logs.
type installation struct {
	*control.Control
	state *live.State
	token string // of an administrator
	log   *bytes.Buffer
}

func install(t *testing.T) *installation {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	state := live.Open(live.Config{Source: db.Source(control.DefaultOrganization)})
	t.Cleanup(func() {
		state.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	in := &installation{Control: control.New(db, state, control.Config{Version: "test", Master: seal.Config{File: filepath.Join(t.TempDir(), "master.key"), Make: true}, Eval: expr.Direct{}}), state: state, log: &bytes.Buffer{}}
	if _, err := in.Bootstrap(ctx); err != nil {
		t.Fatal(err)
	}
	if in.token, err = in.FirstToken(ctx); err != nil {
		t.Fatal(err)
	}
	return in
}

// config is the handler's configuration; tests change it.
func (in *installation) config() api.Config {
	return api.Config{
		Services: in.Control, Auth: in.Control, Streamer: in.state,
		Log: slog.New(slog.NewTextHandler(in.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// ask is one request; headers are pairs. The token is an administrator's.
func (in *installation) ask(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost"+target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+in.token)
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		if r.Header.Del(headers[i]); headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// problem is the wire form of an error, as a client would declare it.
type problem struct {
	Type, Title, Detail string
	Status              int
	Code                sluice.Code
	Fixes               []sluice.Advice
}

// wantProblem checks an answer's status, code and form, and returns it.
func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int, code sluice.Code) problem {
	t.Helper()
	var p problem
	body, _ := io.ReadAll(w.Body)
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatalf("%d %s: %v", w.Code, body, err)
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type: got %q", got)
	}
	if w.Code != status || p.Status != status || p.Code != code || p.Detail == "" || p.Title != http.StatusText(status) || p.Type != "about:blank" {
		t.Errorf("got status %d and %s, want %d %s", w.Code, body, status, code)
	}
	return p
}

// read decodes the answer of a request that must succeed.
func read[T any](t *testing.T, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if w.Code >= 300 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	return v
}
