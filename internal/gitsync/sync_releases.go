package gitsync

import (
	"maps"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// history is a run of releases of one environment that are not known here.
type history struct {
	display string
	from    gitrepo.OID // the last commit that is known here, "" when none is
	commits []incoming
	// mine are releases that were made here after from, when both sides went on.
	mine []incoming
}

// incoming is a release as its commit has it.
type incoming struct {
	commit gitrepo.Commit
	head   ReleaseHead
	parent gitrepo.OID // whose manifest it changes: mostly the commit's own parent
	again  bool        // it was made here, and is appended after what others made
}

// releases brings in the histories of all environments, and the versions that they
// need. Before it is known that nobody released apart, nothing is recorded.
func (s *syncer) releases() error {
	if err := s.restore(); err != nil {
		return err
	}
	// A new installation over a repository that has histories already takes those in
	// first: then they are what it has.
	own, err := s.unknown()
	if err == nil {
		own, err = s.goneOn(own)
	}
	if err != nil {
		return err
	}
	if len(own) > 0 {
		if err := s.versions(); err != nil {
			return err
		}
		if err := s.take(own); err != nil {
			return err
		}
	}
	if err := s.export(); err != nil {
		return err
	}
	theirs, err := s.ahead()
	if err != nil {
		return err
	}
	if err := s.versions(); err != nil {
		return err
	}
	if err := s.take(theirs); err != nil {
		return err
	}
	return s.export()
}

// unknown are the histories under the local refs of environments that have no
// release here.
func (s *syncer) unknown() ([]history, error) {
	all := true
	for ref := range s.refs.local {
		if display, ok := ParseEnvironmentRef(ref); ok && s.known[display].Release == 0 {
			all = false
		}
	}
	if all {
		return nil, nil
	}
	mine, err := s.tips(s.refs.local)
	if err != nil {
		return nil, err
	}
	theirs, err := s.tips(s.refs.remote)
	if err != nil {
		return nil, err
	}
	var out []history
	for _, name := range slices.Sorted(maps.Keys(mine)) {
		if s.released[name] > 0 {
			continue
		}
		at := s.own(mine[name], name)
		for _, there := range theirs[name] {
			if on, err := s.b.repo.HasAncestor(s.ctx, at.id, there.id); err != nil {
				return nil, err
			} else if on {
				at = there
			}
		}
		h, err := s.read(at.display, "", at.id)
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

// ahead are the histories in which the remote went on. Where this side went on
// too, the options must say what to do.
func (s *syncer) ahead() ([]history, error) {
	if s.refs.level() {
		return nil, nil
	}
	mine, err := s.tips(s.refs.local)
	if err != nil {
		return nil, err
	}
	theirs, err := s.tips(s.refs.remote)
	if err != nil {
		return nil, err
	}
	var out []history
	apart := &Divergence{}
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		h, err := s.next(s.own(mine[name], name), theirs[name])
		if err != nil {
			return nil, err
		}
		if len(h.commits) == 0 {
			continue
		}
		if sound, err := s.vouched(h); err != nil {
			return nil, err
		} else if !sound {
			continue
		}
		if len(h.mine) > 0 && !s.o.Rebase && !s.o.Theirs {
			apart.add(h)
		}
		out = append(out, h)
	}
	if len(apart.Environments) > 0 {
		return nil, apart
	}
	return out, nil
}

// next is what the first of several histories of the remote has that the one here
// has not. The others are looked at when it was taken in.
func (s *syncer) next(mine tip, theirs []tip) (history, error) {
	for _, there := range theirs {
		if there.id == mine.id {
			continue
		}
		h, err := s.between(there.display, mine.id, there.id)
		if err != nil {
			return h, err
		}
		if len(h.mine) > 0 {
			aside, err := s.b.keptAside(s.ctx, there.id)
			if err != nil {
				return h, err
			}
			if aside {
				continue
			}
		}
		if len(h.commits) > 0 {
			return h, nil
		}
	}
	return history{}, nil
}

// between reads what each of two histories of an environment has that the other
// has not.
func (s *syncer) between(display string, mine, theirs gitrepo.OID) (history, error) {
	if mine == "" {
		return s.read(display, "", theirs)
	}
	if on, err := s.b.repo.HasAncestor(s.ctx, mine, theirs); err != nil || on {
		if err != nil {
			return history{}, err
		}
		return s.read(display, mine, theirs)
	}
	if behind, err := s.b.repo.HasAncestor(s.ctx, theirs, mine); err != nil || behind {
		return history{display: display}, err
	}
	a, err := s.b.repo.Chain(s.ctx, "", mine)
	if err != nil {
		return history{}, err
	}
	b, err := s.b.repo.Chain(s.ctx, "", theirs)
	if err != nil {
		return history{}, err
	}
	base := gitrepo.OID("")
	for i := 0; i < min(len(a), len(b)) && a[i] == b[i]; i++ {
		base = a[i]
	}
	h, err := s.read(display, base, theirs)
	if err != nil {
		return h, err
	}
	own, err := s.read(display, base, mine)
	if err != nil {
		return h, err
	}
	h.mine = own.commits
	h.commits[0].parent = mine // what this side has now is what changes
	return h, nil
}

// read reads the commits of a history after one up to another.
func (s *syncer) read(display string, from, to gitrepo.OID) (history, error) {
	h := history{display: display, from: from}
	ids, err := s.b.repo.Chain(s.ctx, from, to)
	if err != nil {
		return h, err
	}
	before := from
	for _, id := range ids {
		o, found, err := s.reader.Object(string(id))
		if err != nil {
			return h, err
		}
		if !found {
			return h, sluice.Errorf(sluice.NotFound, "commit %s of %s is not in the repository", id.Short(), display).Do(sluice.SyncGit(""), "fetch again")
		}
		c, err := gitrepo.ParseCommit(id, o.Bytes)
		if err != nil {
			return h, err
		}
		head, err := ParseReleaseMessage(c)
		if err != nil {
			return h, err
		}
		h.commits = append(h.commits, incoming{commit: c, head: head, parent: before})
		before = id
	}
	return h, nil
}
