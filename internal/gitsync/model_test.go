package gitsync

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

var (
	modelRuns = flag.Int("gitsync.runs", 8, "how many histories the model makes")
	modelFrom = flag.Uint64("gitsync.from", 1, "the first of them, to make one again")
	modelLong = flag.Int("gitsync.steps", 30, "how many steps each history has")
)

// TestModel lets two or three people do whatever they like to one repository, with
// Sluice and with plain Git, and demands that what each has agrees with itself all
// the time, and that all have the same in the end.
func TestModel(t *testing.T) {
	t.Parallel()
	for seed := *modelFrom; seed < *modelFrom+uint64(*modelRuns); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			m := newTeam(t, seed)
			defer func() {
				if t.Failed() {
					t.Logf("what happened:\n%s", strings.Join(m.trace, "\n"))
				}
			}()
			m.publish(m.people[0])
			m.publish(m.people[1])
			for range *modelLong {
				m.step()
			}
			m.settle()
			m.compare()
			m.newcomer()
		})
	}
}

// team are people that share a remote.
type team struct {
	*testing.T
	*rand.Rand
	remote string
	people []*clone
	trace  []string
	texts  int
	// made are all commits of releases that were ever under a ref here or there, by
	// who had them first.
	made map[gitrepo.OID]string
	// clashed are tags of versions that two people made apart.
	clashed map[string]bool
	apart   map[string]bool // people of whom releases were superseded
}

func newTeam(t *testing.T, seed uint64) *team {
	m := &team{T: t, Rand: rand.New(rand.NewPCG(seed, 0)), remote: bare(t), made: map[gitrepo.OID]string{}, clashed: map[string]bool{}, apart: map[string]bool{}}
	names := []string{"alice", "bob", "carol"}
	for _, name := range names[:2+seed%3/2] {
		m.people = append(m.people, newClone(t, m.remote, name))
	}
	return m
}

func (m *team) say(who *clone, format string, args ...any) {
	m.trace = append(m.trace, fmt.Sprintf("%-6s ", who.actor)+fmt.Sprintf(format, args...))
}

func oneOf[T any](m *team, list ...T) T { return list[m.IntN(len(list))] }

func (m *team) oneIn(n int) bool { return m.IntN(n) == 0 }

// step lets somebody do something, and looks at what came of it.
func (m *team) step() {
	m.Helper()
	c := oneOf(m, m.people...)
	oneOf(
		m, m.publish, m.publish, m.publish, m.deploy, m.deploy, m.deploy, m.deploy, m.rollback, m.rollback, m.promote, m.restore, m.unset, m.split,
		m.variable, m.create, m.edit, m.remove, m.moveTag, m.moveTag, m.tagVersion, m.deleteTag, m.pushByHand, m.tidy, m.loseState, m.loseLedger,
		m.sync, m.sync, m.sync, m.sync, m.push, m.push, m.push,
	)(c)
	if !m.oneIn(3) {
		m.export(c)
		m.agrees(c)
	}
	if m.oneIn(10) {
		m.sound(c)
	}
}

// allowed fails the test unless an error is one that a user may well get.
func (m *team) allowed(c *clone, what string, err error) bool {
	m.Helper()
	switch sluice.CodeOf(err) {
	case sluice.Conflict, sluice.NotFound, sluice.Refused, sluice.Invalid:
		if err != nil {
			m.say(c, "%s: %v", what, err)
		}
	default:
		if err != nil {
			m.Fatalf("%s, %s: %v", c.actor, what, err)
		}
	}
	return err == nil
}

func (m *team) export(c *clone) {
	m.Helper()
	out, err := c.bridge.Export(m.Context())
	if m.allowed(c, "export", err) && out.Refs != nil {
		m.say(c, "exported %d releases, %d versions; by hand %v", out.Releases, out.Versions, out.ByHand)
	}
	m.remember(c)
}

// sync syncs in one of its ways.
func (m *team) sync(c *clone) {
	m.trySync(c, oneOf(m, SyncOptions{}, SyncOptions{}, SyncOptions{Rebase: true}, SyncOptions{Theirs: true}))
}

