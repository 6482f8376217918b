package gitsync

import (
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

const prodTag = "refs/tags/components/my-prompt/prod"

// third is a plain clone of the remote, of somebody without Sluice.
func third(t *testing.T, c *clone) *clone {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "carol")
	gitAs(t, ".", "carol", "clone", "--quiet", c.git("remote", "get-url", "origin"), dir)
	return &clone{t: t, dir: dir, actor: "carol"}
}

// at is what the remote has under a ref, "" when it has none.
func (c *clone) at(ref string) string {
	c.t.Helper()
	id, _, _ := strings.Cut(c.git("ls-remote", "origin", ref), "\t")
	return id
}

// TestPushOverwritesNoTag: what plain Git did to the remote between a look and a push
// stays, and the push says so.
func TestPushOverwritesNoTag(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		carol    func(c *clone)
		live     string // in the end, once all is taken in
		releases int    // that the sync records
		actor    string // of them: who made a tag is not known of one without a message
	}{
		"moved": {func(c *clone) {
			c.git("tag", "-f", "-a", "-m", "by hand", "components/my-prompt/prod", "components/my-prompt/v1.0.0^{commit}")
			c.git("push", "--quiet", "-f", "origin", prodTag)
		}, "v1.0.0", 1, "carol"},
		"moved to what is not annotated": {func(c *clone) {
			c.git("tag", "-f", "components/my-prompt/prod", "components/my-prompt/v1.0.0^{commit}")
			c.git("push", "--quiet", "-f", "origin", prodTag)
		}, "v1.0.0", 1, "alice"},
		"deleted": {func(c *clone) { c.git("push", "--quiet", "origin", ":"+prodTag) }, "v1.2.0", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alice, bob := pair(t)
			bob.deploy("production", "my-prompt", "v1.2.0")
			bob.export()
			c.carol(third(t, alice))
			there := bob.theirs()
			_, err := bob.bridge.Push(t.Context())
			conflict(t, err, "components/my-prompt/prod")
			if got := bob.theirs(); got != there {
				t.Fatalf("the remote has\n%s\nand had\n%s", got, there)
			}
			done := bob.sync(SyncOptions{})
			if len(done.Recorded) != c.releases || len(done.Refused) > 0 {
				t.Errorf("synced %+v", done)
			}
			for _, r := range done.Recorded {
				if r.Actor != c.actor || !strings.Contains(r.Reason, "by hand") {
					t.Errorf("recorded %+v", r)
				}
			}
			bob.push()
			if again := bob.sync(SyncOptions{}); len(again.Recorded)+len(again.Refs) > 0 {
				t.Errorf("a second sync finds %+v", again)
			}
			alice.sync(SyncOptions{})
			for _, who := range []*clone{alice, bob} {
				if got := who.live("production"); got != c.live {
					t.Errorf("%s: %s is live, want %s", who.actor, got, c.live)
				}
				if is, there := who.git("rev-parse", prodTag), who.at(prodTag); is != there {
					t.Errorf("%s: the tag is %s, at the remote %s", who.actor, is, there)
				}
			}
		})
	}
}

// TestTagsOfNobody: tags that name no environment are theirs who made them. They are
// neither sent nor deleted nor moved.
func TestTagsOfNobody(t *testing.T) {
	t.Parallel()
	alice, bob := pair(t)
	carol := third(t, alice)
	carol.git("tag", "components/my-prompt/mine", "components/my-prompt/v1.0.0^{commit}")
	carol.git("push", "--quiet", "origin", "refs/tags/components/my-prompt/mine")
	bob.git("tag", "components/my-prompt/mine", "components/my-prompt/v1.1.0^{commit}")
	bob.git("tag", "components/my-prompt/bobs", "components/my-prompt/v1.1.0^{commit}")
	there, here := bob.theirs(), bob.own()
	for _, who := range []*clone{alice, bob, alice} {
		done := who.sync(SyncOptions{})
		for _, r := range done.Refused {
			if !strings.HasSuffix(r.Ref, "/mine") && !strings.HasSuffix(r.Ref, "/bobs") {
				t.Errorf("refused %+v", r)
			}
		}
		if sent := who.push(); len(sent.Refs) > 0 {
			t.Errorf("%s pushed %v", who.actor, sent.Refs)
		}
	}
	if got := bob.theirs(); got != there {
		t.Errorf("the remote has\n%s\nand had\n%s", got, there)
	}
	if got := bob.own(); got != here {
		t.Errorf("bob has\n%s\nand had\n%s", got, here)
	}
}

