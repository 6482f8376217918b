package gitsync

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sluice-dev/sluice"
)

// beneath is what a component holds in an environment since a time, and what a
// rollback uncovers, as Sluice keeps it: going back to what was there before takes
// over what lay under that.
type beneath struct {
	entry *entry // nil is nothing
	since sluice.Time
	under *beneath
}

// release records what was read, of all environments together in the order of time.
func (im *importer) release(targets []*target) error {
	var all []made
	for _, t := range targets {
		some, err := im.replay(t)
		if err != nil {
			return err
		}
		all = append(all, some...)
	}
	slices.SortStableFunc(all, func(a, b made) int { return cmp.Compare(a.record.At, b.record.At) })
	if im.o.DryRun {
		for _, m := range all {
			im.out.Releases = append(im.out.Releases, m.shown)
		}
		return nil
	}
	for len(all) > 0 {
		n := min(len(all), recordsAtOnce)
		records := make([]sluice.Record, n)
		for i := range n {
			records[i].Release = &all[i].record
		}
		done, err := im.record(records)
		for _, d := range done {
			if d.Release != nil && d.Created {
				im.out.Releases = append(im.out.Releases, *d.Release)
			}
		}
		if err != nil {
			return err
		}
		all = all[n:]
		if im.o.Progress != nil {
			im.o.Progress(len(im.out.Versions), len(im.out.Releases))
		}
	}
	return nil
}

// made is one release that is to be recorded.
type made struct {
	record sluice.ReleaseRecord
	shown  sluice.Release // as a dry run shows it
}

// replay goes through all that was done in an environment, and returns what is not
// recorded yet.
func (im *importer) replay(t *target) ([]made, error) {
	fresh, err := t.prior.rest(t)
	if err != nil {
		return nil, err
	}
	var out []made
	slots := map[string]*beneath{}
	last, number := t.prior.at, t.prior.number
	for _, d := range t.deeds {
		if at, here := t.prior.imported[d.of]; here {
			d.at = at
		} else if fresh[d.of] && t.prior.last != "" {
			d.at = max(d.at, last+1)
		}
		m := made{record: sluice.ReleaseRecord{
			Environment: t.env.Name, Actor: d.actor, At: d.at, Cause: importOf + d.of, Reason: d.reason,
		}}
		if t.made && len(out) == 0 {
			m.record.Settings = &sluice.EnvironmentRecord{Parent: t.env.Parent}
		}
		if err := im.lay(&m, d, slots); err != nil {
			return nil, err
		}
		if len(m.record.Slots) == 0 {
			continue
		}
		if !fresh[d.of] {
			im.out.Known.Releases++
			continue
		}
		if err := t.prior.fits(t, d.at); err != nil {
			return nil, err
		}
		if expected := number; !t.follows {
			m.record.ExpectedRelease = &expected
		}
		number++
		last = d.at
		m.shown.Environment, m.shown.Number, m.shown.At, m.shown.Actor = t.env.Name, number, d.at, d.actor
		m.shown.Action, m.shown.Cause, m.shown.Reason = m.record.Action, m.record.Cause, m.record.Reason
		out = append(out, m)
	}
	return out, nil
}

// lay works out which slots a deed changes, and what a rollback of each uncovers.
func (im *importer) lay(m *made, d deed, slots map[string]*beneath) error {
	uncovered, removed := 0, 0
	held := map[string]live{}
	for _, l := range d.slots {
		held[sluice.FoldName(l.component)] = l
	}
	for _, key := range slices.Sorted(maps.Keys(held)) {
		l := held[key]
		shelf, err := im.component(l.component)
		if err != nil {
			return err
		}
		var want *entry
		if l.digest != "" {
			want = shelf.holding(l.digest, l.commit, d.at)
		}
		if named := shelf.labels[l.label]; named != nil && named.Digest == l.digest {
			want = named
		}
		cur := slots[key]
		if cur == nil {
			cur = &beneath{}
		}
		if cur.entry == want || cur.entry != nil && want != nil && cur.entry.Digest == want.Digest {
			continue
		}
		next := &beneath{entry: want, since: d.at, under: cur.under}
		if cur.entry != nil {
			next.under = cur
		}
		if want == nil {
			removed++
		}
		for below := next.under; below != nil && want != nil; below = below.under {
			if below.entry == want {
				next.under = below.under
				uncovered++
				break
			}
		}
		slots[key] = next
		m.put(shelf.name, cur, next)
	}
	switch n := len(m.record.Slots); {
	case n == removed:
		m.record.Action = sluice.ActionUnset
	case n == removed+uncovered:
		m.record.Action = sluice.ActionRollback
	default:
		m.record.Action = sluice.ActionDeploy
	}
	return nil
}

func (m *made) put(component string, cur, next *beneath) {
	slot := sluice.SlotRecord{Slot: sluice.ComponentSlot(component), Value: next.value()}
	if next.under != nil {
		slot.Under, slot.UnderSince = next.under.value(), next.under.since
	}
	m.record.Slots = append(m.record.Slots, slot)
	m.shown.Changes = append(m.shown.Changes, sluice.SlotChange{Slot: slot.Slot, From: cur.value(), To: slot.Value})
}

func (b *beneath) value() sluice.Value {
	if b.entry == nil {
		return sluice.Value{}
	}
	return sluice.Settle(b.entry.Pin)
}
