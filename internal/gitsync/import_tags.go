package gitsync

import (
	"cmp"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// tagged is a version as a tag has it.
type tagged struct {
	ref    gitrepo.Ref
	name   TagName
	record sluice.VersionRecord
	tree   gitrepo.OID // of its commit
	signed bool
	place  string
	digest sluice.Digest // as Sluice's own message says; "" of others
}

// from says of which tag something is.
func (t tagged) from() Skipped {
	return Skipped{Ref: t.ref.Name, Commit: string(t.ref.Peeled), Component: t.name.Component}
}

// tags makes versions of the tags of versions, in all layouts.
func (im *importer) tags() error {
	found, err := im.versionTags()
	if err != nil {
		return err
	}
	// Where files are is asked of the newest first: what is still there was mostly
	// always there, and need not be looked for again.
	slices.SortStableFunc(found, func(a, b tagged) int { return cmp.Compare(b.record.At, a.record.At) })
	where := im.newPlaces()
	kept := found[:0]
	for _, t := range found {
		if t.place == "" {
			t.place, t.record.Kind, err = where.of(t.ref.Peeled, t.tree, t.name)
		}
		if refuse(err) {
			im.skip(t.from(), err)
			continue
		}
		if err != nil {
			return err
		}
		im.tagged = append(im.tagged, Found{t.name.Component, t.place, t.record.Kind})
		kept = append(kept, t)
	}
	slices.SortStableFunc(kept, func(a, b tagged) int {
		return cmp.Or(cmp.Compare(a.record.At, b.record.At), cmp.Compare(a.name.Component, b.name.Component), a.name.Label.Compare(b.name.Label))
	})
	for _, t := range kept {
		if err := im.tag(t); err != nil {
			return err
		}
	}
	return nil
}

func (im *importer) newPlaces() *places {
	return &places{im: im, projects: map[gitrepo.OID][]Found{}, seen: map[string][]Found{}, scanned: map[gitrepo.OID]bool{}}
}

// tag makes a version of one tag.
func (im *importer) tag(t tagged) error {
	files, err := im.filesIn(t.ref.Peeled, t.tree, t.place)
	if err == nil && t.digest != "" {
		if _, digest, bad := sluice.CheckFiles(files); bad == nil && digest != t.digest {
			err = sluice.Errorf(sluice.Invalid, "it says that its content is %s, and it is %s", t.digest.Short(), digest.Short())
		}
	}
	if refuse(err) {
		im.skip(t.from(), err)
		return nil
	}
	if err != nil {
		return err
	}
	t.record.Files = files
	_, err = im.add(t.record, t.from())
	return err
}

// versionTags are the tags of versions, without those whose signature does not hold.
func (im *importer) versionTags() ([]tagged, error) {
	refs, err := im.b.repo.Refs(im.ctx, "refs/tags")
	if err != nil {
		return nil, err
	}
	var out []tagged
	for _, ref := range refs {
		name, ok := ParseTagName(ref.Name)
		if !ok || name.Label == "" && name.Environment != "" {
			continue
		}
		t := tagged{ref: ref, name: name}
		err := error(nil)
		if name.Label == "" {
			err = sluice.Errorf(sluice.Invalid, "%q is no semantic version", clip(name.Slot))
		} else {
			err = im.readTag(&t)
		}
		if refuse(err) {
			im.skip(t.from(), err)
		} else if err != nil {
			return nil, err
		} else {
			out = append(out, t)
		}
	}
	return im.verified(out)
}

// verified are the tags whose signature holds, as far as one is asked for.
func (im *importer) verified(tags []tagged) ([]tagged, error) {
	var ids []gitrepo.OID
	for _, t := range tags {
		if t.signed || im.b.cfg.Verify == VerifyRequired {
			ids = append(ids, t.ref.ID)
		}
	}
	bad, err := im.unverified(ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(tags, func(t tagged) bool {
		if err := bad[t.ref.ID]; err != nil {
			im.skip(t.from(), err)
			return true
		}
		return false
	}), nil
}

// readTag reads what a tag says: who made the version and when, its note, and when
// Sluice made the tag, where its content is.
func (im *importer) readTag(t *tagged) error {
	r := &t.record
	r.Component, r.Label, r.Commit = t.name.Component, string(t.name.Label), sluice.Commit(t.ref.Peeled)
	c, err := im.commit(t.ref.Peeled)
	if err != nil {
		return err
	}
	r.Author, r.At, t.tree = signerOf(c.Author), dateOf(c.Author), c.Tree
	o, found, err := im.reader.Object(string(t.ref.ID))
	if err != nil || !found || o.Kind != "tag" {
		return err
	}
	tag, err := gitrepo.ParseTag(t.ref.ID, o.Bytes)
	if err != nil {
		return err
	}
	if tag.Tagger.Name+tag.Tagger.Email != "" {
		r.Author, r.At = signerOf(tag.Tagger), dateOf(tag.Tagger)
	}
	t.signed = tag.Signed
	message, err := ParseVersionMessage(tag.Message)
	if err != nil {
		return err
	}
	r.Note = message.Note
	if !message.ByHand() {
		t.place, r.Kind, r.Number, r.At, t.digest = message.Path, message.Kind, message.Number, message.Time, message.Digest
		r.Unchecked = message.Unchecked
	}
	return nil
}
