package sluice

import (
	"maps"
	"slices"
	"strings"
)

// Plan works out what a change does: to the environment that it is asked of, and
// to every environment that inherits from it. It reads through [Past] and writes
// nothing; Steps is the result.
type Plan struct {
	past  Past
	now   Time
	actor string
	steps map[string]*Step
	order []string

	// What was read is kept: nothing moves while a plan is made.
	settings map[slotOf]Setting
	kin      map[string][]Environment
	unborn   map[string]bool // environments without a release, which hold nothing

	// demands are slots whose new value was asked for, so that what it requires must
	// be there; a rollback only warns.
	demands map[slotOf]bool
	// secrets says what becomes of secrets that would come back.
	secrets SecretPolicy
	// apart are environments that nothing is carried on to: they have releases of their
	// own for it.
	apart map[string]bool

	// NeverLive are components of a rollback whose target was never live here.
	NeverLive []string
	// Kept are slots that were meant and left as they are.
	Kept []Kept
	// Stubbed are secrets that have no value now.
	Stubbed []Kept
	// Warnings are what the change leaves amiss.
	Warnings []Advice
	// Copied are the environments whose secrets were copied from there.
	Copied []string
	// deployed and undone count what the change set really did to components, to
	// name it, and configured what it did to variables.
	deployed, undone, removed, configured int
}

// Step is one release to append: an environment and its slots afterwards.
type Step struct {
	Environment Environment
	Inherited   bool // it follows its parent
	always      bool // it is a release although nothing differs
	next        map[Slot]Setting
	from        map[Slot]Setting
}

// Changes are the slots that differ, sorted.
func (s *Step) Changes() []SlotChange {
	out := make([]SlotChange, 0, len(s.next))
	for _, slot := range slices.Sorted(maps.Keys(s.next)) {
		if next, from := s.next[slot], s.from[slot]; !next.same(from) {
			out = append(out, next.change(from))
		}
	}
	return out
}

// NewPlan starts a plan for a change that actor makes now, by the wall clock.
func NewPlan(past Past, actor string, now Time) *Plan {
	return &Plan{
		past: past, actor: actor, now: now, steps: map[string]*Step{},
		settings: map[slotOf]Setting{}, kin: map[string][]Environment{}, unborn: map[string]bool{},
		demands: map[slotOf]bool{}, secrets: SecretsCurrent,
	}
}

// slotOf is a slot of one environment.
type slotOf struct {
	environment string
	slot        Slot
}

// before is a slot as it is without the plan.
func (p *Plan) before(env string, slot Slot) (Setting, error) {
	if s, known := p.settings[slotOf{env, slot}]; known {
		return s, nil
	}
	unborn, known := p.unborn[env]
	if !known {
		e, err := p.past.Environment(env)
		if err != nil {
			return Setting{}, err
		}
		unborn = e.Release == 0
		p.unborn[env] = unborn
	}
	if unborn {
		return Setting{Slot: slot}, nil
	}
	s, err := p.past.Setting(env, slot, Latest)
	if err == nil {
		p.settings[slotOf{env, slot}] = s
	}
	return s, err
}

// children are the environments that inherit directly from one.
func (p *Plan) children(env string) ([]Environment, error) {
	if known, ok := p.kin[env]; ok {
		return known, nil
	}
	children, err := p.past.Children(env)
	if err == nil {
		p.kin[env] = children
	}
	return children, err
}

