package gitsync

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

var killEvery = flag.Bool("gitsync.kills", false, "kill before and after every git process, not only around those that write")

// orderVariable holds an order as JSON. With it this test program is somebody's
// Sluice that does one thing and ends, or is killed.
const orderVariable = "SLUICE_GITSYNC_ORDER"

type killOrder struct {
	Dir, Actor, What string
	Options          SyncOptions
}

// carryOut does what an order says and returns the status to end with.
func carryOut(text string) int {
	var o killOrder
	err := json.Unmarshal([]byte(text), &o)
	c := &clone{dir: o.Dir, actor: o.Actor}
	if err == nil {
		err = c.open()
	}
	if err == nil {
		err = o.do(context.Background(), c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (o killOrder) do(ctx context.Context, c *clone) (err error) {
	switch o.What {
	case "export":
		_, err = c.bridge.Export(ctx)
	case "sync":
		_, err = c.bridge.Sync(ctx, o.Options)
	case "push":
		_, err = c.bridge.Push(ctx)
	default:
		err = errors.New("do what?")
	}
	return err
}

// kill plays an order in a process of its own with the wrapper in place of git, has
// it killed at a call, and returns the calls that it made until then.
func (o killOrder) kill(t *testing.T, dir string, at int, when string) (calls []string) {
	t.Helper()
	real, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	tools := t.TempDir()
	for name, content := range map[string]string{"git": wrapper, "count": "0", "calls": ""} {
		if err := os.WriteFile(filepath.Join(tools, name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := o.command(t, dir)
	cmd.Env = append(cmd.Env, "PATH="+tools+":"+os.Getenv("PATH"), "KILL_DIR="+tools, "KILL_GIT="+real, "KILL_AT="+strconv.Itoa(at), "KILL_WHEN="+when)
	// Settings are asked for anew only while their files are young, so a late run may
	// make a call less than the one that was counted: then it ends undisturbed.
	if out, err := cmd.CombinedOutput(); killed(err) != (at > 0) && (at <= 1 || err != nil) || at == 0 && err != nil {
		t.Fatalf("%s ended by itself: %v\n%s", o.What, err, out)
	}
	said, err := os.ReadFile(filepath.Join(tools, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(said)), "\n")
}

func (o killOrder) command(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Dir, o.Actor = filepath.Join(dir, "bob"), "bob"
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), orderVariable+"="+string(text))
	return cmd
}

func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// killCases are what is killed: after these orders, which are left alone.
var killCases = map[string]struct {
	apart  bool
	before []killOrder
	order  killOrder
}{
	"export": {order: killOrder{What: "export"}},
	"sync":   {order: killOrder{What: "sync"}},
	"push":   {before: []killOrder{{What: "sync"}}, order: killOrder{What: "push"}},
	"rebase": {apart: true, before: []killOrder{{What: "export"}}, order: killOrder{What: "sync", Options: SyncOptions{Rebase: true}}},
	"theirs": {apart: true, before: []killOrder{{What: "export"}}, order: killOrder{What: "sync", Options: SyncOptions{Theirs: true}}},
}

// inTheEnd does all that is left to do.
func inTheEnd(t *testing.T, dir string, orders ...killOrder) {
	t.Helper()
	bob := openClone(t, filepath.Join(dir, "bob"), "bob")
	defer func() { bob.close(); bob.close = func() {} }()
	for _, o := range orders {
		if err := o.do(t.Context(), bob); err != nil {
			t.Errorf("the next %s says %v", o.What, err)
		}
	}
}

// TestKilled kills Sluice around its git processes. What is found afterwards is
// whole, and the next try ends as if nothing had been.
func TestKilled(t *testing.T) {
	t.Parallel()
	for name, c := range killCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, c.apart)
			inTheEnd(t, s.dir) // as it is opened for the first time
			undisturbed := s.copy()
			inTheEnd(t, undisturbed, append(c.before, c.order)...)
			exact := !c.order.Options.Rebase
			want := outcome(t, undisturbed, exact)
			reading := s.copy()
			inTheEnd(t, reading, c.before...)
			for n, call := range c.order.kill(t, reading, 0, "") {
				for _, when := range []string{"before", "after"} {
					if !writes(call) && !*killEvery {
						continue
					}
					dir := s.copy()
					inTheEnd(t, dir, c.before...)
					c.order.kill(t, dir, n+1, when)
					healthy(t, dir)
					inTheEnd(t, dir, c.order)
					healthy(t, dir)
					if got := outcome(t, dir, exact); got != want {
						t.Errorf("killed %s call %d, git %s: the next try ends with\n%s", when, n+1, call, differing(want, got))
					}
				}
			}
		})
	}
}

