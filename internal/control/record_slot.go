package control

import (
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// locally finds what the slots of a recorded release mean here.
type locally struct {
	*recording
	env          sluice.Environment
	commit       sluice.Commit
	components   map[string]sluice.Component
	environments map[string]string // names as they are here
	stubbed      []sluice.Kept
}

// slots are recorded slots with the names and numbers of here.
func (l *locally) slots(there []sluice.SlotRecord) ([]sluice.SlotRecord, error) {
	out := slices.Clone(there)
	for i := range out {
		s := &out[i]
		if err := l.origin(s); err != nil {
			return nil, err
		}
		work := l.component
		if s.Slot.Component() == "" {
			work = l.variable
		}
		if err := work(s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// origin finds the environment that a slot is inherited from, which may have ended
// since.
func (l *locally) origin(s *sluice.SlotRecord) error {
	if s.Origin == "" {
		return nil
	}
	name, known := l.environments[s.Origin]
	if !known {
		e, found, err := l.tx.FindEnvironment(s.Origin)
		if err != nil {
			return err
		}
		if !found {
			return sluice.Errorf(sluice.NotFound, "%s inherits %s from %s, which is not known here", l.env.Name, s.Slot.Name(), s.Origin).
				Fix("record the releases of %s first", s.Origin)
		}
		name, l.environments[s.Origin] = e.Name, e.Name
	}
	if s.Origin = name; name == l.env.Name { // then it is its own
		s.Origin = ""
	}
	return nil
}

// component finds the versions that are meant. A component without a version may be
// unknown here: nothing of it is live.
func (l *locally) component(s *sluice.SlotRecord) error {
	name := s.Slot.Component()
	component, known := l.components[name]
	if !known {
		var err error
		if component, known, err = l.tx.Component(name); err != nil {
			return err
		}
		switch {
		case !known && !s.Value.Live() && !s.Under.Live():
			return nil
		case !known:
			return sluice.AsError(errorOf(findComponent(l.tx, name))).Fix("or record its versions before the release")
		}
		l.components[name] = component
	}
	s.Slot = sluice.ComponentSlot(component.Name)
	for _, v := range []*sluice.Value{&s.Value, &s.Under} {
		if err := l.value(component, v); err != nil {
			return err
		}
	}
	return nil
}

// value finds the versions of a value. Shares keep the order that they have there,
// so that each key goes on getting the same version.
func (l *locally) value(component sluice.Component, v *sluice.Value) error {
	if v.Version == 0 {
		return nil
	}
	var err error
	if v.Pin, err = l.pin(component, v.Pin); err != nil {
		return err
	}
	v.Split = slices.Clone(v.Split)
	for i := range v.Split {
		if v.Split[i].Pin, err = l.pin(component, v.Split[i].Pin); err != nil {
			return err
		}
	}
	return nil
}

// pin finds the version that is meant elsewhere: by its label, or without one by its
// content. Of several without a label that have it the one with its number is
// meant, else the newest, else one with a label.
func (l *locally) pin(component sluice.Component, there sluice.Pin) (sluice.Pin, error) {
	var here sluice.Version
	var found bool
	var err error
	if there.Label != "" {
		here, found, err = l.tx.VersionByLabel(component.Name, there.Label)
		if err == nil && found && here.Digest != there.Digest {
			err = otherContent(here, there.Digest)
		}
	} else {
		here, found, err = l.tx.Unlabelled(component.Name, there.Digest, there.Version)
		if err == nil && !found {
			var same []sluice.Version
			if same, err = l.tx.VersionsByDigest(component.Name, string(there.Digest)); len(same) > 0 {
				here, found = same[0], true
			}
		}
	}
	if err == nil && !found {
		err = sluice.Errorf(sluice.NotFound, "%s has no version %s (%s) here", component.Name, there, there.Digest.Short()).
			Fix("record the version before the release")
	}
	return here.Pin(), err
}

// variable notes that a value of elsewhere is not known here. One that is known came
// from here, and then comes back only to where it was: who may write down a release
// need not be one who may see a secret or carry it to another environment.
func (l *locally) variable(s *sluice.SlotRecord) error {
	key, overlay, _ := s.Slot.Variable()
	if overlay != "" {
		component, found, err := l.tx.Component(overlay)
		if err != nil {
			return err
		}
		if found {
			s.Slot = sluice.VariableSlot(key, component.Name)
		}
	}
	fingerprint := s.Value.Fingerprint
	if fingerprint == "" {
		return nil
	}
	if opens, err := l.tx.Opens(fingerprint); err != nil {
		return err
	} else if !opens {
		return l.elsewhere(s.Slot, fingerprint)
	}
	kept, err := l.keeps(key, *s)
	if err != nil || kept {
		return err
	}
	l.stubbed = append(l.stubbed, sluice.Kept{
		Slot: s.Slot, Reason: sluice.Do(sluice.SetVariable(l.env.Name, s.Slot), "a secret of this installation does not come to %s by a record", l.env.Name),
	})
	s.Value, s.Origin, s.Pinned = sluice.Value{Sealed: sluice.Sealed{Stub: true}}, "", false
	return nil
}

// elsewhere writes down that a value is not known here. Only a release that says
// where it is from can bring one.
func (l *locally) elsewhere(slot sluice.Slot, fingerprint string) error {
	there, err := l.tx.Sealed(fingerprint)
	if err != nil || there {
		return err
	}
	if l.commit == "" {
		return sluice.Errorf(sluice.Invalid, "the value of %s is not known here, and the release does not say which commit it is of", slot.Name()).
			Fix("give the commit that the release was read from")
	}
	return l.tx.PutSealed(store.SealedElsewhere(fingerprint))
}

// keeps reports whether a value that can be opened here may stand in the slot: it
// stood in the environment before, or in the one that it is inherited from, masked
// as now; or it never was a secret.
func (l *locally) keeps(key string, s sluice.SlotRecord) (bool, error) {
	held, err := l.tx.HeldAs(key, s.Value.Fingerprint)
	if err != nil {
		return false, err
	}
	secret := len(held) == 0 // it is another variable's
	for _, h := range held {
		secret = secret || h.Secret
		if h.Secret != s.Value.Secret {
			continue
		}
		if h.Environment == l.env.Name {
			return true, nil
		}
		if h.Environment == s.Origin {
			if above, err := l.above(s.Origin); above || err != nil {
				return above, err
			}
		}
	}
	return !secret, nil
}

// above reports whether the environment inherits from another.
func (l *locally) above(name string) (bool, error) {
	for at := l.env.Parent; at != ""; {
		if at == name {
			return true, nil
		}
		e, err := l.tx.Environment(at)
		if err != nil {
			return false, err
		}
		at = e.Parent
	}
	return false, nil
}
