package gitsync

import (
	"strconv"

	"github.com/sluice-dev/sluice"
)

// takeMoves records tags of environments that were moved with plain Git.
func (f *follower) takeMoves() error {
	moves, err := f.handMoves()
	if err != nil {
		return err
	}
	for _, m := range moves {
		known, err := f.recordedMove(m)
		if err != nil {
			return err
		}
		if known {
			f.seen[m.key] = m.ref.ID
		}
	}
	if err := f.b.saveSeen(f.ledger, f.seen); err != nil {
		return err
	}
	if moves, err = f.handMoves(); err != nil {
		return err
	}
	made, refused := len(f.out.Recorded), len(f.out.Refused)
	if err := f.byHand(); err != nil {
		return err
	}
	f.refusals(refused)
	for _, m := range moves {
		if _, told := f.refused[m.ref.Name]; told {
			continue
		}
		r := f.of(m.ref.Name)
		r.Actor, r.Description = m.actor, "is live already"
		for _, release := range f.out.Recorded[made:] {
			for _, c := range release.Changes {
				if release.Environment == r.Environment && c.Slot == sluice.ComponentSlot(m.component) {
					r.Release, r.Description = release.Ref(), "deployed "+m.component+" "+c.To.String()
				}
			}
		}
		f.succeed(r)
	}
	return nil
}

// recordedMove reports whether a move was recorded before: by another server over
// the same ledger, or by this one before it lost what it keeps of the repository.
// A release since then counts for more than a tag that nobody has moved.
func (f *follower) recordedMove(m handMove) (bool, error) {
	if f.seen[m.key] != "" && !f.shared {
		return false, nil // it has moved since this copy saw it last
	}
	e, known := f.known[m.display]
	if !known || e.Deleted || e.Release == 0 {
		return false, nil
	}
	page, err := f.b.services.Releases(f.ctx, sluice.ReleaseQuery{
		Environment: e.Name, Component: m.component, Since: m.at, Paging: sluice.Paging{Limit: sluice.MaxPage},
	})
	if err != nil {
		return false, ignore(err)
	}
	version := ""
	for _, r := range page.Items {
		if r.Reason != movedByHand(m) || r.Actor != m.actor || r.Commit != "" || len(r.Changes) != 1 {
			continue
		}
		if version == "" {
			if version, err = f.versionOf(m); err != nil {
				return false, ignore(err)
			}
		}
		if strconv.Itoa(r.Changes[0].To.Version) == version {
			return true, nil
		}
	}
	return false, nil
}

// movedByHand is the reason of a release that such a move became.
func movedByHand(m handMove) string { return "moved " + shortTag(m.ref.Name) + " by hand" }
