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

// wrapper is a git that counts how often it is called, and at one call kills who
// called it, before or after the real one did its work.
const wrapper = `#!/bin/sh
n=$(($(cat "$KILL_DIR/count") + 1))
echo $n >"$KILL_DIR/count"
echo "$*" >>"$KILL_DIR/calls"
if [ "$n $KILL_WHEN" = "$KILL_AT before" ]; then
	kill -9 $PPID
	exit 1
fi
"$KILL_GIT" "$@"
status=$?
if [ "$n $KILL_WHEN" = "$KILL_AT after" ]; then
	kill -9 $PPID
fi
exit $status
`

// scene is a remote and bob's clone of it, both to be copied.
type scene struct {
	t   *testing.T
	dir string // of remote.git and bob
}

// newScene prepares what all kills begin with: alice released and published, carol
// moved a tag by hand, and bob released without writing it to his repository.
func newScene(t *testing.T, apart bool) *scene {
	t.Helper()
	alice, bob := pair(t)
	for _, who := range []*clone{alice, bob} { // so that publishing is not releasing
		none := "none"
		if _, err := who.client.EditEnvironment(t.Context(), sluice.EditEnvironmentRequest{Name: "development", Tracks: &none}); err != nil {
			t.Fatal(err)
		}
	}
	alice.publish("my-prompt", "v1.3.0", "four\n")
	alice.publish("other", "", "other\n")
	alice.deployAgo("base", "other", "1", 2*time.Hour)
	alice.deployAgo("staging", "my-prompt", "v1.3.0", time.Hour)
	if apart {
		alice.rollback("production", "my-prompt")
	}
	alice.export()
	alice.push()
	carol := third(t, alice)
	carol.git("tag", "-f", "-a", "-m", "by hand", "components/my-prompt/stage", "components/my-prompt/v1.0.0^{commit}")
	carol.git("push", "--quiet", "-f", "origin", "refs/tags/components/my-prompt/stage")
	bob.publish("my-prompt", "v1.4.0", "five\n")
	bob.deploy("canary", "my-prompt", "v1.4.0")
	if apart {
		bob.deploy("production", "my-prompt", "v1.2.0")
	} else {
		bob.deploy("canary", "my-prompt", "v1.0.0")
	}
	bob.close()
	bob.close = func() {}
	s := &scene{t, t.TempDir()}
	copyAll(t, bob.dir, filepath.Join(s.dir, "bob"))
	copyAll(t, bob.git("remote", "get-url", "origin"), filepath.Join(s.dir, "remote.git"))
	return s
}

// deployAgo deploys as if long ago, so that what follows has a time of its own.
func (c *clone) deployAgo(environment, name, version string, ago time.Duration) {
	c.t.Helper()
	if _, err := c.client.Deploy(c.t.Context(), sluice.DeployRequest{
		Environment: environment, Changes: []sluice.ChangeRequest{{Component: name, Version: version}}, At: sluice.TimeOf(time.Now().Add(-ago)),
	}); err != nil {
		c.t.Fatal(err)
	}
}

func copyAll(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-Rp", from, to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v %s", err, out)
	}
}

// copy is the scene once more, to be played.
func (s *scene) copy() (dir string) {
	s.t.Helper()
	dir = filepath.Join(s.t.TempDir(), "scene")
	copyAll(s.t, s.dir, dir)
	gitAs(s.t, filepath.Join(dir, "bob"), "bob", "remote", "set-url", "origin", filepath.Join(dir, "remote.git"))
	return dir
}

// outcome is all that can be seen of a scene that was played: refs here and there,
// and the history of each environment. Of what was appended again the time differs,
// and with it the ids.
func outcome(t *testing.T, dir string, exact bool) string {
	t.Helper()
	bob := openClone(t, filepath.Join(dir, "bob"), "bob")
	defer func() { bob.close(); bob.close = func() {} }()
	report, err := bob.client.Verify(t.Context(), sluice.VerifyRequest{})
	if err != nil || !report.Holds {
		t.Errorf("the ledger does not hold: %+v, %v", report, err)
	}
	page, err := bob.client.Releases(t.Context(), sluice.ReleaseQuery{Paging: sluice.Paging{Limit: sluice.MaxPage}})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, r := range page.Items {
		fmt.Fprintln(&out, r.Ref(), r.Action, r.Actor, r.Cause != "", r.Root)
	}
	format := "--format=%(refname) %(objectname)"
	if !exact {
		format = "--format=%(refname) %(contents:subject)"
	}
	for _, at := range []string{"bob", "remote.git"} {
		fmt.Fprintln(&out, gitAs(t, filepath.Join(dir, at), "bob", "for-each-ref", format))
	}
	if !exact {
		fmt.Fprintln(&out, bob.git("log", "--format=%an %s", "--glob="+EnvironmentsPrefix+"*"))
		return withoutIDs(out.String())
	}
	return out.String()
}

// withoutIDs takes the ids out of the names of refs.
func withoutIDs(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if before, _, found := strings.Cut(line, "/superseded/"); found {
			line = before + "/superseded/\n"
		}
		out.WriteString(line)
	}
	return out.String()
}

// healthy demands that a repository is whole and that no lock is left in it.
func healthy(t *testing.T, dir string) {
	t.Helper()
	for _, at := range []string{"bob", "remote.git"} {
		if out := gitAs(t, filepath.Join(dir, at), "bob", "fsck", "--strict", "--no-dangling", "--no-progress"); strings.Contains(out, "error") || strings.Contains(out, "missing") {
			t.Errorf("git fsck in %s says %s", at, out)
		}
	}
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".lock") {
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
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
	if out, err := cmd.CombinedOutput(); killed(err) != (at > 0) || at == 0 && err != nil {
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
				if c.at == "bob/.git" && !strings.Contains(known.Message+strings.Join(known.Fixes, " "), ".lock") || known.Code != sluice.Unavailable && known.Code != sluice.Conflict {
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
