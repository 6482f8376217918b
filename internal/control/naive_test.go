package control_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// world is the naive model: each environment is a slice of whole snapshots, and
// what a rollback uncovers is a chain of pointers into them. It keeps no number
// that it could count, shares no rule with the code, and is slow on purpose.
type world struct {
	clock        sluice.Time
	last         sluice.Time // of the last release that was recorded
	components   map[string]*part
	environments map[string]*place

	prints   map[string]string // fingerprints by KEY=VALUE, as they were learnt
	texts    map[string]string // values by fingerprint
	shredded map[string]bool   // fingerprints of values that are gone
}

// part is a component.
type part struct {
	digests     []sluice.Digest // by version number, from 1
	labels      []sluice.Label
	quarantined map[sluice.Digest]bool
}

func (p *part) pin(version int) sluice.Pin {
	return sluice.Pin{Version: version, Label: p.labels[version-1], Digest: p.digests[version-1]}
}

// place is an environment.
type place struct {
	name, parent string
	position     int
	tracks       bool
	sources      []string // promotes from
	deleted      bool
	lived        bool
	past         []snapshot // one for each release
}

// snapshot is an environment after a release.
type snapshot struct {
	at, made sluice.Time // made is when it happened, wherever that was
	action   sluice.Action
	actor    string
	held     map[string]*held // by component, or by the slot of a variable
}

// held is what one slot holds from one release on.
type held struct {
	value  sluice.Value
	origin string
	pinned int64
	since  int64
	below  *held // what a rollback uncovers: always one settled version
}

func (h *held) own() bool { return h.origin == "" && !h.value.IsZero() }

// runs is what the value amounts to: none runs nothing.
func (h *held) runs() sluice.Value {
	if h.value.None {
		return sluice.Value{}
	}
	return h.value
}

func (h *held) under() int64 {
	if h.below == nil {
		return 0
	}
	return h.below.since
}

func (h *held) looksLike(o *held) bool {
	return h.value.Equal(o.value) && h.origin == o.origin && h.pinned == o.pinned
}

func newWorld(clock sluice.Time) *world {
	w := &world{
		clock: clock, components: map[string]*part{}, environments: map[string]*place{},
		prints: map[string]string{}, texts: map[string]string{}, shredded: map[string]bool{},
	}
	for _, e := range sluice.DefaultEnvironments() {
		w.environments[e.Name] = &place{name: e.Name, parent: e.Parent, position: e.Position, tracks: e.Tracks != ""}
	}
	return w
}

// now is the time that the next release gets: the clock, unless it went back.
func (w *world) now() sluice.Time { return max(w.clock, w.last+1) }

// living are the environments that were not deleted, in the order of lists.
func (w *world) living() []*place {
	var out []*place
	for _, e := range w.environments {
		if !e.deleted {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *place) int { return (a.position-b.position)*1000 + strings.Compare(a.name, b.name) })
	return out
}

func (w *world) children(name string) []*place {
	return slices.DeleteFunc(w.living(), func(e *place) bool { return e.parent != name })
}

// after is an environment after a release; before the first it holds nothing.
func (e *place) after(release int64) snapshot {
	if release == 0 {
		return snapshot{held: map[string]*held{}}
	}
	return e.past[release-1]
}

func (e *place) latest() int64 { return int64(len(e.past)) }

// at is the last release by a time: the present for one that the next release would
// get or later.
func (e *place) at(t, now sluice.Time) int64 {
	if t >= now {
		return e.latest()
	}
	for n := e.latest(); n > 0; n-- {
		if e.past[n-1].at <= t {
			return n
		}
	}
	return 0
}

func (s snapshot) of(component string) *held {
	if h := s.held[component]; h != nil {
		return h
	}
	return &held{}
}

// wasLive is the newest time that a version was all that ran, nil if it never was.
func (e *place) wasLive(component string, version int) *held {
	for n := e.latest(); n > 0; n-- {
		if h := e.past[n-1].of(component); h.value.Settled() && h.value.Version == version {
			return h
		}
	}
	return nil
}

// settings are what a manifest shows of a snapshot.
func (s snapshot) settings() []sluice.Setting {
	out := []sluice.Setting{}
	for _, name := range slices.Sorted(maps.Keys(s.held)) {
		if h := s.held[name]; !h.value.IsZero() {
			out = append(out, sluice.Setting{
				Slot: slot(name), Value: h.value, Origin: h.origin, Since: h.since, Under: h.under(), PinnedBy: h.pinned,
			})
		}
	}
	return out
}

// root is the root hash as its definition says it.
func (s snapshot) root() sluice.Digest {
	text := "sluice-manifest-1\n"
	for _, name := range slices.Sorted(maps.Keys(s.held)) {
		v := s.held[name].value
		switch {
		case !v.Live():
			continue
		case v.Stub || v.Hidden:
			text += fmt.Sprintf("%s\t%s\n", name, v.Sealed)
		case v.Fingerprint != "":
			text += fmt.Sprintf("%s\t%s\n", name, v.Fingerprint)
		case v.Settled():
			text += fmt.Sprintf("component/%s\t%d %s\n", name, v.Version, v.Digest)
		default:
			var shares []string
			for _, share := range v.Split {
				shares = append(shares, fmt.Sprintf("%d*%d %s", share.Version, share.Weight, share.Digest))
			}
			text += fmt.Sprintf("component/%s\t%s\n", name, strings.Join(shares, ","))
		}
	}
	sum := sha256.Sum256([]byte(text))
	return sluice.Digest("sha256:" + hex.EncodeToString(sum[:]))
}

// differences are the components that run something else, and what.
func differences(a, b snapshot) map[string][2]sluice.Value {
	out := map[string][2]sluice.Value{}
	for name := range a.held {
		out[name] = [2]sluice.Value{a.of(name).runs(), b.of(name).runs()}
	}
	for name := range b.held {
		out[name] = [2]sluice.Value{a.of(name).runs(), b.of(name).runs()}
	}
	maps.DeleteFunc(out, func(_ string, v [2]sluice.Value) bool { return v[0].Equal(v[1]) })
	return out
}
