package server_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/gitrepo"
	"github.com/sluice-dev/sluice/internal/gitsync"
	"github.com/sluice-dev/sluice/internal/server"
)

const secret = "shared with the host"

// bare is an empty repository at a Git host.
func bare(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "prompts.git")
	git(t, ".", "alice", "init", "--quiet", "--bare", "--initial-branch", "main", dir)
	return dir
}

// git runs plain git in a directory, as one person.
func git(t *testing.T, dir, who string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
		"GIT_AUTHOR_NAME="+who, "GIT_AUTHOR_EMAIL="+who+"@example.com", "GIT_COMMITTER_NAME="+who, "GIT_COMMITTER_EMAIL="+who+"@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// person has a clone and nothing but Git.
type person struct {
	t    *testing.T
	dir  string
	name string
}

// joins makes a clone. The first one there commits the project file.
func joins(t *testing.T, remote, name string) person {
	t.Helper()
	p := person{t, filepath.Join(t.TempDir(), name), name}
	git(t, ".", name, "clone", "--quiet", remote, p.dir)
	if _, err := os.Stat(filepath.Join(p.dir, "sluice.yaml")); err != nil {
		p.write("sluice.yaml", "components:\n  my-prompt: {path: prompts/my-prompt.md, kind: prompt}\n")
		p.git("push", "--quiet", "origin", "HEAD:main")
	}
	return p
}

func (p person) git(args ...string) string {
	p.t.Helper()
	return git(p.t, p.dir, p.name, args...)
}

// write commits a file.
func (p person) write(path, text string) {
	p.t.Helper()
	file := filepath.Join(p.dir, path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
	p.git("add", path)
	p.git("commit", "--quiet", "-m", "write "+path)
}

// publish tags a version of the prompt with plain git, and sends it.
func (p person) publish(label, text string) {
	p.t.Helper()
	p.write("prompts/my-prompt.md", text)
	p.git("tag", "-a", "-m", "better", "components/my-prompt/"+label)
	p.git("push", "--quiet", "origin", "refs/tags/components/my-prompt/"+label)
}

// move moves the tag of an environment to a version, and sends it. It returns the
// commit that it points at.
func (p person) move(environment, label string) string {
	p.t.Helper()
	p.git("tag", "-f", "-a", "-m", "to "+label, "components/my-prompt/"+environment, "components/my-prompt/"+label+"^{}")
	p.git("push", "--quiet", "-f", "origin", "refs/tags/components/my-prompt/"+environment)
	return p.git("rev-parse", "components/my-prompt/"+label+"^{}")
}

// desk is a clone with an installation of its own.
type desk struct {
	person
	client *client.Client
	bridge *gitsync.Bridge
}

func (p person) opens() desk {
	p.t.Helper()
	c := embedded(p.t, filepath.Join(p.dir, ".sluice"))
	repo, err := gitrepo.Open(p.dir)
	if err != nil {
		p.t.Fatal(err)
	}
	return desk{p, c, gitsync.New(repo, c, gitsync.Config{Remote: "origin", Place: func(string) (string, string) { return "prompts/my-prompt.md", "prompt" }})}
}

// publish makes a version of the prompt with Sluice.
func (d desk) publish(label, text string) {
	d.t.Helper()
	if _, err := d.client.Publish(d.t.Context(), sluice.PublishRequest{
		Component: "my-prompt", Kind: sluice.KindPrompt, Label: label, Files: []sluice.File{sluice.NewFile("my-prompt.md", []byte(text))},
	}); err != nil {
		d.t.Fatal(err)
	}
}

// sends writes what happened to the repository and pushes it.
func (d desk) sends() {
	d.t.Helper()
	if _, err := d.bridge.Export(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.bridge.Push(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

func (d desk) syncs() gitsync.Synced {
	d.t.Helper()
	done, err := d.bridge.Sync(d.t.Context(), gitsync.SyncOptions{})
	if err != nil {
		d.t.Fatal(err)
	}
	return done
}

// post sends a webhook of GitHub's, and returns the answer.
func post(t *testing.T, s *server.Server, ref string) (status int, results []sluice.GitResult) {
	t.Helper()
	body := `{"ref":"` + ref + `","repository":{"ref":"no"}}`
	status, text := postTo(t, s, "github", body, map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + signed(body)})
	if status == http.StatusOK {
		if err := json.Unmarshal([]byte(text), &results); err != nil {
			t.Fatalf("the answer is no list: %v\n%s", err, text)
		}
	}
	return status, results
}

func signed(body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func postTo(t *testing.T, s *server.Server, host, body string, headers map[string]string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/v1/git/webhook/"+host, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range headers {
		req.Header.Set(key, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// following is the configuration of a server that follows a repository and looks
// only when a webhook says so.
func following(t *testing.T, remote string) server.Config {
	return server.Config{Data: t.TempDir(), Git: server.GitConfig{Follow: remote, Secret: secret, Wait: patience, After: never}}
}

// patience only turns a hang into a failure.
const patience = time.Minute

// never is a clock whose pauses do not end.
func never(time.Duration) <-chan time.Time { return nil }

// admin speaks to a server with its first token.
func admin(t *testing.T, s *server.Server) *client.Client {
	t.Helper()
	return connect(t, client.Config{Server: s.URL(), Token: s.FirstToken()})
}

// look has the server look at the repository, and fails when it cannot.
func look(t *testing.T, s *server.Server, ref string) []sluice.GitResult {
	t.Helper()
	status, results := post(t, s, ref)
	if status != http.StatusOK {
		t.Fatalf("the webhook was answered with status %d", status)
	}
	return results
}

func resultOf(t *testing.T, results []sluice.GitResult, ref string) sluice.GitResult {
	t.Helper()
	for _, r := range results {
		if r.Ref == ref {
			return r
		}
	}
	t.Fatalf("nothing was said of %s: %+v", ref, results)
	return sluice.GitResult{}
}

// liveIn is the version that an environment has.
func liveIn(t *testing.T, s sluice.Services, environment string) string {
	t.Helper()
	m, err := s.State(t.Context(), sluice.EnvironmentRef{Name: environment})
	if err != nil {
		t.Fatal(err)
	}
	set, _ := m.Find(sluice.ComponentSlot("my-prompt"))
	return set.Value.String()
}

func numberOf(t *testing.T, s sluice.Services, environment string) int64 {
	t.Helper()
	e, err := s.Environment(t.Context(), environment)
	if err != nil {
		t.Fatal(err)
	}
	return e.Release
}
