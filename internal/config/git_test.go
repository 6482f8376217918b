package config

import (
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

func TestGitSection(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want *Git
	}{
		{"", nil},
		{"default_environment: production\n", nil},
		{"git: {}\n", &Git{PushManual, "origin", "", VerifySigned, PublishAsIs}},
		{"git:\n", &Git{PushManual, "origin", "", VerifySigned, PublishAsIs}},
		{"git: {push: , remote: , branch: , verify: }\n", &Git{PushManual, "origin", "", VerifySigned, PublishAsIs}},
		{"git: {push: on-release}\n", &Git{PushOnRelease, "origin", "", VerifySigned, PublishAsIs}},
		{"git: {push: manual, remote: my/up.stream, branch: sluice/live, verify: required}\n", &Git{PushManual, "my/up.stream", "sluice/live", VerifyRequired, PublishAsIs}},
		{"git: {publish: committed}\n", &Git{PushManual, "origin", "", VerifySigned, PublishCommitted}},
		{"git:\n  verify: off\n  branch: \"true\"\n", &Git{PushManual, "origin", "true", VerifyOff, PublishAsIs}},
	} {
		p, err := ParseProject(ProjectFile, []byte(tt.in))
		if err != nil || !reflect.DeepEqual(p.Git, tt.want) {
			t.Errorf("%q: got %+v, %v; want %+v", tt.in, p.Git, err, tt.want)
		}
	}
}

func TestMistakesInTheGitSection(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, message, fix string }{
		{"git: true\n", "sluice.yaml:1:6: expected keys with values, not a single value", ""},
		{"git:\n  pull: always\n", `sluice.yaml:2:3: unknown key "pull"`, "did you mean push?"},
		{"git: {push: on_release}\n", `sluice.yaml:1:13: "on_release" is not one of on-release, manual`, "did you mean on-release?"},
		{"git: {publish: comitted}\n", `sluice.yaml:1:16: "comitted" is not one of as-is, committed`, "did you mean committed?"},
		{"git: {push: always}\n", `sluice.yaml:1:13: "always" is not one of on-release, manual`, "write on-release or manual"},
		{"git: {push: [manual]}\n", "sluice.yaml:1:13: expected one value, not a list", ""},
		{"git: {verify: true}\n", `sluice.yaml:1:15: "true" is not one of off, signed, required`, "write off or signed or required"},
		{"git: {remote: --mirror}\n", `sluice.yaml:1:15: remote "--mirror" is not the name of a remote`, "`git remote` lists"},
		{"git: {remote: two words}\n", `sluice.yaml:1:15: remote "two words" is not the name of a remote`, "`git remote` lists"},
		{"git: {remote: \"git@example.com:a/b\"}\n", `sluice.yaml:1:15: remote "git@example.com:a/b" is not the name of a remote`, "`git remote add NAME URL` adds one"},
		{"git: {branch: a..b}\n", `sluice.yaml:1:15: branch "a..b" is not a valid name of a branch`, "`git check-ref-format --branch NAME`"},
		{"git: {branch: HEAD}\n", `sluice.yaml:1:15: branch "HEAD" is not a valid name of a branch`, ""},
		{"git: {branch: refs/heads/live}\n", `sluice.yaml:1:15: branch "refs/heads/live" is written as a ref`, "leave out refs/heads/: live"},
		{"git: {branch: Main}\n", "sluice.yaml:1:15: branch Main would be moved away from its commits by each push", "sluice/live"},
		{"git: {}\ngit: {}\n", "sluice.yaml:2:1: git stands here twice; first on line 1", "remove one"},
	} {
		p, err := ParseProject(ProjectFile, []byte(tt.in))
		if sluice.CodeOf(err) != sluice.Invalid || err.Error() != tt.message {
			t.Errorf("%q:\n got %v\nwant %s", tt.in, err, tt.message)
			continue
		}
		if fixes := strings.Join(sluice.Texts(sluice.AsError(err).Fixes), "\n"); !strings.Contains(fixes, tt.fix) {
			t.Errorf("%q: fixes %q do not hold %q", tt.in, fixes, tt.fix)
		}
		if p != nil && p.Git != nil && strings.Count(tt.in, "git:") == 1 {
			t.Errorf("%q: %+v is left of it", tt.in, p.Git)
		}
	}
}

// The rules are Git's own: `git check-ref-format refs/heads/NAME` says the same.
func TestNamesInRefs(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", maxRefPart)
	for name, want := range map[string]bool{
		"origin": true, "sluice/live": true, "up.stream": true, "x-y_z": true, "café": true, "a@b": true, "#1": true, "lock": true, long: true,
		"": false, "-x": false, "@": false, "a b": false, "a\tb": false, "a\x7fb": false, "a..b": false, "a@{b": false, "a\\b": false,
		"a~b": false, "a^b": false, "a:b": false, "a?b": false, "a*b": false, "a[b": false, ".a": false, "a/.b": false, "a/": false, "/a": false,
		"a//b": false, "a.": false, "a.lock": false, "a.lock/b": false, "a\uFFFDb": false, long + "a": false,
	} {
		if got := refPart(name); got != want {
			t.Errorf("refPart(%q) is %v, want %v", name, got, want)
		}
	}
}
