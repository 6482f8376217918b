package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/api"
	"github.com/sluice-dev/sluice/internal/control"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/live"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/store"
)

// installation is the real thing on SQLite.
type installation struct {
	*control.Control
	state *live.State
	token string // of an administrator
}

// admin is a context of someone who may do everything.
var admin = sluice.WithActor(context.Background(), sluice.Actor{Name: "root", Org: control.DefaultOrganization, Roles: []sluice.Role{sluice.RoleAdmin}})

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
	in := &installation{Control: control.New(db, state, control.Config{Version: "test", Master: seal.Config{File: filepath.Join(t.TempDir(), "master.key"), Make: true}, Eval: expr.Direct{}}), state: state}
	if _, err := in.Bootstrap(ctx); err != nil {
		t.Fatal(err)
	}
	if in.token, err = in.FirstToken(ctx); err != nil {
		t.Fatal(err)
	}
	return in
}

func (in *installation) handler(trusted bool) http.Handler {
	return api.New(api.Config{
		Services: in.Control, Auth: in.Control, Streamer: in.state, Trusted: trusted,
		Backup: func(_ context.Context, w io.Writer) error { _, err := io.WriteString(w, "everything"); return err },
	})
}

// connected are clients of one installation, over each way there is.
func connected(t *testing.T, in *installation) map[string]*client.Client {
	t.Helper()
	tcp := httptest.NewServer(in.handler(false))
	t.Cleanup(tcp.Close)
	socket := filepath.Join(t.TempDir(), "s.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	unix := &http.Server{Handler: in.handler(true)}
	go func() { _ = unix.Serve(l) }() // ends when it is closed
	t.Cleanup(func() { _ = unix.Close() })
	return map[string]*client.Client{
		"over TCP":           dial(t, client.Config{Server: tcp.URL, Token: in.token, Org: "default"}),
		"over a Unix socket": dial(t, client.Config{Server: "unix://" + socket, Actor: "alice"}),
		"in process":         dial(t, client.Config{Server: "http://sluice", Actor: "alice", Transport: client.InProcess(in.handler(true))}),
	}
}

func dial(t *testing.T, cfg client.Config) *client.Client {
	t.Helper()
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%v (%v)", err, errors.Unwrap(err))
		}
		return v
	}
}

// TestServices calls every method once and compares what only travels with what
// the services themselves say.
func TestServices(t *testing.T) {
	t.Parallel()
	in := install(t)
	ctx := context.Background()
	for way, c := range connected(t, in) {
		name := strings.ReplaceAll(way, " ", "-")
		t.Run(way, func(t *testing.T) {
			files := []sluice.File{sluice.NewFile("docs/read me %2F.md", []byte("one")), sluice.NewFile("raw", []byte{0xff, 0}), sluice.NewFile("empty", nil)}
			added := must[sluice.Component](t)(c.AddComponent(ctx, sluice.AddComponentRequest{Name: name, Kind: "files"}))
			one := must[sluice.Published](t)(c.Publish(ctx, sluice.PublishRequest{Component: name, Files: files, Label: "v1.0.0"}))
			must[sluice.Draft](t)(c.SaveDraft(ctx, sluice.SaveDraftRequest{Component: name, Files: files[:1]}))
			must[sluice.Published](t)(c.PublishDraft(ctx, sluice.PublishDraftRequest{Component: name, Label: "v2.0.0"}))
			if err := c.DiscardDraft(ctx, name); err != nil {
				t.Error(err)
			}
			for _, f := range files {
				got := must[sluice.File](t)(c.File(ctx, name, "v1.0.0", f.Path))
				if got.Path != f.Path || string(got.Bytes()) != string(f.Bytes()) {
					t.Errorf("file %q: got %+v, want %+v", f.Path, got, f)
				}
			}
			note := "a note"
			must[sluice.Version](t)(c.EditVersion(ctx, sluice.EditVersionRequest{Component: name, Version: "2", Note: &note}))
			description := "it greets"
			must[sluice.Component](t)(c.EditComponent(ctx, sluice.EditComponentRequest{Name: name, Description: &description}))
			for _, v := range []string{"v1.0.0", string(one.Version.Digest[:20]), "latest"} {
				must[sluice.Version](t)(c.Version(ctx, name, v))
			}
			testReleases(t, c, name)
			env := must[sluice.EnvironmentChange](t)(c.CreateEnvironment(ctx, sluice.CreateEnvironmentRequest{Name: "try-" + name}))
			parent := "staging"
			must[sluice.EnvironmentChange](t)(c.EditEnvironment(ctx, sluice.EditEnvironmentRequest{Name: env.Environment.Name, Parent: &parent}))
			must[sluice.EnvironmentChange](t)(c.DeleteEnvironment(ctx, sluice.DeleteEnvironmentRequest{Name: env.Environment.Name, Change: sluice.Change{Reason: "done & dusted"}}))
			must[sluice.QuarantineReport](t)(c.Quarantine(ctx, sluice.QuarantineRequest{Component: name, Version: "1", Change: sluice.Change{Reason: "bad"}}))
			must[sluice.Version](t)(c.Purge(ctx, sluice.PurgeRequest{Component: name, Version: "1", Change: sluice.Change{Reason: "secret in it"}}))
			testTokens(t, c)
			must[sluice.VerifyReport](t)(c.Verify(ctx, sluice.VerifyRequest{}))
			must[sluice.Checkpoint](t)(c.Checkpoint(ctx))
			var backup strings.Builder
			if err := c.Backup(ctx, &backup); err != nil || backup.String() != "everything" {
				t.Errorf("backup: got %q, %v", backup.String(), err)
			}
			same(t, in, c, name, added)
		})
	}
}

