package sluice

import (
	"fmt"
	"maps"
	"slices"
)

// Restore makes the environment's effective slots those given; whole also
// removes what is not among them. What equals the parent's is inherited, what
// differs becomes the environment's own.
func (p *Plan) Restore(env Environment, source string, from []Setting, secrets SecretPolicy, only func(Slot) bool) error {
	p.secrets = secrets
	current, err := p.past.Settings(env.Name, Latest)
	if err != nil {
		return err
	}
	wanted := map[Slot]Setting{}
	for _, s := range current {
		wanted[s.Slot] = Setting{Slot: s.Slot}
	}
	if step := p.steps[env.Name]; step != nil { // a new environment holds what it inherits
		for slot := range step.next {
			wanted[slot] = Setting{Slot: slot}
		}
	}
	for _, s := range from {
		wanted[s.Slot] = s
	}
	for _, slot := range slices.Sorted(maps.Keys(wanted)) {
		if !only(slot) {
			continue
		}
		if err := p.restoreSlot(env, source, wanted[slot]); err != nil {
			return err
		}
	}
	return nil
}

// Unbegun refuses to take away what is live in an environment because the source
// had no release yet at a time. First is its first release, zero when it has none.
func (p *Plan) Unbegun(env Environment, source string, at Time, first Release) error {
	step := p.steps[env.Name]
	if step == nil {
		return nil
	}
	gone := 0
	for _, c := range step.Changes() {
		if c.From.Live() && !c.To.Live() {
			gone++
		}
	}
	if gone == 0 {
		return nil
	}
	begins := "it has none"
	if first.Number > 0 {
		begins = fmt.Sprintf("%s was at %s", first.Ref(), first.At)
	}
	return Errorf(Refused, "%s had no release yet at %s (%s), and that would take away all %d that are live in %s", source, at, begins, gone, env.Name).
		Do(SeeHistory("", source), "see {}, and name a later time").
		Ask("or say that nothing shall be left: {allow_empty}")
}

func (p *Plan) restoreSlot(env Environment, source string, from Setting) error {
	slot, want := from.Slot, effective(from.Value)
	cur, err := p.current(env.Name, slot)
	if err != nil || effective(cur.Value).Equal(want) {
		return err
	}
	if slot.Component() == "" {
		var keep bool
		if want, keep, err = p.returning(env, cur, source, from); err != nil || keep {
			return err
		}
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
