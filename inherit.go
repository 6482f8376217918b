package sluice

import (
	"maps"
	"slices"
)

// put records what a slot shall hold and carries it on to the environments that
// inherit it. Free asks no policy of those: a rollback of a parent asks nobody.
func (p *Plan) put(env Environment, next Setting, free bool) error {
	if err := p.record(env, next, false); err != nil {
		return err
	}
	return p.propagate(env, next, free)
}

func (p *Plan) record(env Environment, next Setting, inherited bool) error {
	s := p.steps[env.Name]
	if s == nil {
		s = &Step{Environment: env, Inherited: inherited, next: map[Slot]Setting{}, from: map[Slot]Setting{}}
		p.steps[env.Name] = s
		p.order = append(p.order, env.Name)
	}
	if _, known := s.from[next.Slot]; !known {
		from, err := p.before(env.Name, next.Slot)
		if err != nil {
			return err
		}
		s.from[next.Slot] = from
	}
	next.Since = env.Next()
	s.next[next.Slot] = next
	return nil
}

func (p *Plan) propagate(env Environment, next Setting, free bool) error {
	children, err := p.children(env.Name)
	if err != nil {
		return err
	}
	for _, child := range children {
		if p.apart[child.Name] {
			continue
		}
		if err := p.inherit(child, next.Slot, passedOn(env.Name, next), free); err != nil {
			return err
		}
	}
	return nil
}

// passedOn is what an environment's setting is to its children: the value with
// the environment that owns it, or nothing.
func passedOn(env string, s Setting) Setting {
	if !s.Value.Live() {
		return Setting{Slot: s.Slot}
	}
	if s.Origin != "" {
		env = s.Origin
	}
	return Setting{Slot: s.Slot, Value: s.Value, Origin: env}
}

// inherit gives a child what its parent passes on, unless it has its own. A
// version that lies under the child's current one is uncovered, so that a
// parent's rollback goes further back in the child too.
func (p *Plan) inherit(env Environment, slot Slot, from Setting, free bool) error {
	cur, err := p.current(env.Name, slot)
	if err != nil || cur.Own() {
		return err
	}
	next := Setting{Slot: slot, Value: from.Value, Origin: from.Origin, Under: beneath(env, cur, from.Value)}
	if next.same(cur) {
		return nil
	}
	if !cur.Value.Equal(from.Value) {
		if below, found, err := p.under(env, cur, from.Value.Version); err != nil {
			return err
		} else if found && from.Value.Settled() {
			next.Under = below.Under
		} else if from.Value.Live() && !free {
			p.demands[slotOf{env.Name, slot}] = true
			if err := p.allow(env, slot, from.Value); err != nil {
				return AsError(err).Fix("or give %s its own version first, so that it does not inherit this one", env.Name)
			}
		}
	}
	if err := p.record(env, next, true); err != nil {
		return err
	}
	return p.propagate(env, next, free)
}

// Reparent gives an environment another parent: what it does not hold itself it
// inherits from there. Env is the environment with its new parent. A new
// environment is one that had no parent.
func (p *Plan) Reparent(env Environment) error {
	slots := map[Slot]bool{}
	mine, err := p.past.Settings(env.Name, Latest)
	if err != nil {
		return err
	}
	theirs, err := p.past.Settings(env.Parent, Latest)
	if err != nil {
		return err
	}
	for _, s := range slices.Concat(mine, theirs) {
		slots[s.Slot] = true
	}
	for _, slot := range slices.Sorted(maps.Keys(slots)) {
		parent, err := p.parent(env, slot)
		if err != nil {
			return err
		}
		if err := p.inherit(env, slot, parent, false); err != nil {
			return err
		}
	}
	for _, name := range p.order {
		p.steps[name].Inherited = name != env.Name
	}
	return nil
}

// CheckParent returns an error when parent cannot be the parent of an
// environment because it is the environment itself or one that inherits from it.
func CheckParent(past Past, name, parent string) error {
	for at := parent; at != ""; {
		if at == name {
			return Errorf(Invalid, "%s cannot inherit from %s: that would be a circle", name, parent).Fix("choose a parent outside of %s", name)
		}
		e, err := past.Environment(at)
		if err != nil {
			return err
		}
		at = e.Parent
	}
	return nil
}

// Clear takes everything away from an environment that is about to end.
func (p *Plan) Clear(env Environment) error {
	settings, err := p.past.Settings(env.Name, Latest)
	if err != nil {
		return err
	}
	for _, s := range settings {
		if err := p.put(env, Setting{Slot: s.Slot, Under: beneath(env, s, Value{})}, true); err != nil {
			return err
		}
	}
	return nil
}

// lay puts a value on top of the current one. Without gates for content: the
// caller has asked.
func (p *Plan) lay(env Environment, cur Setting, v Value, free bool) error {
	return p.put(env, Setting{Slot: cur.Slot, Value: v, Under: beneath(env, cur, v)}, free)
}

// beneath is what a rollback uncovers once v lies on top of cur: the current
// settled version, or what lies under a split or under nothing. Laying the same
// version again does not hide what lies under it, and what this plan itself has
// brought was never live.
func beneath(env Environment, cur Setting, v Value) int64 {
	if cur.Value.Settled() && !cur.Value.Equal(v) && cur.Since < env.Next() {
		return cur.Since
	}
	return cur.Under
}

// current is a slot as the plan has it so far.
func (p *Plan) current(env string, slot Slot) (Setting, error) {
	if s := p.steps[env]; s != nil {
		if next, ok := s.next[slot]; ok {
			return next, nil
		}
	}
	return p.before(env, slot)
}

// parent is what an environment inherits for a slot when it has no own value.
func (p *Plan) parent(env Environment, slot Slot) (Setting, error) {
	if env.Parent == "" {
		return Setting{Slot: slot}, nil
	}
	s, err := p.current(env.Parent, slot)
	return passedOn(env.Parent, s), err
}

// under walks down from the current value to the setting of a version. A quick
// question first: most versions that are asked for were never live here.
func (p *Plan) under(env Environment, cur Setting, version int) (Setting, bool, error) {
	if version == 0 || cur.Under == 0 {
		return Setting{}, false, nil
	}
	if last, err := p.past.LastWith(env.Name, cur.Slot, version); err != nil || last.Since == 0 {
		return Setting{}, false, err
	}
	return p.walk(env, cur, func(below Setting) (bool, error) { return below.Value.Version == version, nil })
}

// walk goes down from the current value to the first setting that match accepts.
// Each step must lead to an earlier release, so that damaged data cannot keep it
// walking.
func (p *Plan) walk(env Environment, cur Setting, match func(Setting) (bool, error)) (Setting, bool, error) {
	for at, last := cur.Under, env.Next(); at > 0 && at < last; {
		below, err := p.past.Setting(env.Name, cur.Slot, at)
		if err != nil {
			return Setting{}, false, err
		}
		if ok, err := match(below); ok || err != nil {
			return below, ok, err
		}
		at, last = below.Under, at
	}
	return Setting{}, false, nil
}