func testReleases(t *testing.T, c *client.Client, name string) {
	t.Helper()
	ctx := context.Background()
	deploy := func(version string) sluice.Outcome {
		t.Helper()
		return must[sluice.Outcome](t)(c.Deploy(ctx, sluice.DeployRequest{Environment: "staging", Changes: []sluice.ChangeRequest{{Component: name, Version: version}}}))
	}
	deploy("v1.0.0")
	second := deploy("2")
	must[sluice.Outcome](t)(c.Promote(ctx, sluice.PromoteRequest{Environment: "prod", From: "staging", Components: []string{name}}))
	must[sluice.Outcome](t)(c.Rollback(ctx, sluice.RollbackRequest{Environment: "staging", Components: []string{name}, Further: true}))
	must[sluice.Outcome](t)(c.Restore(ctx, sluice.RestoreRequest{Environment: "staging", From: second.Release.Ref(), Components: []string{name}}))
	got := must[sluice.Resolution](t)(c.Resolve(ctx, sluice.ResolveRequest{Environment: "prod", Component: name, Content: true, AtLeast: second.Release.Epoch}))
	if got.Version != 2 || len(got.Files) != 1 {
		t.Errorf("resolve: got %+v, want version 2 with its file", got)
	}
}

func testTokens(t *testing.T, c *client.Client) {
	t.Helper()
	ctx := context.Background()
	made := must[sluice.Token](t)(c.CreateToken(ctx, sluice.CreateTokenRequest{Name: "ci", Roles: []sluice.Role{sluice.RoleDeployer}}))
	turned := must[sluice.Token](t)(c.RotateToken(ctx, sluice.RotateTokenRequest{ID: made.ID}))
	if made.Secret == "" || turned.Secret == "" || made.Secret == turned.Secret {
		t.Errorf("secrets: got %q, then %q", made.Secret, turned.Secret)
	}
	if ended := must[sluice.Token](t)(c.RevokeToken(ctx, sluice.RevokeTokenRequest{ID: made.ID})); ended.RevokedAt == 0 {
		t.Errorf("got %+v, want it revoked", ended)
	}
}

