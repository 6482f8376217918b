package gitsync

import (
	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// version is about the ref of a version: it never moves and never goes, and it holds
// what it says.
func (h *hook) version(p PushedRef) error {
	const again = "publish what is new under another label, and move the environment to that"
	switch {
	case p.New == "":
		return sluice.Errorf(sluice.Refused, "a version stays: releases go back to it").Do(sluice.QuarantineVersion("", ""), "keep it; to keep it from going live")
	case p.Old != "":
		return sluice.Errorf(sluice.Refused, "a version never moves, and it was published before").Fix(again)
	}
	commit, message, err := h.tagged(p)
	if err != nil {
		return err
	}
	component, label := "", sluice.Label("")
	if tag, ok := ParseTagName(p.Ref); ok && isTag(p.Ref) {
		component, label = tag.Component, tag.Label
	} else if component, ok = ParseVersionRef(p.Ref); !ok {
		return sluice.Errorf(sluice.Invalid, "it is not named as the ref of a version").Fix("leave it out: `git push REMOTE :%s`", p.Ref)
	}
	v, err := ParseVersionMessage(message)
	if err != nil {
		return err
	}
	if v.ByHand() {
		if label == "" {
			return sluice.Errorf(sluice.Invalid, "only Sluice makes refs below %s", VersionsPrefix).Fix("tag the version: `git tag -a components/%s/v1.0.0`", component)
		}
		_, err := h.digestAt(commit, component)
		return err
	}
	if v.Component != component || v.Label != label && Taggable(v.Label) {
		return sluice.Errorf(sluice.Invalid, "the tag says that it is %s %s", v.Component, sluice.Pin{Version: v.Number, Label: v.Label}).Do(sluice.PublishVersion(v.Component), "have Sluice make it")
	}
	return h.holds(p, commit, v)
}

// holds checks that a commit has the content that its tag says.
func (h *hook) holds(p PushedRef, commit gitrepo.OID, v VersionMessage) error {
	files, err := FilesAt(h.reader, commit, v.Path)
	if err != nil {
		return err
	}
	_, digest, err := sluice.CheckFiles(files)
	if err != nil {
		return err
	}
	named := label(p.Ref) == "" && VersionRef(v.Component, digest) != p.Ref
	if digest != v.Digest || named {
		return sluice.Errorf(sluice.Refused, "it says that its content is %s, and %s has %s", v.Digest.Short(), commit.Short(), digest.Short()).
			Do(sluice.PublishVersion(v.Component), "have Sluice make the tag")
	}
	return nil
}

// label is that of the version that a ref is about, "" when it has none.
func label(ref string) sluice.Label {
	if tag, ok := ParseTagName(ref); ok && isTag(ref) {
		return tag.Label
	}
	return ""
}

// tagged is the commit that a pushed tag is about, and what the tag says: nothing
// when it is not annotated.
func (h *hook) tagged(p PushedRef) (commit gitrepo.OID, message string, err error) {
	commit, kind, _, found, err := h.reader.Info(string(p.New) + "^{}")
	if err != nil {
		return "", "", err
	}
	if !found || kind != "commit" {
		return "", "", sluice.Errorf(sluice.Invalid, "it does not point at a commit").Fix("tag a commit")
	}
	o, found, err := h.reader.Object(string(p.New))
	if err != nil || !found || o.Kind != "tag" {
		return commit, "", err
	}
	tag, err := gitrepo.ParseTag(p.New, o.Bytes)
	if err == nil && "refs/tags/"+tag.Name != p.Ref && label(p.Ref) != "" {
		err = sluice.Errorf(sluice.Invalid, "the tag was made under another name, %q", clip(tag.Name)).Fix("make it again under this one: `git tag -a -f`")
	}
	return commit, tag.Message, err
}

// digestAt is the digest of a component's content in a commit: where the sluice.yaml
// there says it is, else that of the default branch.
func (h *hook) digestAt(commit gitrepo.OID, component string) (sluice.Digest, error) {
	read := func(text []byte) (func(string) (string, string), error) {
		p, err := h.cfg.Read(text)
		return p.Place, err
	}
	s := &syncer{b: &Bridge{repo: h.repo, cfg: Config{Read: read, Place: h.project.Place}}, ctx: h.ctx, reader: h.reader, refs: &refs{}}
	place, _, err := s.placeAt(commit, component)
	if err != nil {
		return "", err
	}
	files, err := FilesAt(h.reader, commit, place)
	if err != nil {
		return "", err
	}
	_, digest, err := sluice.CheckFiles(files)
	return digest, err
}
