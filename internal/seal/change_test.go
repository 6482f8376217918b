package seal_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/seal"
)

func read(t *testing.T, cfg seal.Config) *seal.Master {
	t.Helper()
	m, err := seal.Read(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func keysIn(t *testing.T, path string) int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(b), "\nAGE-SECRET-KEY-1")
}

// TestNoAddedKeyIsLost has each of many callers add a key and wrap a data key
// under it: the file must open all of them.
func TestNoAddedKeyIsLost(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.key")
	read(t, seal.Config{File: path, Make: true})
	const callers = 16
	stored := make([]seal.Wrapped, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			if err := seal.AddIdentity(path); err != nil {
				t.Error(err)
				return
			}
			m, err := seal.Read(t.Context(), seal.Config{File: path})
			if err != nil {
				t.Error(err)
				return
			}
			if _, stored[i], err = newRing(m); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	if n := keysIn(t, path); n != callers+1 {
		t.Errorf("%d keys are left of %d", n, callers+1)
	}
	m := read(t, seal.Config{File: path})
	for i, w := range stored {
		if _, err := m.Unwrap([]seal.Wrapped{w}); err != nil {
			t.Errorf("caller %d: %v", i, err)
		}
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestRewrapWithTwo unwraps data keys of which some are under the older key, as
// they are while a rotation is under way.
func TestRewrapWithTwo(t *testing.T) {
	t.Parallel()
	older, newer := identity(t), identity(t)
	old := read(t, seal.Config{Key: older})
	both := read(t, seal.Config{Key: newer + "\n" + older})
	ring, first, err := newRing(old)
	if err != nil {
		t.Fatal(err)
	}
	second, err := ring.Rotate(both)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Unwrap([]seal.Wrapped{first, second}); err == nil || !strings.Contains(err.Error(), "does not open data key 2") {
		t.Errorf("the older key alone: %v", err)
	}
	mixed, err := both.Unwrap([]seal.Wrapped{first, second})
	if err != nil {
		t.Fatal(err)
	}
	again, err := mixed.Rewrap(both)
	if err != nil || len(again) != 2 {
		t.Fatalf("got %d, %v", len(again), err)
	}
	if _, err := read(t, seal.Config{Key: newer}).Unwrap(again); err != nil {
		t.Errorf("the newer key alone: %v", err)
	}
}

// TestChangesKeepTheLink is about a key file that its path only points to.
func TestChangesKeepTheLink(t *testing.T) {
	t.Parallel()
	target := file(t, "# mine\n"+identity(t)+"\n", 0o600)
	link := filepath.Join(t.TempDir(), "link.key")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := seal.AddIdentity(link); err != nil {
		t.Fatal(err)
	}
	if got, err := os.Readlink(link); err != nil || got != target {
		t.Errorf("the link is gone: %q, %v", got, err)
	}
	if n := keysIn(t, target); n != 2 {
		t.Errorf("its file has %d keys", n)
	}
}

func TestChangeRefusals(t *testing.T) {
	t.Parallel()
	key := identity(t)
	for name, test := range map[string]struct{ path, want string }{
		"no file":        {filepath.Join(t.TempDir(), "gone"), "cannot be written: no such file"},
		"a directory":    {t.TempDir(), "cannot be written: is a directory"},
		"a damaged file": {file(t, key[:50]+"\n", 0o600), "line 1 of the master key file"},
		"an open file":   {file(t, key, 0o604), "can be read by others (mode 0604)"},
		"a full file":    {file(t, key+strings.Repeat("\n#", 32_700), 0o600), "is full"},
	} {
		before, _ := os.ReadFile(test.path) // a directory and what is gone have none
		changes := map[string]func(string) error{"add": seal.AddIdentity}
		for change, do := range changes {
			err := do(test.path)
			if err == nil || !strings.Contains(err.Error(), test.want) || len(sluice.AsError(err).Fixes) == 0 {
				t.Errorf("%s to %s: got %v, want %q and a fix", change, name, err, test.want)
			}
		}
		if after, _ := os.ReadFile(test.path); string(after) != string(before) {
			t.Errorf("%s changed", name)
		}
	}
}
