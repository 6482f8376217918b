package gitsync

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// pair are two people that have the same: three versions of a prompt, of which the
// second lies over the first in production.
func pair(t *testing.T) (alice, bob *clone) {
	t.Helper()
	remote := bare(t)
	alice = newClone(t, remote, "alice")
	for i, text := range []string{"one\n", "two\n", "three\n"} {
		alice.publish("my-prompt", fmt.Sprintf("v1.%d.0", i), text)
	}
	alice.deploy("production", "my-prompt", "v1.0.0")
	alice.deploy("production", "my-prompt", "v1.1.0")
	alice.export()
	alice.push()
	bob = newClone(t, remote, "bob")
	bob.sync(SyncOptions{})
	return alice, bob
}

func (c *clone) rollback(environment, name string) sluice.Outcome {
	c.t.Helper()
	out, err := c.client.Rollback(c.t.Context(), sluice.RollbackRequest{Environment: environment, Components: []string{name}, Further: true})
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// live is the label of what is live of the prompt.
func (c *clone) live(environment string) string {
	c.t.Helper()
	s, err := c.client.Setting(c.t.Context(), sluice.EnvironmentRef{Name: environment}, "my-prompt")
	if err != nil {
		c.t.Fatal(err)
	}
	return string(s.Value.Label)
}

// own are all refs of a clone but those that say what the remote has.
func (c *clone) own() string {
	c.t.Helper()
	lines := strings.Split(c.git("for-each-ref"), "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, RemotesPrefix) }), "\n")
}

func (c *clone) theirs() string {
	c.t.Helper()
	return c.git("ls-remote", "origin")
}

func (c *clone) epoch() int64 {
	c.t.Helper()
	info, err := c.client.Info(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return info.Epoch
}

// tip is the last release of an environment in Git.
func (c *clone) tip(display string) gitrepo.OID {
	c.t.Helper()
	return gitrepo.OID(c.git("rev-parse", EnvironmentRef(display)))
}

// conflict demands that an error is one clear Conflict that says what to do.
func conflict(t *testing.T, err error, wants ...string) {
	t.Helper()
	e := sluice.AsError(err)
	if e == nil || e.Code != sluice.Conflict || len(e.Fixes) == 0 {
		t.Fatalf("got %v, want a conflict that says what to do", err)
	}
	for _, want := range wants {
		if !strings.Contains(e.Message, want) {
			t.Errorf("%q does not name %q", e.Message, want)
		}
	}
}

// TestTwoRollBackAtOnce: one of two pushes wins, and of the other nothing arrives.
func TestTwoRollBackAtOnce(t *testing.T) {
	t.Parallel()
	alice, bob := pair(t)
	alice.publish("other", "v1.0.0", "other\n") // which bob need not take in to be told
	alice.rollback("production", "my-prompt")
	bob.rollback("production", "my-prompt")
	alice.export()
	bob.export()
	alice.push()
	won := alice.theirs()
	_, err := bob.bridge.Push(t.Context())
	conflict(t, err, "origin", "environments/prod")
	if got := bob.theirs(); got != won {
		t.Errorf("the remote has\n%s\nand had\n%s", got, won)
	}
	conflictsTwice(t, alice, bob, won)
}

// conflictsTwice demands that a sync which is not told what to do says what both
// did and changes nothing, and that a push cannot throw away what the sync saw.
func conflictsTwice(t *testing.T, alice, bob *clone, won string) {
	t.Helper()
	refs, epoch := bob.own(), bob.epoch()
	for range 2 {
		_, err := bob.bridge.Sync(t.Context(), SyncOptions{})
		conflict(t, err, "prod was released apart", "alice", "bob")
		var apart *Divergence
		if !errors.As(err, &apart) || len(apart.Environments) != 1 {
			t.Fatalf("got %#v", err)
		}
		e := apart.Environments[0]
		if e.Environment != "prod" || len(e.Mine) != 1 || len(e.Theirs) != 1 || e.Mine[0].Commit != string(bob.tip("prod")) || e.Theirs[0].Commit != string(alice.tip("prod")) {
			t.Errorf("apart are %+v", e)
		}
		if e.Mine[0].Actor != "bob" || e.Theirs[0].Actor != "alice" || e.Mine[0].Action != sluice.ActionRollback {
			t.Errorf("apart are %+v", e)
		}
		if got := bob.own(); got != refs {
			t.Errorf("the refs are\n%s\nand were\n%s", got, refs)
		}
		if got := bob.epoch(); got != epoch {
			t.Errorf("the ledger is at %d, and was at %d", got, epoch)
		}
		_, err = bob.bridge.Push(t.Context())
		conflict(t, err, "origin has releases")
		if got := bob.theirs(); got != won {
			t.Errorf("the remote has\n%s\nand had\n%s", got, won)
		}
	}
}

// TestReconcile: what was released apart comes together again, as was asked.
func TestReconcile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options SyncOptions
		alice   func(c *clone)
		bob     func(c *clone)
		live    string // in production
		under   string // "" when nothing is there to go back to
		chain   int    // releases of production in the end
		actors  string
	}{
		"rebase a deploy onto a rollback": {
			SyncOptions{Rebase: true},
			func(c *clone) { c.rollback("production", "my-prompt") }, func(c *clone) { c.deploy("production", "my-prompt", "v1.2.0") },
			"v1.2.0", "v1.0.0", 4, "alice alice alice bob",
		},
		"rebase a rollback onto a deploy": {
			SyncOptions{Rebase: true},
			func(c *clone) { c.deploy("production", "my-prompt", "v1.2.0") }, func(c *clone) { c.rollback("production", "my-prompt") },
			"v1.0.0", "", 4, "alice alice alice bob",
		},
		"rebase two releases": {
			SyncOptions{Rebase: true},
			func(c *clone) { c.rollback("production", "my-prompt") },
			func(c *clone) {
				c.deploy("production", "my-prompt", "v1.2.0")
				c.deploy("production", "my-prompt", "v1.1.0")
			},
			"v1.1.0", "v1.0.0", 5, "alice alice alice bob bob", // a deploy of what was live is a rollback
		},
		"rebase what is so already": {
			SyncOptions{Rebase: true},
			func(c *clone) { c.rollback("production", "my-prompt") }, func(c *clone) { c.rollback("production", "my-prompt") },
			"v1.0.0", "", 3, "alice alice alice",
		},
		"theirs stands": {
			SyncOptions{Theirs: true},
			func(c *clone) { c.rollback("production", "my-prompt") }, func(c *clone) { c.deploy("production", "my-prompt", "v1.2.0") },
			"v1.0.0", "", 3, "alice alice alice",
		},
		"theirs stands over several": {
			SyncOptions{Theirs: true},
			func(c *clone) { c.deploy("production", "my-prompt", "v1.2.0"); c.rollback("production", "my-prompt") },
			func(c *clone) { c.rollback("production", "my-prompt"); c.deploy("production", "my-prompt", "v1.2.0") },
			"v1.1.0", "v1.0.0", 4, "alice alice alice alice",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alice, bob := pair(t)
			c.alice(alice)
			c.bob(bob)
			alice.export()
			alice.push()
			bob.export()
			lost := bob.tip("prod")
			bob.sync(c.options)
			bob.push()
			alice.sync(SyncOptions{})
			for _, who := range []*clone{alice, bob} {
				reconciled(t, who, c.live, c.under)
			}
			if a, b := alice.tip("prod"), bob.tip("prod"); a != b {
				t.Errorf("alice is at %s, bob at %s", a, b)
			}
			authors := strings.Fields(bob.git("log", "--reverse", "--first-parent", "--format=%an", EnvironmentRef("prod")))
			if len(authors) != c.chain || strings.Join(authors, " ") != c.actors {
				t.Errorf("releases by %v, want %s", authors, c.actors)
			}
			if kept := bob.git("for-each-ref", "--contains", string(lost), SupersededPrefix, EnvironmentsPrefix); kept == "" {
				t.Errorf("%s, which bob released, is under no ref", lost)
			}
			if there := bob.theirs(); !strings.Contains(there, string(lost)) {
				t.Errorf("%s, which bob released, is not at the remote:\n%s", lost, there)
			}
			if again := bob.sync(SyncOptions{}); len(again.Refs)+len(again.Recorded) > 0 {
				t.Errorf("a second sync finds %+v", again)
			}
		})
	}
}

