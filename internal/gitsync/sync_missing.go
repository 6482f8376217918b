package gitsync

import (
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// missing are the tags of versions that are not here, and that the remote has or
// that were here before. What the remote has is what everybody has.
func (s *syncer) missing() (moves []gitrepo.Update) {
	want := map[string]gitrepo.OID{}
	for ref, id := range s.seen {
		if versionTag(ref) && !s.refusedAs(ref, id) {
			want[ref] = id
		}
	}
	for ref, there := range s.refs.remote {
		if versionTag(ref) && s.seen["remote:"+ref] == there.ID && !s.refusedAs(ref, there.ID) {
			want[ref] = there.ID
		}
	}
	for ref, id := range want {
		if _, here := s.refs.local[ref]; !here {
			moves = append(moves, gitrepo.Update{Ref: ref, New: id})
		}
	}
	return moves
}

// writeAgain has everything exported once more when a tag that is to be put back is
// no longer in the repository, which makes the same again.
func (s *syncer) writeAgain(moves []gitrepo.Update) (whole []gitrepo.Update, err error) {
	gone := 0
	for _, m := range moves {
		_, _, _, found, err := s.reader.Info(string(m.New))
		if err != nil {
			return nil, err
		}
		if found {
			whole = append(whole, m)
		} else {
			gone++
			delete(s.seen, m.Ref)
			s.out.PutBack = append(s.out.PutBack, m.Ref)
		}
	}
	if gone == 0 {
		return whole, nil
	}
	if err := s.b.saveCursor(cursor{Ledger: s.ledger}); err != nil {
		return nil, err
	}
	return whole, s.export()
}

func versionTag(ref string) bool { return isTag(ref) && isVersionRef(ref) }

// refused reports whether a ref was not taken in, by this sync or one before;
// refusedAs whether it was refused as it was then.
func (s *syncer) refused(ref string) bool { return s.seen["refused:"+ref] != "" }

func (s *syncer) refusedAs(ref string, id gitrepo.OID) bool { return s.seen["refused:"+ref] == id }
