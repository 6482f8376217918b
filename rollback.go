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

// Rollback takes one component back. Going to what was live here before asks
// nobody; naming a version that never was is a deploy, and policy is asked.
func (p *Plan) Rollback(env Environment, component string, to Target, further bool, expect string) error {
	cur, err := p.current(env.Name, ComponentSlot(component))
	if err != nil {
		return err
	}
	if err := p.expect(env, cur, expect); err != nil {
		return err
	}
	switch {
	case to.Exact:
		was, err := p.past.Setting(env.Name, cur.Slot, to.Release)
		if err != nil || same(cur, was) {
			return err
		}
		return p.uncoverAllowed(env, cur, was)
	case to.Pin.Version > 0:
		return p.rollbackTo(env, cur, to.Pin)
	}
	if !further {
		if err := p.guard(env, cur); err != nil {
			return err
		}
	}
	below, err := p.previous(env, cur)
	if err != nil {
		return err
	}
	return p.uncover(env, cur, below)
}

func (p *Plan) rollbackTo(env Environment, cur Setting, pin Pin) error {
	if cur.Value.Equal(Settle(pin)) {
		return nil
	}
	below, found, err := p.under(env, cur, pin.Version)
	if err != nil {
		return err
	}
	if !found {
		if below, err = p.past.LastWith(env.Name, cur.Slot, pin.Version); err != nil {
			return err
		}
		found = below.Since > 0
	}
	if found {
		return p.uncoverAllowed(env, cur, below)
	}
	p.NeverLive = append(p.NeverLive, cur.Slot.Component())
	if err := p.admit(env, cur.Slot, Settle(pin)); err != nil {
		return err
	}
	return p.lay(env, cur, Settle(pin), false)
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
	ago := p.now.Std().Sub(r.RecordedAt.Std())
	if r.Action != ActionRollback || r.Actor == p.actor || ago >= RollbackGuard {
		return nil
	}
	return Errorf(Conflict, "%s rolled %s in %s back to %s %s ago (%s)", r.Actor, cur.Slot.Component(), env.Name,
		cur.Value, ago.Truncate(time.Second), r.Ref()).
		Fix("check whether that is enough; to go back one more, add --further")
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
			Fix("see `sluice history %s`", name)
	}
	return Setting{}, Errorf(NotFound, "nothing was live before %s of %s in %s%s", cur.Value, name, env.Name, skipped).
		Fix("name a version: `sluice rollback %s --to VERSION --in %s`", name, env.Name).
		Fix("or take it away: `sluice deploy unset %s --from %s`", name, env.Name)
}

// RollbackAll takes the slots of an environment back to what they were after a
// release. Half-way splits come back as the version that they started from.
func (p *Plan) RollbackAll(env Environment, release int64, only func(Slot) bool) error {
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
		if err := p.uncoverAllowed(env, cur, was[slot]); err != nil {
			return err
		}
	}
	return nil
}

// Revert takes back only what one release changed, where it still holds.
func (p *Plan) Revert(env Environment, r Release, only func(Slot) bool) error {
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
			p.Kept = append(p.Kept, Kept{Slot: c.Slot, Reason: "it has moved on to " + now})
			continue
		}
		was, err := p.past.Setting(env.Name, c.Slot, r.Number-1)
		if err != nil {
			return err
		}
		if same(cur, was) && cur.Origin == was.Origin {
			continue
		}
		if err := p.uncoverAllowed(env, cur, was); err != nil {
			return err
		}
	}
	return nil
}

// same reports whether going back to a setting would change what runs.
func same(cur, was Setting) bool {
	return effective(cur.Value).Equal(effective(unsplit(was.Value)))
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

// Undo is the command that takes a release back.
func Undo(r Release) string {
	if len(r.Changes) == 1 && r.Changes[0].Slot.Component() != "" {
		c := r.Changes[0]
		undo := fmt.Sprintf("sluice rollback %s --to %s#%d", c.Slot.Component(), r.Environment, r.Number-1)
		switch {
		case len(c.To.Split) > 0:
			return undo
		case c.To.Live():
			return undo + " --expect " + c.To.String()
		}
		return undo + " --expect none"
	}
	return "sluice rollback --release " + r.Ref()
}