// Steps are the releases to append, the environment asked first, parents before
// children. It is empty when the change has no effect.
func (p *Plan) Steps() []*Step {
	var out []*Step
	for _, name := range p.order {
		if s := p.steps[name]; s.always || len(s.Changes()) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// Action names what a change set turned out to be: a rollback when all it did
// was to uncover what was live before, an unset when it only took away, and a
// configuration when it changed no component.
func (p *Plan) Action() Action {
	switch {
	case p.deployed+p.undone+p.removed == 0 && p.configured > 0:
		return ActionConfigure
	case p.deployed > 0 || p.undone+p.removed == 0:
		return ActionDeploy
	case p.undone > 0:
		return ActionRollback
	}
	return ActionUnset
}

// Move is one resolved change of a change set.
type Move struct {
	Slot   Slot
	Pin    Pin       // one version,
	Shares []Share   // or a split,
	Set    *Assigned // or a variable's value,
	Unset  bool      // or the environment's own value taken away,
	Hide   bool      // or a wider value hidden
	Expect string
}

// Deploy applies a change set. A version that is found by walking under is
// uncovered, which is a rollback and asks no policy.
func (p *Plan) Deploy(env Environment, moves []Move) error {
	seen := map[Slot]bool{}
	for _, m := range moves {
		if seen[m.Slot] {
			return Errorf(Invalid, "%s is named twice in one change set", m.Slot.Name()).Fix("name each component and variable once")
		}
		seen[m.Slot] = true
		if err := p.move(env, m); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) move(env Environment, m Move) error {
	cur, err := p.current(env.Name, m.Slot)
	if err != nil {
		return err
	}
	if err := p.expect(env, cur, m.Expect); err != nil {
		return err
	}
	switch {
	case m.Set != nil:
		return p.assign(env, cur, *m.Set)
	case m.Unset:
		return p.unset(env, cur)
	case m.Hide:
		return p.hide(env, cur)
	case len(m.Shares) > 0:
		return p.split(env, cur, m.Shares)
	}
	return p.settle(env, cur, m.Pin)
}

// settle puts one version at 100 %: by uncovering it when it lies under the
// current value, else by laying it on top.
func (p *Plan) settle(env Environment, cur Setting, pin Pin) error {
	want := Settle(pin)
	if cur.Value.Equal(want) {
		if cur.Origin != "" { // from now on it is the environment's own
			p.deployed++
			return p.lay(env, cur, want, true)
		}
		return nil
	}
	below, found, err := p.under(env, cur, pin.Version)
	if err != nil {
		return err
	}
	if found {
		p.undone++
		return p.uncoverAllowed(env, cur, below)
	}
	p.deployed++
	if err := p.admit(env, cur.Slot, want); err != nil {
		return err
	}
	return p.lay(env, cur, want, false)
}

// split puts several versions side by side. Each step of a split keeps the
// settled version below it.
func (p *Plan) split(env Environment, cur Setting, shares []Share) error {
	base := cur.Value.Pin
	if base.Version == 0 && cur.Under > 0 {
		below, err := p.past.Setting(env.Name, cur.Slot, cur.Under)
		if err != nil {
			return err
		}
		base = below.Value.Pin
	}
	want, err := Allocate(base, shares)
	if err != nil {
		return err
	}
	if cur.Value.Equal(want) && cur.Own() {
		return nil
	}
	p.deployed++
	if err := p.admit(env, cur.Slot, want); err != nil {
		return err
	}
	return p.lay(env, cur, want, false)
}

func (p *Plan) unset(env Environment, cur Setting) error {
	if !cur.Own() {
		why := Advise("nothing is set here")
		if cur.Origin != "" {
			why = Ask("inherited from %s; hide it with {hide}", cur.Origin)
		}
		p.Kept = append(p.Kept, Kept{Slot: cur.Slot, Reason: why})
		return nil
	}
	parent, err := p.parent(env, cur.Slot)
	if err != nil {
		return err
	}
	p.count(cur.Slot, &p.removed)
	return p.put(env, Setting{Slot: cur.Slot, Value: parent.Value, Origin: parent.Origin, Under: beneath(env, cur, parent.Value)}, false)
}

func (p *Plan) hide(env Environment, cur Setting) error {
	want := Value{None: true}
	if _, component, ok := cur.Slot.Variable(); ok && component != "" {
		want = Value{Sealed: Sealed{Hidden: true}}
	}
	if cur.Value.Equal(want) && cur.Own() {
		return nil
	}
	p.count(cur.Slot, &p.removed)
	return p.lay(env, cur, want, false)
}

// count counts a change of a component as what it is, and one of a variable as
// configuration.
func (p *Plan) count(slot Slot, n *int) {
	if slot.Component() == "" {
		n = &p.configured
	}
	*n++
}

// Promote lays the settled versions of another environment on this one, and the
// variables that are named.
func (p *Plan) Promote(env Environment, source string, from []Setting, expect string) error {
	for _, s := range from {
		if s.Slot.Component() == "" {
			if err := p.copyVariable(env, source, s); err != nil {
				return err
			}
			continue
		}
		cur, err := p.current(env.Name, s.Slot)
		if err != nil {
			return err
		}
		if err := p.expect(env, cur, expect); err != nil {
			return err
		}
		want := Settle(s.Value.Pin)
		if cur.Value.Equal(want) {
			continue
		}
		if err := p.admit(env, s.Slot, want); err != nil {
			return err
		}
		if err := p.lay(env, cur, want, false); err != nil {
			return err
		}
	}
	return nil
}

// expect checks that a slot still holds what the caller saw.
func (p *Plan) expect(env Environment, cur Setting, expect string) error {
	if expect == "" {
		return nil
	}
	matches, wanted := Matches, expect
	if cur.Slot.Component() == "" {
		matches, wanted = matchesVariable, "what was expected" // which may be a value, by mistake
	}
	ok, err := matches(cur.Value, expect)
	if err != nil || ok {
		return err
	}
	is := cur.Value.String()
	if !cur.Value.Live() {
		is = "not live"
	}
	moved := Errorf(Conflict, "%s in %s is %s, not %s", cur.Slot.Name(), env.Name, is, wanted)
	if cur.Since > 0 {
		if r, err := p.past.Release(env.Name, cur.Since); err == nil {
			moved = Errorf(Conflict, "%s in %s is %s, not %s: %s by %s at %s", cur.Slot.Name(), env.Name, is, wanted, r.Ref(), r.Actor, r.At)
		}
	}
	look := ListVariables(env.Name)
	if name := cur.Slot.Component(); name != "" {
		look = SeeHistory(name, env.Name)
	}
	return moved.Do(look, "see {}, then try again with what you see")
}

// Matches reports whether a value is the one that expect names: a number, a
// label, a digest, or "none" when nothing is live. A split matches no version.
func Matches(v Value, expect string) (bool, error) {
	if strings.EqualFold(expect, "none") {
		return !v.Live(), nil
	}
	ref, err := ParseVersionRef(expect)
	if err != nil {
		return false, err
	}
	if ref.Number == 0 && ref.Label == "" && ref.Digest == "" {
		return false, Errorf(Invalid, "an expected version is a number, a label, a digest or none, not %q", clip(expect))
	}
	return v.Settled() && ref.Covers(v.Pin), nil
}

// Covers reports whether a number, label or digest reference names the pin.
func (r VersionRef) Covers(p Pin) bool {
	switch {
	case r.Number > 0:
		return r.Number == p.Version
	case r.Label != "":
		return r.Label == p.Label
	}
	return r.Digest != "" && strings.HasPrefix(string(p.Digest), r.Digest)
}
