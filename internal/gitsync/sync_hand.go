package gitsync

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// handMove is the tag of an environment that someone moved with plain Git.
type handMove struct {
	key       string
	ref       gitrepo.Ref
	component string
	display   string
	actor     string
	at        sluice.Time
	deed      MoveMessage // what the tag says, as far as it can be read
	again     bool        // it was refused before
}

// byHand records tags of environments that were moved with plain Git, as releases
// of whoever moved them, and puts those back that were left behind or deleted.
func (s *syncer) byHand() error {
	moves, err := s.handMoves()
	if err != nil {
		return err
	}
	slices.SortStableFunc(moves, func(a, b handMove) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.ref.Name, b.ref.Name)) })
	overwrite := map[string]gitrepo.OID{}
	for _, m := range moves {
		r, err := s.deploy(m)
		if refuse(err) {
			s.seen["kept:"+m.ref.Name] = m.ref.ID
			s.out.Refused = append(s.out.Refused, refusal(m.ref, m.actor, err))
		} else if err != nil {
			return err
		} else {
			if r != nil {
				s.out.Recorded = append(s.out.Recorded, *r)
			}
			overwrite[m.ref.Name] = s.refs.local[m.ref.Name].ID
			delete(s.seen, "kept:"+m.ref.Name)
		}
		s.seen[m.key] = m.ref.ID
	}
	if err := s.b.saveSeen(s.ledger, s.seen); err != nil {
		return err
	}
	if len(overwrite) > 0 {
		if err := s.exportOver(overwrite); err != nil {
			return err
		}
	}
	return s.putBack()
}

// handMoves are the tags that are not where Sluice put them, and that Sluice did
// not make.
func (s *syncer) handMoves() ([]handMove, error) {
	var out []handMove
	for _, side := range []struct {
		name string
		refs map[string]gitrepo.Ref
	}{{"remote:", s.refs.remote}, {"", s.refs.local}} {
		for _, name := range slices.Sorted(maps.Keys(side.refs)) {
			ref := side.refs[name]
			component, display, ok := parseEnvironmentTag(name)
			key := side.name + name
			again := s.o.Again && s.seen["kept:"+name] == ref.ID
			if !ok || !again && (s.seen[key] == ref.ID || s.seen[name] == ref.ID || s.seen["remote:"+name] == ref.ID) {
				continue
			}
			if side.name == "" && s.refs.remote[name].ID == ref.ID { // it is looked at as the remote's
				s.seen[key] = ref.ID
				continue
			}
			m := handMove{key: key, ref: ref, component: component, display: display, again: again}
			made, err := s.handMade(&m)
			if refuse(err) { // what cannot be read holds up nothing else
				s.refuse(ref, err)
			} else if err != nil {
				return nil, err
			}
			if made {
				out = append(out, m)
			} else {
				s.seen[key] = ref.ID
			}
		}
	}
	return slices.CompactFunc(out, func(a, b handMove) bool { return a.ref.Name == b.ref.Name && a.ref.ID == b.ref.ID }), nil
}

// handMade reads who moved a tag and when. It is not so when Sluice did.
func (s *syncer) handMade(m *handMove) (bool, error) {
	o, found, err := s.reader.Object(string(m.ref.ID))
	if err != nil || !found {
		return false, err
	}
	if o.Kind == "tag" {
		tag, err := gitrepo.ParseTag(m.ref.ID, o.Bytes)
		if err != nil {
			return false, err
		}
		m.actor, m.at = tag.Tagger.Name, timeOf(tag.Tagger)
		if m.deed, err = ParseMoveMessage(tag.Message); err == nil && !m.deed.ByHand() {
			return false, nil
		}
	}
	if m.actor == "" {
		o, found, err := s.reader.Object(string(m.ref.Peeled))
		if err != nil || !found || o.Kind != "commit" {
			return false, err
		}
		c, err := gitrepo.ParseCommit(m.ref.Peeled, o.Bytes)
		if err != nil {
			return false, err
		}
		m.actor, m.at = c.Committer.Name, timeOf(c.Committer)
	}
	return true, nil
}

// deploy records a move as a release. Nil when what it says is live already.
func (s *syncer) deploy(m handMove) (*sluice.Release, error) {
	e, known := s.known[m.display]
	if (!known || e.Deleted) && m.deed.Environment != m.display {
		err := sluice.Errorf(sluice.NotFound, "%s is neither a version, such as v1.2.0, nor an environment here", m.display)
		if strings.Trim(m.display, "v0123456789.") != "" {
			err = err.Do(sluice.MakeEnvironment(m.display), "if it shall be an environment: {}, then {sync-git}")
		}
		return nil, err.Fix("if it is a slip: `%s`", s.takeAway(m))
	}
	if _, _, err := s.placeOfVersion(m); err != nil {
		return nil, err
	}
	const second = 1_000_000 // the precision of tags
	if m.again && known && m.at+second <= e.At {
		return nil, sluice.Errorf(sluice.Conflict, "it was moved by hand and refused, and %s was released since", e.Name).
			Do(sluice.DeployVersion(m.component, "", m.display), "if it shall be live all the same").
			Do(sluice.SyncGit(""), "put it back: `%s`, then {}", s.takeAway(m))
	}
	if bad, err := s.unverified([]gitrepo.OID{m.ref.ID}); err != nil || bad[m.ref.ID] != nil {
		return nil, errors.Join(err, bad[m.ref.ID])
	}
	version, err := s.versionOf(m)
	if err != nil {
		return nil, err
	}
	req := sluice.DeployRequest{
		Environment: m.display, Create: sluice.CreateAlways, Author: m.actor,
		Changes: []sluice.ChangeRequest{{Component: m.component, Version: version}},
	}
	req.Reason = "moved " + shortTag(m.ref.Name) + " by hand"
	if m.at > e.At && m.at <= s.now { // the clock of who moved it may be ahead
		req.At = m.at
	}
	done, err := s.b.services.Deploy(s.ctx, req)
	if err != nil || done.Release == nil {
		return nil, err
	}
	return done.Release, s.installation()
}

