package gitsync

import "github.com/sluice-dev/sluice"

// Get is the line of a slot, if it is there.
func (l *Lines) Get(slot sluice.Slot) (s SlotLine, found bool, err error) {
	at, found := l.find(slot)
	if !found {
		return SlotLine{Slot: slot}, false, nil
	}
	s, err = rawLine{number: slotsLine + 1 + at, slot: []byte(slot), text: l.texts[at]}.parse()
	return s, true, err
}

// HeadOf reads what comes before the slots of a manifest.
func HeadOf(manifest []byte) (EnvironmentHead, sluice.Digest, error) {
	r, err := newLineReader(manifest)
	if err != nil {
		return EnvironmentHead{}, "", err
	}
	return r.head.parse()
}
