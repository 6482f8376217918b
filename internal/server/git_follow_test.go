package server_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
)

const (
	prodTag  = "refs/tags/components/my-prompt/prod"
	prodHead = "refs/sluice/environments/prod"
)

// TestFollowsPlainGit has a person who has nothing but git, whose tags reach those
// who watch the server.
func TestFollowsPlainGit(t *testing.T) {
	t.Parallel()
	remote := bare(t)
	alice := joins(t, remote, "alice")
	alice.publish("v1.0.0", "one\n")
	alice.move("prod", "v1.0.0")
	cfg := following(t, remote)
	s := start(t, cfg)
	c := admin(t, s)

	results := look(t, s, prodTag)
	if got := liveIn(t, c, "production"); got != "v1.0.0" {
		t.Fatalf("live: got %s, want v1.0.0: %+v", got, results)
	}
	event := follow(t, c)
	event() // snapshot
	alice.publish("v1.1.0", "two\n")
	commit := alice.move("prod", "v1.1.0")
	results = look(t, s, prodTag)
	e := event()
	if e.Release == nil || e.Release.Actor != "alice" || e.Release.Changes[0].To.String() != "v1.1.0" {
		t.Errorf("the watcher got %+v, want a release of v1.1.0 by alice", e.Release)
	}
	r := resultOf(t, results, prodTag)
	if r.State != sluice.GitSuccess || r.Release != "production#2" || r.Environment != "production" || string(r.Commit) != commit {
		t.Errorf("the answer says %+v", r)
	}
	if v := resultOf(t, results, "refs/tags/components/my-prompt/v1.1.0"); v.State != sluice.GitSuccess || !strings.Contains(v.Description, "my-prompt/v1.1.0") {
		t.Errorf("of the version the answer says %+v", v)
	}
	if got := statusesOf(t, cfg.Data, commit)["sluice/production"]; got.State != "success" || !strings.HasPrefix(got.Description, "production#2: ") || got.TargetURL != s.URL()+"/v1/git" {
		t.Errorf("the status of the commit is %+v", got)
	}
	if again := look(t, s, prodTag); len(again) != 1 || again[0].Release != "production#2" {
		t.Errorf("the same again, and it says %+v", again)
	}
	if n := numberOf(t, c, "production"); n != 2 {
		t.Errorf("production is at release %d, want 2", n)
	}
	status, err := c.GitStatus(t.Context())
	if err != nil || status.Follows != remote || status.LastFetch == 0 || status.Error != "" || len(status.Refused) > 0 {
		t.Errorf("the status is %+v, %v", status, err)
	}
}

type statusFile struct {
	State, Context, Description string
	TargetURL                   string `json:"target_url"`
}

// statusesOf are the statuses of a commit by their context.
func statusesOf(t *testing.T, data, commit string) map[string]statusFile {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, "git", "statuses", commit+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []statusFile
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	out := map[string]statusFile{}
	for _, s := range list {
		out[s.Context] = s
	}
	return out
}