// reconciled demands what is live, what a rollback uncovers, and that all holds.
func reconciled(t *testing.T, c *clone, live, under string) {
	t.Helper()
	if got := c.live("production"); got != live {
		t.Errorf("%s: %q is live, want %q", c.actor, got, live)
	}
	report, err := c.client.Verify(t.Context(), sluice.VerifyRequest{})
	if err != nil || !report.Holds {
		t.Errorf("%s: the ledger does not hold: %+v, %v", c.actor, report, err)
	}
	rd := c.bridge.repo.Reader(t.Context())
	defer rd.Close()
	text, err := readManifest(rd, c.tip("prod"))
	if err != nil {
		t.Fatal(err)
	}
	is, err := ParseManifest(text)
	if err != nil {
		t.Fatal(err)
	}
	if line := is.Slots[0]; string(line.Value.Label) != live || string(line.Under.Label) != under {
		t.Errorf("%s: the manifest has %+v, want %s over %s", c.actor, line, live, under)
	}
	back, err := c.client.Rollback(t.Context(), sluice.RollbackRequest{
		Environment: "production", Components: []string{"my-prompt"}, Further: true, Change: sluice.Change{DryRun: true},
	})
	switch {
	case under == "" && sluice.CodeOf(err) != sluice.NotFound:
		t.Errorf("%s: a rollback goes to %+v, %v; want nowhere", c.actor, back, err)
	case under != "" && (err != nil || string(back.Release.Changes[0].To.Label) != under):
		t.Errorf("%s: a rollback goes to %+v, %v; want %s", c.actor, back, err, under)
	}
}

