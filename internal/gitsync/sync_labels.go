package gitsync

import "github.com/sluice-dev/sluice"

// unlabel takes labels out of releases that stand for other content here, since two
// people gave them apart: what the releases mean is known by its content then. It
// reports whether there were any.
func (s *syncer) unlabel(records []sluice.Record) (changed bool, err error) {
	known := map[string]sluice.Digest{}
	of := func(name string, p *sluice.Pin) error {
		if p.Label == "" {
			return nil
		}
		key := name + "@" + string(p.Label)
		here, asked := known[key]
		if !asked {
			v, err := s.b.services.Version(s.ctx, name, string(p.Label))
			if err != nil && sluice.CodeOf(err) != sluice.NotFound {
				return err
			}
			here = v.Digest
			known[key] = here
		}
		if here != "" && here != p.Digest {
			p.Label, changed = "", true
		}
		return nil
	}
	for _, r := range records {
		if r.Release == nil {
			continue
		}
		for i := range r.Release.Slots {
			slot := &r.Release.Slots[i]
			for _, v := range []*sluice.Value{&slot.Value, &slot.Under} {
				pins := []*sluice.Pin{&v.Pin}
				for j := range v.Split {
					pins = append(pins, &v.Split[j].Pin)
				}
				for _, p := range pins {
					if err := of(slot.Slot.Component(), p); err != nil {
						return changed, err
					}
				}
			}
		}
	}
	return changed, nil
}
