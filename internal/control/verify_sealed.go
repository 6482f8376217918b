package control

import (
	"bytes"
	"maps"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/store"
)

// sealedReplay is a value as the ledger has it so far.
type sealedReplay struct {
	key       string // of the variable
	elsewhere bool   // a release of elsewhere brought it, so that it need not be known here
	gone      bool   // it was shredded, and not set again since
	seen      bool
}

// takeVariable notes a value. Who held it first says where it was set: what came from
// elsewhere may be carried on here.
func (v *verifier) takeVariable(r sluice.Release, ch sluice.SlotChange) {
	if ch.To.Fingerprint == "" {
		return
	}
	key, _, _ := ch.Slot.Variable()
	elsewhere := r.Commit != ""
	if known := v.sealed[ch.To.Fingerprint]; known != nil && !known.gone {
		elsewhere = known.elsewhere
	}
	v.sealed[ch.To.Fingerprint] = &sealedReplay{key: key, elsewhere: elsewhere}
}

func (v *verifier) takeShred(e sluice.Entry) error {
	var s shredded
	if err := payload(e, &s); err != nil {
		return err
	}
	for _, fingerprint := range s.Fingerprints {
		known := v.sealed[fingerprint]
		if known == nil {
			return brokenf("ledger entry %d (%s): no release holds the value %s", e.Seq, e.Kind, fingerprint)
		}
		known.gone = true
	}
	return nil
}

// checkSealed compares the sealed values with those that the ledger names. Where
// the master key can be read, each is opened, and must give its fingerprint.
func (v *verifier) checkSealed() error {
	ring, numbers, err := v.ring()
	if err != nil {
		return err
	}
	err = v.tx.EachSealed(func(s store.Sealed) error {
		known := v.sealed[s.Fingerprint]
		switch {
		case known == nil:
			return brokenf("sealed value %s: no release holds it", s.Fingerprint)
		case known.gone:
			return brokenf("sealed value %s: it was shredded, and is there", s.Fingerprint)
		case s.Elsewhere() && known.elsewhere:
			known.seen = true
			return foreign(s)
		case !slices.Contains(numbers, s.Key):
			return brokenf("sealed value %s: it is sealed with the data key %d, which is missing", s.Fingerprint, s.Key)
		}
		known.seen = true
		v.report.Sealed++
		if ring == nil {
			return nil
		}
		value, err := ring.Open(v.org, s.Fingerprint, s.Key, s.Bytes)
		if err != nil {
			return brokenf("sealed value %s (%s): %v", s.Fingerprint, known.key, err)
		}
		if ring.Fingerprint(known.key, value) != s.Fingerprint {
			return brokenf("sealed value %s (%s): it holds another value", s.Fingerprint, known.key)
		}
		v.report.Opened++
		return nil
	})
	if err != nil {
		return err
	}
	for _, fingerprint := range slices.Sorted(maps.Keys(v.sealed)) {
		if known := v.sealed[fingerprint]; !known.seen && !known.gone {
			return brokenf("sealed value %s (%s) is missing, and was not shredded", fingerprint, known.key)
		}
	}
	return nil
}

// foreign checks the row of a value that is not known here.
func foreign(s store.Sealed) error {
	if !bytes.Equal(s.Bytes, store.SealedElsewhere(s.Fingerprint).Bytes) {
		return brokenf("sealed value %s: it was set elsewhere, and its row holds something", s.Fingerprint)
	}
	return nil
}

// ring opens the data keys; there is none where the master key is not at hand.
func (v *verifier) ring() (*seal.Ring, []int64, error) {
	stored, err := v.tx.DataKeys()
	if err != nil || len(stored) == 0 {
		return nil, nil, err
	}
	numbers := make([]int64, len(stored))
	for i, k := range stored {
		numbers[i] = k.Number
	}
	existing := v.control.keys.master
	existing.Make = false
	master, err := seal.Read(v.tx.Context(), existing)
	if err != nil {
		return nil, numbers, nil //nolint:nilerr // what can be checked without it is
	}
	ring, err := master.Unwrap(wrappedOf(stored))
	if err != nil {
		return nil, nil, brokenf("data keys: %v", err)
	}
	return ring, numbers, nil
}
