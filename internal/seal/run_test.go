package seal

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sluice-dev/sluice"
)

// hang is a command that never ends.
const hang = "exec tail -f /dev/null"

// TestCommandLeavesNothing runs commands that fail and started something that
// would go on: the pipe that it holds must end.
func TestCommandLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ then, want string }{
		"it hangs":            {hang, "did not end within 1s"},
		"it fails":            {"exit 3", "failed (exit status 3)"},
		"it prints too much":  {"head -c 70000 /dev/zero; " + hang, "prints more than 65536 bytes"},
		"its output is held":  {"(" + hang + ") & echo key", "what it started still holds its output"},
		"it ignores a signal": {"trap '' TERM INT HUP; tail -f /dev/null", "did not end within 1s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := time.Second
			if !strings.Contains(test.want, "1s") {
				timeout = time.Minute
			}
			pipe := filepath.Join(t.TempDir(), "pipe")
			if err := syscall.Mkfifo(pipe, 0o600); err != nil {
				t.Fatal(err)
			}
			failed := make(chan error, 1)
			go func() {
				// The child alone goes on with the pipe, and holds nothing else.
				_, err := run(t.Context(), "exec 3>"+pipe+"; echo started >&3; ("+hang+") >/dev/null 2>&1 & exec 3>&-; "+test.then, timeout)
				failed <- err
			}()
			ended(t, pipe)
			if err := <-failed; err == nil || !strings.Contains(err.Error(), test.want) || len(sluice.AsError(err).Fixes) == 0 {
				t.Errorf("got %v, want %q and a fix", err, test.want)
			}
		})
	}
}

// ended waits until nobody holds a pipe for writing any more.
func ended(t *testing.T, pipe string) {
	t.Helper()
	f, err := os.Open(pipe)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(f)
	if line, err := r.ReadString('\n'); err != nil || line != "started\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
		t.Errorf("a command outlived its end: %q, %v", rest, err)
	}
}

// TestCommandOfACallerWhoLeft tells the caller's end from the command's own.
func TestCommandOfACallerWhoLeft(t *testing.T) {
	t.Parallel()
	late, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if _, err := run(late, hang, time.Minute); !errors.Is(err, context.DeadlineExceeded) || sluice.CodeOf(err) != sluice.TimedOut {
		t.Errorf("after its deadline: %v", err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := run(gone, hang, time.Minute); !errors.Is(err, context.Canceled) || sluice.CodeOf(err) != sluice.TimedOut {
		t.Errorf("after it left: %v", err)
	}
}

// TestComplaints shows what is kept of what a failing command says.
func TestComplaints(t *testing.T) {
	t.Parallel()
	key, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ command, want string }{
		"one line":     {"printf 'first\\nsecond\\n' >&2; exit 1", "(exit status 1): first"},
		"a long line":  {"printf '%0300d' 7 >&2; exit 1", ": " + strings.Repeat("0", maxComplaint)},
		"a cut letter": {"printf 'x%.0s' $(seq 199) >&2; printf 'é' >&2; exit 1", ": " + strings.Repeat("x", 199)},
		"the key":      {"echo 'no " + key + " here' >&2; exit 1", ": no " + redacted + " here"},
		"its output":   {"echo " + key + "; exit 1", "(exit status 1)"},
		"a signal":     {"kill -KILL $$", "(signal: killed)"},
	} {
		_, err := run(t.Context(), test.command, time.Minute)
		if err == nil || !strings.HasSuffix(err.Error(), test.want) || !utf8.ValidString(err.Error()) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

// TestPlaceUnlinked has many make a file at once where there are no hard links.
func TestPlaceUnlinked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "master.key")
	const callers = 16
	found := make([]string, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			err := write(path, strings.Repeat("#", i+1), func(temporary string) error { return placeUnlinked(temporary, path) })
			if err != nil {
				t.Error(err)
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Error(err)
			}
			found[i] = string(b)
		})
	}
	group.Wait()
	for _, text := range found {
		if text == "" || text != found[0] {
			t.Errorf("some found %q, others %q", found[0], text)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := placeUnlinked(path, filepath.Join(path, "x")); err == nil {
		t.Error("a file was put into a file")
	}
}
