package control_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice"
)

// want fails unless an error has the code; "" wants none.
func (m *machine) want(rt *rapid.T, err error, code sluice.Code) {
	rt.Helper()
	if sluice.CodeOf(err) != code {
		rt.Fatalf("the error is %v, want %q", err, code)
	}
}

// twice makes a change, and with an idempotency key tries it again, which must
// change nothing and give the same answer.
func (m *machine) twice(p picked, call func() (sluice.Outcome, error), judge func(sluice.Outcome, error)) {
	first, err := call()
	judge(first, err)
	if p.try == "" || p.dry || err != nil {
		return
	}
	again, err := call()
	if err != nil || !again.Replayed {
		p.Fatalf("the second try gave %+v, %v", again, err)
	}
	if a, b := first.Release, again.Release; (a == nil) != (b == nil) || a != nil && a.Ref() != b.Ref() {
		p.Fatalf("the second try gave another release")
	}
}

// outcome compares the answer to a change of what is live with the model's, and
// commits the model.
func (m *machine) outcome(p picked, c *change, e *place, action sluice.Action, at sluice.Time, out sluice.Outcome, err, want error) {
	p.Helper()
	if m.want(p.T, err, sluice.CodeOf(want)); want != nil {
		return
	}
	var kept []string
	for _, k := range out.Kept {
		kept = append(kept, keyOf(k.Slot))
	}
	var stubbed []string
	for _, s := range out.Stubbed {
		stubbed = append(stubbed, keyOf(s.Slot))
	}
	if !slices.Equal(stubbed, c.stubbed) {
		p.Fatalf("stubbed %v, want %v", stubbed, c.stubbed)
	}
	if !slices.Equal(kept, c.kept) || !slices.Equal(out.NeverLive, c.neverLive) {
		p.Fatalf("kept %v and never live %v, want %v and %v", kept, out.NeverLive, c.kept, c.neverLive)
	}
	releases := slices.Clone(out.Inherited)
	if out.Release != nil {
		releases = append(releases, *out.Release)
	}
	if p.dry {
		if len(releases) != c.effects(e) {
			p.Fatalf("the dry run has %d releases, want %d", len(releases), c.effects(e))
		}
		return
	}
	m.agree(p.T, c, e, action, at, releases)
}

// changes are the slots of an environment that the change makes look different.
func (c *change) changes(e *place) map[string]*held {
	out := map[string]*held{}
	for component, h := range c.next[e.name] {
		if !h.looksLike(e.after(e.latest()).of(component)) {
			out[component] = h
		}
	}
	return out
}

// touched are the environments in which something changes; e itself may be one
// that is not in the world yet.
func (c *change) touched(e *place) []*place {
	var out []*place
	for name := range c.next {
		at := c.environments[name]
		if name == e.name {
			at = e
		}
		if len(c.changes(at)) > 0 {
			out = append(out, at)
		}
	}
	return out
}

func (c *change) effects(e *place) int { return len(c.touched(e)) }

// agree demands that the releases of a change are those of the model, and makes
// them a part of its past.
func (m *machine) agree(rt *rapid.T, c *change, e *place, action sluice.Action, at sluice.Time, releases []sluice.Release) {
	rt.Helper()
	touched := c.touched(e)
	if len(releases) != len(touched) {
		rt.Fatalf("%d releases, want %d: %+v", len(releases), len(touched), releases)
	}
	slices.SortFunc(releases, func(a, b sluice.Release) int { return int(a.Epoch - b.Epoch) })
	for _, r := range releases {
		i := slices.IndexFunc(touched, func(env *place) bool { return env.name == r.Environment })
		if i < 0 {
			rt.Fatalf("an unexpected release of %s: %+v", r.Environment, r)
		}
		is := action
		if r.Environment != e.name {
			is = sluice.ActionInherited
		}
		m.agreeOn(rt, c, touched[i], is, at, r)
		touched = slices.Delete(touched, i, i+1)
	}
}

