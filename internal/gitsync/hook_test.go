package gitsync

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// TestReadPushed reads what Git gives a hook.
func TestReadPushed(t *testing.T) {
	t.Parallel()
	repo, err := gitrepo.Open(bare(t))
	if err != nil {
		t.Fatal(err)
	}
	zero, one := strings.Repeat("0", 40), strings.Repeat("1", 40)
	got, err := ReadPushed(strings.NewReader(zero+" "+one+" refs/heads/main\n"+one+" "+zero+" refs/tags/a b\n"), repo)
	want := []PushedRef{{"", gitrepo.OID(one), "refs/heads/main"}, {gitrepo.OID(one), "", "refs/tags/a b"}}
	if err != nil || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	for _, text := range []string{"x", zero + " " + one, zero + " " + one[1:] + " refs/heads/main", one + " " + strings.ToUpper(zero[1:]) + "A refs/x", strings.Repeat("x", maxPushedLine+1)} {
		if got, err := ReadPushed(strings.NewReader(text), repo); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%.60q: got %+v, %v; want invalid", text, got, err)
		}
	}
}

// TestInstallHook writes a hook that can be run, into the directory that Git looks in.
func TestInstallHook(t *testing.T) {
	t.Parallel()
	dir := bare(t)
	gitAs(t, dir, "alice", "config", "core.hooksPath", filepath.Join(dir, "elsewhere"))
	repo, err := gitrepo.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		file, err := InstallHook(t.Context(), repo, "/opt/it's here/sluice")
		if err != nil || file != filepath.Join(dir, "elsewhere", "pre-receive") {
			t.Fatalf("got %s, %v", file, err)
		}
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%v, %v; want mode 755", info, err)
		}
		text, err := os.ReadFile(file)
		if err != nil || !strings.HasSuffix(string(text), `exec '/opt/it'\''s here/sluice' git hook`+"\n") {
			t.Errorf("%v\n%s", err, text)
		}
	}
}

// FuzzReadPushed reads anything.
func FuzzReadPushed(f *testing.F) {
	f.Add(strings.Repeat("0", 40) + " " + strings.Repeat("1", 40) + " refs/heads/main\n")
	dir := f.TempDir()
	repo, err := gitrepo.InitBare(f.Context(), dir)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ReadPushed(strings.NewReader(text), repo)
		if err == nil && len(got) > strings.Count(text, "\n")+1 {
			t.Errorf("%q: %d refs", text, len(got))
		}
	})
}