// same compares answers, and errors, with those of the services themselves.
func same(t *testing.T, in *installation, c *client.Client, name string, added sluice.Component) {
	t.Helper()
	ctx := context.Background()
	compare(t, "component", func(ctx context.Context, s sluice.Services) (any, error) { return s.Component(ctx, name) }, in, c)
	for what, ask := range map[string]func(context.Context, sluice.Services) (any, error){
		"no components": func(ctx context.Context, s sluice.Services) (any, error) {
			return s.Components(ctx, sluice.ComponentQuery{Kind: "unknown"})
		},
		"no components then": func(ctx context.Context, s sluice.Services) (any, error) {
			return s.Components(ctx, sluice.ComponentQuery{Kind: "unknown", At: added.CreatedAt})
		},
		"no releases": func(ctx context.Context, s sluice.Services) (any, error) {
			return s.Releases(ctx, sluice.ReleaseQuery{Environment: "base"})
		},
		"no entries": func(ctx context.Context, s sluice.Services) (any, error) {
			return s.Entries(ctx, sluice.AuditQuery{Kind: "unknown"})
		},
		"an empty state": func(ctx context.Context, s sluice.Services) (any, error) {
			return s.State(ctx, sluice.EnvironmentRef{Name: "base"})
		},
		"components": func(ctx context.Context, s sluice.Services) (any, error) {
			return s.Components(ctx, sluice.ComponentQuery{Versions: true, Paging: sluice.Paging{Limit: 1}})
		},
		"components then": func(ctx context.Context, s sluice.Services) (any, error) {
			return s.Components(ctx, sluice.ComponentQuery{At: added.CreatedAt, Kind: "prompt"})
		},
		"versions": func(ctx context.Context, s sluice.Services) (any, error) {
			return s.Versions(ctx, sluice.VersionQuery{Component: name})
		},
		"environments": func(ctx context.Context, s sluice.Services) (any, error) { return s.Environments(ctx, true) },
		"environment":  func(ctx context.Context, s sluice.Services) (any, error) { return s.Environment(ctx, "prod") },
		"releases": func(ctx context.Context, s sluice.Services) (any, error) {
			return s.Releases(ctx, sluice.ReleaseQuery{Component: name, Since: added.CreatedAt, Paging: sluice.Paging{Limit: 2}})
		},
		"releases of one": func(ctx context.Context, s sluice.Services) (any, error) {
			return s.Releases(ctx, sluice.ReleaseQuery{Environment: "staging"})
		},
		"state": func(ctx context.Context, s sluice.Services) (any, error) {
			return s.State(ctx, sluice.EnvironmentRef{Name: "prod"})
		},
		"state before all": func(ctx context.Context, s sluice.Services) (any, error) {
			return s.State(ctx, sluice.EnvironmentRef{Name: "prod", Exact: true})
		},
		"state then": func(ctx context.Context, s sluice.Services) (any, error) {
			return s.State(ctx, sluice.EnvironmentRef{Name: "prod", At: added.CreatedAt})
		},
		"diff": func(ctx context.Context, s sluice.Services) (any, error) {
			return s.Diff(ctx, sluice.DiffRequest{From: "base", To: "staging#1", Contents: true})
		},
		"entries": func(ctx context.Context, s sluice.Services) (any, error) {
			return s.Entries(ctx, sluice.AuditQuery{Component: name, Paging: sluice.Paging{Limit: 3}})
		},
		"tokens":              func(ctx context.Context, s sluice.Services) (any, error) { return s.Tokens(ctx) },
		"no such component":   func(ctx context.Context, s sluice.Services) (any, error) { return s.Component(ctx, "no-such") },
		"no such version":     func(ctx context.Context, s sluice.Services) (any, error) { return s.Version(ctx, name, "v9.9.9") },
		"a name that is none": func(ctx context.Context, s sluice.Services) (any, error) { return s.Component(ctx, "two words") },
		"a purged file":       func(ctx context.Context, s sluice.Services) (any, error) { return s.File(ctx, name, "1", "raw") },
		"a conflict": func(ctx context.Context, s sluice.Services) (any, error) {
			return s.AddComponent(ctx, sluice.AddComponentRequest{Name: name, Kind: "x"})
		},
		"what quarantine keeps": func(ctx context.Context, s sluice.Services) (any, error) {
			return s.Deploy(ctx, sluice.DeployRequest{Environment: "production", Changes: []sluice.ChangeRequest{{Component: name, Version: "1"}}})
		},
	} {
		compare(t, what, ask, in, c)
	}
	if info := must[sluice.Info](t)(c.Info(ctx)); info.Actor.Name == "" || info.Engine != "sqlite" {
		t.Errorf("info: got %+v", info)
	}
}

func compare(t *testing.T, what string, ask func(context.Context, sluice.Services) (any, error), in *installation, c *client.Client) {
	t.Helper()
	want, wantErr := ask(admin, in.Control)
	got, gotErr := ask(context.Background(), c)
	if wantErr == nil && gotErr == nil {
		// What has no name on the wire does not travel.
		g, w := encoded(t, got), encoded(t, want)
		if g != w {
			t.Errorf("%s: got\n%s, want\n%s", what, g, w)
		}
		if what != "entries" && strings.Contains(g, ":null") { // a payload is the ledger's own bytes
			t.Errorf("%s: a list that is empty must not be null: %s", what, g)
		}
		return
	}
	g, w := sluice.AsError(gotErr), sluice.AsError(wantErr)
	if g == nil || w == nil || g.Code != w.Code || g.Message != w.Message || !reflect.DeepEqual(g.Fixes, w.Fixes) {
		t.Errorf("%s: got the error %+v, want %+v", what, g, w)
	}
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
