package sluice

// Record puts slots as a release elsewhere left them, whose versions have the
// numbers that they have here. What is apart is left alone: its own releases say
// what it inherited. The environment gets a release even when nothing differs, since
// the one elsewhere is there.
func (p *Plan) Record(env Environment, r ReleaseRecord, apart map[string]bool) error {
	p.apart = apart
	p.steps[env.Name] = &Step{Environment: env, always: true, next: map[Slot]Setting{}, from: map[Slot]Setting{}}
	p.order = append(p.order, env.Name)
	for _, s := range r.Slots {
		cur, err := p.current(env.Name, s.Slot)
		if err != nil {
			return err
		}
		if r.Ask {
			if err := p.asked(env, cur, s, r.Action); err != nil {
				return err
			}
		}
		next := Setting{Slot: s.Slot, Value: s.Value, Origin: s.Origin}
		if next.Under, err = p.lower(env, cur, s, r.Action); err != nil {
			return err
		}
		if next.PinnedBy, err = p.pinnedBy(env, cur, s, r.Action); err != nil {
			return err
		}
		if err := p.put(env, next, !r.Ask || r.Action == ActionRollback); err != nil {
			return err
		}
	}
	return nil
}

// asked asks the policy as the action would here: what lies under, or was live
// before when it is a rollback, is let in again, if its content is.
func (p *Plan) asked(env Environment, cur Setting, s SlotRecord, action Action) error {
	if !s.Value.Live() || s.Slot.Component() == "" || cur.Value.Equal(s.Value) {
		return nil
	}
	_, known, err := p.under(env, cur, s.Value.Version)
	if err == nil && !known && action == ActionRollback {
		var last Setting
		last, err = p.past.LastWith(env.Name, s.Slot, s.Value.Version)
		known = last.Since > 0
	}
	if err != nil {
		return err
	}
	if known && s.Value.Settled() {
		return p.admitContent(s.Slot, s.Value)
	}
	return p.admit(env, s.Slot, s.Value)
}

// lower finds the release since which the value was live that lies under a
// recorded one: the one that began when the record says. Else, when the action
// brings back what was live here, what lay under that; else the current value,
// what lies under it, or the last time that it was live.
func (p *Plan) lower(env Environment, cur Setting, s SlotRecord, action Action) (int64, error) {
	if s.Under.IsZero() {
		return 0, nil
	}
	if s.UnderSince != 0 {
		if below, err := p.past.SettingFrom(env.Name, s.Slot, s.Under, s.UnderSince); err != nil || below.Since > 0 {
			return below.Since, err
		}
	}
	if action.uncovers(s.Slot) {
		if under, err := p.underAgain(env, cur, s, action); err != nil || under > 0 {
			return under, err
		}
	}
	if cur.Value.Equal(s.Under) && !cur.Value.Equal(s.Value) {
		return cur.Since, nil
	}
	below, found, err := p.walk(env, cur, func(b Setting) (bool, error) { return b.Value.Equal(s.Under), nil })
	if err != nil || found {
		return below.Since, err
	}
	below, err = p.past.SettingFrom(env.Name, s.Slot, s.Under, 0)
	return below.Since, err
}

// underAgain is what lay under the value when it was live before, if that is what
// the record says.
func (p *Plan) underAgain(env Environment, cur Setting, s SlotRecord, action Action) (int64, error) {
	was, found, err := p.walk(env, cur, func(b Setting) (bool, error) { return b.Value.Equal(s.Value), nil })
	if err == nil && !found && action == ActionRollback && s.Value.Version > 0 {
		was, err = p.past.LastWith(env.Name, s.Slot, s.Value.Version)
	}
	if err != nil || was.Under == 0 {
		return 0, err
	}
	below, err := p.past.Setting(env.Name, s.Slot, was.Under)
	if err != nil || !below.Value.Equal(s.Under) {
		return 0, err
	}
	return below.Since, nil
}

// pinnedBy is the release that froze a recorded value: this one, unless it was
// frozen before.
func (p *Plan) pinnedBy(env Environment, cur Setting, s SlotRecord, action Action) (int64, error) {
	switch {
	case !s.Pinned:
		return 0, nil
	case action == ActionRollback:
		was, found, err := p.walk(env, cur, func(b Setting) (bool, error) { return b.PinnedBy > 0 && b.Value.Equal(s.Value), nil })
		if found || err != nil {
			return was.PinnedBy, err
		}
	}
	return env.Next(), nil
}

// uncovers reports whether an action brings back what lies under, where that is the
// value that it asks for. A promotion and a restore always lay theirs on top, and of
// variables all but a rollback do.
func (a Action) uncovers(s Slot) bool {
	switch a {
	case ActionRollback:
		return true
	case ActionDeploy, ActionTrack, ActionInherited, ActionCreate, ActionReparent:
		return s.Component() != ""
	}
	return false
}
