package gitsync

import (
	"slices"

	"github.com/sluice-dev/sluice"
)

// Lines are the slots of a manifest as they are written, so that a release that
// changes one slot writes one line anew. The zero Lines has none.
type Lines struct {
	slots []sluice.Slot // sorted
	texts [][]byte      // of the same slots, as [appendSlot] writes them
}

// LinesOf cuts a manifest into its lines and looks into none of them. It keeps the
// bytes that it was given. Errors are those of [ParseManifest].
func LinesOf(manifest []byte) (*Lines, error) {
	r, err := newLineReader(manifest)
	if err != nil {
		return nil, err
	}
	l := &Lines{}
	for r.next() {
		l.slots = append(l.slots, sluice.Slot(r.line.slot))
		l.texts = append(l.texts, r.line.text)
	}
	return l, r.err
}

// Len is how many slots there are.
func (l *Lines) Len() int { return len(l.slots) }

// Set puts a slot in the place of what it was.
func (l *Lines) Set(s SlotLine) {
	at, found := l.find(s.Slot)
	text := appendSlot(nil, s)
	if found {
		l.texts[at] = text
		return
	}
	l.slots = slices.Insert(l.slots, at, s.Slot)
	l.texts = slices.Insert(l.texts, at, text)
}

// Remove takes a slot out, if it is there.
func (l *Lines) Remove(slot sluice.Slot) {
	if at, found := l.find(slot); found {
		l.slots = slices.Delete(l.slots, at, at+1)
		l.texts = slices.Delete(l.texts, at, at+1)
	}
}

// find looks at the end first, since whole manifests are set in order.
func (l *Lines) find(slot sluice.Slot) (at int, found bool) {
	if n := len(l.slots); n == 0 || l.slots[n-1] < slot {
		return n, false
	}
	return slices.BinarySearch(l.slots, slot)
}

// Encode writes the manifest of these slots, as [Manifest.Encode] does.
func (l *Lines) Encode(head EnvironmentHead, root sluice.Digest) []byte {
	size := 1024
	for _, text := range l.texts {
		size += len(text) + len(",\n")
	}
	out := appendHead(make([]byte, 0, size), head, root)
	for i, text := range l.texts {
		if i > 0 {
			out = append(out, ",\n"...)
		}
		out = append(out, text...)
	}
	if len(l.texts) > 0 {
		out = append(out, '\n')
	}
	return append(out, manifestEnd...)
}
