package control

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// checkEntry checks an entry's place, time and leaf, and the hashes of the tree
// that it completes.
func (v *verifier) checkEntry(e store.StoredEntry) error {
	if e.Seq != v.last.Seq+1 {
		return brokenf("ledger entry %d is missing: after entry %d comes entry %d", v.last.Seq+1, v.last.Seq, e.Seq)
	}
	if e.RecordedAt <= v.last.RecordedAt {
		return brokenf("ledger entry %d was recorded at %s, not after entry %d at %s", e.Seq, e.RecordedAt, v.last.Seq, v.last.RecordedAt)
	}
	leaf := tlog.RecordHash(e.LeafBytes(v.org))
	if !bytes.Equal(leaf[:], e.Leaf) {
		return brokenf("ledger entry %d (%s %s): the stored leaf is %s, its bytes give %s", e.Seq, e.Kind, e.Subject, base64.StdEncoding.EncodeToString(e.Leaf), leaf)
	}
	at := tlog.StoredHashIndex(0, e.Seq-1)
	for i, want := range v.frontier.add(leaf) {
		if err := v.checkHash(at+int64(i), want, e.Seq); err != nil {
			return err
		}
	}
	if v.against != nil && v.against.size == e.Seq {
		v.against.found = v.frontier.root()
	}
	return nil
}

func (v *verifier) checkHash(position int64, want tlog.Hash, seq int64) error {
	have, found, err := v.tree.next()
	switch {
	case err != nil:
		return err
	case !found || have.Position > position:
		return brokenf("tree hash %d is missing: ledger entry %d completes it", position, seq)
	case have.Position < position:
		return brokenf("tree hash %d is there, and no ledger entry completes it", have.Position)
	case !bytes.Equal(have.Hash, want[:]):
		return brokenf("tree hash %d: stored is %s, ledger entry %d and those before it give %s",
			position, base64.StdEncoding.EncodeToString(have.Hash), seq, want)
	}
	return nil
}

// checkEnd checks that nothing stands after the last entry, and that the
// organization knows where its ledger ends.
func (v *verifier) checkEnd() error {
	v.report.Size, v.report.Root = v.last.Seq, v.frontier.root().String()
	seq, at, err := v.tx.Position()
	if err != nil {
		return err
	}
	if seq != v.last.Seq || at != v.last.RecordedAt {
		return brokenf("organization %s: it stands at entry %d of %s, its ledger ends with entry %d of %s", v.org, seq, at, v.last.Seq, v.last.RecordedAt)
	}
	if h, found, err := v.tree.peek(); err != nil || found {
		if err == nil {
			err = brokenf("tree hash %d is there, and no ledger entry completes it", h.Position)
		}
		return err
	}
	if r, found, err := v.releases.peek(); err != nil || found {
		if err == nil {
			err = strayRelease(r)
		}
		return err
	}
	return nil
}

// frontier are the roots of the complete subtrees of a Merkle tree, from the
// largest to the smallest: all that is needed to let it grow.
type frontier struct {
	size  int64
	roots []tlog.Hash
}

// add appends a leaf and returns the hashes that it completes, as the tree
// stores them: the leaf, then upwards.
func (f *frontier) add(leaf tlog.Hash) []tlog.Hash {
	completed := []tlog.Hash{leaf}
	for range bits.TrailingZeros64(uint64(f.size + 1)) {
		last := len(f.roots) - 1
		leaf = tlog.NodeHash(f.roots[last], leaf)
		f.roots = f.roots[:last]
		completed = append(completed, leaf)
	}
	f.roots = append(f.roots, leaf)
	f.size++
	return completed
}

// root is the root of the whole tree, as RFC 6962 defines it.
func (f *frontier) root() tlog.Hash {
	if len(f.roots) == 0 {
		h, _ := tlog.TreeHash(0, nil) // of no leaf: cannot fail
		return h
	}
	h := f.roots[len(f.roots)-1]
	for i := len(f.roots) - 2; i >= 0; i-- {
		h = tlog.NodeHash(f.roots[i], h)
	}
	return h
}

// payload reads what an entry holds.
func payload(e sluice.Entry, v any) error {
	if err := json.Unmarshal(e.Payload, v); err != nil {
		return brokenf("ledger entry %d (%s %s): its payload cannot be read: %v", e.Seq, e.Kind, e.Subject, err)
	}
	return nil
}
