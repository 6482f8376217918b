package server_test

import (
	"context"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/pgtest"
	"github.com/sluice-dev/sluice/internal/server"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

// start runs a server until the test ends.
func start(t *testing.T, cfg server.Config) *server.Server {
	t.Helper()
	cfg.Listen = "127.0.0.1:0"
	s, err := server.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func connect(t *testing.T, cfg client.Config) *client.Client {
	t.Helper()
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// embedded is what a command line opens when it finds no server to speak to.
func embedded(t *testing.T, dir string) *client.Client {
	t.Helper()
	s, err := server.Open(t.Context(), server.Config{Data: dir, Embedded: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return connect(t, client.Config{Server: "http://sluice", Actor: "bob", Transport: client.InProcess(s.Local())})
}

func publish(t *testing.T, s sluice.Services, label, text string) {
	t.Helper()
	_, err := s.Publish(t.Context(), sluice.PublishRequest{
		Component: "my-prompt", Kind: sluice.KindPrompt, Label: label, Files: []sluice.File{sluice.NewFile("prompt.md", []byte(text))},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func deploy(t *testing.T, s sluice.Services, version string) sluice.Release {
	t.Helper()
	out, err := s.Deploy(t.Context(), sluice.DeployRequest{
		Environment: "prod", Changes: []sluice.ChangeRequest{{Component: "my-prompt", Version: version}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Release
}

// follow returns the events of production, snapshot first.
func follow(t *testing.T, s sluice.Services) func() sluice.Event {
	t.Helper()
	next, stop := iter.Pull2(s.Watch(t.Context(), sluice.WatchRequest{Environment: "prod"}))
	t.Cleanup(stop)
	return func() sluice.Event {
		for {
			e, err, ok := next()
			if err != nil || !ok {
				t.Fatalf("the watch ended: %v", err)
			}
			if e.Type != sluice.EventHeartbeat {
				return e
			}
		}
	}
}

func TestTwoServersOnOnePostgres(t *testing.T) {
	url := pgtest.New(t)
	a, b := start(t, server.Config{Postgres: url}), start(t, server.Config{Postgres: url})
	if a.FirstToken() == "" || b.FirstToken() != "" {
		t.Fatalf("first tokens are %q and %q; the first server alone makes one", a.FirstToken(), b.FirstToken())
	}
	here := connect(t, client.Config{Server: "http://" + a.Addr(), Token: a.FirstToken()})
	there := connect(t, client.Config{Server: "http://" + b.Addr(), Token: a.FirstToken()})
	publish(t, here, "v1.0.0", "one")
	event := follow(t, there)
	if e := event(); e.Type != sluice.EventSnapshot {
		t.Fatalf("the first event is a %s", e.Type)
	}
	for i, s := range []sluice.Services{here, there, here, there} {
		version := []string{"v1.0.0", "v1.1.0"}[i%2]
		if i == 1 {
			publish(t, there, "v1.1.0", "two")
		}
		r := deploy(t, s, version)
		e := event()
		if e.Release == nil || e.Release.Ref() != r.Ref() || e.Release.Root != r.Root {
			t.Fatalf("release %s by server %d arrived at the other's watcher as %+v", r.Ref(), i%2, e)
		}
		got, err := there.Resolve(t.Context(), sluice.ResolveRequest{Environment: "prod", Component: "my-prompt", AtLeast: r.Epoch})
		if err != nil || string(got.Label) != version {
			t.Fatalf("resolve on the other server at epoch %d: %v, %v; want %s", r.Epoch, got.Pin, err, version)
		}
	}
}

func TestCommandLineBesideAServer(t *testing.T) {
	dir := t.TempDir()
	s := start(t, server.Config{Data: dir})
	socket := connect(t, client.Config{Server: "unix://" + server.Socket(dir), Actor: "alice"})
	publish(t, socket, "v1.0.0", "one")
	event := follow(t, connect(t, client.Config{Server: "http://" + s.Addr(), Token: s.FirstToken()}))
	event() // snapshot

	t.Run("over the socket it is one of the server's own changes", func(t *testing.T) {
		r := deploy(t, socket, "v1.0.0")
		if r.Actor != "alice" {
			t.Errorf("actor is %q, want alice", r.Actor)
		}
		if e := event(); e.Release == nil || e.Release.Ref() != r.Ref() {
			t.Errorf("the watcher got %+v, want %s", e, r.Ref())
		}
	})
	t.Run("past the server it is still noticed", func(t *testing.T) {
		direct := embedded(t, dir)
		publish(t, direct, "v1.1.0", "two")
		r := deploy(t, direct, "v1.1.0")
		if e := event(); e.Release == nil || e.Release.Ref() != r.Ref() || e.Release.Actor != "bob" {
			t.Errorf("the watcher got %+v, want %s by bob", e, r.Ref())
		}
		got, err := socket.Resolve(t.Context(), sluice.ResolveRequest{Environment: "production", Component: "my-prompt"})
		if err != nil || got.Label != "v1.1.0" {
			t.Errorf("the server resolves %v, %v; want v1.1.0", got.Pin, err)
		}
		if r := deploy(t, socket, "v1.0.0"); r.Number != 3 {
			t.Errorf("the server's next release is #%d, want #3", r.Number)
		}
	})
}

func TestTheSocketIsForTheUserAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	start(t, server.Config{Data: dir})
	for path, want := range map[string]os.FileMode{server.Socket(dir): 0o600, dir: 0o700} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode of %s is %o, want %o", path, got, want)
		}
	}
}

func TestOneServerHoldsADirectory(t *testing.T) {
	dir := t.TempDir()
	start(t, server.Config{Data: dir})
	_, err := server.Open(t.Context(), server.Config{Data: dir, Listen: "127.0.0.1:0"})
	if sluice.CodeOf(err) != sluice.Conflict || !strings.Contains(err.Error(), "another Sluice server holds") {
		t.Fatalf("a second server got %v, want a conflict that names the first", err)
	}
}

func TestASocketThatAKilledServerLeft(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(server.Socket(dir), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, server.Config{Data: dir})
	c := connect(t, client.Config{Server: "unix://" + server.Socket(dir)})
	if _, err := c.Info(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestALongPathHasASocketToo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	start(t, server.Config{Data: dir})
	c := connect(t, client.Config{Server: "unix://" + server.Socket(dir)})
	if _, err := c.Info(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestTheFirstTokenIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	open := func() string {
		s, err := server.Open(t.Context(), server.Config{Data: dir, Listen: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("the second close: %v", err)
		}
		return s.FirstToken()
	}
	if first, second := open(), open(); first == "" || second != "" {
		t.Errorf("tokens of two starts are %q and %q", first, second)
	}
}

func TestWhatIsRefusedAtTheDoor(t *testing.T) {
	s := start(t, server.Config{Data: t.TempDir(), Hosts: []string{"sluice.example"}})
	for _, c := range []struct {
		name, host, origin, token string
		want                      int
	}{
		{"loopback with a token", "", "", s.FirstToken(), 200},
		{"a configured name", "sluice.example:7117", "", s.FirstToken(), 200},
		{"no token", "", "", "", 401},
		{"a made-up token", "", "", "sluice_00_11", 401},
		{"a foreign host", "rebound.example", "", s.FirstToken(), 403},
		{"a foreign origin", "", "https://evil.example", s.FirstToken(), 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr()+"/v1/info", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = c.host
			if c.origin != "" {
				req.Header.Set("Origin", c.origin)
			}
			if c.token != "" {
				req.Header.Set("Authorization", "Bearer "+c.token)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != c.want {
				t.Errorf("status %d, want %d", resp.StatusCode, c.want)
			}
		})
	}
}

func TestAStreamEndsWithItsToken(t *testing.T) {
	s := start(t, server.Config{Data: t.TempDir()})
	admin := connect(t, client.Config{Server: "http://" + s.Addr(), Token: s.FirstToken()})
	for _, c := range []struct {
		name string
		req  sluice.CreateTokenRequest
		end  func(t *testing.T, token sluice.Token)
	}{
		{"when it is revoked", sluice.CreateTokenRequest{}, func(t *testing.T, token sluice.Token) {
			if _, err := admin.RevokeToken(t.Context(), sluice.RevokeTokenRequest{ID: token.ID}); err != nil {
				t.Fatal(err)
			}
		}},
		{"when it expires", sluice.CreateTokenRequest{ExpiresIn: 1}, func(*testing.T, sluice.Token) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.req.Name, c.req.Roles = "viewer", []sluice.Role{sluice.RoleViewer}
			token, err := admin.CreateToken(t.Context(), c.req)
			if err != nil {
				t.Fatal(err)
			}
			watching := connect(t, client.Config{Server: "http://" + s.Addr(), Token: token.Secret})
			next, stop := iter.Pull2(watching.Watch(t.Context(), sluice.WatchRequest{Environment: "prod"}))
			defer stop()
			if e, err, _ := next(); err != nil || e.Type != sluice.EventSnapshot {
				t.Fatalf("the first event is %+v, %v", e, err)
			}
			c.end(t, token)
			for {
				_, err, _ := next()
				if err == nil {
					continue // a heartbeat
				}
				if sluice.CodeOf(err) != sluice.Unauthenticated {
					t.Fatalf("the watch ended with %v, want unauthenticated", err)
				}
				return
			}
		})
	}
}