func (m *machine) agreeOn(rt *rapid.T, c *change, e *place, action sluice.Action, at sluice.Time, r sluice.Release) {
	rt.Helper()
	before, changes := e.after(e.latest()), c.changes(e)
	var want []sluice.SlotChange
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		h := changes[name]
		want = append(want, sluice.SlotChange{
			Slot: slot(name), From: before.of(name).value, To: h.value, Origin: h.origin, Under: h.under(), PinnedBy: h.pinned,
		})
	}
	next := snapshot{at: r.RecordedAt, made: r.RecordedAt, action: action, actor: c.actor, held: maps.Clone(before.held)}
	maps.Copy(next.held, changes)
	if at != 0 {
		next.made = at
	}
	var source sluice.Time
	dated := at != 0 && !e.lived && at >= before.at
	if dated {
		next.at = at
	} else {
		source = at
		e.lived = true
	}
	wanted := sluice.Release{
		Environment: e.name, Number: e.latest() + 1, Epoch: r.Epoch, At: next.at, SourceAt: source, RecordedAt: r.RecordedAt,
		Action: action, Actor: c.actor, Cause: r.Cause, Source: r.Source, Root: next.root(), Changes: want,
	}
	if !reflect.DeepEqual(r, wanted) {
		rt.Fatalf("release\n%+v\nwant\n%+v", r, wanted)
	}
	if r.RecordedAt <= m.model.last || r.RecordedAt < m.model.clock {
		rt.Fatalf("%s was recorded at %s, with the clock at %s and the one before at %s", r.Ref(), r.RecordedAt, m.model.clock, m.model.last)
	}
	m.model.last = r.RecordedAt
	e.past = append(slices.Clip(e.past), next)
}

// check asks what can be asked, of the present and of some moment of the past.
func (m *machine) check(rt *rapid.T) {
	living := m.model.living()
	for _, e := range living {
		m.checkState(rt, e, e.name, e.latest())
	}
	p := m.pick(rt)
	e, other := p.place(), p.place()
	ref, n := p.point(e)
	m.checkState(rt, e, ref, n)
	m.checkVariables(rt, e, ref, n, p.part())
	far := m.model.clock + sluice.Time(p.Int64N(100_000_000_000)-99_999_999_990)
	m.checkState(rt, e, fmt.Sprintf("%s@%s", e.name, far), e.at(far, m.model.now()))
	to, k := p.point(other)
	m.checkDiff(rt, ref, e.after(n), to, other.after(k))
	if len(m.model.components) > 0 {
		m.checkBelow(rt, e, p.part())
	}
}

func (m *machine) checkState(rt *rapid.T, e *place, text string, n int64) {
	rt.Helper()
	ref, err := sluice.ParseEnvironmentRef(text)
	if err != nil {
		rt.Fatal(err)
	}
	got := must(m.State(as("alice"), ref))(rt)
	want := e.after(n)
	for name, h := range want.held {
		if isVariable(name) {
			continue
		}
		if one := must(m.Setting(as("alice"), ref, name))(rt); !one.Value.Equal(h.value) || !h.value.IsZero() && one.Since != h.since {
			rt.Fatalf("%s of %s is %+v, want %+v", name, text, one, h)
		}
	}
	if got.Release != n || got.At != want.at || got.Root != want.root() || !equalSettings(got.Slots, want.settings()) {
		rt.Fatalf("%s is\n%+v\nwant #%d at %s, root %s,\n%+v", text, got, n, want.at, want.root(), want.settings())
	}
}

func equalSettings(a, b []sluice.Setting) bool { return slices.EqualFunc(a, b, equalSetting) }

func equalSetting(a, b sluice.Setting) bool { return reflect.DeepEqual(a, b) }

