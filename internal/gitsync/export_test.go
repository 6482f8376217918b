package gitsync

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// age has the configuration of a repository look as if it had been there for long,
// as it mostly has: what is young is not kept.
func (c *clone) age() {
	c.t.Helper()
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(c.bridge.repo.Common, "config"), long, long); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.bridge.repo.Settings(c.t.Context()); err != nil { // keeps it
		c.t.Fatal(err)
	}
}

// processes is how many git processes fn starts.
func (c *clone) processes(fn func()) int64 {
	c.t.Helper()
	before := c.bridge.repo.Started()
	fn()
	return c.bridge.repo.Started() - before
}

// TestProcesses: how many git processes a change takes does not depend on what there
// is besides.
func TestProcesses(t *testing.T) {
	t.Parallel()
	alice, bob := pair(t)
	for _, who := range []*clone{alice, bob} {
		who.sync(SyncOptions{})
		who.age()
	}
	for _, c := range []struct {
		name string
		who  *clone
		most int64
		do   func()
	}{
		{"a sync that finds nothing new", alice, 3, func() { alice.sync(SyncOptions{}) }},
		{"nothing to export", alice, 0, func() { alice.export() }},
		{"a deploy", alice, 1, func() { alice.deploy("production", "my-prompt", "v1.2.0"); alice.export() }},
		{"a rollback", alice, 1, func() { alice.rollback("production", "my-prompt"); alice.export() }},
		{"a publish", alice, 1, func() { alice.publish("my-prompt", "v1.3.0", "four\n"); alice.export() }},
		{"the first release of environments", alice, 4, func() { alice.deploy("base", "my-prompt", "v1.0.0"); alice.export() }},
		{"a change of several", alice, 1, func() { alice.deploy("base", "my-prompt", "v1.1.0"); alice.export() }},
		{"a push of nothing", bob, 1, func() { bob.push() }},
	} {
		if got := c.who.processes(c.do); got > c.most {
			t.Errorf("%s: %d processes, want at most %d", c.name, got, c.most)
		}
	}
	if got := alice.processes(func() { alice.push() }); got > 5 {
		t.Errorf("a push: %d processes", got)
	}
	if got := bob.processes(func() { bob.sync(SyncOptions{}) }); got > 12 {
		t.Errorf("a sync of some releases: %d processes", got)
	}
	if got := alice.processes(func() { alice.sync(SyncOptions{}) }); got > 3 {
		t.Errorf("a sync that finds nothing new: %d processes", got)
	}
}

// TestMany writes thousands of versions and releases, and takes them into a fresh
// clone: as packs, with a number of processes that grows only with the pages.
func TestMany(t *testing.T) {
	t.Parallel()
	const versions, releases, atOnce = 2_000, 2_000, 500
	remote := bare(t)
	alice := newClone(t, remote, "alice")
	alice.age()
	began := time.Now().Add(-24 * time.Hour)
	alice.recordMany(versions, atOnce, func(i int) sluice.Record {
		name := fmt.Sprintf("prompt-%02d", i%20)
		return sluice.Record{Version: &sluice.VersionRecord{
			Component: name, Kind: "prompt", Label: fmt.Sprintf("v1.%d.0", i/20), Author: "alice", At: sluice.TimeOf(began.Add(time.Duration(i) * time.Second)),
			Files: []sluice.File{sluice.NewFile(name+".md", fmt.Appendf(nil, "text %d\n", i))},
		}}
	})
	alice.recordMany(releases, atOnce, func(i int) sluice.Record {
		name, label := fmt.Sprintf("prompt-%02d", i%20), fmt.Sprintf("v1.%d.0", i/20%(versions/20))
		_, digest, err := sluice.CheckFiles([]sluice.File{sluice.NewFile(name+".md", fmt.Appendf(nil, "text %d\n", i%versions))})
		if err != nil {
			t.Fatal(err)
		}
		return sluice.Record{Release: &sluice.ReleaseRecord{
			Environment: []string{"production", "staging"}[i/20%2], Actor: "alice", Action: sluice.ActionDeploy, At: sluice.TimeOf(began.Add(time.Duration(versions+i) * time.Second)),
			Slots: []sluice.SlotRecord{{
				Slot: sluice.ComponentSlot(name), Value: sluice.Settle(sluice.Pin{Version: i/20%(versions/20) + 1, Label: sluice.Label(label), Digest: digest}),
			}},
		}}
	})
	const pages = (versions + releases + 100) / entriesAtOnce
	var done Exported
	if got := alice.processes(func() { done = alice.export() }); got > 2*pages+4 || done.Versions != versions || done.Releases != releases {
		t.Errorf("%d processes for %d releases and %d versions", got, done.Releases, done.Versions)
	}
	packs, err := filepath.Glob(filepath.Join(alice.dir, ".git", "objects", "pack", "*.pack"))
	if err != nil || len(packs) == 0 || len(packs) > pages+1 {
		t.Errorf("%d packs, %v", len(packs), err)
	}
	if out := alice.git("fsck", "--strict", "--no-dangling", "--no-progress"); strings.Contains(out, "error") || strings.Contains(out, "missing") {
		t.Errorf("git fsck says %s", out)
	}
	alice.push()
	sameOfMany(t, alice, remote, releases, pages)
}

