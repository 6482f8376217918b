package control_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/control"
	"github.com/sluice-dev/sluice/internal/pgtest"
	"github.com/sluice-dev/sluice/internal/sluicetest"
	"github.com/sluice-dev/sluice/internal/store"
)

// TestRecord makes a random history in one installation, records it in batches in
// an empty one, and demands that it is the same there: each manifest with what a
// rollback uncovers, each line of history, each root, and what rollbacks do
// afterwards.
func TestRecord(t *testing.T) {
	for _, engine := range []struct {
		name  string
		empty func(t *testing.T) store.Config
	}{
		{"sqlite", func(t *testing.T) store.Config { return store.Config{Dir: t.TempDir()} }},
		{"postgres", func(t *testing.T) store.Config { return store.Config{Postgres: pgtest.New(t)} }},
	} {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				pair := newPair(rt, store.Config{Dir: t.TempDir()}, engine.empty(t))
				pair.feed(must(sluicetest.Elsewhere(as("alice"), pair.a.Control))(rt))
				pair.compare()
				pair.settings()
				for range 12 {
					pair.back()
				}
			})
		})
	}
}

// TestRecordWithoutTimes is the same for records that do not say since when what
// lies under was live: then what the next rollback uncovers is the same at least.
func TestRecordWithoutTimes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		pair := newPair(rt, store.Config{Dir: t.TempDir()}, store.Config{Dir: t.TempDir()})
		pair.depth = 1
		history := must(sluicetest.Elsewhere(as("alice"), pair.a.Control))(rt)
		for _, r := range history.Records {
			for i := range slotRecords(r) {
				r.Release.Slots[i].UnderSince = 0
			}
		}
		pair.feed(history)
		pair.compare()
		pair.settings()
	})
}

func slotRecords(r sluice.Record) []sluice.SlotRecord {
	if r.Release == nil {
		return nil
	}
	return r.Release.Slots
}

// newPair makes a random history in a, and b empty and a day later.
func newPair(rt *rapid.T, a, b store.Config) *pair {
	p := &pair{T: rt, a: open(rt, a), there: map[string]sluice.Release{}, depth: 1_000}
	rt.Repeat(map[string]func(*rapid.T){"step": p.a.shareable})
	b.Now = func() time.Time { return max(p.a.model.clock, p.a.model.last).Std().AddDate(0, 0, 1) }
	p.b, _ = install(rt, b)
	return p
}

// shareable makes one change of a sort that a record carries on.
func (m *machine) shareable(rt *rapid.T) {
	p := m.pick(rt)
	oneOf(p, []func(picked){
		m.publish, m.deploy, m.deploy, m.deploy, m.deployTwo, m.split, m.unset, m.hide, m.promote, m.promote,
		m.back, m.back, m.backTo, m.backAt, m.revert, m.restore, m.restore, m.quarantine,
		m.setVariables, m.setVariables, m.unsetVariable, m.importVariables, m.rotateKey,
		m.create, m.create, m.edit, m.edit, m.remove, m.importOnce, m.moveClock,
	})(p)
}

// importOnce imports at a time that nothing else was imported at, since what lies
// under a value is found by its time.
func (m *machine) importOnce(p picked) {
	m.model.clock++
	m.importPast(p)
}

// pair are the two installations.
type pair struct {
	*rapid.T
	a     *machine
	b     *control.Control
	there map[string]sluice.Release // releases in b, by their references in a
	depth int                       // how far down is compared what lies under
}

// feed records all that happened in a, in batches of random size, and once more.
func (p *pair) feed(history sluicetest.History) {
	done := 0
	for _, silent := range history.Silent {
		p.record(history.Records[done:silent.After], true)
		p.repeat(silent)
		done = silent.After
	}
	p.record(history.Records[done:], true)
	before := must(p.b.Info(as("bob")))(p.T).Epoch
	p.record(history.Records, false)
	if after := must(p.b.Info(as("bob")))(p.T).Epoch; after != before {
		p.Fatalf("what was known took the ledger from %d to %d", before, after)
	}
	if report := must(p.b.Verify(as("bob"), sluice.VerifyRequest{}))(p.T); !report.Holds {
		p.Fatalf("the ledger of b does not hold: %s", report.Problem)
	}
}

