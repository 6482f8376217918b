package gitsync

import (
	"maps"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// restore gives environments back the ref of their history when somebody removed
// it: what they released is here, and would else be taken for news from the remote.
func (s *syncer) restore() error {
	var moves []gitrepo.Update
	for _, display := range slices.Sorted(maps.Keys(s.known)) {
		e := s.known[display]
		if e.Release == 0 {
			continue
		}
		at, kept, err := s.b.loadBranch(s.ledger, e.Name)
		if err != nil {
			return err
		}
		if kept {
			display = at.Display
		}
		ref := EnvironmentRef(display)
		if is := s.refs.local[ref].ID; is != "" || kept && at.Commit == "" {
			back, err := s.wentBack(at, kept, is)
			if err != nil {
				return err
			}
			if back {
				moves = append(moves, gitrepo.Update{Ref: ref, New: at.Commit, Old: is})
			}
			continue
		}
		if kept {
			_, _, _, found, err := s.reader.Info(string(at.Commit))
			if err != nil {
				return err
			}
			if found {
				moves = append(moves, gitrepo.Update{Ref: ref, New: at.Commit})
				continue
			}
		} else if s.refs.remote[ref].ID == "" {
			continue // it was never written
		}
		if err := s.writeAnew(e); err != nil {
			return err
		}
	}
	if len(moves) == 0 {
		return nil
	}
	if err := s.b.repo.Update(s.ctx, moves); err != nil {
		return err
	}
	for _, m := range moves {
		s.out.Refs, s.out.PutBack = append(s.out.Refs, m.Ref), append(s.out.PutBack, m.Ref)
		s.refs.set(m.Ref, m.New)
	}
	return nil
}

// wentBack reports whether a history ends before where it was left.
func (s *syncer) wentBack(at *branch, kept bool, is gitrepo.OID) (bool, error) {
	if !kept || is == "" || is == at.Commit {
		return false, nil
	}
	if _, _, _, found, err := s.reader.Info(string(at.Commit)); err != nil || !found {
		return false, err
	}
	return s.b.repo.HasAncestor(s.ctx, is, at.Commit)
}

// goneOn adds the histories of [syncer.beyond] to others, and leaves out those that
// are not vouched for.
func (s *syncer) goneOn(list []history) ([]history, error) {
	more, err := s.beyond()
	if err != nil {
		return nil, err
	}
	var out []history
	for _, h := range append(list, more...) {
		sound, err := s.vouched(h)
		if err != nil {
			return nil, err
		}
		if sound {
			out = append(out, h)
		}
	}
	return out, nil
}

// beyond are histories that go on in this repository after where they were left:
// another installation shares the repository, as one of another work tree does when
// there is no main one.
func (s *syncer) beyond() (out []history, err error) {
	for _, display := range slices.Sorted(maps.Keys(s.known)) {
		at, kept, err := s.b.loadBranch(s.ledger, s.known[display].Name)
		if err != nil {
			return nil, err
		}
		if !kept || at.Commit == "" {
			continue
		}
		is := s.refs.local[EnvironmentRef(at.Display)].ID
		if is == "" || is == at.Commit {
			continue
		}
		_, _, _, found, err := s.reader.Info(string(at.Commit))
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		after, err := s.b.repo.HasAncestor(s.ctx, at.Commit, is)
		if err != nil {
			return nil, err
		}
		if !after {
			continue
		}
		h, err := s.read(at.Display, at.Commit, is)
		if err != nil {
			return nil, err
		}
		for len(h.commits) > 0 {
			own, err := s.writtenHere(h.commits[0])
			if err != nil {
				return nil, err
			}
			if !own {
				break
			}
			h.commits = h.commits[1:]
		}
		if len(h.commits) > 0 {
			out = append(out, h)
		}
	}
	return out, nil
}

// writtenHere reports whether a commit is of a release of this ledger: an export wrote
// it, and was stopped before it could note that.
func (s *syncer) writtenHere(in incoming) (bool, error) {
	if in.head.Entry.Ledger != s.ledger || in.head.Number > s.released[in.head.Environment] {
		return false, nil
	}
	m, err := s.b.services.State(s.ctx, sluice.EnvironmentRef{Name: in.head.Environment, Release: in.head.Number, Exact: true})
	return err == nil && m.Epoch == in.head.Entry.Seq && m.Root == in.head.Root, err
}

// writeAnew has the next export write an environment's history from its beginning,
// which makes the same commits again.
func (s *syncer) writeAnew(e sluice.Environment) error {
	if err := s.b.forget(s.ledger, e.Name); err != nil {
		return err
	}
	return s.b.saveCursor(cursor{Ledger: s.ledger})
}

// noHistory is about the ref of an environment that somebody moved to what is no
// release. At the remote it is refused; here it has to be mended first.
func (s *syncer) noHistory(ref gitrepo.Ref, err error) error {
	why := sluice.AsError(err)
	if s.refs.local[ref.Name].ID != ref.ID {
		s.refuse(ref, sluice.Errorf(sluice.Refused, "%s", why.Message).
			Fix("put it back from a clone that is right: `git push --force %s %s`", s.b.cfg.Remote, ref.Name))
		return nil
	}
	return sluice.Errorf(why.Code, "%s is not where Sluice left it: %s", ref.Name, why.Message).
		Do(sluice.SyncGit(""), "take it away: `git update-ref -d %s`; {} puts it back where it was", ref.Name).Because(err)
}
