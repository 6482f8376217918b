package gitsync

import (
	"context"
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

// keptAside reports whether releases here took the place of a commit already, which
// is all that the remote has under the name.
func (b *Bridge) keptAside(ctx context.Context, id gitrepo.OID) (bool, error) {
	left, err := b.repo.Run(ctx, nil, "rev-list", "--max-count=1", string(id), "--not", "--glob="+SupersededPrefix+"*", "--glob="+EnvironmentsPrefix+"*")
	return err == nil && len(left) == 0, err
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
		Fix("take it away: `git update-ref -d %s`; `sluice git sync` puts it back where it was", ref.Name).Because(err)
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