func (p *pair) record(records []sluice.Record, fresh bool) {
	for len(records) > 0 {
		n := min(rapid.IntRange(1, 40).Draw(p.T, "batch"), len(records))
		report := must(p.b.Record(as("bob"), sluice.RecordRequest{Records: records[:n]}))(p.T)
		for i, done := range report.Recorded {
			if done.Created != fresh || done.RootDiffers || done.Stubbed != nil {
				p.Fatalf("record %+v gave %+v", records[i].Release, done)
			}
			if done.Release != nil {
				p.there[refOf(records[i].Release, p.a)] = *done.Release
			}
		}
		records = records[n:]
	}
}

// repeat makes a change of an environment that no release speaks of, which makes none
// here either.
func (p *pair) repeat(silent sluicetest.Silent) {
	e := silent.Environment
	tracks := e.Tracks
	if tracks == "" {
		tracks = "none"
	}
	var out sluice.EnvironmentChange
	switch here, err := p.b.Environment(as("bob"), e.Name); {
	case silent.Kind == sluice.EntryEnvironmentDelete:
		out = must(p.b.DeleteEnvironment(as("bob"), sluice.DeleteEnvironmentRequest{Name: e.Name}))(p.T)
	case err != nil:
		out = must(p.b.CreateEnvironment(as("bob"), sluice.CreateEnvironmentRequest{
			Name: e.Name, Alias: e.Alias, Parent: e.Parent, Tracks: e.Tracks, PromotesFrom: e.PromotesFrom,
		}))(p.T)
	case here.Name == sluice.Base: // as it is made
	default:
		out = must(p.b.EditEnvironment(as("bob"), sluice.EditEnvironmentRequest{
			Name: e.Name, Alias: &e.Alias, Parent: &e.Parent, Tracks: &tracks, PromotesFrom: &e.PromotesFrom,
		}))(p.T)
	}
	if len(out.Releases) > 0 {
		p.Fatalf("%s %s made releases: %+v", silent.Kind, e.Name, out.Releases)
	}
}

// refOf is the reference in a of the release that a record was made of.
func refOf(rec *sluice.ReleaseRecord, a *machine) string {
	for n := range a.model.environments[rec.Environment].past {
		if ref := fmt.Sprintf("%s#%d", rec.Environment, n+1); sluicetest.CommitOf(ref) == rec.Commit {
			return ref
		}
	}
	return ""
}

// compare compares every release of every environment.
func (p *pair) compare() {
	for _, name := range slices.Sorted(maps.Keys(p.a.model.environments)) {
		for n := range p.a.model.environments[name].latest() {
			p.same(name, n+1)
		}
	}
}

// same demands that a release is the same in both.
func (p *pair) same(name string, n int64) {
	p.Helper()
	ref := fmt.Sprintf("%s#%d", name, n)
	there, known := p.there[ref]
	if !known {
		p.Fatalf("%s was not recorded", ref)
	}
	if a, b := p.manifestOf(p.a.Control, name, n), p.manifestOf(p.b, name, there.Number); a != b {
		p.Fatalf("%s is\n%s\nand in b\n%s", ref, a, b)
	}
	at := there.At
	if there.SourceAt != 0 {
		at = there.SourceAt
	}
	s := p.a.model.environments[name].after(n)
	if got, want := fmt.Sprint(at, there.Action, there.Actor, there.Root), fmt.Sprint(s.at, s.action, s.actor, s.root()); got != want {
		p.Fatalf("%s is %s, and in b %s", ref, want, got)
	}
}

// manifestOf is what an environment held after a release, with what lies under each
// slot.
func (p *pair) manifestOf(c *control.Control, name string, n int64) string {
	m := must(c.State(as("alice"), sluice.EnvironmentRef{Name: name, Release: n, Exact: true}))(p.T)
	lines := []string{string(m.Root)}
	for _, s := range m.Slots {
		lines = append(lines, fmt.Sprintf("%s %q from %q pinned %t over %s", s.Slot, s.Value.Encode(), s.Origin, s.PinnedBy > 0, p.chain(c, name, s)))
	}
	return strings.Join(lines, "\n")
}

// chain are the values that rollbacks would uncover one after the other.
func (p *pair) chain(c *control.Control, name string, s sluice.Setting) (values []string) {
	for s.Under > 0 && len(values) < p.depth {
		m := must(c.State(as("alice"), sluice.EnvironmentRef{Name: name, Release: s.Under, Exact: true}))(p.T)
		s, _ = m.Find(s.Slot)
		values = append(values, s.Value.String())
	}
	return values
}

