package server_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/gitsync"
	"github.com/sluice-dev/sluice/internal/pgtest"
	"github.com/sluice-dev/sluice/internal/server"
)

// mirroring is the configuration of a server that follows a repository and writes to
// it.
func mirroring(t *testing.T, remote string) server.Config {
	cfg := following(t, remote)
	cfg.Git.Mirror = remote
	return cfg
}

// TestRoundTrip has a server, a clone and a person with plain git share one
// repository.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	remote := bare(t)
	alice := joins(t, remote, "alice")
	alice.publish("v1.0.0", "one\n")
	s := start(t, mirroring(t, remote))
	c := admin(t, s)
	look(t, s, "")
	deploy(t, c, "v1.0.0")
	look(t, s, "") // which has begun after the release, and so has sent it

	bob := joins(t, remote, "bob").opens()
	bob.syncs()
	if got := liveIn(t, bob.client, "production"); got != "v1.0.0" {
		t.Fatalf("at bob's: got %s, want v1.0.0", got)
	}
	bob.publish("v1.1.0", "two")
	deploy(t, bob.client, "v1.1.0")
	bob.sends()
	look(t, s, prodHead)
	if got := liveIn(t, c, "production"); got != "v1.1.0" {
		t.Errorf("at the server: got %s, want v1.1.0", got)
	}

	alice.git("fetch", "--quiet", "--tags", "--force", "origin")
	alice.move("prod", "v1.0.0")
	if r := resultOf(t, look(t, s, prodTag), prodTag); r.Release != "production#3" || r.Actor != "alice" {
		t.Errorf("of the tag that alice moved the answer says %+v", r)
	}
	deploy(t, c, "v1.1.0")
	look(t, s, "")
	synced := bob.syncs()
	if got, want := liveIn(t, bob.client, "production"), liveIn(t, c, "production"); got != want {
		t.Errorf("at bob's: got %s, at the server %s: %+v", got, want, synced)
	}
	if got, want := bob.git("rev-parse", prodHead), git(t, remote, "alice", "rev-parse", prodHead); got != want {
		t.Errorf("bob is at %s, the remote at %s", got, want)
	}
	if log := git(t, remote, "alice", "log", "--format=%an %s", prodHead); strings.Count(log, "\n") != 3 {
		t.Errorf("the history at the remote is\n%s", log)
	}
	if files := git(t, remote, "alice", "ls-tree", "-r", "--name-only", prodHead); files != "prompts/my-prompt.md\nsluice.manifest.json" {
		t.Errorf("the last release has the files\n%s", files)
	}
	git(t, remote, "alice", "fsck", "--strict")
}