// writes reports whether a call of git changes something.
func writes(call string) bool {
	for _, verb := range []string{"update-ref", "fetch", "push", "index-pack"} {
		if strings.HasPrefix(call, verb) {
			return true
		}
	}
	return false
}

// TestKilledAnywhere kills Sluice at moments that nobody chose.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	for name, c := range killCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, c.apart)
			undisturbed := s.copy()
			inTheEnd(t, undisturbed, c.before...)
			began := time.Now()
			if out, err := c.order.command(t, undisturbed).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			takes := time.Since(began)
			exact := !c.order.Options.Rebase
			want := outcome(t, undisturbed, exact)
			rounds := 2
			if *killEvery {
				rounds = 50
			}
			for range rounds {
				dir := s.copy()
				inTheEnd(t, dir, c.before...)
				cmd := c.order.command(t, dir)
				cmd.Stderr = &bytes.Buffer{}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				after := time.Duration(rand.Int64N(int64(takes)))
				timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
				err := cmd.Wait()
				timer.Stop()
				if err != nil && !killed(err) {
					t.Fatalf("%s ended by itself: %v %s", c.order.What, err, cmd.Stderr)
				}
				inTheEnd(t, dir, c.order) // waits for a git that was left alone
				healthy(t, dir)
				if got := outcome(t, dir, exact); got != want {
					t.Errorf("killed after %s of %s: the next try ends with\n%s", after, takes, differing(want, got))
				}
			}
		})
	}
}

// TestGitKilled kills git itself while it moves refs, here and at the remote. A lock
// that it leaves is named, and when it is removed all goes on.
func TestGitKilled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		at, hook, state string // which hook kills the git that runs it
		before          []killOrder
		order           killOrder
	}{
		"an export that holds its locks":  {"bob/.git", "reference-transaction", "prepared", nil, killOrder{What: "export"}},
		"an export that is done":          {"bob/.git", "reference-transaction", "committed", nil, killOrder{What: "export"}},
		"a sync that holds its locks":     {"bob/.git", "reference-transaction", "prepared", nil, killOrder{What: "sync"}},
		"a sync that is done":             {"bob/.git", "reference-transaction", "committed", nil, killOrder{What: "sync"}},
		"a push before it sends":          {"bob/.git", "pre-push", "", []killOrder{{What: "sync"}}, killOrder{What: "push"}},
		"a remote before it moves refs":   {"remote.git", "pre-receive", "", []killOrder{{What: "sync"}}, killOrder{What: "push"}},
		"a remote that holds its locks":   {"remote.git", "reference-transaction", "prepared", []killOrder{{What: "sync"}}, killOrder{What: "push"}},
		"a remote that moved its refs":    {"remote.git", "post-receive", "", []killOrder{{What: "sync"}}, killOrder{What: "push"}},
		"a remote that does not say that": {"remote.git", "reference-transaction", "committed", []killOrder{{What: "sync"}}, killOrder{What: "push"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, false)
			undisturbed := s.copy()
			inTheEnd(t, undisturbed, append(c.before, c.order)...)
			want := outcome(t, undisturbed, true)

			dir := s.copy()
			inTheEnd(t, dir, c.before...)
			hook := filepath.Join(dir, c.at, "hooks", c.hook)
			script := "#!/bin/sh\n[ \"$1\" = '" + c.state + "' ] || [ -z '" + c.state + "' ] || exit 0\nkill -9 $PPID\n"
			if err := os.WriteFile(hook, []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			bob := openClone(t, filepath.Join(dir, "bob"), "bob")
			if err := c.order.do(t.Context(), bob); err == nil || sluice.CodeOf(err) != sluice.Unavailable {
				t.Errorf("a git that was killed: %v, want it unavailable", err)
			}
			removeAll(t, hook)
			err := c.order.do(t.Context(), bob)
			for tries := 0; err != nil && tries < 20; tries++ { // one lock after the other
				known := sluice.AsError(err) // what a remote says of its locks is not always passed on
				if c.at == "bob/.git" && !strings.Contains(known.Message+strings.Join(sluice.Texts(known.Fixes), " "), ".lock") || known.Code != sluice.Unavailable && known.Code != sluice.Conflict {
					t.Fatalf("the next try says %v; do %v", err, known.Fixes)
				}
				removeLocks(t, dir)
				err = c.order.do(t.Context(), bob)
			}
			if err != nil {
				t.Fatal(err)
			}
			bob.close()
			bob.close = func() {}
			healthy(t, dir)
			if got := outcome(t, dir, true); got != want {
				t.Errorf("the next try ends with\n%s", differing(want, got))
			}
		})
	}
}

// removeLocks does what people are told to do about locks that nobody holds.
func removeLocks(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".lock") {
			return os.Remove(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
