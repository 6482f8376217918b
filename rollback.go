package sluice

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// RollbackGuard is how long a relative rollback is held back after another
// person's rollback of the same slot, so that two people at one incident do not
// go back twice.
const RollbackGuard = 5 * time.Minute

// Target says where a rollback of components goes: to what lies under (the zero
// Target), to a version, or to what was live after a release.
type Target struct {
	Pin     Pin
	Release int64
	Exact   bool // Release is meant, which may be 0
}

// RollbackOptions say how components go back.
type RollbackOptions struct {
	Further    bool   // although another person just rolled back
	Expect     string // the value that must be live now
	WithConfig bool   // their overlays too
	Secrets    SecretPolicy
}

// Rollback takes one component back. Going to what was live here before asks
// nobody; naming a version that never was is a deploy, and policy is asked.
func (p *Plan) Rollback(env Environment, component string, to Target, o RollbackOptions) error {
	p.secrets = o.Secrets
	cur, err := p.current(env.Name, ComponentSlot(component))
	if err != nil {
		return err
	}
	if err := p.expect(env, cur, o.Expect); err != nil {
		return err
	}
	was, asOf, err := p.destination(env, cur, to, o.Further)
	if err != nil || asOf < 0 {
		return err
	}
	if err := p.overlays(env, component, asOf, o.WithConfig); err != nil {
		return err
	}
	if same(cur, was) {
		return nil
	}
	return p.uncoverAllowed(env, cur, was)
}

// nowhere, as a release to go back to, says that there is nothing more to do.
const nowhere = -1

// destination is the setting that a rollback goes to, and the last release at
// which it was live.
func (p *Plan) destination(env Environment, cur Setting, to Target, further bool) (Setting, int64, error) {
	if to.Exact {
		was, err := p.past.Setting(env.Name, cur.Slot, to.Release)
		return was, to.Release, err
	}
	if to.Pin.Version > 0 {
		return p.destinationOf(env, cur, to.Pin)
	}
	if !further {
		if err := p.guard(env, cur); err != nil {
			return cur, nowhere, err
		}
	}
	below, err := p.previous(env, cur)
	if err != nil {
		return cur, nowhere, err
	}
	asOf, err := p.past.Ended(env.Name, cur.Slot, below.Since)
	return below, asOf, err
}

// destinationOf is the setting of a version that was live here. One that never
// was is deployed.
func (p *Plan) destinationOf(env Environment, cur Setting, pin Pin) (Setting, int64, error) {
	if cur.Value.Equal(Settle(pin)) {
		return cur, nowhere, nil
	}
	below, found, err := p.under(env, cur, pin.Version)
	if err == nil && !found {
		below, err = p.past.LastWith(env.Name, cur.Slot, pin.Version)
	}
	if err != nil {
		return below, nowhere, err
	}
	if below.Since > 0 {
		asOf, err := p.past.Ended(env.Name, cur.Slot, below.Since)
		return below, asOf, err
	}
	p.NeverLive = append(p.NeverLive, cur.Slot.Component())
	if err := p.admit(env, cur.Slot, Settle(pin)); err != nil {
		return below, nowhere, err
	}
	return below, nowhere, p.lay(env, cur, Settle(pin), false)
}

// guard holds a relative rollback back when another person just made one.
func (p *Plan) guard(env Environment, cur Setting) error {
	if cur.Since == 0 {
		return nil
	}
	r, err := p.past.Release(env.Name, cur.Since)
	if err != nil {
		return err
	}
	made := r.At // which is before RecordedAt when it was made elsewhere
	if r.SourceAt != 0 {
		made = min(made, r.SourceAt)
	}
	ago := p.now.Std().Sub(made.Std())
	if r.Action != ActionRollback || r.Actor == p.actor || ago >= RollbackGuard {
		return nil
	}
	when := max(ago, 0).Truncate(time.Second).String() + " ago"
	if ago < -RollbackGuard { // the ledger has times of a clock that was ahead
		when = "at " + made.String() + ", which is still to come by the clock"
	}
	return Errorf(Conflict, "%s rolled %s in %s back to %s %s (%s)", r.Actor, cur.Slot.Component(), env.Name,
		cur.Value, when, r.Ref()).
		Ask("check whether that is enough; to go back one more, add {further}")
}

// previous walks under to the nearest version that differs and may run.
func (p *Plan) previous(env Environment, cur Setting) (Setting, error) {
	skipped := ""
	below, found, err := p.walk(env, cur, func(below Setting) (bool, error) {
		why, err := p.past.Barred(cur.Slot.Component(), below.Value.Pin)
		if why != "" {
			skipped = fmt.Sprintf(" (%s is %s)", below.Value, why)
		}
		return why == "" && !below.Value.Equal(cur.Value), err
	})
	if err != nil || found {
		return below, err
	}
	name := cur.Slot.Component()
	if !cur.Value.Live() {
		return Setting{}, Errorf(NotFound, "%s is not live in %s and nothing was before%s", name, env.Name, skipped).
			Do(SeeHistory(name, ""), "see {}")
	}
	return Setting{}, Errorf(NotFound, "nothing was live before %s of %s in %s%s", cur.Value, name, env.Name, skipped).
		Do(RollbackTo(name, env.Name, "{version}", ""), "name a version").
		Do(Undeploy(name, env.Name), "or take it away")
}