// TestPolicyHoldsForWhatIsPushed refuses a tag whose version was not live where the
// environment promotes from, says so in three places, and lets it in once it was.
func TestPolicyHoldsForWhatIsPushed(t *testing.T) {
	t.Parallel()
	remote := bare(t)
	alice := joins(t, remote, "alice")
	cfg := following(t, remote)
	s := start(t, cfg)
	c := admin(t, s)
	if _, err := c.EditEnvironment(t.Context(), sluice.EditEnvironmentRequest{Name: "production", PromotesFrom: &[]string{"staging"}}); err != nil {
		t.Fatal(err)
	}
	alice.publish("v1.0.0", "one\n")
	commit := alice.move("prod", "v1.0.0")

	r := resultOf(t, look(t, s, prodTag), prodTag)
	if r.State != sluice.GitFailure || !strings.Contains(r.Description, "staging") || string(r.Commit) != commit || r.Actor != "alice" {
		t.Fatalf("the answer says %+v", r)
	}
	if got := statusesOf(t, cfg.Data, commit)["sluice/production"]; got.State != "failure" || !strings.Contains(got.Description, "staging") {
		t.Errorf("the status of the commit is %+v", got)
	}
	before, err := c.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again := look(t, s, ""); len(again) > 0 {
		t.Errorf("nothing has changed, and it was looked at again: %+v", again)
	}
	after, err := c.Info(t.Context())
	if err != nil || after.Epoch != before.Epoch {
		t.Errorf("looking again moved the ledger from %d to %d, %v", before.Epoch, after.Epoch, err)
	}
	status, err := c.GitStatus(t.Context())
	if err != nil || len(status.Refused) != 1 || status.Refused[0].Ref != prodTag {
		t.Errorf("the status is %+v, %v", status, err)
	}

	event := follow(t, c)
	event() // snapshot
	if _, err := c.Deploy(t.Context(), sluice.DeployRequest{Environment: "staging", Changes: []sluice.ChangeRequest{{Component: "my-prompt", Version: "v1.0.0"}}}); err != nil {
		t.Fatal(err)
	}
	if e := event(); e.Release == nil || e.Release.Actor != "alice" {
		t.Errorf("the watcher got %+v, want the release that was refused before", e)
	}
	resultOf(t, look(t, s, prodTag), prodTag) // waits for that look
	if status, err = c.GitStatus(t.Context()); err != nil || len(status.Refused) > 0 {
		t.Errorf("the status is %+v, %v; want nothing refused", status, err)
	}
	if got := statusesOf(t, cfg.Data, commit)["sluice/production"]; got.State != "success" {
		t.Errorf("the status of the commit is %+v", got)
	}
}

// TestFollowsReleases takes in what somebody released with Sluice on another
// machine, as far as the policy here lets it.
func TestFollowsReleases(t *testing.T) {
	t.Parallel()
	remote := bare(t)
	alice := joins(t, remote, "alice").opens()
	s := start(t, following(t, remote))
	c := admin(t, s)
	alice.publish("v1.0.0", "one")
	deploy(t, alice.client, "v1.0.0")
	alice.sends()
	event := follow(t, c)
	event() // snapshot
	r := resultOf(t, look(t, s, prodHead), prodHead)
	if e := event(); e.Release == nil || e.Release.Actor != "bob" || string(e.Release.Commit) != alice.git("rev-parse", prodHead) {
		t.Errorf("the watcher got %+v", e.Release)
	}
	if r.State != sluice.GitSuccess || r.Release != "production#1" || !strings.Contains(r.Description, "my-prompt v1.0.0") {
		t.Errorf("the answer says %+v", r)
	}

	if _, err := c.EditEnvironment(t.Context(), sluice.EditEnvironmentRequest{Name: "production", PromotesFrom: &[]string{"staging"}}); err != nil {
		t.Fatal(err)
	}
	alice.publish("v1.1.0", "two")
	deploy(t, alice.client, "v1.1.0")
	alice.publish("v1.2.0", "three")
	if _, err := alice.client.Deploy(t.Context(), sluice.DeployRequest{Environment: "staging", Changes: []sluice.ChangeRequest{{Component: "my-prompt", Version: "v1.2.0"}}}); err != nil {
		t.Fatal(err)
	}
	alice.sends()
	results := look(t, s, prodHead)
	if r := resultOf(t, results, prodHead); r.State != sluice.GitFailure || !strings.Contains(r.Description, "staging") {
		t.Errorf("of production the answer says %+v", r)
	}
	if r := resultOf(t, results, "refs/sluice/environments/stage"); r.State != sluice.GitSuccess || r.Environment != "staging" {
		t.Errorf("of staging the answer says %+v", r)
	}
	if got := liveIn(t, c, "production"); got != "v1.0.0" {
		t.Errorf("live in production: got %s, want v1.0.0", got)
	}
	empty := []string{}
	if _, err := c.EditEnvironment(t.Context(), sluice.EditEnvironmentRequest{Name: "production", PromotesFrom: &empty}); err != nil {
		t.Fatal(err)
	}
	if e := event(); e.Release == nil || e.Release.Changes[0].To.String() != "v1.1.0" {
		t.Errorf("the policy was lifted, and the watcher got %+v", e.Release)
	}
}