// settings compares the environments as they are set up, and brings into b what is
// quarantined.
func (p *pair) settings() {
	for _, name := range slices.Sorted(maps.Keys(p.a.model.components)) {
		for i, digest := range p.a.model.components[name].digests {
			if p.a.model.components[name].quarantined[digest] {
				must(p.b.Quarantine(as("bob"), sluice.QuarantineRequest{Component: name, Version: number(i + 1), Change: sluice.Change{Reason: "as in a"}}))(p.T)
			}
		}
	}
	list := func(c *control.Control) (out []string) {
		for _, e := range must(c.Environments(as("alice"), true))(p.T) {
			out = append(out, fmt.Sprintf("%s %q %q %q %q %t #%d", e.Name, e.Alias, e.Parent, e.Tracks, e.PromotesFrom, e.Deleted, e.Release))
		}
		slices.Sort(out)
		return out
	}
	if a, b := list(p.a.Control), list(p.b); !slices.Equal(a, b) {
		p.Fatalf("the environments are\n%s\nand in b\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
}

func (p *pair) want(got, want any, what string) {
	p.Helper()
	if got != want {
		p.Fatalf("%s: %v, want %v", what, got, want)
	}
}

// back makes one rollback in both, which must come to the same.
func (p *pair) back() {
	choice := p.a.pick(p.T)
	e := choice.place()
	a := sluice.RollbackRequest{Environment: e.name, Further: true, Secrets: choice.secrets()}
	b := a
	switch n := choice.release(e); choice.IntN(3) {
	case 0:
		a.Components = []string{choice.part()}
		b.Components = a.Components
	case 1:
		a.To, b.To = fmt.Sprintf("%s#%d", e.name, n), fmt.Sprintf("%s#%d", e.name, p.there[fmt.Sprintf("%s#%d", e.name, n)].Number)
	default:
		if n == 0 || slotsOf(p.release(e.name, n)) != slotsOf(p.there[fmt.Sprintf("%s#%d", e.name, n)]) {
			return // there is no release, or one that differed only in which release froze a value
		}
		a.Release, b.Release = n, p.there[fmt.Sprintf("%s#%d", e.name, n)].Number
	}
	first, err := p.a.Rollback(as("alice"), a)
	second, other := p.b.Rollback(as("alice"), b)
	if err != nil || other != nil {
		p.want(fmt.Sprint(other), fmt.Sprint(err), fmt.Sprintf("rollback %+v in b", b))
		return
	}
	p.want(fmt.Sprint(slots(second.Kept), second.Stubbed), fmt.Sprint(slots(first.Kept), first.Stubbed), "kept and stubbed in b")
	p.after(first, second)
}

func (p *pair) release(name string, n int64) sluice.Release {
	page := must(p.a.Releases(as("alice"), sluice.ReleaseQuery{Environment: name, Paging: sluice.Paging{Limit: sluice.MaxPage}}))(p.T)
	i := slices.IndexFunc(page.Items, func(r sluice.Release) bool { return r.Number == n })
	return page.Items[i]
}

// slotsOf are the slots that a release changed.
func slotsOf(r sluice.Release) string {
	var out []string
	for _, c := range r.Changes {
		out = append(out, string(c.Slot))
	}
	return strings.Join(out, " ")
}

func slots(kept []sluice.Kept) (out []sluice.Slot) {
	for _, k := range kept {
		out = append(out, k.Slot)
	}
	return out
}

// after compares what a rollback left in the environments of a, and remembers which
// releases are the same.
func (p *pair) after(first, second sluice.Outcome) {
	releases := func(o sluice.Outcome) []sluice.Release {
		if o.Release == nil {
			return o.Inherited
		}
		return append([]sluice.Release{*o.Release}, o.Inherited...)
	}
	for _, r := range releases(first) {
		i := slices.IndexFunc(releases(second), func(o sluice.Release) bool { return o.Environment == r.Environment })
		if i < 0 {
			p.Fatalf("%+v has no counterpart in b", r)
		}
		there := releases(second)[i]
		p.there[r.Ref()] = there
		if a, b := p.manifestOf(p.a.Control, r.Environment, r.Number), p.manifestOf(p.b, r.Environment, there.Number); a != b {
			p.Fatalf("after %s it is\n%s\nand in b\n%s", r.Ref(), a, b)
		}
	}
}
