package gitrepo

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

// formats are what `git init` is told for each object format.
var formats = map[string]string{"sha1": "--object-format=sha1", "sha256": "--object-format=sha256"}

func TestPutIsWhatGitWrites(t *testing.T) {
	t.Parallel()
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := initRepo(t, format)
			for _, content := range []string{"", "hello\n", "\x00\xff", strings.Repeat("long ", 300_000)} {
				want := OID(gitWith(t, r.Top, []byte(content), "hash-object", "--stdin"))
				id, err := r.Put("blob", []byte(content))
				if err != nil || id != want || r.Hash("blob", []byte(content)) != want {
					t.Errorf("put %d bytes: got %s and %v, want %s", len(content), id, err, want)
				}
				if _, err := r.Put("blob", []byte(content)); err != nil {
					t.Errorf("put again: %v", err)
				}
				if got := git(t, r.Top, "cat-file", "blob", string(id)); got != strings.TrimSuffix(content, "\n") {
					t.Errorf("git reads %d bytes back, want %d", len(got), len(content))
				}
			}
			git(t, r.Top, "fsck", "--strict")
			if r.Started() != 0 {
				t.Errorf("putting started %d processes, want none", r.Started())
			}
			if left, _ := filepath.Glob(filepath.Join(r.Common, "objects", "*", "tmp_*")); len(left) > 0 {
				t.Errorf("temporary files are left: %q", left)
			}
		})
	}
}

func TestPutRenewsAndMends(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	id, err := r.Put("blob", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	path, past := r.loose(id), time.Now().Add(-1000*time.Hour)
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Put("blob", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || time.Since(info.ModTime()) > time.Hour {
		t.Errorf("an old object stays old, and git would remove it: %v and %v", info.ModTime(), err)
	}
	for _, spoil := range []func() error{
		func() error { return os.Truncate(path, 0) },
		func() error { return os.RemoveAll(filepath.Dir(path)) },
	} {
		if err := errors.Join(os.Chmod(path, 0o600), spoil()); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Put("blob", []byte("x")); err != nil {
			t.Fatal(err)
		}
		if got := git(t, r.Top, "cat-file", "blob", string(id)); got != "x" {
			t.Errorf("after a loss: got %q, want %q", got, "x")
		}
	}
}

func TestPutSaysWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	id := r.Hash("blob", []byte("x"))
	if err := os.WriteFile(filepath.Dir(r.loose(id)), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := r.Put("blob", []byte("x"))
	if sluice.CodeOf(err) != sluice.Unavailable || len(sluice.AsError(err).Fixes) == 0 {
		t.Errorf("got %v, want unavailable with a fix", err)
	}
}

func TestPutSharesAsGitDoes(t *testing.T) {
	t.Parallel()
	for _, shared := range []string{"umask", "group", "all", "0640", "0666"} {
		t.Run(shared, func(t *testing.T) {
			t.Parallel()
			r := initRepo(t, "--shared="+shared)
			mode := func(id OID) [2]fs.FileMode {
				t.Helper()
				path := r.loose(id)
				file, err := os.Stat(path)
				dir, dirErr := os.Stat(filepath.Dir(path))
				if err := errors.Join(err, dirErr); err != nil {
					t.Fatal(err)
				}
				return [2]fs.FileMode{file.Mode(), dir.Mode()}
			}
			want := mode(OID(gitWith(t, r.Top, []byte("by git"), "hash-object", "-w", "--stdin")))
			id, err := r.Put("blob", []byte("by us"))
			if err != nil {
				t.Fatal(err)
			}
			if got := mode(id); got != want {
				t.Errorf("file and directory: got %v, want %v", got, want)
			}
		})
	}
}

func TestSettleBringsObjectsToDisk(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	for i := range 3 * settlers {
		if _, err := r.Put("blob", []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	gone := r.unsettled.take()
	if len(gone) != 3*settlers {
		t.Fatalf("%d objects wait for the disk, want %d", len(gone), 3*settlers)
	}
	r.unsettled.add(gone[0])
	if err := os.Remove(gone[0]); err != nil { // as when git packed it
		t.Fatal(err)
	}
	if err := r.settle(); err != nil {
		t.Errorf("an object that was packed meanwhile: %v", err)
	}
	bad := filepath.Join(t.TempDir(), "loop")
	if err := os.Symlink(bad, bad); err != nil {
		t.Fatal(err)
	}
	r.unsettled.add(bad)
	err := r.settle()
	if sluice.CodeOf(err) != sluice.Unavailable || !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a file that cannot be synchronised: got %v, want unavailable", err)
	}
	if left := r.unsettled.take(); len(left) != 1 {
		t.Errorf("%q wait for the disk after a failure, want the one that failed", left)
	}
	for value, want := range map[string]bool{
		"": true, "none": false, "all": true, "committed,-loose-object": false, "none,loose-object": true, "reference": true, "-loose-object": false, "objects": true,
	} {
		if got := wantsSync(value); got != want {
			t.Errorf("core.fsync=%q: got %t, want %t", value, got, want)
		}
	}
}

func TestParseOID(t *testing.T) {
	t.Parallel()
	one, two := initRepo(t), initRepo(t, formats["sha256"])
	a, b := strings.Repeat("a", 40), strings.Repeat("0", 64)
	for _, test := range []struct {
		r    *Repo
		text string
		want bool
	}{
		{one, a, true},
		{two, b, true},
		{one, b, false},
		{two, a, false},
		{one, a[:39] + "g", false},
		{one, strings.ToUpper(a), false},
		{one, "", false},
	} {
		if _, got := test.r.ParseOID(test.text); got != test.want {
			t.Errorf("%q: got %t, want %t", test.text, got, test.want)
		}
	}
	if got := OID(a).Short(); got != a[:12] || OID("").Short() != "" || one.SHA256() || !two.SHA256() {
		t.Errorf("short: got %q", got)
	}
}

// damage changes bytes in the middle of a file.
func damage(t testing.TB, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(content) / 3; i < len(content)/2; i++ {
		content[i] ^= 0x55
	}
	if err := errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, content, 0o600)); err != nil {
		t.Fatal(err)
	}
}
