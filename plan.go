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

	// NeverLive are components of a rollback whose target was never live here.
	NeverLive []string
	// Kept are slots that were meant and left as they are.
	Kept []Kept
	// deployed and undone count what the change set really did, to name it.
	deployed, undone, removed int
}

// Step is one release to append: an environment and its slots afterwards.
type Step struct {
	Environment Environment
	Inherited   bool // it follows its parent
	next        map[Slot]Setting
	from        map[Slot]Setting
}

// Changes are the slots that differ, sorted.
func (s *Step) Changes() []SlotChange {
	out := make([]SlotChange, 0, len(s.next))
	for _, slot := range slices.Sorted(maps.Keys(s.next)) {
		if next, from := s.next[slot], s.from[slot]; !next.same(from) {
			out = append(out, next.change(from.Value))
		}
	}
	return out
}

// NewPlan starts a plan for a change that actor makes now.
func NewPlan(past Past, actor string, now Time) *Plan {
	return &Plan{
		past: past, actor: actor, now: now, steps: map[string]*Step{},
		settings: map[slotOf]Setting{}, kin: map[string][]Environment{}, unborn: map[string]bool{},
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
		if s := p.steps[name]; len(s.Changes()) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// Action names what a change set turned out to be: a rollback when all it did
// was to uncover what was live before, an unset when it only took away.
func (p *Plan) Action() Action {
	switch {
	case p.deployed > 0 || p.undone+p.removed == 0:
		return ActionDeploy
	case p.undone > 0:
		return ActionRollback
	}
	return ActionUnset
}

// Move is one resolved change of a change set.
type Move struct {
	Component string
	Pin       Pin     // one version,
	Shares    []Share // or a split,
	Unset     bool    // or the environment's own value taken away,
	Hide      bool    // or the parent's value hidden
	Expect    string
}

// Deploy applies a change set. A version that is found by walking under is
// uncovered, which is a rollback and asks no policy.
func (p *Plan) Deploy(env Environment, moves []Move) error {
	seen := map[string]bool{}
	for _, m := range moves {
		if seen[FoldName(m.Component)] {
			return Errorf(Invalid, "%s is named twice in one change set", m.Component).Fix("name each component once")
		}
		seen[FoldName(m.Component)] = true
		if err := p.move(env, m); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) move(env Environment, m Move) error {
	cur, err := p.current(env.Name, ComponentSlot(m.Component))
	if err != nil {
		return err
	}
	if err := p.expect(env, cur, m.Expect); err != nil {
		return err
	}
	switch {
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
		why := "nothing is set here"
		if cur.Origin != "" {
			why = "inherited from " + cur.Origin + "; hide it with --hide"
		}
		p.Kept = append(p.Kept, Kept{Slot: cur.Slot, Reason: why})
		return nil
	}
	parent, err := p.parent(env, cur.Slot)
	if err != nil {
		return err
	}
	p.removed++
	return p.put(env, Setting{Slot: cur.Slot, Value: parent.Value, Origin: parent.Origin, Under: beneath(env, cur, parent.Value)}, false)
}

func (p *Plan) hide(env Environment, cur Setting) error {
	if cur.Value.None && cur.Own() {
		return nil
	}
	p.removed++
	return p.lay(env, cur, Value{None: true}, false)
}

// Promote lays the settled versions of another environment on this one.
func (p *Plan) Promote(env Environment, from []Setting, expect string) error {
	for _, s := range from {
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

// Restore makes the environment's effective slots those given; whole also
// removes what is not among them. What equals the parent's is inherited, what
// differs becomes the environment's own.
func (p *Plan) Restore(env Environment, from []Setting, only func(Slot) bool) error {
	current, err := p.past.Settings(env.Name, Latest)
	if err != nil {
		return err
	}
	wanted := map[Slot]Value{}
	for _, s := range current {
		wanted[s.Slot] = Value{}
	}
	if step := p.steps[env.Name]; step != nil { // a new environment holds what it inherits
		for slot := range step.next {
			wanted[slot] = Value{}
		}
	}
	for _, s := range from {
		wanted[s.Slot] = effective(s.Value)
	}
	for _, slot := range slices.Sorted(maps.Keys(wanted)) {
		if !only(slot) {
			continue
		}
		if err := p.restoreSlot(env, slot, wanted[slot]); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) restoreSlot(env Environment, slot Slot, want Value) error {
	cur, err := p.current(env.Name, slot)
	if err != nil || effective(cur.Value).Equal(want) {
		return err
	}
	if err := p.admitNew(env, cur, want); err != nil {
		return err
	}
	parent, err := p.parent(env, slot)
	if err != nil {
		return err
	}
	next := froze(env, slot, want, parent, parent.Value.Live())
	next.Under = beneath(env, cur, next.Value)
	return p.put(env, next, false)
}

// froze is a slot that shall hold want whatever its parent holds: inherited when
// that is the same, else the environment's own, marked as pinned when asked.
func froze(env Environment, slot Slot, want Value, parent Setting, pinned bool) Setting {
	if want.Equal(parent.Value) {
		return Setting{Slot: slot, Value: parent.Value, Origin: parent.Origin}
	}
	next := Setting{Slot: slot, Value: want}
	if want.IsZero() {
		next.Value = Value{None: true}
	}
	if pinned {
		next.PinnedBy = env.Next()
	}
	return next
}

// expect checks that a slot still holds what the caller saw.
func (p *Plan) expect(env Environment, cur Setting, expect string) error {
	if expect == "" {
		return nil
	}
	ok, err := Matches(cur.Value, expect)
	if err != nil || ok {
		return err
	}
	is := cur.Value.String()
	if !cur.Value.Live() {
		is = "not live"
	}
	moved := Errorf(Conflict, "%s in %s is %s, not %s", cur.Slot.Component(), env.Name, is, expect)
	if cur.Since > 0 {
		if r, err := p.past.Release(env.Name, cur.Since); err == nil {
			moved = Errorf(Conflict, "%s in %s is %s, not %s: %s by %s at %s", cur.Slot.Component(), env.Name, is, expect, r.Ref(), r.Actor, r.At)
		}
	}
	return moved.Fix("look with `sluice history %s --from %s`, then try again with what you see", cur.Slot.Component(), env.Name)
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