// takeAway is the command that deletes a tag where it is.
func (s *syncer) takeAway(m handMove) string {
	if s.refs.local[m.ref.Name].ID == m.ref.ID {
		return "git tag -d " + shortTag(m.ref.Name)
	}
	return "git push " + s.b.cfg.Remote.String() + " :" + m.ref.Name
}

// versionOf is the version that a tag points at: the one that it names, if that has
// the content, else one that has, else a new one.
func (s *syncer) versionOf(m handMove) (string, error) {
	place, kind, err := s.placeOfVersion(m)
	if err != nil {
		return "", err
	}
	files, err := FilesAt(s.reader, m.ref.Peeled, place)
	if err != nil {
		return "", err
	}
	_, digest, err := sluice.CheckFiles(files)
	if err != nil {
		return "", err
	}
	for _, ref := range []string{m.deed.Version, s.labelAt(m), string(digest)} {
		if ref == "" {
			continue
		}
		v, err := s.b.services.Version(s.ctx, m.component, ref)
		if err == nil && v.Digest == digest {
			return strconv.Itoa(v.Number), nil
		}
		if err != nil && sluice.CodeOf(err) != sluice.NotFound && !refuse(err) {
			return "", err
		}
	}
	done, err := s.record([]sluice.Record{{Version: &sluice.VersionRecord{
		Component: m.component, Kind: kind, Files: files, Author: m.actor, At: m.at, Commit: sluice.Commit(m.ref.Peeled),
	}}})
	if err != nil {
		return "", err
	}
	s.out.Versions++
	return strconv.Itoa(done[0].Version.Number), nil
}

// labelAt is the label whose tag points at the same commit, "" when there is none.
// Of several the highest is meant.
func (s *syncer) labelAt(m handMove) string {
	best := sluice.Label("")
	for _, refs := range []map[string]gitrepo.Ref{s.refs.local, s.refs.remote} {
		for name, ref := range refs {
			tag, ok := ParseTagName(name)
			if ok && tag.Layout == LayoutPlain && tag.Component == m.component && tag.Label != "" && ref.Peeled == m.ref.Peeled &&
				(best == "" || best.Compare(tag.Label) < 0) {
				best = tag.Label
			}
		}
	}
	return string(best)
}

// placeOfVersion is where a tag's content is in its commit: where the version that
// was published from it says, else where sluice.yaml says.
func (s *syncer) placeOfVersion(m handMove) (place, kind string, err error) {
	if label := s.labelAt(m); label != "" {
		ref := s.refs.local[VersionTag(m.component, sluice.Label(label))]
		if ref.ID == "" {
			ref = s.refs.remote[VersionTag(m.component, sluice.Label(label))]
		}
		o, found, err := s.reader.Object(string(ref.ID))
		if err != nil {
			return "", "", err
		}
		if found && o.Kind == "tag" {
			if tag, err := gitrepo.ParseTag(ref.ID, o.Bytes); err == nil {
				if v, err := ParseVersionMessage(tag.Message); err == nil && !v.ByHand() {
					return v.Path, v.Kind, nil
				}
			}
		}
	}
	return s.placeAt(m.ref.Peeled, m.component)
}

// exportOver exports, and lets tags that were moved by hand be moved.
func (s *syncer) exportOver(overwrite map[string]gitrepo.OID) error {
	s.overwrite = overwrite
	return s.export()
}

// putBack moves tags to where they belong that are missing, or that Sluice made for
// an earlier release.
func (s *syncer) putBack() error {
	var moves []gitrepo.Update
	for _, e := range s.known {
		at, found, err := s.b.loadBranch(s.ledger, e.Name)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if err := s.adopt(at); err != nil {
			return err
		}
		for component, want := range at.Tags {
			ref := EnvironmentTag(component, at.Display)
			is := s.refs.local[ref].ID
			if is == want || is != "" && s.seen["kept:"+ref] == is {
				continue
			}
			moves = append(moves, gitrepo.Update{Ref: ref, New: want, Old: is})
		}
	}
	lost, err := s.writeAgain(s.missing())
	if err != nil {
		return err
	}
	moves = append(moves, lost...)
	if len(moves) == 0 {
		return nil
	}
	slices.SortFunc(moves, func(a, b gitrepo.Update) int { return cmp.Compare(a.Ref, b.Ref) })
	if err := s.b.repo.Update(s.ctx, moves); err != nil {
		return err
	}
	for _, m := range moves {
		s.out.Refs = append(s.out.Refs, m.Ref)
		s.out.PutBack = append(s.out.PutBack, m.Ref)
		s.refs.set(m.Ref, m.New)
		if s.seen[m.Ref] != "" {
			s.seen[m.Ref] = m.New
		}
	}
	s.out.ByHand = nil
	return s.b.saveSeen(s.ledger, s.seen)
}

func shortTag(ref string) string { return ref[len("refs/tags/"):] }
