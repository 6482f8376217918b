package gitsync

import (
	"bytes"

	"github.com/sluice-dev/sluice"
)

// LineChange is one slot in which two manifests differ.
type LineChange struct {
	Slot     sluice.Slot
	From, To *SlotLine // nil where the slot is in only one of them
}

// DiffManifests lists the slots whose lines differ between a release's manifest and
// its parent's, sorted. A parent of no bytes has no slots. Lines that are equal are
// not looked into, nor is the head: that they are right is for [ParseManifest] to
// say. Errors are those of it.
func DiffManifests(parent, child []byte) ([]LineChange, error) {
	a, err := newLineReader(parent)
	if len(parent) > 0 && err != nil {
		return nil, err
	}
	b, err := newLineReader(child)
	if err != nil {
		return nil, err
	}
	var changes []LineChange
	a.next()
	b.next()
	for a.more || b.more {
		c := LineChange{}
		order := compareHeads(a, b)
		if order == 0 && bytes.Equal(a.line.text, b.line.text) {
			a.next()
			b.next()
			continue
		}
		if order <= 0 {
			if c.From, err = a.take(); err != nil {
				return nil, err
			}
			c.Slot = c.From.Slot
		}
		if order >= 0 {
			if c.To, err = b.take(); err != nil {
				return nil, err
			}
			c.Slot = c.To.Slot
		}
		changes = append(changes, c)
	}
	if a.err != nil {
		return nil, a.err
	}
	return changes, b.err
}

// compareHeads says which of two readers has the slot that comes first.
func compareHeads(a, b *lineReader) int {
	switch {
	case !a.more:
		return 1
	case !b.more:
		return -1
	}
	return bytes.Compare(a.line.slot, b.line.slot)
}

// take reads the line at hand and goes on to the next.
func (r *lineReader) take() (*SlotLine, error) {
	s, err := r.line.parse()
	r.next()
	return &s, err
}
