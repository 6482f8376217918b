package sluice

import "strings"

// admit asks whether a value may go live in an environment where it was not:
// for its content, and for the environment's policy.
func (p *Plan) admit(env Environment, slot Slot, v Value) error {
	if err := p.admitContent(slot, v); err != nil {
		return err
	}
	p.demands[slotOf{env.Name, slot}] = true
	return p.allow(env, slot, v)
}

// admitNew is admit, without the policy for versions that were live there before.
func (p *Plan) admitNew(env Environment, cur Setting, v Value) error {
	if err := p.admitContent(cur.Slot, v); err != nil {
		return err
	}
	if len(env.PromotesFrom) == 0 {
		return nil
	}
	for _, pin := range v.Pins() {
		last, err := p.past.LastWith(env.Name, cur.Slot, pin.Version)
		if err != nil {
			return err
		}
		if last.Since == 0 {
			if err := p.allow(env, cur.Slot, Settle(pin)); err != nil {
				return err
			}
		}
	}
	return nil
}

// admitContent refuses what is quarantined, purged or archived.
func (p *Plan) admitContent(slot Slot, v Value) error {
	name := slot.Component()
	if name == "" {
		return nil
	}
	for _, pin := range v.Pins() {
		why, err := p.past.Barred(name, pin)
		if err != nil {
			return err
		}
		if why != "" {
			return Errorf(Refused, "%s@%s is %s and may not go live", name, pin, why).
				Do(ListVersions(name), "choose another version").
				Ask("or, for a whole environment, leave it out with {except=%s}", name)
		}
	}
	return nil
}

// allow asks the environment's policy: a version must have been live in one of
// the environments that it promotes from.
func (p *Plan) allow(env Environment, slot Slot, v Value) error {
	if len(env.PromotesFrom) == 0 || slot.Component() == "" {
		return nil
	}
	for _, pin := range v.Pins() {
		if err := p.allowPin(env, slot, pin); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) allowPin(env Environment, slot Slot, pin Pin) error {
	for _, source := range env.PromotesFrom {
		s, err := p.past.LastWith(source, slot, pin.Version)
		if err != nil {
			return err
		}
		if s.Since > 0 {
			return nil
		}
	}
	name, from := slot.Component(), strings.Join(env.PromotesFrom, " or ")
	return Errorf(Refused, "%s takes versions from %s, and %s@%s was never live there", env.Name, from, name, pin).
		Do(DeployVersion(name, pin.String(), env.PromotesFrom[0]), "deploy it there first")
}

// AllowSource refuses a promotion from an environment that the target does not
// take versions from.
func AllowSource(target Environment, source string) error {
	if len(target.PromotesFrom) == 0 {
		return nil
	}
	for _, s := range target.PromotesFrom {
		if s == source {
			return nil
		}
	}
	return Errorf(Refused, "%s takes promotions from %s, not from %s", target.Name, strings.Join(target.PromotesFrom, " or "), source).
		Fix("promote to %s first", target.PromotesFrom[0])
}
