package control

import (
	"context"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/budget"
	"github.com/sluice-dev/sluice/internal/store"
)

// Effective returns all that a component gets, with what each value hides.
func (c *Control) Effective(ctx context.Context, req sluice.EffectiveRequest) (sluice.EffectiveSet, error) {
	var out sluice.EffectiveSet
	err := c.hold(ctx, func(tx *store.Tx) ([]sluice.Variable, error) {
		set, err := unopened(tx, req)
		return set.Variables, err
	})
	if err != nil {
		return out, err
	}
	read := func(tx *store.Tx) (err error) {
		if out, err = unopened(tx, req); err != nil {
			return err
		}
		return c.openAll(tx, out.Variables, false)
	}
	err = c.view(ctx, read)
	secret := func(v sluice.Variable) bool { return v.Secret }
	if err != nil || !req.Reveal || !slices.ContainsFunc(out.Variables, secret) {
		return out, err
	}
	err = c.revealing(ctx, func(tx *store.Tx, actor sluice.Actor) error {
		if err := read(tx); err != nil {
			return err
		}
		return c.reveal(tx, actor, setRef(out), out.Component, out.Variables)
	})
	if err != nil {
		return sluice.EffectiveSet{}, err
	}
	return out, nil
}

// hold takes memory for what a read of values will need. List says which variables
// it will open.
func (c *Control) hold(ctx context.Context, list func(*store.Tx) ([]sluice.Variable, error)) error {
	var size int64
	err := c.view(ctx, func(tx *store.Tx) error {
		variables, err := list(tx)
		if err != nil {
			return err
		}
		size, err = tx.SealedSize(fingerprintsOf(variables))
		return err
	})
	if err != nil {
		return err
	}
	share, err := c.memory.Take(ctx, sluice.ActorOf(ctx).Name, weightOfValues(size))
	budget.Keep(ctx, share)
	return err
}

// valueCopies is how many bytes each byte of a value takes until it is sent: as it
// is stored, opened, and as JSON, which may escape it.
const valueCopies = 8

func weightOfValues(bytes int64) int64 {
	if bytes <= smallRead {
		return 0
	}
	return valueCopies * bytes
}

// unopened are the variables that a component gets, without their values.
func unopened(tx *store.Tx, req sluice.EffectiveRequest) (sluice.EffectiveSet, error) {
	out := sluice.EffectiveSet{Variables: []sluice.Variable{}}
	e, release, err := point(tx, req.Environment)
	if err != nil {
		return out, err
	}
	if req.Component != "" {
		found, err := findComponent(tx, req.Component)
		if err != nil {
			return out, err
		}
		out.Component = found.Name
	}
	if out.Environment, out.Release, out.Root, err = headAt(tx, e, release); err != nil {
		return out, err
	}
	settings, err := tx.Variables(e.Name, release)
	if err != nil {
		return out, err
	}
	layers, err := layersOf(tx, e, settings, release == sluice.Latest)
	if err != nil {
		return out, err
	}
	for _, s := range sluice.Overlaid(settings, out.Component) {
		v := sluice.VariableOf(e.Name, s)
		v.Hides = layers.below(v, out.Component)
		out.Variables = append(out.Variables, v)
	}
	return out, nil
}

// layers are the entries of an environment and of those that it inherits from,
// strongest first.
type layers []map[sluice.Slot]sluice.Layer

// layersOf reads the layers. Of the past only the environment's own view is
// known: what its parents held themselves is told by their history.
func layersOf(tx *store.Tx, e sluice.Environment, settings []sluice.Setting, now bool) (layers, error) {
	var out layers
	for {
		layer := map[sluice.Slot]sluice.Layer{}
		for _, s := range settings {
			if now && !s.Own() {
				continue
			}
			v := sluice.VariableOf(e.Name, s)
			layer[s.Slot] = sluice.Layer{Environment: v.Environment, Component: v.Component, Sealed: v.Sealed, None: v.None}
		}
		out = append(out, layer)
		if !now || e.Parent == "" {
			return out, nil
		}
		var err error
		if e, err = tx.Environment(e.Parent); err != nil {
			return nil, err
		}
		if settings, err = tx.Variables(e.Name, sluice.Latest); err != nil {
			return nil, err
		}
	}
}

