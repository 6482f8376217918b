package seal_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/seal"
)

// nobody is a user who may not read the files of another.
const nobody = 65534

// TestUnreadableFile reads key files without the right to. Root may read all, so
// that it becomes somebody else for files, on this one thread.
func TestUnreadableFile(t *testing.T) {
	t.Parallel()
	path := file(t, identity(t), 0o600)
	readOnly := t.TempDir()
	for name, mode := range map[string]os.FileMode{readOnly: 0o555, filepath.Dir(readOnly): 0o711} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() != 0 {
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
	}
	for want, err := range map[string]error{
		"cannot be read: permission denied":    asNobody(func() error { _, err := seal.Read(t.Context(), seal.Config{File: path}); return err }),
		"cannot be written: permission denied": asNobody(func() error { return seal.AddIdentity(path) }),
		"master.key cannot be written: permission": asNobody(func() error {
			_, err := seal.Read(t.Context(), seal.Config{File: filepath.Join(readOnly, "new", "master.key"), Make: true})
			return err
		}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) || sluice.CodeOf(err) != sluice.Unavailable || len(sluice.AsError(err).Fixes) == 0 {
			t.Errorf("got %v, want %q and a fix", err, want)
		}
	}
}

// asNobody runs fn on a thread that it ends with, as it cannot get its rights back.
func asNobody(fn func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if os.Geteuid() == 0 {
			if err := syscall.Setfsuid(nobody); err != nil {
				done <- err
				return
			}
		}
		done <- fn()
	}()
	return <-done
}
