package seal_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/seal"
)

func identity(t *testing.T) string {
	t.Helper()
	key, err := seal.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// file writes a key file and returns its path.
func file(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "master.key")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadRefusals(t *testing.T) {
	t.Parallel()
	key := identity(t)
	directory := t.TempDir()
	for name, test := range map[string]struct {
		cfg  seal.Config
		want string
	}{
		"nothing":             {seal.Config{}, "no master key is configured"},
		"two sources":         {seal.Config{Key: key, Command: "echo"}, "there are two master keys"},
		"a truncated key":     {seal.Config{Key: key[:40]}, "line 1 of SLUICE_MASTER_KEY is not a master key"},
		"a key and rubbish":   {seal.Config{Key: "# mine\n" + key + "\nrubbish\n"}, "line 3 of SLUICE_MASTER_KEY is not a master key"},
		"only comments":       {seal.Config{Key: "# mine\n\n"}, "SLUICE_MASTER_KEY holds no master key"},
		"no file":             {seal.Config{File: filepath.Join(directory, "gone")}, "is missing"},
		"a directory":         {seal.Config{File: directory}, "cannot be read: is a directory"},
		"an empty file":       {seal.Config{File: file(t, "", 0o600)}, "holds no master key"},
		"a truncated file":    {seal.Config{File: file(t, key[:len(key)-10], 0o600)}, "line 1 of the master key file"},
		"an open file":        {seal.Config{File: file(t, key, 0o644)}, "can be read by others (mode 0644)"},
		"a group's file":      {seal.Config{File: file(t, key, 0o640)}, "can be read by others (mode 0640)"},
		"a huge file":         {seal.Config{File: file(t, strings.Repeat("#", 70_000), 0o600)}, "too large"},
		"a path through one":  {seal.Config{File: filepath.Join(file(t, key, 0o600), "x"), Make: true}, "not a directory"},
		"a failing command":   {seal.Config{Command: "echo hush; echo 'the store is closed' >&2; exit 3"}, "failed (exit status 3): the store is closed"},
		"a missing command":   {seal.Config{Command: "no-such-program-at-all"}, "failed (exit status 127)"},
		"a silent command":    {seal.Config{Command: "true"}, "the master key command holds no master key"},
		"a talkative command": {seal.Config{Command: "head -c 70000 /dev/zero"}, "prints more than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := seal.Read(t.Context(), test.cfg)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			e := sluice.AsError(err)
			if e.Code == sluice.Internal || len(e.Fixes) == 0 {
				t.Errorf("%s %v lacks a code or a fix: %v", e.Code, err, e.Fixes)
			}
			if text := err.Error() + strings.Join(sluice.Texts(e.Fixes), " "); strings.Contains(text, "AGE-SECRET-KEY-1"+key[16:20]) || strings.Contains(text, "hush") {
				t.Errorf("the error holds what it must not: %s", text)
			}
		})
	}
}

// TestCommandEndsWithItsContext is about a command that hangs, with a child that
// would outlive it.
func TestCommandEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	started := filepath.Join(t.TempDir(), "started")
	done := make(chan error, 1)
	go func() {
		_, err := seal.Read(ctx, seal.Config{Command: "mkfifo " + started + "; (exec cat " + started + ") & cat " + started})
		done <- err
	}()
	f, err := openFIFO(started)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cancel()
	if err := <-done; err == nil {
		t.Error("a command that was cancelled gave a key")
	}
}

// openFIFO opens a pipe that a command makes, once it is there and being read.
func openFIFO(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil || !os.IsNotExist(err) {
			return f, err
		}
	}
}

func TestReadSources(t *testing.T) {
	t.Parallel()
	key := identity(t)
	path := file(t, "# the first\n"+key+"\n", 0o600)
	var sealed *seal.Ring
	var stored seal.Wrapped
	for i, cfg := range []seal.Config{{Key: key}, {File: path}, {Command: "cat " + path}, {Key: " " + key + "\r\n"}, {File: path, Make: true}} {
		m, err := seal.Read(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if sealed, stored, err = newRing(m); err != nil {
				t.Fatal(err)
			}
		}
		opened, err := m.Unwrap([]seal.Wrapped{stored})
		if err != nil {
			t.Fatalf("%s: %v", m.Source(), err)
		}
		if want := []string{"SLUICE_MASTER_KEY", "the master key file " + path, "the master key command"}[min(i, 4)%3]; i < 3 && m.Source() != want {
			t.Errorf("got %q, want %q", m.Source(), want)
		}
		if opened.Fingerprint("A", []byte("x")) != sealed.Fingerprint("A", []byte("x")) {
			t.Errorf("%s gives another ring", m.Source())
		}
	}
}

// TestMakeOnce has many processes' worth of callers make the same file at once.
func TestMakeOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "master.key")
	const callers = 16
	masters := make([]*seal.Master, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			var err error
			if masters[i], err = seal.Read(t.Context(), seal.Config{File: path, Make: true}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	_, stored, err := newRing(masters[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range masters {
		if _, err := m.Unwrap([]seal.Wrapped{stored}); err != nil {
			t.Error(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAddIdentity(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.key")
	old, err := seal.Read(t.Context(), seal.Config{File: path, Make: true})
	if err != nil {
		t.Fatal(err)
	}
	ring, stored, err := newRing(old)
	if err != nil {
		t.Fatal(err)
	}
	if err := seal.AddIdentity(path); err != nil {
		t.Fatal(err)
	}
	both, err := seal.Read(t.Context(), seal.Config{File: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := both.Unwrap([]seal.Wrapped{stored}); err != nil {
		t.Errorf("the older key no longer opens: %v", err)
	}
	again, err := ring.Rewrap(both)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Unwrap(again); err == nil || !strings.Contains(err.Error(), "does not open data key 1: it is another master key") {
		t.Errorf("the older key opens what was wrapped anew: %v", err)
	}
	if err := seal.AddIdentity(filepath.Join(t.TempDir(), "gone")); err == nil {
		t.Error("a key was added to no file")
	}
}

// TestKeysDoNotPrint tries every way in which a key could slip out.
func TestKeysDoNotPrint(t *testing.T) {
	t.Parallel()
	key := identity(t)
	m, err := seal.Read(t.Context(), seal.Config{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	ring, _, err := newRing(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{m, ring} {
		for _, verb := range "bcdeEfFgGoOqstUvxX" { // all but %T and %p, which show no content
			for _, flags := range []string{"", "+", "#", "08"} {
				if text := fmt.Sprintf("%"+flags+string(verb), v); text != "[sealed]" {
					t.Errorf("%T prints as %s under %%%s%c", v, text, flags, verb)
				}
			}
		}
		var logged strings.Builder
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("key", "key", v)
		encoded, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{fmt.Sprint(v), fmt.Sprintf("%v", v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), fmt.Sprintf("%s", v), logged.String(), string(encoded)} {
			if !strings.Contains(text, "[sealed]") || strings.Contains(text, key[20:30]) || strings.Contains(text, "0x") {
				t.Errorf("%T prints as %s", v, text)
			}
		}
	}
}