// below are the layers that a value hides.
func (l layers) below(v sluice.Variable, component string) []sluice.Layer {
	slots := []sluice.Slot{sluice.VariableSlot(v.Key, "")}
	if component != "" {
		slots = slices.Insert(slots, 0, sluice.VariableSlot(v.Key, component))
	}
	var out []sluice.Layer
	found := false
	for _, slot := range slots {
		for _, layer := range l {
			entry, there := layer[slot]
			switch {
			case !there:
			case found:
				out = append(out, entry)
			default:
				found = slot == v.Slot() && entry.Environment == v.Environment
			}
		}
	}
	return out
}

// headAt is the release, and its root, that an environment was at.
func headAt(tx *store.Tx, e sluice.Environment, release int64) (string, int64, sluice.Digest, error) {
	switch {
	case release >= e.Release:
		return e.Name, e.Release, e.Root, nil
	case release == 0:
		return e.Name, 0, sluice.RootHash(nil), nil
	}
	r, err := tx.Release(e.Name, release)
	return e.Name, release, r.Root, err
}

func setRef(s sluice.EffectiveSet) string {
	return sluice.Release{Environment: s.Environment, Number: s.Release}.Ref()
}

// DiffVariables compares the variables of two environments, each now or then.
func (c *Control) DiffVariables(ctx context.Context, req sluice.DiffVariablesRequest) (sluice.VariablesDiff, error) {
	out := sluice.VariablesDiff{Variables: []sluice.VariableDiff{}}
	err := c.hold(ctx, func(tx *store.Tx) (both []sluice.Variable, err error) {
		for _, text := range []string{req.From, req.To} {
			side, err := side(tx, text, req.Component)
			if err != nil {
				return nil, err
			}
			both = append(both, side.Variables...)
		}
		return both, nil
	})
	if err != nil {
		return out, err
	}
	err = c.view(ctx, func(tx *store.Tx) error {
		var sides [2][]sluice.Variable
		for i, text := range []string{req.From, req.To} {
			side, err := side(tx, text, req.Component)
			if err != nil {
				return err
			}
			if err := c.openAll(tx, side.Variables, false); err != nil {
				return err
			}
			if sides[i] = side.Variables; i == 0 {
				out.From = setRef(side)
			} else {
				out.To = setRef(side)
			}
		}
		for _, d := range sluice.DiffVariables(sides[0], sides[1]) {
			if d.Status != sluice.DiffSame {
				out.Variables = append(out.Variables, d)
			}
		}
		return nil
	})
	return out, err
}

// side is one side of a comparison: what a component gets, or without one all
// variables and overlays. Values are not opened.
func side(tx *store.Tx, text, component string) (sluice.EffectiveSet, error) {
	ref, err := parsePoint(text)
	if err != nil {
		return sluice.EffectiveSet{}, err
	}
	set, err := unopened(tx, sluice.EffectiveRequest{Environment: ref, Component: component})
	if err != nil {
		return set, err
	}
	if component != "" {
		set.Variables = slices.DeleteFunc(set.Variables, func(v sluice.Variable) bool { return v.Hidden })
		for i := range set.Variables {
			set.Variables[i].Component = set.Component
		}
	} else {
		settings, err := tx.Variables(set.Environment, set.Release)
		if err != nil {
			return set, err
		}
		set.Variables = set.Variables[:0]
		for _, s := range settings {
			if s.Value.Live() {
				set.Variables = append(set.Variables, sluice.VariableOf(set.Environment, s))
			}
		}
	}
	for i := range set.Variables {
		set.Variables[i].Hides = nil
	}
	slices.SortFunc(set.Variables, func(a, b sluice.Variable) int { return strings.Compare(string(a.Slot()), string(b.Slot())) })
	return set, nil
}