func (m *team) trySync(c *clone, o SyncOptions) (Synced, error) {
	m.Helper()
	m.export(c)
	out, err := c.bridge.Sync(m.Context(), o)
	var apart *Divergence
	switch {
	case errors.As(err, &apart):
		if o.Rebase || o.Theirs {
			m.Fatalf("%s: a sync that was told what to do says %v", c.actor, err)
		}
		m.say(c, "sync: %v", err)
	case m.allowed(c, "sync", err):
		m.apart[c.actor] = m.apart[c.actor] || len(out.Superseded) > 0
		m.say(c, "synced (rebase %v, theirs %v): %s", o.Rebase, o.Theirs, shownSync(out))
	}
	m.remember(c)
	m.agrees(c)
	return out, err
}

func shownSync(s Synced) string {
	var out []string
	for _, r := range s.Recorded {
		out = append(out, fmt.Sprintf("%s %s by %s", r.Ref(), r.Action, r.Actor))
	}
	for _, r := range s.Rebased {
		out = append(out, "again "+r.Ref())
	}
	for _, r := range s.Superseded {
		out = append(out, "superseded "+r)
	}
	for _, r := range s.Refused {
		out = append(out, "refused "+r.Ref+": "+r.Reason)
	}
	return fmt.Sprintf("%d versions; %s; moved %v; by hand %v", s.Versions, strings.Join(out, ", "), s.Refs, s.ByHand)
}

func (m *team) push(c *clone) { m.tryPush(c) }

func (m *team) tryPush(c *clone) (Pushed, error) {
	m.Helper()
	m.export(c)
	out, err := c.bridge.Push(m.Context())
	if m.allowed(c, "push", err) {
		m.say(c, "pushed %v, kept %v", out.Refs, out.Kept)
	}
	for _, ref := range out.Kept {
		m.clashed[ref] = true
	}
	return out, err
}

// settle has everybody sync and push until nobody has anything to tell.
func (m *team) settle() {
	m.Helper()
	for round := range 8 {
		m.trace = append(m.trace, fmt.Sprintf("--- round %d", round))
		quiet := true
		for _, c := range m.people {
			done, err := m.trySync(c, oneOf(m, SyncOptions{Rebase: true}, SyncOptions{Theirs: true}))
			if refuse(err) { // what was made here cannot be appended
				done, err = m.trySync(c, SyncOptions{Theirs: true})
			}
			if err != nil {
				m.Fatalf("%s cannot sync: %v", c.actor, err)
			}
			sent, err := m.tryPush(c)
			quiet = quiet && err == nil && len(done.Recorded)+len(done.Rebased)+len(done.Superseded)+len(done.Refs)+done.Versions+len(sent.Refs) == 0
		}
		if quiet {
			return
		}
	}
	m.Fatal("they never come to rest")
}

// remember notes the releases that are under refs here.
func (m *team) remember(c *clone) {
	m.Helper()
	for _, line := range strings.Fields(c.git("log", "--format=%H", "--glob=refs/sluice/environments/*")) {
		if id := gitrepo.OID(line); m.made[id] == "" {
			m.made[id] = c.actor
		}
	}
}

// newcomer clones what is there in the end, and has what the others have.
func (m *team) newcomer() {
	m.Helper()
	dave := newClone(m.T, m.remote, "dave")
	done, err := dave.bridge.Sync(m.Context(), SyncOptions{})
	if err != nil {
		m.Fatalf("a new clone cannot sync: %v", err)
	}
	m.say(dave, "synced: %s", shownSync(done))
	sent, err := dave.bridge.Push(m.Context())
	if err != nil || len(sent.Refs) > 0 {
		m.Errorf("a new clone pushes %v, %v", sent.Refs, err)
	}
	m.agrees(dave)
	m.people = append([]*clone{dave}, m.people[:1]...)
	m.compare()
	if again := dave.sync(SyncOptions{}); len(again.Recorded)+len(again.Refs)+again.Versions > 0 {
		m.Errorf("a second sync finds %s", shownSync(again))
	}
	slices.Reverse(m.people)
}
