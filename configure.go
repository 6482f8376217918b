package sluice

import (
	"regexp"
	"slices"
	"strings"
)

// Assigned is a variable's new value. Who plans knows its fingerprint alone.
type Assigned struct {
	Fingerprint string
	// Secret says whether it is one; nil leaves that to the rules.
	Secret *bool
	// Telling says that the value gives itself away as a credential: see [Telling].
	Telling bool
}

// assign lays a value on a variable.
func (p *Plan) assign(env Environment, cur Setting, a Assigned) error {
	secret, err := p.masks(env, cur, a)
	if err != nil {
		return err
	}
	want := Value{Sealed: Sealed{Fingerprint: a.Fingerprint, Secret: secret}}
	if cur.Value.Equal(want) && cur.Own() {
		return nil
	}
	p.configured++
	return p.lay(env, cur, want, false)
}

// masks decides whether a value is a secret: as asked; else as its key was until
// now, here or in the layer that an overlay covers; else by its look. A value
// that gives itself away is one in any case, unless told otherwise.
func (p *Plan) masks(env Environment, cur Setting, a Assigned) (bool, error) {
	if a.Secret != nil {
		return *a.Secret, nil
	}
	key, component, _ := cur.Slot.Variable()
	layers := []Setting{cur}
	if component != "" {
		wide, err := p.current(env.Name, VariableSlot(key, ""))
		if err != nil {
			return false, err
		}
		layers = append(layers, wide)
	}
	for _, s := range layers {
		if s.Value.Fingerprint != "" || s.Value.Stub {
			return masked(s.Value) || a.Telling, nil
		}
	}
	return SecretKey(key) || a.Telling, nil
}

// masked reports whether a value is a secret, or stands for one.
func masked(v Value) bool { return v.Secret || v.Stub }

// copyVariable lays a variable of another environment on this one.
func (p *Plan) copyVariable(env Environment, source string, from Setting) error {
	cur, err := p.current(env.Name, from.Slot)
	if err != nil || cur.Value.Equal(from.Value) {
		return err
	}
	if from.Value.Stub {
		return Errorf(Refused, "%s has no value in %s: it is a stub", from.Slot.Name(), source).
			Do(SetVariable(source, from.Slot), "set it")
	}
	if masked(from.Value) {
		p.copied(env, source, from)
	}
	p.configured++
	return p.lay(env, cur, from.Value, false)
}

// copied notes the environment whose secret is about to be this one's own.
func (p *Plan) copied(env Environment, source string, from Setting) {
	if from.Origin != "" {
		source = from.Origin
	}
	if source != env.Name && !slices.Contains(p.Copied, source) {
		p.Copied = append(p.Copied, source)
	}
}

// returning decides what a variable becomes that shall hold an earlier setting
// of source again, which may be another environment. Keep leaves it as it is.
// Plain values come back exactly, secrets as the policy says.
func (p *Plan) returning(env Environment, cur Setting, source string, was Setting) (want Value, keep bool, err error) {
	want = effective(was.Value)
	switch {
	case want.Equal(effective(cur.Value)):
		return want, false, nil // at most its origin changes
	case !masked(want) && !masked(cur.Value):
		return p.returningPlain(env, want, was.Slot)
	case p.secrets == SecretsExact:
		return p.returningExact(env, source, was)
	case p.secrets == SecretsCurrent && cur.Value.Live():
		p.Kept = append(p.Kept, Kept{Slot: cur.Slot, Reason: Ask("a secret keeps its present value; {secrets=exact} brings the old one back")})
		return want, true, nil
	case masked(want):
		want = p.stub(env, was.Slot, "a secret, and there is no present value")
	}
	return want, want.Equal(cur.Value), nil
}

func (p *Plan) returningPlain(env Environment, want Value, slot Slot) (Value, bool, error) {
	there, err := p.there(want)
	if err != nil || there {
		return want, false, err
	}
	return p.stub(env, slot, "its old value was shredded"), false, nil
}

func (p *Plan) returningExact(env Environment, source string, was Setting) (Value, bool, error) {
	want := effective(was.Value)
	there, err := p.there(want)
	if err != nil {
		return want, false, err
	}
	if !there {
		return want, false, Errorf(Refused, "the value that %s had in %s was shredded", was.Slot.Name(), source).
			Ask("use {secrets=current} to keep what is there, or {secrets=stub}")
	}
	parent, err := p.parent(env, was.Slot)
	if err == nil && want.Secret && !want.Equal(parent.Value) {
		p.copied(env, source, was)
	}
	return want, false, err
}

// there reports whether a value can still be opened, or has nothing to open.
func (p *Plan) there(v Value) (bool, error) {
	if v.Fingerprint == "" {
		return true, nil
	}
	return p.past.Sealed(v.Fingerprint)
}

func (p *Plan) stub(env Environment, slot Slot, why string) Value {
	p.Stubbed = append(p.Stubbed, Kept{Slot: slot, Reason: Do(SetVariable(env.Name, slot), "%s", why)})
	return Value{Sealed: Sealed{Stub: true}}
}

var fingerprintForm = regexp.MustCompile(`^[0-9a-f]{8,32}$`)

// matchesVariable reports whether a variable is the one that expect names: by the
// beginning of its fingerprint, 8 digits or more, or as stub, hidden or none.
func matchesVariable(v Value, expect string) (bool, error) {
	digits := strings.ToLower(expect)
	for _, sort := range []string{"secret:", "plain:"} {
		digits = strings.TrimPrefix(digits, sort)
	}
	switch {
	case digits == "none":
		return !v.Live(), nil
	case digits == "stub":
		return v.Stub, nil
	case digits == "hidden":
		return v.Hidden, nil
	case !fingerprintForm.MatchString(digits):
		return false, Errorf(Invalid, "an expected variable is the beginning of its fingerprint, stub, hidden or none").
			Do(ListVariables(""), "see the fingerprints")
	}
	return v.Fingerprint != "" && strings.HasPrefix(v.Fingerprint, digits), nil
}

// overlays takes a component's overlays back to what they were after a release,
// or says which have changed since.
func (p *Plan) overlays(env Environment, component string, release int64, restore bool) error {
	then, err := p.past.Overlays(env.Name, component, release)
	if err != nil {
		return err
	}
	for _, was := range then {
		cur, err := p.current(env.Name, was.Slot)
		if err != nil {
			return err
		}
		if same(cur, was) {
			continue
		}
		if !restore {
			p.Kept = append(p.Kept, Kept{Slot: was.Slot, Reason: Ask("it has changed since; {with_config} takes it back too")})
			continue
		}
		if err := p.goBack(env, cur, was); err != nil {
			return err
		}
	}
	return nil
}