// TestExportOverATagMovedByHand: a release does not move a tag that was moved by hand
// and not recorded yet, also when nothing is kept of where it was.
func TestExportOverATagMovedByHand(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(c *clone){
		"as it is":          func(*clone) {},
		"without the state": func(c *clone) { removeAll(c.t, c.bridge.repo.StateDir()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, bob := pair(t)
			bob.git("tag", "-f", "-a", "-m", "by hand", "components/my-prompt/prod", "components/my-prompt/v1.0.0^{commit}")
			moved := bob.git("rev-parse", prodTag)
			bob.deploy("production", "my-prompt", "v1.2.0")
			lose(bob)
			done := bob.export()
			if !slices.Equal(done.ByHand, []string{prodTag}) || done.Releases != 1 {
				t.Errorf("exported %+v", done)
			}
			if got := bob.git("rev-parse", prodTag); got != moved {
				t.Errorf("the tag is at %s, want %s", got, moved)
			}
			if sent := bob.push(); slices.Contains(sent.Refs, prodTag) || !slices.Contains(sent.Refs, EnvironmentRef("prod")) {
				t.Errorf("pushed %v", sent.Refs)
			}
			if done := bob.sync(SyncOptions{}); len(done.Recorded) != 1 || done.Recorded[0].Actor != "bob" || bob.live("production") != "v1.0.0" {
				t.Errorf("synced %+v", done)
			}
		})
	}
}

func removeAll(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
}

// TestMended: refs and state that were removed or put back are as they were after
// the next release, and the history goes on where it was.
func TestMended(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(c *clone){
		"the history is gone":         func(c *clone) { c.git("update-ref", "-d", EnvironmentRef("prod")) },
		"the history is put back":     func(c *clone) { c.git("update-ref", EnvironmentRef("prod"), EnvironmentRef("prod")+"^") },
		"all refs are gone":           func(c *clone) { c.wipe() },
		"all refs and state are gone": func(c *clone) { c.wipe(); removeAll(c.t, c.bridge.repo.StateDir()) },
		"the state is gone":           func(c *clone) { removeAll(c.t, c.bridge.repo.StateDir()) },
		"the state is nonsense":       func(c *clone) { c.scribble("{") },
		"the state is empty":          func(c *clone) { c.scribble("") },
		"a tag is gone":               func(c *clone) { c.git("tag", "-d", "components/my-prompt/prod") },
		"the packed refs are read":    func(c *clone) { c.git("pack-refs", "--all"); c.git("gc", "--quiet") },
		"the history and state": func(c *clone) {
			c.git("update-ref", "-d", EnvironmentRef("prod"))
			removeAll(c.t, c.bridge.repo.StateDir())
		},
		"put back, and without state": func(c *clone) {
			c.git("update-ref", EnvironmentRef("prod"), EnvironmentRef("prod")+"^")
			removeAll(c.t, c.bridge.repo.StateDir())
		},
		"a tag is gone, and the state": func(c *clone) {
			c.git("tag", "-d", "components/my-prompt/prod")
			removeAll(c.t, c.bridge.repo.StateDir())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alice, bob := pair(t)
			for _, who := range []*clone{alice, bob} {
				was := who.tip("prod")
				harm(who)
				who.deploy("production", "my-prompt", "v1.2.0")
				who.export()
				if got := gitrepo.OID(who.git("rev-parse", EnvironmentRef("prod")+"^")); got != was {
					t.Errorf("%s: the release comes after %s, want %s", who.actor, got, was)
				}
				who.sync(SyncOptions{Theirs: true})
				who.push()
				if list := who.git("tag", "-l", "--format=%(*objectname)", "components/my-prompt/prod"); list != who.git("rev-parse", "components/my-prompt/v1.2.0^{commit}") {
					t.Errorf("%s: the tag points at %s", who.actor, list)
				}
				if out := who.git("fsck", "--strict", "--no-dangling", "--no-progress"); strings.Contains(out, "error") || strings.Contains(out, "missing") {
					t.Errorf("git fsck says %s", out)
				}
			}
			alice.sync(SyncOptions{})
			if a, b := alice.tip("prod"), bob.tip("prod"); a != b {
				t.Errorf("alice is at %s, bob at %s", a, b)
			}
		})
	}
}

