package gitsync

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// versions brings in the versions of tags that were not looked into before.
func (s *syncer) versions() error {
	found, err := s.newVersions()
	if err != nil {
		return err
	}
	found = ordered(found)
	records := make([]sluice.Record, 0, len(found))
	for i := range found {
		records = append(records, sluice.Record{Version: &found[i].record})
	}
	err = s.recordEach(records, nil, func(i int, d sluice.Recorded, why error) {
		v := found[i]
		s.seen[v.key] = v.ref.ID
		switch {
		case why != nil:
			s.refuse(v.ref, why)
		case !v.clashes:
			delete(s.seen, "refused:"+v.ref.Name)
		}
		if d.Created {
			s.out.Versions++
		}
	})
	if err != nil {
		return err
	}
	if err := s.b.saveSeen(s.ledger, s.seen); err != nil {
		return err
	}
	return s.alike(found)
}

// ordered are versions in the order of their numbers where they are from. One
// without, whose tag was made by hand, stands before the first of a higher label.
func ordered(found []versionRef) []versionRef {
	slices.SortStableFunc(found, func(a, b versionRef) int {
		return cmp.Or(
			cmp.Compare(a.record.Component, b.record.Component), byNumber(a.record.Number, b.record.Number),
			sluice.Label(a.record.Label).Compare(sluice.Label(b.record.Label)), cmp.Compare(a.record.At, b.record.At),
		)
	})
	out, first := make([]versionRef, 0, len(found)), 0 // of the component at hand
	for _, v := range found {
		if len(out) > first && out[first].record.Component != v.record.Component {
			first = len(out)
		}
		at := -1
		if v.record.Number == 0 && v.record.Label != "" {
			at = slices.IndexFunc(out[first:], func(o versionRef) bool {
				return o.record.Label != "" && sluice.Label(v.record.Label).Compare(sluice.Label(o.record.Label)) < 0
			})
		}
		if at < 0 {
			at = len(out) - first
		}
		out = slices.Insert(out, first+at, v)
	}
	return out
}

// byNumber sorts what has no number last.
func byNumber(a, b int) int {
	switch {
	case a == b:
		return 0
	case a == 0:
		return 1
	case b == 0:
		return -1
	}
	return cmp.Compare(a, b)
}

// versionRef is a version that a ref says there is.
type versionRef struct {
	key    string
	ref    gitrepo.Ref
	record sluice.VersionRecord
	// clashes says that its label has other content here. What it holds is taken in
	// without it, since releases may need that.
	clashes bool
}

// newVersions reads the refs of versions that were not looked into, of the remote
// first. What cannot be taken in is refused, and told once.
func (s *syncer) newVersions() ([]versionRef, error) {
	var out []versionRef
	fresh, err := s.freshRefs()
	if err != nil {
		return nil, err
	}
	claimed := map[string]sluice.Digest{}
	for _, v := range fresh {
		record, err := s.versionRecord(v)
		if err == nil {
			var known bool
			if known, err = s.knows(record, claimed); err == nil && !known {
				v.record = record
				out = append(out, v)
				continue
			}
			if err == nil {
				s.let(v.ref)
			}
		}
		if refuse(err) {
			s.refuse(v.ref, err)
			if v.clashes = sluice.CodeOf(err) == sluice.Conflict && record.Label != ""; v.clashes {
				v.record, v.record.Label = record, ""
				out = append(out, v)
			}
		} else if err != nil {
			return nil, err
		}
		s.seen[v.key] = v.ref.ID
	}
	return out, nil
}

// refuse reports whether an error is of the ref, and not of the repository or the
// installation.
func refuse(err error) bool {
	switch sluice.CodeOf(err) {
	case sluice.Invalid, sluice.NotFound, sluice.Conflict, sluice.LimitExceeded, sluice.Refused:
		return err != nil
	}
	return false
}

func (s *syncer) refuse(ref gitrepo.Ref, err error) {
	if there := s.refs.remote[ref.Name].ID; there == "" || !s.refusedAs(ref.Name, there) { // else that counts, which was looked at first
		s.seen["refused:"+ref.Name] = ref.ID
	}
	s.out.Refused = append(s.out.Refused, refusal(ref, "", err))
}

