package sluice

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Setting is the value of one slot from one release of an environment until the
// next that changes it.
type Setting struct {
	Slot     Slot   `json:"slot"`
	Value    Value  `json:"value"`
	Origin   string `json:"origin,omitempty"` // the environment it is inherited from, "" when own
	Since    int64  `json:"since"`            // the release that set it
	Under    int64  `json:"under,omitempty"`
	PinnedBy int64  `json:"pinned_by,omitempty"`
	// Unchecked are those of its versions that are marked, where one setting is asked
	// for alone.
	Unchecked []Marked `json:"unchecked,omitempty"`
}

// Own reports whether the environment holds the value itself.
func (s Setting) Own() bool { return s.Origin == "" && !s.Value.IsZero() }

// Change is the setting as the second half of a change that began at from.
func (s Setting) change(from Setting) SlotChange {
	return SlotChange{
		Slot: s.Slot, From: from.Value, To: s.Value, Origin: s.Origin, Under: s.Under, PinnedBy: s.PinnedBy, Ends: from.Since,
	}
}

// same reports whether nothing that a reader can see differs.
func (s Setting) same(o Setting) bool {
	return s.Value.Equal(o.Value) && s.Origin == o.Origin && s.PinnedBy == o.PinnedBy
}

// Manifest is everything that is live in an environment at one release, sorted
// by slot. Slots whose value is none are in it, since they hide a parent's.
type Manifest struct {
	Environment string    `json:"environment"`
	Alias       string    `json:"alias,omitempty"`
	Release     int64     `json:"release"`
	Epoch       int64     `json:"epoch"`
	At          Time      `json:"at,omitzero"`
	Root        Digest    `json:"root"`
	Slots       []Setting `json:"slots"`
}

// Find returns the setting of a slot.
func (m *Manifest) Find(slot Slot) (Setting, bool) {
	i, found := m.search(slot)
	if !found {
		return Setting{}, false
	}
	return m.Slots[i], true
}

func (m *Manifest) search(slot Slot) (int, bool) {
	i := sort.Search(len(m.Slots), func(i int) bool { return m.Slots[i].Slot >= slot })
	return i, i < len(m.Slots) && m.Slots[i].Slot == slot
}

// Apply returns the manifest after a release of its environment. The receiver
// stays as it is.
func (m *Manifest) Apply(r Release) *Manifest {
	next := *m
	next.Release, next.Epoch, next.At, next.Root = r.Number, r.Epoch, r.At, r.Root
	next.Slots = mergeSettings(m.Slots, r.Changes, r.Number)
	return &next
}

func mergeSettings(old []Setting, changes []SlotChange, release int64) []Setting {
	out := make([]Setting, 0, len(old)+len(changes))
	for _, c := range changes {
		for len(old) > 0 && old[0].Slot < c.Slot {
			out, old = append(out, old[0]), old[1:]
		}
		if len(old) > 0 && old[0].Slot == c.Slot {
			old = old[1:]
		}
		if !c.To.IsZero() {
			out = append(out, Setting{Slot: c.Slot, Value: c.To, Origin: c.Origin, Since: release, Under: c.Under, PinnedBy: c.PinnedBy})
		}
	}
	return append(out, old...)
}

// RootHash is SHA-256 over a format tag and the effective slots, one line each,
// sorted by slot: the address, then number and digest of a settled version, or
// number, weight and digest of each share, or a variable's fingerprint. Origin,
// release, time and whether a variable is masked are not in it, and none counts
// as nothing: what runs the same has the same root.
func RootHash(slots []Setting) Digest {
	h := sha256.New()
	line := make([]byte, 0, 256)
	line = append(line, "sluice-manifest-1\n"...)
	for _, s := range slots {
		if !s.Value.Live() {
			continue
		}
		line = append(append(line, s.Slot...), '\t')
		switch {
		case s.Value.Hidden, s.Value.Stub:
			line = append(line, s.Value.encode()...)
		case s.Value.Fingerprint != "":
			line = append(line, s.Value.Fingerprint...)
		case len(s.Value.Split) == 0:
			line = strconv.AppendInt(line, int64(s.Value.Version), 10)
			line = append(append(line, ' '), s.Value.Digest...)
		}
		for i, share := range s.Value.Split {
			if i > 0 {
				line = append(line, ',')
			}
			line = strconv.AppendInt(line, int64(share.Version), 10)
			line = strconv.AppendInt(append(line, '*'), int64(share.Weight), 10)
			line = append(append(line, ' '), share.Digest...)
		}
		line = append(line, '\n')
		if len(line) > 1<<14 {
			h.Write(line)
			line = line[:0]
		}
	}
	h.Write(line)
	return Digest("sha256:" + hex.EncodeToString(h.Sum(nil)))
}

// Components are the manifest's settings of components that something runs.
func (m *Manifest) Components() []Setting {
	out := make([]Setting, 0, len(m.Slots))
	for _, s := range m.Slots {
		if s.Value.Live() && s.Slot.Component() != "" {
			out = append(out, s)
		}
	}
	return out
}

// Pinned are the settings that a rollback or restore froze.
func (m *Manifest) Pinned() []Setting {
	return slices.DeleteFunc(slices.Clone(m.Slots), func(s Setting) bool { return s.PinnedBy == 0 })
}

// DiffManifests lists the slots whose effective values differ, sorted by slot.
func DiffManifests(from, to *Manifest) []SlotChange {
	var out []SlotChange
	a, b := from.Slots, to.Slots
	for len(a) > 0 || len(b) > 0 {
		var before, after Setting
		switch c := compareHeads(a, b); {
		case c < 0:
			before, a = a[0], a[1:]
		case c > 0:
			after, b = b[0], b[1:]
		default:
			before, after, a, b = a[0], b[0], a[1:], b[1:]
		}
		x, y := effective(before.Value), effective(after.Value)
		if !x.Equal(y) {
			out = append(out, SlotChange{Slot: max(before.Slot, after.Slot), From: x, To: y, Origin: after.Origin})
		}
	}
	return out
}

func compareHeads(a, b []Setting) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return strings.Compare(string(a[0].Slot), string(b[0].Slot))
}

// effective is what a value amounts to: none runs nothing, as absent does.
func effective(v Value) Value {
	if v.None {
		return Value{}
	}
	return v
}
