package gitsync

import (
	"fmt"

	"github.com/sluice-dev/sluice"
)

// recover records versions that releases have live and whose tags are nowhere, from
// the trees of the releases: each holds what was live. What was refused stays out.
// It is not found when there is nothing that helps.
func (s *syncer) recover(records []sluice.Record, order []incoming) (found bool, err error) {
	tried := map[string]bool{}
	for i, r := range records {
		if order[i].again {
			continue
		}
		for _, slot := range r.Release.Slots {
			name, v := slot.Slot.Component(), slot.Value
			key := name + "@" + string(v.Digest) + string(v.Label)
			if name == "" || !v.Settled() || tried[key] || s.tagged(name, v) {
				continue
			}
			tried[key] = true
			made, err := s.fromTree(slot.Slot, order[i])
			if err != nil {
				return found, err
			}
			found = found || made
		}
	}
	return found, nil
}

// tagged reports whether a version has a tag, or a ref of its own, that was looked
// into.
func (s *syncer) tagged(component string, v sluice.Value) bool {
	ref := VersionRef(component, v.Digest)
	if Taggable(v.Label) {
		ref = VersionTag(component, v.Label)
	}
	return s.refs.local[ref].ID != "" || s.refs.remote[ref].ID != ""
}

// fromTree records the version of a slot from the tree of a release.
func (s *syncer) fromTree(slot sluice.Slot, in incoming) (bool, error) {
	text, err := s.manifest(in.commit.ID)
	if err != nil {
		return false, err
	}
	lines, err := LinesOf(text)
	if err != nil {
		return false, err
	}
	line, there, err := lines.Get(slot)
	if err != nil || !there || line.Path == "" {
		return false, err
	}
	component := slot.Component()
	ref := string(line.Value.Digest)
	if line.Value.Label != "" {
		ref = string(line.Value.Label)
	}
	if _, err := s.b.services.Version(s.ctx, component, ref); sluice.CodeOf(err) != sluice.NotFound {
		return false, err
	}
	files, err := FilesAt(s.reader, in.commit.ID, line.Path)
	if err != nil {
		return false, err
	}
	if _, digest, err := sluice.CheckFiles(files); err != nil || digest != line.Value.Digest {
		return false, err
	}
	done, err := s.record([]sluice.Record{{Version: &sluice.VersionRecord{
		Component: component, Kind: line.Kind, Number: line.Value.Version, Label: string(line.Value.Label), Files: files,
		Author: in.head.Actor, At: in.head.Time, Commit: sluice.Commit(line.Commit),
	}}})
	if err != nil || !done[0].Created {
		return false, err
	}
	s.out.Versions++
	s.out.Notes = append(s.out.Notes, fmt.Sprintf("%s@%s has no tag, and was read from %s", component, line.Value.Pin, nameOf(in.head)))
	return true, nil
}