// wipe deletes all of Sluice's refs.
func (c *clone) wipe() {
	c.t.Helper()
	for _, ref := range strings.Fields(c.git("for-each-ref", "--format=%(refname)", "refs/sluice", "refs/tags/components")) {
		c.git("update-ref", "-d", ref)
	}
}

// scribble writes over all files that are kept beside the repository.
func (c *clone) scribble(text string) {
	c.t.Helper()
	err := filepath.WalkDir(c.bridge.repo.StateDir(), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.WriteFile(path, []byte(text), 0o644)
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// TestLabelPublishedApart: a label that two people gave apart stays what it is for
// each, the one that came first is the remote's, and no content is lost.
func TestLabelPublishedApart(t *testing.T) {
	t.Parallel()
	alice, bob := pair(t)
	alice.publish("my-prompt", "v2.0.0", "of alice\n")
	bob.publish("my-prompt", "v2.0.0", "of bob\n")
	bob.deploy("production", "my-prompt", "v2.0.0")
	bob.deploy("staging", "my-prompt", "v2.0.0")
	alice.deploy("staging", "my-prompt", "v2.0.0")
	alice.export()
	bob.export()
	alice.push()
	_, err := bob.bridge.Push(t.Context())
	conflict(t, err, "components/my-prompt/v2.0.0")
	done := bob.sync(SyncOptions{Rebase: true})
	if len(done.Refused) != 1 || done.Refused[0].Ref != "refs/tags/components/my-prompt/v2.0.0" {
		t.Errorf("refused %+v", done.Refused)
	}
	bob.push()
	alice.sync(SyncOptions{})
	for _, who := range []*clone{alice, bob} {
		f, err := who.client.File(t.Context(), "my-prompt", "v2.0.0", "my-prompt.md")
		if err != nil || string(f.Bytes()) != "of "+who.actor+"\n" {
			t.Errorf("%s has %q under the label, %v", who.actor, f.Bytes(), err)
		}
		for _, place := range []string{"staging", "production"} {
			r, err := who.client.Resolve(t.Context(), sluice.ResolveRequest{Environment: place, Component: "my-prompt", Content: true})
			if err != nil || string(r.Files[0].Bytes()) != "of bob\n" {
				t.Errorf("%s has %+v in %s, %v", who.actor, r, place, err)
			}
		}
	}
	if a, b := alice.git("for-each-ref", EnvironmentsPrefix), bob.git("for-each-ref", EnvironmentsPrefix); a != b {
		t.Errorf("alice has\n%s\nbob\n%s", a, b)
	}
}

// TestRename: an environment that gets another alias takes its history and tags with
// it at its next release, also where somebody else released under the earlier name.
func TestRename(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		apart bool
		o     SyncOptions
	}{
		"one after the other": {},
		"apart, rebased":      {true, SyncOptions{Rebase: true}},
		"apart, theirs":       {true, SyncOptions{Theirs: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alice, bob := pair(t)
			alias := "live"
			if _, err := alice.client.EditEnvironment(t.Context(), sluice.EditEnvironmentRequest{Name: "production", Alias: &alias}); err != nil {
				t.Fatal(err)
			}
			if done := alice.export(); len(done.Refs) > 0 {
				t.Errorf("an alias alone moved %v", done.Refs)
			}
			alice.deploy("production", "my-prompt", "v1.2.0")
			alice.export()
			alice.push()
			if c.apart {
				bob.rollback("production", "my-prompt")
				bob.export()
				_, err := bob.bridge.Push(t.Context())
				conflict(t, err, "prod")
				_, err = bob.bridge.Sync(t.Context(), SyncOptions{})
				conflict(t, err, "live was released apart")
				_, err = bob.bridge.Push(t.Context())
				conflict(t, err)
			}
			bob.sync(c.o)
			bob.push()
			alice.sync(SyncOptions{})
			for _, who := range []*clone{alice, bob} {
				refs := who.theirs() + "\n" + who.own()
				if strings.Contains(refs, "/prod\n") || strings.Contains(refs, "environments/prod") || !strings.Contains(refs, EnvironmentRef("live")) || !strings.Contains(refs, "components/my-prompt/live") {
					t.Errorf("%s has\n%s", who.actor, refs)
				}
			}
			if a, b := alice.tip("live"), bob.tip("live"); a != b {
				t.Errorf("alice is at %s, bob at %s", a, b)
			}
		})
	}
}

// TestAliasesSwapped: two environments whose names are exchanged keep their own
// histories.
func TestAliasesSwapped(t *testing.T) {
	t.Parallel()
	alice, _ := pair(t)
	alice.deploy("staging", "my-prompt", "v1.2.0")
	alice.export()
	was := map[string]gitrepo.OID{"production": alice.tip("prod"), "staging": alice.tip("stage")}
	for _, e := range [][2]string{{"production", "other"}, {"staging", "prod"}, {"production", "stage"}} {
		if _, err := alice.client.EditEnvironment(t.Context(), sluice.EditEnvironmentRequest{Name: e[0], Alias: &e[1]}); err != nil {
			t.Fatal(err)
		}
	}
	alice.deploy("staging", "my-prompt", "v1.0.0")
	alice.export()
	for display, want := range map[string]gitrepo.OID{"prod^": was["staging"], "stage": was["production"]} {
		if got := alice.tip(display); got != want {
			t.Errorf("%s is at %s, want %s", display, got, want)
		}
	}
	alice.deploy("production", "my-prompt", "v1.0.0")
	alice.export()
	if got := alice.tip("stage^"); got != was["production"] {
		t.Errorf("the release comes after %s, want %s", got, was["production"])
	}
	alice.push()
	if got, want := alice.at(EnvironmentRef("prod")), alice.tip("prod"); got != string(want) {
		t.Errorf("the remote has %s, want %s", got, want)
	}
}

// TestSamePublishedApart: the same that two people published apart is one version in
// the end, with the tag of who was first.
func TestSamePublishedApart(t *testing.T) {
	t.Parallel()
	for _, label := range []string{"v2.0.0", ""} {
		t.Run("label "+label, func(t *testing.T) {
			t.Parallel()
			alice, bob := pair(t)
			for _, who := range []*clone{alice, bob} {
				who.publish("my-prompt", label, "the same\n")
				who.export()
			}
			sent := alice.push()
			bob.sync(SyncOptions{Theirs: true})
			if again := bob.push(); len(again.Kept) > 0 || slices.ContainsFunc(again.Refs, isVersionRef) {
				t.Errorf("bob pushed %+v", again)
			}
			if !slices.ContainsFunc(sent.Refs, isVersionRef) {
				t.Errorf("alice pushed %v", sent.Refs)
			}
			for _, ref := range sent.Refs {
				if a, b := alice.git("rev-parse", ref), bob.git("rev-parse", ref); a != b {
					t.Errorf("%s is %s with alice, %s with bob", ref, a, b)
				}
			}
			page, err := bob.client.Versions(t.Context(), sluice.VersionQuery{Component: "my-prompt"})
			if err != nil || len(page.Items) != 4 {
				t.Errorf("bob has %+v, %v", page.Items, err)
			}
		})
	}
}

// TestDatesThatGoBack: releases may have been made before those that they follow in
// the history, as when they were taken in later. Git's own walks go by dates.
func TestDatesThatGoBack(t *testing.T) {
	t.Parallel()
	alice, bob := pair(t)
	now := time.Now()
	alice.recordMany(20, 20, func(i int) sluice.Record {
		v, err := alice.client.Version(t.Context(), "my-prompt", fmt.Sprintf("v1.%d.0", i%3))
		if err != nil {
			t.Fatal(err)
		}
		return sluice.Record{Release: &sluice.ReleaseRecord{
			Environment: "production", Actor: "carol", Action: sluice.ActionDeploy, At: sluice.TimeOf(now.Add(-time.Duration(i+1) * time.Hour)),
			Slots: []sluice.SlotRecord{{Slot: sluice.ComponentSlot("my-prompt"), Value: sluice.Settle(v.Pin())}},
		}}
	})
	alice.export()
	dates := strings.Fields(alice.git("log", "-3", "--format=%ct", EnvironmentRef("prod")))
	if slices.IsSortedFunc(dates, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Fatalf("the dates do not go back: %v", dates)
	}
	alice.push()
	if done := bob.sync(SyncOptions{}); len(done.Recorded) != 20 {
		t.Errorf("bob took in %d releases, want 20", len(done.Recorded))
	}
	bob.deploy("production", "my-prompt", "v1.2.0")
	bob.export()
	bob.push()
	alice.sync(SyncOptions{})
	if a, b := alice.tip("prod"), bob.tip("prod"); a != b {
		t.Errorf("alice is at %s, bob at %s", a, b)
	}
}

// TestSplitAcrossNumbers: a split keeps the order of its shares where the versions
// have other numbers, so that each key gets the same version everywhere, and the
// next release on top of it can be written.
func TestSplitAcrossNumbers(t *testing.T) {
	t.Parallel()
	alice, bob := pair(t)
	bob.publish("my-prompt", "v3.0.0", "of bob\n")
	bob.publish("my-prompt", "v3.1.0", "of bob again\n")
	alice.publish("my-prompt", "v2.0.0", "of alice\n")
	alice.publish("my-prompt", "v2.1.0", "of alice again\n")
	bob.export()
	bob.sync(SyncOptions{Theirs: true})
	bob.push()
	alice.sync(SyncOptions{Theirs: true}) // her v2 are 4 and 5, his v3 are 6 and 7, and the other way round with him
	alice.export()
	alice.push()
	bob.sync(SyncOptions{Theirs: true})
	bob.deploy("staging", "my-prompt", "v1.1.0") // what the split starts from, and no share of it
	if _, err := bob.client.Deploy(t.Context(), sluice.DeployRequest{Environment: "staging", Changes: []sluice.ChangeRequest{{
		Component: "my-prompt", Split: []sluice.ShareRequest{{Version: "v3.0.0", Weight: 5000}, {Version: "v2.1.0", Weight: 5000}},
	}}}); err != nil {
		t.Fatal(err)
	}
	bob.export()
	bob.push()
	alice.sync(SyncOptions{Theirs: true})
	for i := range 20 {
		var got []sluice.Label
		for _, who := range []*clone{alice, bob} {
			r, err := who.client.Resolve(t.Context(), sluice.ResolveRequest{Environment: "staging", Component: "my-prompt", Key: fmt.Sprint(i)})
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r.Label)
		}
		if got[0] != got[1] {
			t.Errorf("%d gets %s with alice, %s with bob", i, got[0], got[1])
		}
	}
	alice.publish("other", "v1.0.0", "other\n")
	if _, err := alice.client.CreateEnvironment(t.Context(), sluice.CreateEnvironmentRequest{Name: "canary", Parent: "staging"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"other", "my-prompt"} { // one keeps the line that alice wrote, the other changes it
		alice.deploy("canary", name, "v1.0.0")
		alice.export()
	}
	alice.push()
	bob.sync(SyncOptions{Theirs: true})
	if got := bob.live("canary"); got != "v1.0.0" {
		t.Errorf("%s is live", got)
	}
}
