package gitrepo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// place is a repository as a caller should see it.
type place struct{ Top, Dir, Common, MainTop string }

func placeOf(r *Repo) place { return place{r.Top, r.Dir, r.Common, r.MainTop()} }

// commitIn makes an empty commit with plain Git.
func commitIn(t testing.TB, dir string) OID {
	t.Helper()
	git(t, dir, "commit", "--quiet", "--allow-empty", "--message=one")
	return OID(git(t, dir, "rev-parse", "HEAD"))
}

// realDir is a directory of its own without symbolic links in its path.
func realDir(t testing.TB) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	at := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	git(t, dir, "init", "--quiet", "main")
	commitIn(t, at("main"))
	git(t, at("main"), "worktree", "add", "--quiet", at("linked"))
	git(t, dir, "clone", "--quiet", "--bare", "main", "bare.git")
	git(t, at("bare.git"), "worktree", "add", "--quiet", at("of-bare"))
	git(t, at("main"), "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", at("bare.git"), "sub")
	git(t, dir, "init", "--quiet", "--separate-git-dir", at("elsewhere"), "separate")
	if err := os.MkdirAll(at("main", "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(at("main", "a"), at("link")); err != nil {
		t.Fatal(err)
	}
	main := place{at("main"), at("main", ".git"), at("main", ".git"), at("main")}
	linked := place{at("linked"), at("main", ".git", "worktrees", "linked"), at("main", ".git"), at("main")}
	for _, test := range []struct {
		dir  string
		want place
	}{
		{"main", main},
		{"main/a/b", main},
		{"link/b", main},
		{"main/.git", main},
		{"main/.git/refs", main},
		{"linked", linked},
		{"main/.git/worktrees/linked", linked},
		{"bare.git", place{"", at("bare.git"), at("bare.git"), ""}},
		{"bare.git/objects", place{"", at("bare.git"), at("bare.git"), ""}},
		{"of-bare", place{at("of-bare"), at("bare.git", "worktrees", "of-bare"), at("bare.git"), ""}},
		{"main/sub", place{at("main", "sub"), at("main", ".git", "modules", "sub"), at("main", ".git", "modules", "sub"), at("main", "sub")}},
		{"separate", place{at("separate"), at("elsewhere"), at("elsewhere"), at("separate")}},
	} {
		r, err := Discover(at(test.dir))
		if err != nil || r == nil {
			t.Errorf("%s: got %v and %v", test.dir, r, err)
			continue
		}
		if got := placeOf(r); got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.dir, got, test.want)
		}
		out, err := r.Run(t.Context(), nil, "rev-parse", "--absolute-git-dir")
		if got := strings.TrimSpace(string(out)); err != nil || got != test.want.Dir {
			t.Errorf("%s: git finds %q and %v, want %q", test.dir, got, err, test.want.Dir)
		}
	}
	if r, err := Discover(dir); r != nil || err != nil {
		t.Errorf("without a repository: got %v and %v, want neither", r, err)
	}
}

func TestDiscoverStartsNoProcess(t *testing.T) {
	r := initRepo(t)
	t.Setenv("PATH", "")
	if again, err := Discover(r.Top); err != nil || again.Started() != 0 {
		t.Errorf("got %d processes and %v, want none", again.Started(), err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	write := func(t *testing.T, path, content string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		make func(t *testing.T, dir string)
		code sluice.Code
		want string
	}{
		{"nothing there", func(*testing.T, string) {}, sluice.NotFound, "is not a Git repository"},
		{"an empty .git", func(t *testing.T, dir string) {
			if err := os.Mkdir(filepath.Join(dir, ".git"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, sluice.NotFound, "is not a Git repository"},
		{"a .git file of something else", func(t *testing.T, dir string) { write(t, filepath.Join(dir, ".git"), "hello") }, sluice.NotFound, "does not name a Git directory"},
		{"a .git file that points nowhere", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, ".git"), "gitdir: ../gone\n")
		}, sluice.NotFound, "which is not a Git directory"},
		{"a huge .git file", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, ".git"), strings.Repeat("x", maxSmallFile+1))
		}, sluice.NotFound, "does not name a Git directory"},
		{"a later format", func(t *testing.T, dir string) {
			git(t, dir, "init", "--quiet")
			git(t, dir, "config", "core.repositoryformatversion", "7")
		}, sluice.Unavailable, `has format "7"`},
		{"another hash", func(t *testing.T, dir string) {
			git(t, dir, "init", "--quiet")
			write(t, filepath.Join(dir, ".git", "config"), "[core]\nrepositoryformatversion = 1\n[extensions]\nobjectFormat = sha3\n")
		}, sluice.Unavailable, `by "sha3"`},
		{"an unreadable configuration", func(t *testing.T, dir string) {
			git(t, dir, "init", "--quiet")
			write(t, filepath.Join(dir, ".git", "config"), strings.Repeat("#", maxSmallFile+1))
		}, sluice.Unavailable, "cannot be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			test.make(t, dir)
			r, err := Open(dir)
			if sluice.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.want) || len(sluice.AsError(err).Fixes) == 0 {
				t.Errorf("got %v and %v (%s), want %s: … %q and a fix", r, err, sluice.CodeOf(err), test.code, test.want)
			}
		})
	}
	if _, err := Discover(filepath.Join(t.TempDir(), "gone")); sluice.CodeOf(err) != sluice.NotFound {
		t.Errorf("a directory that is not there: got %v, want not found", err)
	}
}

func TestShallow(t *testing.T) {
	t.Parallel()
	whole := initRepo(t)
	commitIn(t, whole.Top)
	commitIn(t, whole.Top)
	dir := t.TempDir()
	git(t, dir, "clone", "--quiet", "--depth=1", "file://"+whole.Top, "cut")
	if cut := opened(t, filepath.Join(dir, "cut")); !cut.Shallow() || whole.Shallow() {
		t.Errorf("got %t for a shallow clone and %t for its origin", cut.Shallow(), whole.Shallow())
	}
}

// TestConfigAsGitReadsIt checks the reader of configuration files against git.
func TestConfigAsGitReadsIt(t *testing.T) {
	t.Parallel()
	text := "; comment\n[core] repositoryformatversion = 0 # comment\n\tbare\n\tx.y=1\n[Extensions]\n  objectFormat = \"sha\"256 ; comment\n" +
		"[core]\n\tsharedRepository=  0660\t \n worktree = \"../a \\\"b\\\" # c\"\\\n/d  \n[remote \"x\"]\nbare = no\n[include]\npath = y\n[core]\r\nfsync = a\\tb\r\nempty =\n"
	r := initRepo(t)
	path := filepath.Join(r.Top, "config")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "x.y=1\n", "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	got := parseConfig(text)
	for _, key := range []string{"core.repositoryformatversion", "extensions.objectformat", "core.sharedrepository", "core.worktree", "core.fsync", "core.empty"} {
		want := git(t, r.Top, "config", "--no-includes", "--file", path, "--get", key)
		if got[key] != want {
			t.Errorf("%s: got %q, want %q as git reads it", key, got[key], want)
		}
	}
	if !isTrue(got, "core.bare") {
		t.Errorf("core.bare without a value: got %q, want true", got["core.bare"])
	}
}

func FuzzConfig(f *testing.F) {
	f.Add("[core]\n\tbare = true\n")
	f.Add("[a \"b\"]\nc = \"d\\\n\\\"#;\n")
	f.Fuzz(func(_ *testing.T, text string) { parseConfig(text) })
}