// TestReleasesApartWaitForADecision stops the mirror until an administrator says what
// is to become of releases that were made while the repository was away.
func TestReleasesApartWaitForADecision(t *testing.T) {
	t.Parallel()
	for _, decision := range []sluice.SyncGitRequest{{Rebase: true}, {Theirs: true}} {
		remote := bare(t)
		alice := joins(t, remote, "alice").opens()
		alice.publish("v1.0.0", "one")
		deploy(t, alice.client, "v1.0.0")
		alice.sends()
		s := start(t, mirroring(t, remote))
		c := admin(t, s)
		look(t, s, "")

		away := remote + ".away"
		if err := os.Rename(remote, away); err != nil {
			t.Fatal(err)
		}
		publish(t, c, "v1.1.0", "two")
		deploy(t, c, "v1.1.0")
		if status, _ := post(t, s, ""); status != 503 {
			t.Fatalf("the repository is away, and the answer has status %d", status)
		}
		alice.publish("v1.2.0", "three")
		deploy(t, alice.client, "v1.2.0")
		alice.git("remote", "set-url", "origin", away)
		alice.sends()
		alice.git("remote", "set-url", "origin", remote)
		if err := os.Rename(away, remote); err != nil {
			t.Fatal(err)
		}
		theirs := git(t, remote, "alice", "rev-parse", prodHead)

		if r := resultOf(t, look(t, s, prodHead), prodHead); r.State != sluice.GitFailure || !strings.Contains(r.Description, "released apart") {
			t.Errorf("the answer says %+v", r)
		}
		status, err := c.GitStatus(t.Context())
		if err != nil || !status.Stopped || !strings.Contains(status.Error, "released apart") || status.Environments[0].Ahead != 1 || status.Environments[0].Behind != 1 {
			t.Errorf("the status is %+v, %v", status, err)
		}
		if at := git(t, remote, "alice", "rev-parse", prodHead); at != theirs {
			t.Fatalf("the mirror was written to: it is at %s, and was at %s", at, theirs)
		}
		viewer := connect(t, client.Config{Server: s.URL(), Token: viewerOf(t, c)})
		if _, err := viewer.SyncGit(t.Context(), decision); sluice.CodeOf(err) != sluice.Denied {
			t.Errorf("a viewer decides: got %v, want denied", err)
		}
		if _, err := c.SyncGit(t.Context(), sluice.SyncGitRequest{}); sluice.CodeOf(err) != sluice.Conflict {
			t.Errorf("without a decision: got %v, want conflict", err)
		}
		if status, err = c.SyncGit(t.Context(), decision); err != nil || status.Stopped || status.Error != "" || len(status.Refused) > 0 {
			t.Errorf("%+v: the status is %+v, %v", decision, status, err)
		}
		want := map[bool]string{true: "v1.1.0", false: "v1.2.0"}[decision.Rebase]
		if got := liveIn(t, c, "production"); got != want {
			t.Errorf("%+v: %s is live, want %s", decision, got, want)
		}
		alice.syncs()
		if got := liveIn(t, alice.client, "production"); got != want {
			t.Errorf("%+v: at alice's %s is live, want %s", decision, got, want)
		}
	}
}

func viewerOf(t *testing.T, s sluice.Services) string {
	t.Helper()
	token, err := s.CreateToken(t.Context(), sluice.CreateTokenRequest{Name: "viewer", Roles: []sluice.Role{sluice.RoleViewer}})
	if err != nil {
		t.Fatal(err)
	}
	return token.Secret
}

// TestMirrorCatchesUp writes what was released while the repository was away, also by
// a server that was stopped meanwhile, and that lost its copy.
func TestMirrorCatchesUp(t *testing.T) {
	remote := bare(t)
	cfg := server.Config{Data: t.TempDir(), Git: server.GitConfig{Mirror: remote, Secret: secret, Wait: patience}}
	pauses := make(chan chan time.Time)
	cfg.Git.After = func(time.Duration) <-chan time.Time {
		over := make(chan time.Time)
		go func() {
			select {
			case pauses <- over:
			case <-t.Context().Done():
			}
		}()
		return over
	}
	token := ""
	t.Run("away", func(t *testing.T) {
		s := start(t, cfg)
		token = s.FirstToken()
		c := admin(t, s)
		if _, err := c.SyncGit(t.Context(), sluice.SyncGitRequest{}); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(remote, remote+".away"); err != nil {
			t.Fatal(err)
		}
		publish(t, c, "v1.0.0", "one")
		deploy(t, c, "v1.0.0")
		if _, err := c.SyncGit(t.Context(), sluice.SyncGitRequest{}); sluice.CodeOf(err) != sluice.Unavailable {
			t.Fatalf("the mirror is away: got %v, want unavailable", err)
		}
		if err := os.Rename(remote+".away", remote); err != nil {
			t.Fatal(err)
		}
		over := <-pauses // after a failure it tries again by itself
		for git(t, remote, "alice", "for-each-ref", prodHead) == "" {
			select {
			case over = <-pauses:
			case over <- time.Now():
			default:
			}
		}
	})
	if err := os.RemoveAll(cfg.Data + "/git"); err != nil {
		t.Fatal(err)
	}
	cfg.Git.After = never
	s := start(t, cfg)
	c := connect(t, client.Config{Server: s.URL(), Token: token})
	publish(t, c, "v1.1.0", "two")
	deploy(t, c, "v1.1.0")
	if _, err := c.SyncGit(t.Context(), sluice.SyncGitRequest{}); err != nil {
		t.Fatal(err)
	}
	if got := git(t, remote, "alice", "log", "--format=%s", "--reverse", prodHead); got != "deploy components/my-prompt v1.0.0 → prod\ndeploy components/my-prompt v1.1.0 → prod" {
		t.Errorf("the history at the mirror is\n%s", got)
	}
	status, err := c.GitStatus(t.Context())
	if err != nil || status.Mirrors != remote || status.Follows != "" || status.LastPush == 0 || status.Stopped {
		t.Errorf("the status is %+v, %v", status, err)
	}
}