// recordMany makes a ledger quickly.
func (c *clone) recordMany(n, atOnce int, record func(i int) sluice.Record) {
	c.t.Helper()
	for from := 0; from < n; from += atOnce {
		req := sluice.RecordRequest{}
		for i := from; i < min(from+atOnce, n); i++ {
			req.Records = append(req.Records, record(i))
		}
		if _, err := c.client.Record(c.t.Context(), req); err != nil {
			c.t.Fatal(err)
		}
	}
}

// sameOfMany demands that a fresh clone comes to the same, and that a single release
// on top costs no more than it does elsewhere.
func sameOfMany(t *testing.T, alice *clone, remote string, releases, pages int) {
	t.Helper()
	bob := newClone(t, remote, "bob")
	bob.age()
	var in Synced
	if got := bob.processes(func() { in = bob.sync(SyncOptions{}) }); got > int64(2*pages+16) || len(in.Recorded) != releases {
		t.Errorf("%d processes to take in %d releases", got, len(in.Recorded))
	}
	list := bob.git("for-each-ref", "refs/tags", EnvironmentsPrefix)
	if want := alice.git("for-each-ref", "refs/tags", EnvironmentsPrefix); list != want {
		t.Errorf("the refs differ:\n%s", differing(want, list))
	}
	for _, place := range []string{"production", "staging"} {
		var roots []sluice.Digest
		for _, who := range []*clone{alice, bob} {
			e, err := who.client.Environment(t.Context(), place)
			if err != nil {
				t.Fatal(err)
			}
			roots = append(roots, e.Root)
		}
		if roots[0] != roots[1] {
			t.Errorf("%s has the roots %v", place, roots)
		}
	}
	if got := bob.processes(func() { bob.sync(SyncOptions{}) }); got > 3 {
		t.Errorf("%d processes for a sync that finds nothing new", got)
	}
	was := bob.tip("prod")
	if got := bob.processes(func() { bob.deploy("production", "prompt-00", "v1.3.0"); bob.export() }); got != 1 {
		t.Errorf("%d processes for a deploy", got)
	}
	if got := gitrepo.OID(bob.git("rev-parse", EnvironmentRef("prod")+"^")); got != was {
		t.Errorf("the release comes after %s, want %s", got, was)
	}
	if sent := bob.push(); !slices.Equal(sent.Refs, []string{EnvironmentRef("prod"), "refs/tags/components/prompt-00/prod"}) {
		t.Errorf("pushed %v", sent.Refs)
	}
}

