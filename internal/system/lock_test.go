package system_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/system"
)

// TestLock: one open file at a time has the lock, others may read and write
// meanwhile, and it ends with the file.
func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	opened := func() *os.File {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	first, second := opened(), opened()
	if err := system.TryLock(first); err != nil {
		t.Fatal(err)
	}
	if err := system.TryLock(second); !errors.Is(err, system.ErrLocked) {
		t.Errorf("the second gets %v", err)
	}
	if _, err := second.WriteString("as before"); err != nil {
		t.Errorf("who takes no lock writes: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := system.Lock(gone, second); !errors.Is(err, context.Canceled) {
		t.Errorf("whose context has ended waits no longer: %v", err)
	}
	got := make(chan error)
	go func() { got <- system.Lock(t.Context(), second) }()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Errorf("who waited gets %v", err)
	}
	if err := system.TryLock(opened()); !errors.Is(err, system.ErrLocked) {
		t.Errorf("a third gets %v", err)
	}
}

// TestKill ends what a command started with it: its output ends too.
func TestKill(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*exec.Cmd){"group": system.Group, "session": system.Session} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := system.Shell(t.Context(), "sleep 600 & echo started; wait")
			prepare(cmd)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			said := make([]byte, 100)
			n, err := out.Read(said)
			if err != nil || strings.TrimSpace(string(said[:n])) != "started" {
				t.Errorf("it said %q, %v", said[:n], err)
			}
			if err := system.Kill(cmd); err != nil {
				t.Error(err)
			}
			if n, err := out.Read(said); err == nil {
				t.Errorf("it still says %q", said[:n])
			}
			if err := cmd.Wait(); err == nil {
				t.Error("it ended by itself")
			}
		})
	}
}
