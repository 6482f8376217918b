package sluicetest_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/control"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/live"
	"github.com/sluice-dev/sluice/internal/pgtest"
	"github.com/sluice-dev/sluice/internal/runner"
	"github.com/sluice-dev/sluice/internal/sandbox"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/server"
	"github.com/sluice-dev/sluice/internal/sluicetest"
	"github.com/sluice-dev/sluice/internal/store"
)

// TestMain makes this test binary the sandbox of the servers that it opens.
func TestMain(m *testing.M) {
	sandbox.Enter()
	os.Exit(pgtest.Run(m))
}

// TestConformance asks every implementation, and then compares what they said:
// a field that is lost on the wire or an order that one engine happens to have
// is a difference.
func TestConformance(t *testing.T) {
	implementations := []struct {
		name string
		open sluicetest.Open
		said sluicetest.Transcript
	}{
		{name: "control over SQLite", open: func(t *testing.T, now func() time.Time) (sluice.Services, sluicetest.Asker) {
			return direct(t, store.Config{Dir: t.TempDir(), Now: now})
		}},
		{name: "control over PostgreSQL", open: func(t *testing.T, now func() time.Time) (sluice.Services, sluicetest.Asker) {
			return direct(t, store.Config{Postgres: pgtest.New(t), Now: now})
		}},
		{name: "client over HTTP", open: overHTTP},
	}
	t.Run("ask", func(t *testing.T) { // returns when all are done
		for i := range implementations {
			t.Run(implementations[i].name, func(t *testing.T) {
				t.Parallel()
				implementations[i].said = sluicetest.Run(t, implementations[i].open)
			})
		}
	})
	want := implementations[0].said
	for _, got := range implementations[1:] {
		for group, lines := range want {
			compare(t, got.name+", "+group, got.said[group], lines)
		}
	}
}

func compare(t *testing.T, where string, got, want []string) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%s, answer %d:\n%s\nand over SQLite\n%s", where, i+1, got[i], want[i])
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d answers, and over SQLite %d", where, len(got), len(want))
	}
}

// direct calls the use cases.
func direct(t *testing.T, cfg store.Config) (sluice.Services, sluicetest.Asker) {
	ctx := sluice.WithActor(t.Context(), sluice.Actor{Name: "admin", Roles: []sluice.Role{sluice.RoleAdmin}})
	db, err := store.Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	state := live.Open(live.Config{Source: db.Source(control.DefaultOrganization)})
	t.Cleanup(func() {
		if err := errors.Join(state.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
	c := control.New(db, state, control.Config{Version: "test", Master: seal.Config{File: filepath.Join(t.TempDir(), "master.key"), Make: true}, Eval: expr.Direct{}})
	worker := runner.New(runner.Config{Journal: c, Eval: expr.Direct{}, Client: http.DefaultClient, Now: cfg.Now})
	c.OnRun(worker.Wake, worker.Stop)
	t.Cleanup(worker.Close)
	worker.Start()
	if _, err := c.Bootstrap(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := c.FirstToken(ctx); err != nil {
		t.Fatal(err)
	}
	alice(ctx, t, c)
	return c, func(ctx context.Context, secret string) (context.Context, error) {
		if secret == "" {
			return sluice.WithActor(ctx, sluice.Actor{}), nil
		}
		actor, err := c.Authenticate(ctx, secret)
		return sluice.WithActor(ctx, actor), err
	}
}

// alice makes the token of the one who asks, so that all ledgers begin alike.
func alice(ctx context.Context, t *testing.T, s sluice.Services) string {
	token, err := s.CreateToken(ctx, sluice.CreateTokenRequest{Name: "alice", Roles: []sluice.Role{sluice.RoleAdmin}})
	if err != nil {
		t.Fatal(err)
	}
	return token.Secret
}

// overHTTP calls a server.
func overHTTP(t *testing.T, now func() time.Time) (sluice.Services, sluicetest.Asker) {
	srv, err := server.Open(t.Context(), server.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Version: "test", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-served, srv.Close()); err != nil {
			t.Error(err)
		}
	})
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	connect := func(token string) *client.Client {
		c, err := client.New(client.Config{Server: "http://" + srv.Addr(), Token: token, Transport: asking{transport}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	return connect(alice(t.Context(), t, connect(srv.FirstToken()))), func(ctx context.Context, secret string) (context.Context, error) {
		return context.WithValue(ctx, secretKey{}, secret), nil
	}
}

type secretKey struct{}

// asking sends the secret that the context holds, if it holds one.
type asking struct{ http.RoundTripper }

// RoundTrip sends a request.
func (a asking) RoundTrip(r *http.Request) (*http.Response, error) {
	if secret, other := r.Context().Value(secretKey{}).(string); other {
		r = r.Clone(r.Context())
		r.Header.Del("Authorization")
		if secret != "" {
			r.Header.Set("Authorization", "Bearer "+secret)
		}
	}
	return a.RoundTripper.RoundTrip(r)
}