// TestTogether: people that release at once through one repository wait for each
// other, and all that they released is there in the order of the ledger.
func TestTogether(t *testing.T) {
	t.Parallel()
	alice, _ := pair(t)
	const callers, each = 4, 5
	failed := make(chan error, callers)
	for caller := range callers {
		bridge := New(alice.bridge.repo, alice.client, alice.bridge.cfg)
		go func() {
			var err error
			for i := 0; i < each && err == nil; i++ {
				_, err = alice.client.Deploy(t.Context(), sluice.DeployRequest{
					Environment: []string{"production", "staging"}[caller%2], Changes: []sluice.ChangeRequest{{Component: "my-prompt", Version: fmt.Sprint(1 + (caller+i)%3)}},
				})
				if err == nil {
					_, err = bridge.Export(t.Context())
				}
			}
			failed <- err
		}()
	}
	for range callers {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	for display, name := range map[string]string{"prod": "production", "stage": "staging"} {
		e, err := alice.client.Environment(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(strings.Fields(alice.git("rev-list", EnvironmentRef(display)))); got != int(e.Release) {
			t.Errorf("%s has %d commits, want %d", display, got, e.Release)
		}
	}
	if again := alice.export(); again.Releases > 0 {
		t.Errorf("there was more to export: %+v", again)
	}
}

// TestWaitEnds: who waits for another one's export stops waiting when asked to.
func TestWaitEnds(t *testing.T) {
	t.Parallel()
	alice, _ := pair(t)
	err := alice.bridge.exclusive(t.Context(), func() error {
		ctx, cancel := context.WithCancel(t.Context())
		waits := make(chan error)
		go func() {
			_, err := New(alice.bridge.repo, alice.client, alice.bridge.cfg).Export(ctx)
			waits <- err
		}()
		cancel()
		if err := <-waits; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	alice.deploy("production", "my-prompt", "v1.2.0")
	if done := alice.export(); done.Releases != 1 { // nobody holds the lock any more
		t.Errorf("exported %+v", done)
	}
}

// TestBadReleases: what a repository says that is no release of Sluice, or not whole,
// is refused with a reason, and nothing is recorded of it.
func TestBadReleases(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(c *clone){
		"a commit of somebody's own": func(c *clone) {
			tree := c.git("rev-parse", "refs/sluice/environments/prod^{tree}")
			c.git("push", "--quiet", "-f", "origin", c.git("commit-tree", "-m", "not a release", tree)+":"+EnvironmentRef("prod"))
		},
		"a commit without a manifest": func(c *clone) {
			empty := c.git("commit-tree", "-m", c.git("log", "-1", "--format=%B", "refs/sluice/environments/prod"), "-p", "refs/sluice/environments/prod", c.git("hash-object", "-t", "tree", "-w", "/dev/null"))
			c.git("push", "--quiet", "-f", "origin", empty+":"+EnvironmentRef("prod"))
		},
		"a tag": func(c *clone) {
			c.git("push", "--quiet", "-f", "origin", "refs/tags/components/my-prompt/v1.0.0:"+EnvironmentRef("prod"))
		},
		"a file": func(c *clone) {
			c.git("push", "--quiet", "-f", "origin", c.git("hash-object", "-w", "--stdin")+":refs/tags/components/my-prompt/prod")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alice, bob := pair(t)
			harm(alice)
			before := bob.epoch()
			done, err := bob.bridge.Sync(t.Context(), SyncOptions{})
			if code := sluice.CodeOf(err); err != nil && (code == sluice.Internal || len(sluice.AsError(err).Fixes) == 0) {
				t.Errorf("got %v, which does not say what to do", err)
			}
			if err == nil && len(done.Refused) == 0 && name != "a file" {
				t.Errorf("nothing was refused: %+v", done)
			}
			if got := bob.epoch(); got != before {
				t.Errorf("the ledger is at %d, and was at %d", got, before)
			}
			bob.deploy("staging", "my-prompt", "v1.2.0") // and one's own work goes on
			bob.export()
		})
	}
}
