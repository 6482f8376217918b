package sluice

import (
	"fmt"
	"maps"
	"slices"
)

// Check checks what only shows when everything is planned: that the components
// which go live find the variables that they require, and that no scope holds
// too many. What a rollback or a restore brings back is only warned of.
func (p *Plan) Check() error {
	for _, name := range p.order {
		step := p.steps[name]
		if p.configured > 0 {
			if err := p.checkScopes(step); err != nil {
				return err
			}
		}
		slots, err := p.concerned(step)
		if err != nil {
			return err
		}
		for _, slot := range slots {
			if err := p.checkRequired(step.Environment, slot); err != nil {
				return err
			}
		}
	}
	return nil
}

// concerned are the components of a step that may lack something: those that it
// changes, and all when it takes a variable away.
func (p *Plan) concerned(step *Step) ([]Slot, error) {
	slots := map[Slot]bool{}
	taken := false
	for slot, next := range step.next {
		from := step.from[slot]
		switch {
		case slot.Component() != "":
			slots[slot] = next.Value.Live() && !next.Value.Equal(from.Value)
		case gives(from.Value) && !gives(next.Value), !from.Value.Hidden && next.Value.Hidden:
			taken = true
		}
	}
	if taken {
		all, err := p.past.Settings(step.Environment.Name, Latest)
		if err != nil {
			return nil, err
		}
		for _, s := range all {
			if _, known := slots[s.Slot]; !known && s.Slot.Component() != "" {
				slots[s.Slot] = s.Value.Live()
			}
		}
	}
	maps.DeleteFunc(slots, func(_ Slot, is bool) bool { return !is })
	return slices.Sorted(maps.Keys(slots)), nil
}

// gives reports whether a variable's value is one that a component can use.
func gives(v Value) bool { return v.Fingerprint != "" }

func (p *Plan) checkRequired(env Environment, slot Slot) error {
	cur, err := p.current(env.Name, slot)
	if err != nil {
		return err
	}
	for _, pin := range cur.Value.Pins() {
		missing, err := p.missing(env, slot.Component(), pin)
		if err != nil {
			return err
		}
		if len(missing) == 0 {
			continue
		}
		lacks := fmt.Sprintf("%s@%s requires %s, which %s lacks", slot.Component(), pin, Listing(missing, 20), env.Name)
		if p.demands[slotOf{env.Name, slot}] {
			return Errorf(Refused, "%s", lacks).Do(SetVariables(env.Name, "", missing...), "set it first").
				Do(DeployVersion(slot.Component(), pin.String(), env.Name, missing...), "or in the same release")
		}
		p.Warnings = append(p.Warnings, Do(SetVariables(env.Name, "", missing...), "%s", lacks))
	}
	return nil
}

// missing are the variables that a version requires and does not get.
func (p *Plan) missing(env Environment, component string, pin Pin) ([]string, error) {
	keys, err := p.past.Requires(component, pin)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, key := range keys {
		s, err := p.current(env.Name, VariableSlot(key, component))
		if err == nil && !s.Value.Live() {
			s, err = p.current(env.Name, VariableSlot(key, ""))
		}
		if err != nil {
			return nil, err
		}
		if !gives(s.Value) {
			out = append(out, key)
		}
	}
	return out, nil
}

// checkScopes bounds how many keys an environment holds itself, for all and for
// each component.
func (p *Plan) checkScopes(step *Step) error {
	scopes := map[string]int{}
	grown := map[string]bool{}
	for slot, next := range step.next {
		if _, component, ok := slot.Variable(); ok && next.Own() {
			scopes[component]++
			grown[component] = grown[component] || !step.from[slot].Own()
		}
	}
	if len(grown) == 0 {
		return nil
	}
	all, err := p.past.Settings(step.Environment.Name, Latest)
	if err != nil {
		return err
	}
	for _, s := range all {
		_, component, ok := s.Slot.Variable()
		if _, planned := step.next[s.Slot]; ok && !planned && s.Own() {
			scopes[component]++
		}
	}
	for component, n := range scopes {
		if n > MaxVariables && grown[component] {
			where := step.Environment.Name
			if component != "" {
				where = "the overlay of " + component + " in " + where
			}
			return Errorf(LimitExceeded, "%s would hold %d variables; the limit is %d", where, n, MaxVariables).
				Do(DeleteVariable(step.Environment.Name, "", ""), "take some away")
		}
	}
	return nil
}
