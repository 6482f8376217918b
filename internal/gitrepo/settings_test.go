package gitrepo

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// home gives a test a home directory of its own, without any configuration.
func home(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", "")
	unset(t, "GIT_CONFIG_GLOBAL", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL")
	return dir
}

// unset takes variables out of the environment until the test ends.
func unset(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		t.Setenv(name, "") // which puts it back
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
}

// write writes a file, and has it be an hour old unless told to be young.
func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	age(t, path, time.Hour)
}

func age(t testing.TB, path string, by time.Duration) {
	t.Helper()
	at := time.Now().Add(-by)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func settingsOf(t testing.TB, r *Repo) (s Settings, processes int64) {
	t.Helper()
	before := r.Started()
	s, err := r.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s, r.Started() - before
}

func TestSettings(t *testing.T) {
	dir := home(t)
	r := initRepo(t)
	write(t, filepath.Join(dir, ".gitconfig"), "[user]\n\tname = alice\n\temail = alice@example.com\n\tsigningKey = ~/key.pub\n[gpg]\n\tformat = SSH\n\tminTrustLevel = Fully\n[core]\n\thooksPath = ~/hooks\n[commit]\n\tgpgSign\n")
	for _, args := range [][]string{
		{"remote", "add", "origin", "https://example.com/a.git"},
		{"remote", "add", "Back.Up", "git@example.com:b.git"},
		{"config", "--add", "remote.origin.fetch", "+refs/tags/*:refs/x/*"},
		{"config", "remote.pushDefault", "Back.Up"},
		{"config", "remote.half.fetch", "refs/a:refs/b"},
		{"config", "gpg.ssh.revocationFile", "~/revoked"},
		{"config", "tag.gpgSign", "yes"},
		{"config", "commit.gpgSign", "off"},
	} {
		git(t, r.at, args...)
	}
	want := Settings{
		UserName: "alice", UserEmail: "alice@example.com", SignTags: true, Format: "ssh", SigningKey: "~/key.pub", MinTrust: "fully", RevokedKeys: "~/revoked",
		Remotes: []string{"Back.Up", "origin"}, PushDefault: "Back.Up", HooksPath: filepath.Join(dir, "hooks"),
		FetchSpecs: map[string][]string{
			"origin": {"+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/x/*"}, "Back.Up": {"+refs/heads/*:refs/remotes/Back.Up/*"}, "half": {"refs/a:refs/b"},
		},
	}
	if got, _ := settingsOf(t, r); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	git(t, r.at, "config", "core.hooksPath", "my hooks")
	t.Setenv("GIT_AUTHOR_NAME", "bob")
	got, _ := settingsOf(t, r)
	if want := filepath.Join(r.Top, "my hooks"); got.HooksPath != want || got.UserName != "bob" {
		t.Errorf("got hooks at %s and the name %s, want %s and bob", got.HooksPath, got.UserName, want)
	}
	bare := initRepo(t, "--bare")
	if got, _ := settingsOf(t, bare); got.HooksPath != filepath.Join(dir, "hooks") || got.Remotes != nil {
		t.Errorf("of a bare one: got %+v", got)
	}
}

// TestSettingsAreKept makes one change after the other; each must be seen at
// once, and what did not change must cost no process.
func TestSettingsAreKept(t *testing.T) {
	dir := home(t)
	r := initRepo(t)
	config := filepath.Join(r.Common, "config")
	local, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	set := func(name string) string { return "[user]\n\tname = " + name + "\n" }
	more := string(local) + "[include]\n\tpath = more\n[includeIf \"onbranch:release\"]\n\tpath = release\n"
	for _, step := range []struct {
		name   string
		change func()
		want   string
	}{
		{"nothing is set", func() { write(t, config, string(local)) }, ""},
		{"the file of the user appears", func() { write(t, filepath.Join(dir, ".gitconfig"), set("alice")) }, "alice"},
		{"it changes, with the same length", func() {
			write(t, filepath.Join(dir, ".gitconfig"), set("bobby"))
			age(t, filepath.Join(dir, ".gitconfig"), time.Minute)
		}, "bobby"},
		{"the other file of the user appears", func() { write(t, filepath.Join(dir, ".config", "git", "config"), set("carol")) }, "bobby"},
		{"and is the only one", func() { remove(t, filepath.Join(dir, ".gitconfig")) }, "carol"},
		{"the repository includes a file that is not there", func() { write(t, config, more); age(t, filepath.Join(r.Dir, "HEAD"), time.Hour) }, "carol"},
		{"it appears", func() { write(t, filepath.Join(r.Common, "more"), set("dave")+"[include]\n\tpath = \"~/deeper\"\n") }, "dave"},
		{"what it includes appears", func() { write(t, filepath.Join(dir, "deeper"), set("erin")) }, "erin"},
		{"a file for another branch appears", func() { write(t, filepath.Join(r.Common, "release"), set("frank")) }, "erin"},
		{"the branch is that one", func() { write(t, filepath.Join(r.Dir, "HEAD"), "ref: refs/heads/release\n") }, "frank"},
		{"the environment says more", func() {
			t.Setenv("GIT_CONFIG_COUNT", "1")
			t.Setenv("GIT_CONFIG_KEY_0", "user.name")
			t.Setenv("GIT_CONFIG_VALUE_0", "s3cret")
		}, "s3cret"},
		{"and something else", func() { t.Setenv("GIT_CONFIG_VALUE_0", "grace") }, "grace"},
		{"another file is that of the user", func() {
			unset(t, "GIT_CONFIG_COUNT")
			write(t, filepath.Join(r.Common, "more"), "")
			remove(t, filepath.Join(r.Common, "release"))
			t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(dir, "global"))
			write(t, filepath.Join(dir, "global"), set("heidi"))
		}, "heidi"},
		{"the work tree has its own", func() {
			write(t, config, string(local)+"[extensions]\n\tworktreeConfig = true\n")
			write(t, filepath.Join(r.Dir, "config.worktree"), set("ivan"))
		}, "ivan"},
		{"the author is named", func() { t.Setenv("GIT_AUTHOR_NAME", "judy") }, "judy"},
	} {
		step.change()
		if got, processes := settingsOf(t, r); got.UserName != step.want || processes != 1 {
			t.Fatalf("%s: got %q with %d processes, want %q with 1", step.name, got.UserName, processes, step.want)
		}
		again, processes := settingsOf(t, r)
		if again.UserName != step.want || processes != 0 {
			t.Fatalf("%s, asked again: got %q with %d processes, want %q with none", step.name, again.UserName, processes, step.want)
		}
	}
	kept, err := os.ReadFile(r.keptPath())
	if err != nil || strings.Contains(string(kept), "example.com") {
		t.Errorf("kept: got %s and %v", kept, err)
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestSettingsOfYoungFilesAreNotKept(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	config := filepath.Join(r.Common, "config")
	age(t, config, -time.Minute) // a clock elsewhere that is ahead
	for range 2 {
		if _, processes := settingsOf(t, r); processes != 1 {
			t.Errorf("of a file that may change unseen: %d processes, want 1", processes)
		}
	}
	age(t, config, 2*granularity)
	settingsOf(t, r)
	if _, processes := settingsOf(t, r); processes != 0 {
		t.Errorf("of one that has come of age: %d processes, want none", processes)
	}
}

func TestSettingsWhereNothingCanBeKept(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, r *Repo){
		"StateDir is a file":          func(t *testing.T, r *Repo) { write(t, r.StateDir(), "") },
		"the kept one is spoilt":      func(t *testing.T, r *Repo) { write(t, r.keptPath(), `{"Key": 1`) },
		"the kept one is empty":       func(t *testing.T, r *Repo) { write(t, r.keptPath(), "") },
		"the kept one is a directory": func(t *testing.T, r *Repo) { write(t, filepath.Join(r.keptPath(), "x"), "") },
		"the kept one names no files": func(t *testing.T, r *Repo) {
			write(t, r.keptPath(), `{"Key": "`+r.settingsKey()+`", "Settings": {"UserName": "mallory"}}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := initRepo(t)
			spoil(t, r)
			if got, processes := settingsOf(t, r); got.UserName != "alice" || processes != 1 {
				t.Errorf("got %q with %d processes, want alice with 1", got.UserName, processes)
			}
		})
	}
}

func TestSettingsOfLinkedWorkTrees(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	commitIn(t, r.at)
	linked := filepath.Join(t.TempDir(), "linked")
	git(t, r.at, "worktree", "add", "--quiet", linked)
	git(t, r.at, "config", "extensions.worktreeConfig", "true")
	git(t, linked, "config", "--worktree", "user.signingKey", "linked")
	git(t, r.at, "config", "--worktree", "user.signingKey", "main")
	other := opened(t, linked)
	for _, path := range []string{filepath.Join(r.Common, "config"), filepath.Join(r.Common, "config.worktree"), filepath.Join(other.Dir, "config.worktree")} {
		age(t, path, time.Hour)
	}
	for range 2 {
		ours, _ := settingsOf(t, r)
		theirs, _ := settingsOf(t, other)
		if ours.SigningKey != "main" || theirs.SigningKey != "linked" {
			t.Errorf("got %q and %q, want main and linked", ours.SigningKey, theirs.SigningKey)
		}
	}
	if _, processes := settingsOf(t, other); processes != 0 {
		t.Errorf("asked again: %d processes, want none", processes)
	}
}

func FuzzParseListed(f *testing.F) {
	f.Add([]byte("file:.git/config\x00user.name\nalice\x00command line:\x00core.bare\x00"))
	f.Add([]byte("file:x\x00remote.a\nb.url\n\x00"))
	f.Fuzz(func(t *testing.T, out []byte) {
		listed, err := parseListed(out)
		if err != nil {
			return
		}
		r := &Repo{at: "/x", Top: "/x", Dir: "/x/.git", Common: "/x/.git", git: "/bin/git"}
		r.settingsOf(listed)
		r.sources(listed)
	})
}
