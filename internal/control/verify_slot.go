package control

import (
	"crypto/sha256"
	"errors"
	"maps"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// checkEnvironments compares the environments with the ledger: what they are,
// and the release that each stands at.
func (v *verifier) checkEnvironments() error {
	stored, err := v.tx.Environments(true)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, e := range stored {
		known := v.environments[e.Name]
		if known == nil {
			return brokenf("environment %s: the ledger does not know it", e.Name)
		}
		seen[e.Name] = true
		if err := known.check(e); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.environments)) {
		if !seen[name] {
			return brokenf("environment %s is missing; the ledger created it", name)
		}
	}
	return nil
}

func (env *environmentReplay) check(e sluice.Environment) error {
	want, head := env.env, env.head
	err := differs("environment "+e.Name,
		column{"alias", e.Alias, want.Alias}, column{"parent", e.Parent, want.Parent}, column{"tracking", e.Tracks, want.Tracks},
		column{"days that runs are kept", e.KeepRuns, want.KeepRuns}, column{"position", e.Position, want.Position}, column{"time of creation", e.CreatedAt, want.CreatedAt}, column{"deleted", e.Deleted, want.Deleted},
		column{"release", e.Release, head.Number}, column{"epoch", e.Epoch, head.Epoch}, column{"time", e.At, head.At}, column{"root", e.Root, head.Root})
	if err != nil {
		return err
	}
	if !slices.Equal(e.PromotesFrom, want.PromotesFrom) {
		return brokenf("environment %s: it promotes from %q, the ledger says %q", e.Name, e.PromotesFrom, want.PromotesFrom)
	}
	return differs("environment "+e.Name, column{"closed past", e.Lived, env.lived})
}

// errElsewhere ends a stream whose rest does not matter.
var errElsewhere = errors.New("a slot differs")

// checkSlots compares all intervals of all slots with those that the replay
// made. Each slot's rows are hashed as they stream by; only a slot whose hash
// differs is read again to say which row it is.
func (v *verifier) checkSlots() error {
	var env string
	var slot sluice.Slot
	var got slotReplay
	groups, rows := 0, 0
	end := func() error {
		if rows == 0 {
			return nil
		}
		groups++
		want := v.slot(env, slot)
		if want == nil || want.closed != got.closed || want.open != got.open {
			return errElsewhere
		}
		return nil
	}
	err := v.tx.EachSlotRow(func(r store.SlotRow) error {
		if r.Environment != env || r.Slot != slot {
			if err := end(); err != nil {
				return err
			}
			env, slot, got, rows = r.Environment, r.Slot, slotReplay{}, 0
		}
		if rows > 0 {
			got.closed = link(got.closed, got.open)
		}
		got.open = r
		rows++
		return nil
	})
	if err == nil {
		err = end()
	}
	if errors.Is(err, errElsewhere) {
		return v.locate(env, slot)
	}
	if err != nil {
		return err
	}
	return v.missingSlots(groups)
}

func (v *verifier) slot(env string, slot sluice.Slot) *slotReplay {
	if e := v.environments[env]; e != nil {
		return e.rows[slot]
	}
	return nil
}

// missingSlots finds a slot that has no row at all, when there are fewer than
// there should be.
func (v *verifier) missingSlots(have int) error {
	want := 0
	for _, env := range v.environments {
		want += len(env.rows)
	}
	if have == want {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(v.environments)) {
		for _, slot := range slices.Sorted(maps.Keys(v.environments[name].rows)) {
			if rows, err := v.tx.SlotRows(name, slot); err != nil || len(rows) == 0 {
				if err == nil {
					err = v.locate(name, slot)
				}
				return err
			}
		}
	}
	return brokenf("slots: %d are stored, the ledger gives %d", have, want)
}

// locate names the first row of a slot that is not what the releases give.
func (v *verifier) locate(name string, slot sluice.Slot) error {
	stored, err := v.tx.SlotRows(name, slot)
	if err != nil {
		return err
	}
	i, last := 0, (*store.SlotRow)(nil)
	compare := func(want store.SlotRow) error {
		if i >= len(stored) {
			return brokenf("slot %s of %s: the row since %s#%d is missing", slot, name, name, want.Since)
		}
		i++
		return slotDiffers(stored[i-1], want)
	}
	err = v.eachChange(name, slot, func(r sluice.Release, ch sluice.SlotChange) error {
		row := slotRow(r, ch)
		if last != nil {
			last.Until = r.Number
			if err := compare(*last); err != nil {
				return err
			}
		}
		last = &row
		return nil
	})
	if err == nil && last != nil {
		err = compare(*last)
	}
	if err != nil {
		return err
	}
	if i < len(stored) {
		return brokenf("slot %s of %s: a row since %s#%d is there, and that release did not change it", slot, name, name, stored[i].Since)
	}
	return brokenf("slot %s of %s: its rows are not those that its releases give", slot, name)
}

func slotDiffers(have, want store.SlotRow) error {
	if have.Since != want.Since && have.Since < want.Since {
		return brokenf("slot %s of %s: a row since %s#%d is there, and that release did not change it", have.Slot, have.Environment, have.Environment, have.Since)
	}
	if have.Since != want.Since {
		return brokenf("slot %s of %s: the row since %s#%d is missing", want.Slot, want.Environment, want.Environment, want.Since)
	}
	what := "slot " + string(want.Slot) + " since " + sluice.Release{Environment: want.Environment, Number: want.Since}.Ref()
	return differs(what,
		column{"value", have.Value, want.Value}, column{"version", have.Version, want.Version}, column{"place in the ledger", have.Seq, want.Seq}, column{"end of its interval", have.Until, want.Until},
		column{"uncovered release", have.Under, want.Under}, column{"origin", have.Origin, want.Origin}, column{"pin", have.PinnedBy, want.PinnedBy})
}

// eachChange reads an environment's releases again for one slot.
func (v *verifier) eachChange(name string, slot sluice.Slot, fn func(sluice.Release, sluice.SlotChange) error) error {
	const batch = 256
	for seq := int64(0); ; {
		releases, err := v.tx.ReleasesAfter(name, seq, batch)
		if err != nil {
			return err
		}
		for _, r := range releases {
			seq = r.Epoch
			for _, ch := range r.Changes {
				if ch.Slot != slot {
					continue
				}
				if err := fn(r, ch); err != nil {
					return err
				}
			}
		}
		if len(releases) < batch {
			return nil
		}
	}
}

// hashOf is a hash over lines, to remember a list without keeping it.
func hashOf(lines ...string) [sha256.Size]byte {
	h := sha256.New()
	for _, l := range lines {
		h.Write([]byte(l))
		h.Write([]byte{'\n'})
	}
	return [sha256.Size]byte(h.Sum(nil))
}