// TestRefusedRebase: when a policy here refuses what is to be appended again, nothing
// at all has changed.
func TestRefusedRebase(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(alice, bob *clone){
		"quarantine": func(_, bob *clone) {
			_, err := bob.client.Quarantine(bob.t.Context(), sluice.QuarantineRequest{Component: "my-prompt", Version: "v1.2.0", Change: sluice.Change{Reason: "it lies"}})
			if err != nil {
				bob.t.Fatal(err)
			}
		},
		"a policy that came with theirs": func(alice, _ *clone) {
			from := []string{"staging"}
			if _, err := alice.client.EditEnvironment(alice.t.Context(), sluice.EditEnvironmentRequest{Name: "production", PromotesFrom: &from}); err != nil {
				alice.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alice, bob := pair(t)
			bob.deploy("production", "my-prompt", "v1.2.0")
			prepare(alice, bob)
			alice.publish("other", "v1.0.0", "other\n") // which bob does not have
			alice.rollback("production", "my-prompt")
			alice.export()
			alice.push()
			bob.export()
			refs, live := bob.own(), bob.live("production")
			var before []sluice.Release
			page, err := bob.client.Releases(t.Context(), sluice.ReleaseQuery{})
			if err != nil {
				t.Fatal(err)
			}
			before = page.Items
			_, err = bob.bridge.Sync(t.Context(), SyncOptions{Rebase: true})
			if sluice.CodeOf(err) != sluice.Refused || !strings.Contains(err.Error(), "nothing was changed, since the deploy in production by bob cannot be appended") {
				t.Fatalf("got %v, want it refused", err)
			}
			page, err = bob.client.Releases(t.Context(), sluice.ReleaseQuery{})
			if err != nil || fmt.Sprint(page.Items) != fmt.Sprint(before) {
				t.Errorf("the releases are\n%+v, %v\nand were\n%+v", page.Items, err, before)
			}
			if got := bob.live("production"); got != live {
				t.Errorf("%s is live, and was %s", got, live)
			}
			if got := bob.own(); got != refs {
				t.Errorf("the refs are\n%s\nand were\n%s", got, refs)
			}
			bob.sync(SyncOptions{Theirs: true}) // which nobody refuses
			bob.push()
			if got := bob.live("production"); got != "v1.0.0" {
				t.Errorf("%s is live", got)
			}
		})
	}
}
