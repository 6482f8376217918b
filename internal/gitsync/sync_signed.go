package gitsync

import (
	"maps"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// lacking explains why releases could not be recorded: a version that one of them
// has live was not taken in.
func (s *syncer) lacking(records []sluice.Record, err error) error {
	if sluice.CodeOf(err) != sluice.NotFound {
		return err
	}
	for _, r := range records {
		for _, slot := range r.Release.Slots {
			name, label := slot.Slot.Component(), slot.Value.Label
			ref := VersionTag(name, label)
			if name == "" || label == "" || !s.refused(ref) {
				continue
			}
			why, fixes := "the next sync says why", []sluice.Advice{sluice.Do(sluice.SyncGit(""), "{} says why")}
			for _, refusal := range s.out.Refused {
				if refusal.Ref == ref {
					why, fixes = refusal.Reason, refusal.Fixes
				}
			}
			out := sluice.Errorf(sluice.Refused, "nothing was taken in, since %s has %s@%s in its history, whose tag was refused: %s", r.Release.Environment, name, label, why)
			out.Fixes = slices.Clone(fixes)
			return out.Because(err)
		}
	}
	return err
}

// vouched reports whether the tags at the remote that say what is live in an
// environment stand for a history from there: none of them has a signature that
// does not hold, and where each must have one, each version that the history leaves
// live is what a signed tag says. When not, the history is refused.
func (s *syncer) vouched(h history) (bool, error) {
	ref := EnvironmentRef(h.display)
	tip, ours := s.refs.remote[ref]
	if s.b.cfg.Verify == VerifyOff || len(h.commits) == 0 || !ours || tip.ID != h.commits[len(h.commits)-1].commit.ID {
		return true, nil
	}
	said, err := s.said(h)
	if err != nil {
		return false, err
	}
	tags := map[string]gitrepo.Ref{}
	ids := []gitrepo.OID{}
	for component, entry := range said {
		name := EnvironmentTag(component, h.display)
		there, found := s.refs.remote[name]
		if found {
			tags[name], ids = there, append(ids, there.ID)
		}
		if s.b.cfg.Verify != VerifyRequired {
			continue
		}
		if is, err := s.entryOf(there); err != nil || is != entry {
			return false, s.unvouched(tip, err, sluice.Errorf(sluice.Refused, "%s does not say what its history says, and sluice.yaml asks for signed tags (git.verify: required)", name).
				Fix("have it released again by someone who signs tags"))
		}
	}
	bad, err := s.unverified(ids)
	if err != nil {
		return false, err
	}
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		if why := bad[tags[name].ID]; why != nil {
			return false, s.unvouched(tip, nil, sluice.Errorf(sluice.Refused, "%s: %s", gitrepo.ShortRef(name), sluice.AsError(why).Message).
				Fix("have it released again by someone who signs tags: `git config tag.gpgSign true`").Fix("or ask for less: `git: {verify: signed}` in sluice.yaml"))
		}
	}
	delete(s.seen, "refused:"+ref)
	return true, nil
}

// unvouched refuses a history, unless something else went wrong.
func (s *syncer) unvouched(tip gitrepo.Ref, err error, why *sluice.Error) error {
	if err == nil {
		s.refuse(tip, why)
	}
	return err
}

// said are the releases that gave the components of a history what they have live
// at its end, as places in the ledger of origin.
func (s *syncer) said(h history) (map[string]sluice.Position, error) {
	out, gone := map[string]sluice.Position{}, map[string]bool{}
	for _, in := range slices.Backward(h.commits) {
		is, err := s.manifest(in.commit.ID)
		if err != nil {
			return nil, err
		}
		was := []byte(nil)
		if len(in.commit.Parents) > 0 {
			if was, err = s.manifest(in.commit.Parents[0]); err != nil {
				return nil, err
			}
		}
		changes, err := DiffManifests(was, is)
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			name := c.Slot.Component()
			if _, known := out[name]; name == "" || known || gone[name] {
				continue
			}
			if c.To == nil || !c.To.Value.Live() {
				gone[name] = true
				continue
			}
			out[name] = in.head.Entry
		}
	}
	return out, nil
}

// entryOf is the release that the tag of an environment says it was made for; zero
// when it says none.
func (s *syncer) entryOf(ref gitrepo.Ref) (at sluice.Position, err error) {
	if ref.ID == "" {
		return at, nil
	}
	o, found, err := s.reader.Object(string(ref.ID))
	if err != nil || !found || o.Kind != "tag" {
		return at, err
	}
	tag, err := gitrepo.ParseTag(ref.ID, o.Bytes)
	if err != nil {
		return at, nil // whatever it is, it says nothing
	}
	m, err := ParseMoveMessage(tag.Message)
	if err != nil {
		return at, nil
	}
	return m.Entry, nil
}