// let forgets that a ref was refused, once it is taken in.
func (s *syncer) let(ref gitrepo.Ref) {
	if s.refusedAs(ref.Name, ref.ID) {
		delete(s.seen, "refused:"+ref.Name)
	}
}

// freshRefs are the refs of versions that were not looked into, without those
// whose signature does not hold.
func (s *syncer) freshRefs() ([]versionRef, error) {
	var out []versionRef
	for _, side := range []struct {
		name string
		refs map[string]gitrepo.Ref
	}{{"remote:", s.refs.remote}, {"", s.refs.local}} {
		for _, name := range slices.Sorted(maps.Keys(side.refs)) {
			ref := side.refs[name]
			key := side.name + name
			again := s.o.Again && s.seen["refused:"+name] == ref.ID
			if !again && (s.seen[key] == ref.ID || s.seen[name] == ref.ID && side.refs[name].ID == s.refs.local[name].ID) {
				continue
			}
			record := sluice.VersionRecord{}
			if tag, ok := ParseTagName(name); ok && tag.Layout == LayoutPlain && tag.Label != "" {
				record.Component, record.Label = tag.Component, string(tag.Label)
			} else if component, ok := ParseVersionRef(name); ok {
				record.Component = component
			} else {
				continue
			}
			if side.name == "" && s.refs.remote[name].ID == ref.ID && ref.ID != "" { // it is looked at as the remote's
				s.seen[key] = ref.ID
				continue
			}
			out = append(out, versionRef{key: key, ref: ref, record: record})
		}
	}
	ids := make([]gitrepo.OID, 0, len(out))
	for _, v := range out {
		ids = append(ids, v.ref.ID)
	}
	bad, err := s.unverified(ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(out, func(v versionRef) bool {
		if err := bad[v.ref.ID]; err != nil {
			s.refuse(v.ref, err)
			s.seen[v.key] = v.ref.ID
			return true
		}
		return false
	}), nil
}

// knows reports whether a version is here. Conflict when its label has other content,
// here or in what was claimed for it a moment before.
func (s *syncer) knows(r sluice.VersionRecord, claimed map[string]sluice.Digest) (bool, error) {
	_, digest, err := sluice.CheckFiles(r.Files)
	if err != nil {
		return false, err
	}
	if r.Label == "" {
		return false, nil // the same content may be there under a label, which is another version
	}
	key := r.Component + "@" + r.Label
	v, err := s.b.services.Version(s.ctx, r.Component, r.Label)
	missing := sluice.CodeOf(err) == sluice.NotFound
	if err != nil && !missing {
		return false, err
	}
	if missing {
		if v.Digest = claimed[key]; v.Digest == "" {
			claimed[key] = digest
			return false, nil
		}
	}
	if v.Digest != digest {
		return false, sluice.Errorf(sluice.Conflict, "%s has other content here (%s) than the tag (%s)", key, v.Digest.Short(), digest.Short())
	}
	return !missing, nil
}

// versionRecord reads what a ref says of a version, and its files.
func (s *syncer) versionRecord(v versionRef) (sluice.VersionRecord, error) {
	r := v.record
	o, found, err := s.reader.Object(string(v.ref.ID))
	if err != nil || !found {
		return r, gone(v.ref, err)
	}
	message, place := VersionMessage{}, ""
	if o.Kind == "tag" {
		tag, err := gitrepo.ParseTag(v.ref.ID, o.Bytes)
		if err != nil {
			return r, err
		}
		if message, err = ParseVersionMessage(tag.Message); err != nil {
			return r, err
		}
		r.Author, r.At, r.Note = tag.Tagger.Name, timeOf(tag.Tagger), message.Note
	}
	if message.ByHand() {
		if place, r.Kind, err = s.placeAt(v.ref.Peeled, r.Component); err != nil {
			return r, err
		}
	} else {
		place, r.Kind, r.Number, r.At = message.Path, message.Kind, message.Number, message.Time
		r.Unchecked = message.Unchecked
	}
	if r.Author == "" {
		c, err := s.commit(v.ref.Peeled)
		if err != nil {
			return r, err
		}
		r.Author, r.At = c.Author.Name, timeOf(c.Author)
	}
	r.Commit = sluice.Commit(v.ref.Peeled)
	if r.Files, err = FilesAt(s.reader, v.ref.Peeled, place); err != nil {
		return r, err
	}
	_, digest, err := sluice.CheckFiles(r.Files)
	if err != nil {
		return r, err
	}
	if _, apart := ParseVersionRef(v.ref.Name); apart && v.ref.Name != VersionRef(r.Component, digest) {
		return r, sluice.Errorf(sluice.Invalid, "%s holds %s, which belongs under another name", v.ref.Name, digest.Short())
	}
	if !message.ByHand() && digest != message.Digest {
		return r, sluice.Errorf(sluice.Invalid, "%s says that its content is %s, and it is %s", v.ref.Name, message.Digest.Short(), digest.Short())
	}
	return r, nil
}

func gone(ref gitrepo.Ref, err error) error {
	if err != nil {
		return err
	}
	return sluice.Errorf(sluice.NotFound, "%s points at %s, which is not in the repository", ref.Name, ref.ID.Short()).Fix("fetch it again")
}

func (s *syncer) commit(id gitrepo.OID) (gitrepo.Commit, error) {
	o, found, err := s.reader.Object(string(id))
	if err == nil && (!found || o.Kind != "commit") {
		err = sluice.Errorf(sluice.Invalid, "%s is no commit", id.Short()).Fix("have the tag point at a commit")
	}
	if err != nil {
		return gitrepo.Commit{}, err
	}
	return gitrepo.ParseCommit(id, o.Bytes)
}

// timeOf is when something was signed, not later than Sluice can say.
func timeOf(who gitrepo.Signature) sluice.Time {
	return max(0, sluice.Time(who.When.UnixMicro()))
}

// placeAt is where a component's files are in a commit: as its sluice.yaml says,
// else the one here.
func (s *syncer) placeAt(commit gitrepo.OID, component string) (place, kind string, err error) {
	if s.b.cfg.Read != nil {
		o, found, err := s.reader.Object(string(commit) + ":sluice.yaml")
		if err != nil {
			return "", "", err
		}
		if found && o.Kind == "blob" {
			if read, err := s.b.cfg.Read(o.Bytes); err == nil { // a broken one says nothing
				if place, kind = read(component); place != "" {
					return place, kind, nil
				}
			}
		}
	}
	if place, kind = s.b.cfg.Place(component); place != "" {
		return place, kind, nil
	}
	return "", "", sluice.Errorf(sluice.NotFound, "nothing says where the files of %s are", component).
		Fix("give it a path in sluice.yaml: `%s: {path: components/prompts/%s.md, kind: prompt}`", component, component)
}

// unverified are the tags whose signature does not hold, or is missing where each
// must have one, with the reason.
func (s *syncer) unverified(ids []gitrepo.OID) (map[gitrepo.OID]error, error) {
	out := map[gitrepo.OID]error{}
	if s.b.cfg.Verify == VerifyOff || len(ids) == 0 {
		return out, nil
	}
	var signed []gitrepo.OID
	for _, id := range ids {
		o, found, err := s.reader.Object(string(id))
		if err != nil {
			return nil, err
		}
		is := false
		if found && o.Kind == "tag" {
			tag, err := gitrepo.ParseTag(id, o.Bytes)
			is = err == nil && tag.Signed
		}
		if is {
			signed = append(signed, id)
		} else if s.b.cfg.Verify == VerifyRequired {
			out[id] = sluice.Errorf(sluice.Refused, "the tag is not signed, and sluice.yaml asks for it (git.verify: required)").
				Fix("sign it: `git tag -s -f TAG TAG^{}`, then `git push --force REMOTE TAG`").Fix("or ask for less: `git: {verify: signed}` in sluice.yaml")
		}
	}
	if len(signed) == 0 {
		return out, nil
	}
	verdicts, err := s.b.repo.VerifyTags(s.ctx, signed)
	if err != nil {
		return nil, err
	}
	for _, id := range signed {
		v := verdicts[id]
		if v.Good || v.Standing == gitrepo.SignedByWhom && s.b.cfg.Verify == VerifySigned {
			continue
		}
		out[id] = sluice.Errorf(sluice.Refused, "%s", v.Why).Fix("have it signed again by someone whose key is known here")
	}
	return out, nil
}