// TestLostCopyGoesOn has a server lose its copy after it has learned where a component
// is in the project: what it wrote before stands.
func TestLostCopyGoesOn(t *testing.T) {
	// Not beside others, as with every restart.
	remote := bare(t)
	alice := joins(t, remote, "alice").opens()
	cfg := mirroring(t, remote)
	token, before := "", ""
	t.Run("before", func(t *testing.T) {
		s := start(t, cfg)
		token = s.FirstToken()
		c := admin(t, s)
		if _, err := c.Publish(t.Context(), sluice.PublishRequest{
			Component: "my-prompt", Kind: sluice.KindPrompt, Label: "v1.0.0", Files: []sluice.File{sluice.NewFile("my-prompt.md", []byte("one"))},
		}); err != nil {
			t.Fatal(err)
		}
		deploy(t, c, "v1.0.0")
		look(t, s, "")
		alice.syncs()
		alice.publish("v1.1.0", "two")
		alice.sends()
		look(t, s, "")
		before = git(t, remote, "alice", "rev-parse", prodHead)
	})
	if err := os.RemoveAll(cfg.Data + "/git"); err != nil {
		t.Fatal(err)
	}
	s := start(t, cfg)
	c := connect(t, client.Config{Server: s.URL(), Token: token})
	look(t, s, "")
	deploy(t, c, "v1.1.0")
	look(t, s, "")
	if got := git(t, remote, "alice", "log", "-1", "--format=%P %s", prodHead); got != before+" deploy components/my-prompt v1.1.0 → prod" {
		t.Errorf("the last release is %s, want v1.1.0 on %s", got, before)
	}
	if files := git(t, remote, "alice", "ls-tree", "-r", "--name-only", prodHead); files != "prompts/my-prompt.md\nsluice.manifest.json" {
		t.Errorf("it has the files\n%s", files)
	}
	status, err := c.GitStatus(t.Context())
	if err != nil || status.Error != "" || status.Stopped {
		t.Errorf("the status is %+v, %v", status, err)
	}
}

// TestMirrorOverwritesNoReleases stops when others released to the mirror.
func TestMirrorOverwritesNoReleases(t *testing.T) {
	t.Parallel()
	remote := bare(t)
	alice := joins(t, remote, "alice").opens()
	alice.publish("v1.0.0", "one")
	deploy(t, alice.client, "v1.0.0")
	alice.sends()
	s := start(t, server.Config{Data: t.TempDir(), Git: server.GitConfig{Mirror: remote, After: never}})
	c := admin(t, s)
	_, err := c.SyncGit(t.Context(), sluice.SyncGitRequest{})
	if sluice.CodeOf(err) != sluice.Conflict || !strings.Contains(err.Error(), "not known here") {
		t.Errorf("got %v, want conflict", err)
	}
	if status, err := c.GitStatus(t.Context()); err != nil || !status.Stopped {
		t.Errorf("the status is %+v, %v; want stopped", status, err)
	}
	if _, err := c.SyncGit(t.Context(), sluice.SyncGitRequest{Rebase: true}); err != nil {
		t.Fatal(err)
	}
	if got := liveIn(t, c, "production"); got != "v1.0.0" {
		t.Errorf("live: got %s, want v1.0.0", got)
	}
}

