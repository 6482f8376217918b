package gitsync

import (
	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// ManifestFile is the file in the tree of a release that says what is live.
const ManifestFile = "sluice.manifest.json"

// Limits of a manifest that is read.
const (
	MaxManifestBytes = 16 << 20
	MaxManifestSlots = 20_000
)

// Manifest is everything that is live in an environment after one release, as it
// stands in the release's commit. It is JSON of one line for each slot, and there is
// one way to write it, so that equal lines are equal slots.
type Manifest struct {
	Environment EnvironmentHead
	Root        sluice.Digest // as the writer has it; [RootOf] works it out
	Slots       []SlotLine    // sorted by slot, each once
}

// EnvironmentHead is how the environment was set up at the release.
type EnvironmentHead struct {
	Name         string   `json:"name"`
	Alias        string   `json:"alias"`
	Parent       string   `json:"parent"`
	Tracks       string   `json:"tracks"`
	PromotesFrom []string `json:"promotes_from"`
}

// SlotLine is one slot of a manifest. A slot without a value is in one only to keep
// what a rollback would uncover.
type SlotLine struct {
	Slot  sluice.Slot
	Value sluice.Value
	// Kind, Path and Commit are of a component's live version: where its files are in
	// the tree of the release (a trailing slash for a directory), and the commit that
	// its tag points at.
	Kind   string
	Path   string
	Commit gitrepo.OID
	Under  sluice.Value // what a rollback uncovers, settled; zero when there is nothing
	// UnderSince is when the release was made since which that was live, which tells
	// two times of one version apart; zero when it is not known.
	UnderSince sluice.Time
	Origin     string // the environment that it is inherited from, "" when own
	Pinned     bool   // a rollback or restore froze it although the parent holds another
}

// Equal reports whether both lines say the same.
func (l SlotLine) Equal(o SlotLine) bool {
	return l.Slot == o.Slot && l.Value.Equal(o.Value) && l.Kind == o.Kind && l.Path == o.Path && l.Commit == o.Commit &&
		l.Under.Equal(o.Under) && l.UnderSince == o.UnderSince && l.Origin == o.Origin && l.Pinned == o.Pinned
}

// Encode writes the manifest in its one form. Of two lines for one slot the last
// one holds.
func (m Manifest) Encode() []byte {
	lines := Lines{}
	for _, s := range m.Slots {
		lines.Set(s)
	}
	return lines.Encode(m.Environment, m.Root)
}

// RootOf is the root hash of what the manifest says is live.
func RootOf(m Manifest) sluice.Digest {
	settings := make([]sluice.Setting, len(m.Slots))
	for i, s := range m.Slots {
		settings[i] = sluice.Setting{Slot: s.Slot, Value: s.Value}
	}
	return sluice.RootHash(settings)
}

// ParseManifest reads what [Manifest.Encode] writes, and nothing else: a field that
// is not known, a slot out of order or twice, a value that cannot be, and any other
// way to write the same are errors that name the line, with the code
// [sluice.Invalid]; what is larger than the limits is [sluice.LimitExceeded].
// Whether the root is that of the slots is not checked: see [RootOf].
func ParseManifest(text []byte) (Manifest, error) {
	r, err := newLineReader(text)
	if err != nil {
		return Manifest{}, err
	}
	m := Manifest{}
	if m.Environment, m.Root, err = r.head.parse(); err != nil {
		return Manifest{}, err
	}
	for r.next() {
		s, err := r.line.parse()
		if err != nil {
			return Manifest{}, err
		}
		m.Slots = append(m.Slots, s)
	}
	return m, r.err
}
