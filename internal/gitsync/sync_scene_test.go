package gitsync

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

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