// RollbackAll takes the slots of an environment back to what they were after a
// release. Half-way splits come back as the version that they started from.
func (p *Plan) RollbackAll(env Environment, release int64, secrets SecretPolicy, only func(Slot) bool) error {
	p.secrets = secrets
	now, err := p.past.Settings(env.Name, Latest)
	if err != nil {
		return err
	}
	then, err := p.past.Settings(env.Name, release)
	if err != nil {
		return err
	}
	was := map[Slot]Setting{}
	for _, s := range then {
		was[s.Slot] = s
	}
	for _, s := range now {
		if _, present := was[s.Slot]; present || !only(s.Slot) {
			continue
		}
		// What ran nothing then still remembers what had run before.
		if was[s.Slot], err = p.past.Setting(env.Name, s.Slot, release); err != nil {
			return err
		}
	}
	for _, slot := range slices.Sorted(maps.Keys(was)) {
		if !only(slot) {
			continue
		}
		cur, err := p.current(env.Name, slot)
		if err != nil {
			return err
		}
		if same(cur, was[slot]) {
			continue
		}
		if err := p.goBack(env, cur, was[slot]); err != nil {
			return err
		}
	}
	return nil
}

// Revert takes back only what one release changed, where it still holds.
func (p *Plan) Revert(env Environment, r Release, secrets SecretPolicy, only func(Slot) bool) error {
	p.secrets = secrets
	for _, c := range r.Changes {
		if !only(c.Slot) {
			continue
		}
		cur, err := p.current(env.Name, c.Slot)
		if err != nil {
			return err
		}
		if !cur.Value.Equal(c.To) {
			now := cur.Value.String()
			if now == "" {
				now = "nothing"
			}
			p.Kept = append(p.Kept, Kept{Slot: c.Slot, Reason: Advise("it has moved on to %s", now)})
			continue
		}
		was, err := p.past.Setting(env.Name, c.Slot, r.Number-1)
		if err != nil {
			return err
		}
		if same(cur, was) && cur.Origin == was.Origin {
			continue
		}
		if err := p.goBack(env, cur, was); err != nil {
			return err
		}
	}
	return nil
}

// same reports whether going back to a setting would change what runs.
func same(cur, was Setting) bool {
	return effective(cur.Value).Equal(effective(unsplit(was.Value)))
}

// goBack uncovers an earlier setting; a variable's as the policy for secrets says.
func (p *Plan) goBack(env Environment, cur, was Setting) error {
	if cur.Slot.Component() != "" {
		return p.uncoverAllowed(env, cur, was)
	}
	want, keep, err := p.returning(env, cur, env.Name, was)
	if err != nil || keep {
		return err
	}
	was.Value = want
	return p.uncover(env, cur, was)
}

func unsplit(v Value) Value {
	if len(v.Split) > 0 {
		return Settle(v.Pin)
	}
	return v
}

func (p *Plan) uncoverAllowed(env Environment, cur, was Setting) error {
	if err := p.admitContent(cur.Slot, unsplit(was.Value)); err != nil {
		return err
	}
	return p.uncover(env, cur, was)
}

// uncover goes back to an earlier setting: its value and what lay under it. What
// was inherited then and differs from the parent now becomes the environment's
// own and is marked as pinned.
func (p *Plan) uncover(env Environment, cur, was Setting) error {
	want := unsplit(was.Value)
	if was.Own() {
		return p.put(env, Setting{Slot: cur.Slot, Value: want, Under: was.Under, PinnedBy: was.PinnedBy}, true)
	}
	parent, err := p.parent(env, cur.Slot)
	if err != nil {
		return err
	}
	next := froze(env, cur.Slot, want, parent, was.Origin != "" || parent.Value.Live())
	next.Under = was.Under
	return p.put(env, next, true)
}

// Undo takes a release back.
func Undo(r Release) Operation {
	if len(r.Changes) == 1 && r.Changes[0].Slot.Component() != "" {
		c := r.Changes[0]
		expect := "none"
		switch {
		case len(c.To.Split) > 0:
			expect = ""
		case c.To.Live():
			expect = c.To.String()
		}
		return RollbackTo(c.Slot.Component(), r.Environment, fmt.Sprintf("%s#%d", r.Environment, r.Number-1), expect)
	}
	secrets := SecretPolicy("")
	if slices.ContainsFunc(r.Changes, func(c SlotChange) bool { return masked(c.From) || masked(c.To) }) {
		secrets = SecretsExact
	}
	return RevertRelease(r.Environment, r.Number, secrets)
}
