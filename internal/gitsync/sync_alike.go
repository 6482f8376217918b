package gitsync

import (
	"maps"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// alike moves the refs of versions here to where the remote has them, when both hold
// the same: two people published it apart. And what the remote has under a label
// with other content gets a ref without the label, so that it can be sent.
func (s *syncer) alike(found []versionRef) error {
	var moves []gitrepo.Update
	for _, ref := range slices.Sorted(maps.Keys(s.refs.remote)) {
		mine, theirs := s.refs.local[ref].ID, s.refs.remote[ref].ID
		if mine == "" || mine == theirs || !isVersionRef(ref) || s.seen["remote:"+ref] != theirs {
			continue
		}
		if refused := s.seen["refused:"+ref]; refused != mine && refused != theirs {
			moves = append(moves, gitrepo.Update{Ref: ref, New: theirs, Old: mine})
		}
	}
	for _, v := range found {
		mine := s.refs.local[v.ref.Name].ID
		if !v.clashes || mine == "" || mine == v.ref.ID {
			continue
		}
		tag, _ := ParseTagName(v.ref.Name)
		known, err := s.b.services.Version(s.ctx, v.record.Component, string(tag.Label))
		if sluice.CodeOf(err) == sluice.NotFound {
			continue
		}
		if err != nil {
			return err
		}
		apart := VersionRef(known.Component, known.Digest)
		if s.refs.local[apart].ID == "" && !slices.ContainsFunc(moves, func(u gitrepo.Update) bool { return u.Ref == apart }) {
			moves = append(moves, gitrepo.Update{Ref: apart, New: mine})
		}
	}
	if err := s.b.repo.Update(s.ctx, moves); err != nil {
		return err
	}
	for _, m := range moves {
		s.out.Refs = append(s.out.Refs, m.Ref)
		s.refs.set(m.Ref, m.New)
	}
	return nil
}

// isVersionRef reports whether a ref is the tag of a version, or holds one that has no tag.
func isVersionRef(ref string) bool {
	if _, ok := ParseVersionRef(ref); ok {
		return true
	}
	tag, ok := ParseTagName(ref)
	return ok && isTag(ref) && tag.Layout == LayoutPlain && tag.Label != ""
}