func (m *machine) checkDiff(rt *rapid.T, from string, a snapshot, to string, b snapshot) {
	got := must(m.Diff(as("alice"), sluice.DiffRequest{From: from, To: to}))(rt)
	is := map[string][2]sluice.Value{}
	for _, ch := range got.Slots {
		is[keyOf(ch.Slot)] = [2]sluice.Value{ch.From, ch.To}
	}
	if want := differences(a, b); !reflect.DeepEqual(is, want) || len(got.Slots) != len(want) {
		rt.Fatalf("diff %s %s is\n%+v\nwant\n%+v", from, to, is, want)
	}
}

// checkBelow walks all the way back by dry runs of the model, and asks for the
// first step of it.
func (m *machine) checkBelow(rt *rapid.T, e *place, component string) {
	c := m.model.change("alice")
	want := c.back(e, component, true)
	out, err := m.Rollback(as("alice"), sluice.RollbackRequest{
		Environment: e.name, Components: []string{component}, Further: true, Change: sluice.Change{DryRun: true},
	})
	m.want(rt, err, sluice.CodeOf(want))
	if want != nil {
		return
	}
	to := c.get(e, component)
	if out.Release == nil || len(out.Release.Changes) != 1 {
		rt.Fatalf("a rollback of %s in %s would be %+v", component, e.name, out)
	}
	if ch := out.Release.Changes[0]; !ch.To.Equal(to.value) || ch.Under != to.under() {
		rt.Fatalf("a rollback of %s in %s would go to %s over #%d, want %s over #%d", component, e.name, ch.To, ch.Under, to.value, to.under())
	}
}

// verify checks at the end what costs more: the ledger, the live state, and
// every release of every environment.
func (m *machine) verify(rt *rapid.T) {
	report := must(m.Verify(as("alice"), sluice.VerifyRequest{}))(rt)
	if !report.Holds {
		rt.Fatalf("the ledger does not hold: %s", report.Problem)
	}
	for _, e := range m.model.environments { // the past of those that were deleted too
		for n := range e.latest() + 1 {
			m.checkState(rt, e, fmt.Sprintf("%s#%d", e.name, n), n)
		}
	}
	for _, e := range m.model.living() {
		for _, component := range slices.Sorted(maps.Keys(m.model.components)) {
			m.checkResolve(rt, e, component)
		}
		m.checkHistory(rt, e)
		m.checkVariables(rt, e, e.name, e.latest(), slices.Collect(maps.Keys(m.model.components))...)
		m.checkReveal(rt, e)
	}
}

func (m *machine) checkResolve(rt *rapid.T, e *place, component string) {
	v := e.after(e.latest()).of(component).value
	key := fmt.Sprintf("user-%d", len(component)*int(e.latest()))
	got, err := m.Resolve(as("alice"), sluice.ResolveRequest{Environment: e.name, Component: component, Key: key})
	if !v.Live() {
		m.want(rt, err, sluice.NotFound)
		return
	}
	m.want(rt, err, "")
	if got.Pin != v.Pick(component, key) || got.Release != e.latest() {
		rt.Fatalf("%s in %s resolves to %+v, want %s", component, e.name, got, v)
	}
}

func (m *machine) checkHistory(rt *rapid.T, e *place) {
	page := must(m.Releases(as("alice"), sluice.ReleaseQuery{Environment: e.name, Paging: sluice.Paging{Limit: sluice.MaxPage}}))(rt)
	var is, want []string
	for _, r := range page.Items {
		is = append(is, fmt.Sprintf("%s %s %s %s", r.Ref(), r.At, r.Action, r.Actor))
	}
	for n := e.latest(); n > 0; n-- {
		s := e.after(n)
		want = append(want, fmt.Sprintf("%s#%d %s %s %s", e.name, n, s.at, s.action, s.actor))
	}
	if !slices.Equal(is, want) {
		rt.Fatalf("the history of %s is\n%s\nwant\n%s", e.name, strings.Join(is, "\n"), strings.Join(want, "\n"))
	}
}
