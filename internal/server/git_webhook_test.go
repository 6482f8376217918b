package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/server"
)

// TestWebhooksNeedTheSecret asks as each host does.
func TestWebhooksNeedTheSecret(t *testing.T) {
	t.Parallel()
	remote := bare(t)
	joins(t, remote, "alice")
	s := start(t, following(t, remote))
	const body = `{"before":{"ref":"x","n":[1,{"ref":2}]},"ref":"refs/tags/components/my-prompt/prod"}`
	good := signed(body)
	for _, test := range []struct {
		name, host string
		headers    map[string]string
		status     int
		says       string
	}{
		{"GitHub", "github", map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + good}, 200, "["},
		{"GitHub, a tag that was made", "github", map[string]string{"X-GitHub-Event": "create", "X-Hub-Signature-256": "sha256=" + good}, 200, "["},
		{"GitHub's ping", "github", map[string]string{"X-GitHub-Event": "ping", "X-Hub-Signature-256": "sha256=" + good}, 200, "looks at the repository"},
		{"another event", "github", map[string]string{"X-GitHub-Event": "issues", "X-Hub-Signature-256": "sha256=" + good}, 204, ""},
		{"no event", "github", map[string]string{"X-Hub-Signature-256": "sha256=" + good}, 204, ""},
		{"no signature", "github", map[string]string{"X-GitHub-Event": "push"}, 403, "not signed"},
		{"a ping without a signature", "github", map[string]string{"X-GitHub-Event": "ping"}, 403, "not signed"},
		{"a signature of something else", "github", map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + signed("else")}, 403, "not signed"},
		{"half a signature", "github", map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + good[:32]}, 403, "not signed"},
		{"the old signature", "github", map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature": "sha1=" + good}, 403, "not signed"},
		{"no hex", "github", map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=zz"}, 403, "not signed"},
		{"the secret itself", "github", map[string]string{"X-GitHub-Event": "push", "X-Gitlab-Token": secret}, 403, "not signed"},
		{"Gitea", "gitea", map[string]string{"X-Gitea-Event": "push", "X-Gitea-Signature": good}, 200, "["},
		{"Gitea, signed as GitHub does", "gitea", map[string]string{"X-Gitea-Event": "push", "X-Hub-Signature-256": "sha256=" + good}, 200, "["},
		{"Gitea, a bad one of its own", "gitea", map[string]string{"X-Gitea-Event": "push", "X-Gitea-Signature": signed("else"), "X-Hub-Signature-256": "sha256=" + good}, 403, "not signed"},
		{"GitLab", "gitlab", map[string]string{"X-Gitlab-Event": "Tag Push Hook", "X-Gitlab-Token": secret}, 200, "["},
		{"GitLab, a branch", "gitlab", map[string]string{"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": secret}, 200, "["},
		{"GitLab, another event", "gitlab", map[string]string{"X-Gitlab-Event": "Issue Hook", "X-Gitlab-Token": secret}, 204, ""},
		{"GitLab, a wrong token", "gitlab", map[string]string{"X-Gitlab-Event": "Tag Push Hook", "X-Gitlab-Token": secret + "x"}, 403, "not signed"},
		{"GitLab, no token", "gitlab", map[string]string{"X-Gitlab-Event": "Tag Push Hook"}, 403, "not signed"},
		{"a host that is none", "bitbucket", map[string]string{}, 404, "no such webhooks"},
		{"no host", "", map[string]string{}, 404, "docs/git-server.md"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, text := postTo(t, s, test.host, body, test.headers)
			if status != test.status || !strings.Contains(text, test.says) {
				t.Errorf("got %d %q\nwant %d with %q", status, text, test.status, test.says)
			}
		})
	}
}

// TestWebhooksAreBounded reads little of whoever sends it.
func TestWebhooksAreBounded(t *testing.T) {
	t.Parallel()
	remote := bare(t)
	joins(t, remote, "alice")
	s := start(t, following(t, remote))
	const most = 1 << 20
	for _, test := range []struct {
		name   string
		body   string
		status int
	}{
		{"the largest that is read", `{"ref":"refs/heads/main","commits":"` + strings.Repeat("x", most-100) + `"}`, 200},
		{"more", strings.Repeat("x", most+1), 413},
		{"what GitHub may send at most", strings.Repeat("x", 25<<20), 413},
		{"nothing", "", 200},
		{"no JSON", "payload=%7B%22ref%22", 200},
		{"deep", strings.Repeat("[", 60_000), 200},
		{"an object that does not end", `{"a":{"b":`, 200},
		{"a ref that is no text", `{"ref":7}`, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, text := postTo(t, s, "github", test.body, map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + signed(test.body)})
			if status != test.status {
				t.Errorf("got %d %s, want %d", status, text, test.status)
			}
		})
	}
}

// TestWithoutASecretThereAreNoWebhooks also where no repository is followed.
func TestWithoutASecretThereAreNoWebhooks(t *testing.T) {
	t.Parallel()
	remote := bare(t)
	joins(t, remote, "alice")
	open := following(t, remote)
	open.Git.Secret = ""
	for name, cfg := range map[string]server.Config{"no secret": open, "no repository": {Data: t.TempDir(), Git: server.GitConfig{Secret: secret}}} {
		t.Run(name, func(t *testing.T) {
			s := start(t, cfg)
			if status, results := post(t, s, prodTag); status != http.StatusNotFound {
				t.Errorf("got %d %v, want 404", status, results)
			}
			if status, text := postTo(t, s, "gitlab", "{}", map[string]string{"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": ""}); status != http.StatusNotFound {
				t.Errorf("an empty token: got %d %s, want 404", status, text)
			}
		})
	}
}
