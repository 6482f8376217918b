package gitsync

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// tip is the end of one environment's history. Its ref has the name that the
// environment was shown under when it was written, which may be another one since,
// and another one elsewhere.
type tip struct {
	display string
	id      gitrepo.OID
}

// tips are the ends of all histories among refs, by the names of environments. There
// may be several of one environment, when people who did not know of each other
// made it and show it under other names; those that another one goes on from are
// left out.
func (s *syncer) tips(refs map[string]gitrepo.Ref) (map[string][]tip, error) {
	out := map[string][]tip{}
	for _, ref := range slices.Sorted(maps.Keys(refs)) {
		display, ok := ParseEnvironmentRef(ref)
		if !ok {
			continue
		}
		at := tip{display, refs[ref].ID}
		name, err := s.environmentOf(at.id)
		if err != nil && refuse(err) {
			if err = s.noHistory(refs[ref], err); err == nil {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		if out[name], err = s.with(out[name], at); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// with adds a tip to others, unless one of them goes on from it, and drops those that
// it goes on from.
func (s *syncer) with(list []tip, at tip) ([]tip, error) {
	var out []tip
	for _, other := range list {
		passed, err := s.b.repo.HasAncestor(s.ctx, at.id, other.id)
		if err != nil || passed {
			return list, err
		}
		if passed, err = s.b.repo.HasAncestor(s.ctx, other.id, at.id); err != nil {
			return list, err
		}
		if !passed {
			out = append(out, other)
		}
	}
	return append(out, at), nil
}

// own is the end of the history of an environment here: the one that is shown as the
// environment is.
func (s *syncer) own(list []tip, name string) tip {
	for _, at := range list {
		if s.known[at.display].Name == name {
			return at
		}
	}
	if len(list) > 0 {
		return list[0]
	}
	return tip{}
}

// keptAside reports whether histories here hold all these commits: as their own, or
// as what others took the place of.
func (b *Bridge) keptAside(ctx context.Context, ids ...gitrepo.OID) (bool, error) {
	var ask bytes.Buffer
	for _, id := range ids {
		fmt.Fprintln(&ask, id)
	}
	left, err := b.repo.Run(ctx, ask.Bytes(), "rev-list", "--max-count=1", "--stdin", "--not", "--glob="+SupersededPrefix+"*", "--glob="+EnvironmentsPrefix+"*")
	if err != nil || len(left) == 0 {
		return err == nil, err
	}
	// Git goes by dates there and may give up too early, since a release that was
	// taken in has the date of when it was made, which may be before its parent's.
	for _, id := range ids {
		holder, err := b.repo.Run(ctx, nil, "for-each-ref", "--count=1", "--contains="+string(id), "--", SupersededPrefix, EnvironmentsPrefix)
		if err != nil || len(holder) == 0 {
			return false, err
		}
	}
	return true, nil
}

// environmentOf is the name of the environment whose release a commit is.
func (s *syncer) environmentOf(id gitrepo.OID) (string, error) {
	o, found, err := s.reader.Object(string(id))
	if err != nil {
		return "", err
	}
	if !found || o.Kind != "commit" {
		return "", sluice.Errorf(sluice.Invalid, "%s is no release", id.Short()).Fix("only Sluice moves the refs below %s", EnvironmentsPrefix)
	}
	c, err := gitrepo.ParseCommit(id, o.Bytes)
	if err != nil {
		return "", err
	}
	head, err := ParseReleaseMessage(c)
	return head.Environment, err
}

// level reports whether here and at the remote all histories end alike, under the
// same names.
func (r *refs) level() bool {
	for ref, theirs := range r.remote {
		if _, ok := ParseEnvironmentRef(ref); ok && r.local[ref].ID != theirs.ID {
			return false
		}
	}
	return true
}
