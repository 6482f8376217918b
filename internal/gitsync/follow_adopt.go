package gitsync

import (
	"maps"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// adoptOwn goes on from what the remote has of this ledger's own releases, where that is
// not what is here: another server over the same ledger wrote it, or this one did
// before it lost its copy. Written again from the ledger the commits might have other
// ids, since where files are in the project is not in the ledger.
func (f *follower) adoptOwn() error {
	cleared, err := f.clear()
	if err != nil {
		return err
	}
	var moves []gitrepo.Update
	first := int64(-1)
	for _, ref := range slices.Sorted(maps.Keys(f.refs.remote)) {
		display, ok := ParseEnvironmentRef(ref)
		if !ok || f.refs.remote[ref].ID == f.refs.local[ref].ID {
			continue
		}
		seq, ours, err := f.ours(display, f.refs.local[ref].ID, f.refs.remote[ref].ID)
		if err != nil {
			return err
		}
		if !ours {
			continue
		}
		if first < 0 || seq < first {
			first = seq
		}
		moves = append(moves, f.to(display)...)
		if err := f.b.forget(f.ledger, f.known[display].Name); err != nil {
			return err
		}
	}
	if len(moves) == 0 {
		return nil
	}
	if err := f.b.repo.Update(f.ctx, moves); err != nil {
		return err
	}
	if f.refs, err = f.b.look(f.ctx); err != nil {
		return err
	}
	at, err := f.b.loadCursor(f.ledger)
	if err == nil && !cleared && at.Epoch > first {
		at.Epoch = first
		err = f.b.saveCursor(at)
	}
	return err
}

// clear drops the refs here when they are of another ledger, as after a backup was
// restored. They can all be made again, or fetched.
func (f *follower) clear() (bool, error) {
	at, err := f.b.loadCursor(f.ledger)
	if err != nil || at.Epoch > 0 || len(f.refs.local) == 0 {
		return at.Epoch == 0, err
	}
	var gone []gitrepo.Update
	for ref, r := range f.refs.local {
		if _, exchanged := RemoteRef("x", ref); exchanged {
			gone = append(gone, gitrepo.Update{Ref: ref, Old: r.ID})
			delete(f.refs.local, ref)
		}
	}
	return true, f.b.repo.Update(f.ctx, gone)
}

// ours reports whether the end of a history is a release of this ledger, which the
// history here does not go through, and where in the ledger it is.
func (f *follower) ours(display string, mine, theirs gitrepo.OID) (seq int64, ours bool, err error) {
	c, err := f.commit(theirs)
	if err != nil {
		return 0, false, ignore(err)
	}
	head, err := ParseReleaseMessage(c)
	e := f.known[display]
	if err != nil || head.Entry.Ledger != f.ledger || head.Environment != e.Name || head.Number > e.Release {
		return 0, false, ignore(err)
	}
	if mine != "" {
		if behind, err := f.b.repo.HasAncestor(f.ctx, theirs, mine); err != nil || behind {
			return 0, false, err
		}
	}
	m, err := f.b.services.State(f.ctx, sluice.EnvironmentRef{Name: e.Name, Release: head.Number, Exact: true})
	return head.Entry.Seq, err == nil && m.Epoch == head.Entry.Seq && m.Root == head.Root, ignore(err)
}

// ignore leaves out errors of what a ref points at: then it is none of ours.
func ignore(err error) error {
	if refuse(err) {
		return nil
	}
	return err
}

// to moves the refs of an environment to where the remote has them.
func (f *follower) to(display string) (moves []gitrepo.Update) {
	for ref, there := range f.refs.remote {
		name, is := ParseEnvironmentRef(ref)
		if !is {
			_, name, is = parseEnvironmentTag(ref)
		}
		if is && name == display && f.refs.local[ref].ID != there.ID {
			moves = append(moves, gitrepo.Update{Ref: ref, New: there.ID, Old: f.refs.local[ref].ID})
		}
	}
	return moves
}