// TestFollowsOneAndWritesToAnother carries commits from one repository to another as
// they are.
func TestFollowsOneAndWritesToAnother(t *testing.T) {
	t.Parallel()
	remote, mirror := bare(t), bare(t)
	alice := joins(t, remote, "alice").opens()
	alice.publish("v1.0.0", "one")
	deploy(t, alice.client, "v1.0.0")
	alice.sends()
	cfg := following(t, remote)
	cfg.Git.Mirror = mirror
	s := start(t, cfg)
	look(t, s, "")
	if got, want := git(t, mirror, "alice", "rev-parse", prodHead), alice.git("rev-parse", prodHead); got != want {
		t.Errorf("the mirror is at %s, want %s", got, want)
	}
	c := admin(t, s)
	publish(t, c, "v1.1.0", "two")
	deploy(t, c, "v1.1.0")
	if _, err := c.SyncGit(t.Context(), sluice.SyncGitRequest{}); err != nil {
		t.Fatal(err)
	}
	if got := git(t, mirror, "alice", "log", "--format=%an %s", "--reverse", prodHead); got != "bob deploy components/my-prompt v1.0.0 → prod\nadmin deploy components/my-prompt v1.1.0 → prod" {
		t.Errorf("the history at the mirror is\n%s", got)
	}
	if got, want := git(t, remote, "alice", "rev-parse", prodHead), alice.git("rev-parse", prodHead); got != want {
		t.Errorf("what is followed was written to: it is at %s, want %s", got, want)
	}
	git(t, mirror, "alice", "fsck", "--strict")
}

// TestTwoServersFollowTogether has two servers over one database follow and write to
// one repository: each push is recorded once, each release written once.
func TestTwoServersFollowTogether(t *testing.T) {
	t.Parallel()
	url, remote := pgtest.New(t), bare(t)
	alice := joins(t, remote, "alice")
	alice.publish("v1.0.0", "one\n")
	alice.publish("v1.1.0", "two\n")
	config := func() server.Config {
		cfg := mirroring(t, remote)
		cfg.Postgres = url
		return cfg
	}
	a := start(t, config())
	b := start(t, config())
	here := admin(t, a)
	there := connect(t, client.Config{Server: b.URL(), Token: a.FirstToken()})
	watchHere, watchThere := follow(t, here), follow(t, there)
	watchHere()
	watchThere()
	for i, version := range []string{"v1.0.0", "v1.1.0", "v1.0.0", "v1.1.0"} {
		if i%2 == 0 {
			alice.move("prod", version)
		} else {
			deploy(t, []sluice.Services{here, there}[i/2], version)
		}
		look(t, []*server.Server{a, b}[i%2], prodTag)
		look(t, []*server.Server{b, a}[i%2], prodTag)
		for name, event := range map[string]func() sluice.Event{"a": watchHere, "b": watchThere} {
			if e := event(); e.Release == nil || e.Release.Number != int64(i+1) || e.Release.Changes[0].To.String() != version {
				t.Fatalf("step %d: the watcher of %s got %+v, want release %d with %s", i, name, e.Release, i+1, version)
			}
		}
	}
	if log := git(t, remote, "alice", "log", "--format=%an %s", "--reverse", prodHead); strings.Count(log, "\n") != 3 {
		t.Errorf("the history at the remote is\n%s", log)
	}
	for name, c := range map[string]*client.Client{"a": here, "b": there} {
		if s, err := c.GitStatus(t.Context()); err != nil || s.Error != "" || len(s.Environments) != 1 || s.Environments[0].Ahead+s.Environments[0].Behind > 0 {
			t.Errorf("the status of %s is %+v, %v", name, s, err)
		}
	}
	carol := joins(t, remote, "carol").opens()
	if _, err := carol.bridge.Sync(t.Context(), gitsync.SyncOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := liveIn(t, carol.client, "production"); got != "v1.1.0" {
		t.Errorf("in a clone %s is live, want v1.1.0", got)
	}
}