// TestOneBadRefHoldsBackNothing takes in the rest.
func TestOneBadRefHoldsBackNothing(t *testing.T) {
	t.Parallel()
	remote := bare(t)
	alice := joins(t, remote, "alice")
	alice.publish("v1.0.0", "one\n")
	alice.move("prod", "v1.0.0")
	alice.git("push", "--quiet", "origin", "HEAD:refs/sluice/environments/stage", "HEAD:refs/tags/components/unknown/v1.0.0", "HEAD:refs/tags/components/my-prompt/nowhere")
	s := start(t, following(t, remote))
	results := look(t, s, "")
	c := admin(t, s)
	if got := liveIn(t, c, "production"); got != "v1.0.0" {
		t.Errorf("live: got %s, want v1.0.0: %+v", got, results)
	}
	status, err := c.GitStatus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var refused []string
	for _, r := range status.Refused {
		refused = append(refused, r.Ref)
		if r.Description == "" || r.State != sluice.GitFailure {
			t.Errorf("it says of %s: %+v", r.Ref, r)
		}
	}
	want := "refs/sluice/environments/stage refs/tags/components/my-prompt/nowhere refs/tags/components/unknown/v1.0.0"
	if got := strings.Join(refused, " "); got != want {
		t.Errorf("refused: got %s\nwant %s", got, want)
	}
}

// TestLabelsThatWereGivenApart refuses a tag whose label has other content here.
func TestLabelsThatWereGivenApart(t *testing.T) {
	t.Parallel()
	remote := bare(t)
	alice := joins(t, remote, "alice")
	s := start(t, following(t, remote))
	c := admin(t, s)
	look(t, s, "")
	publish(t, c, "v1.0.0", "mine\n")
	alice.publish("v1.0.0", "hers\n")
	const tag = "refs/tags/components/my-prompt/v1.0.0"
	r := resultOf(t, look(t, s, tag), tag)
	if r.State != sluice.GitFailure || !strings.Contains(r.Description, "other content") || r.Component != "my-prompt" {
		t.Errorf("the answer says %+v", r)
	}
	if v, err := c.Version(t.Context(), "my-prompt", "v1.0.0"); err != nil || v.Author != "admin" {
		t.Errorf("the version is %+v, %v", v, err)
	}
}

// TestSignaturesAsTheServerWantsThem refuses tags that are not signed where each must
// be, and everything else goes in.
func TestSignaturesAsTheServerWantsThem(t *testing.T) {
	t.Parallel()
	remote := bare(t)
	alice := joins(t, remote, "alice")
	alice.publish("v1.0.0", "one\n")
	for verify, want := range map[string]sluice.GitState{"": sluice.GitSuccess, "off": sluice.GitSuccess, "required": sluice.GitFailure} {
		cfg := following(t, remote)
		cfg.Git.Verify = verify
		s := start(t, cfg)
		c := admin(t, s)
		if _, err := c.SyncGit(t.Context(), sluice.SyncGitRequest{}); err != nil {
			t.Fatal(err)
		}
		const tag = "refs/tags/components/my-prompt/v1.0.0"
		if r := resultOf(t, look(t, s, tag), tag); r.State != want || want == sluice.GitFailure && !strings.Contains(r.Description, "not signed") {
			t.Errorf("%q: the answer says %+v, want %s", verify, r, want)
		}
	}
}

// TestRestartOfAFollower does nothing twice, also when the copy of the repository is
// lost.
func TestRestartOfAFollower(t *testing.T) {
	// Not beside others: a process that is being started holds this one's locks for a
	// moment.
	remote := bare(t)
	alice := joins(t, remote, "alice")
	alice.publish("v1.0.0", "one\n")
	alice.publish("v1.1.0", "two\n")
	alice.move("prod", "v1.1.0")
	cfg := following(t, remote)
	var token string
	for round, before := range []func(){func() {}, func() {}, func() {
		if err := os.RemoveAll(filepath.Join(cfg.Data, "git")); err != nil {
			t.Fatal(err)
		}
	}} {
		before()
		t.Run("", func(t *testing.T) {
			s := start(t, cfg)
			if token == "" {
				token = s.FirstToken()
			}
			c := connect(t, client.Config{Server: s.URL(), Token: token})
			look(t, s, "")
			if round == 0 {
				deploy(t, c, "v1.0.0") // since then the tag is not what counts
			}
			look(t, s, "")
			if got, n := liveIn(t, c, "production"), numberOf(t, c, "production"); got != "v1.0.0" || n != 2 {
				t.Errorf("start %d: %s is live by release %d, want v1.0.0 by 2", round, got, n)
			}
		})
	}
}
