package gitsync

import (
	"cmp"
	"path"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// publish gives a version its tag, which stands apart from the others when it has
// no label. One that was read from the repository has it already.
func (x *exporter) publish(e sluice.Entry, v sluice.Version) error {
	tagged := Taggable(v.Label)
	ref := VersionRef(v.Component, v.Digest)
	if tagged {
		ref = VersionTag(v.Component, v.Label)
	}
	apart := ""
	if x.refs != nil {
		if _, there := x.refs.local[ref]; there {
			return nil
		}
		if known, there := x.refs.remote[ref]; there {
			same, err := x.holds(known, v)
			if err != nil {
				return err
			}
			if same {
				x.move(ref, known.ID, "")
				x.out.Versions++
				return nil
			}
			apart = VersionRef(v.Component, v.Digest) // under which it can be sent
		}
	}
	if v.Purged {
		return nil
	}
	marked := v.Unchecked // as it was published; what was found later makes no other tag
	v, err := x.version(v.Component, v.Number)
	if err != nil || v.Purged {
		return err
	}
	v.Unchecked = marked
	message, err := x.versionMessage(v, sluice.Position{Ledger: x.ledger, Seq: e.Seq})
	if err != nil {
		return err
	}
	commit, err := x.commitOf(v)
	if err != nil {
		return err
	}
	x.out.Versions++
	id, err := x.tag(gitrepo.Tag{
		Object: commit, Kind: "commit", Name: strings.TrimPrefix(strings.TrimPrefix(ref, "refs/tags/"), "refs/"), Tagger: x.ident(v.Author, v.At),
		Message: message.Format(),
	})
	x.move(ref, id, "")
	if apart != "" && x.refs.local[apart].ID == "" {
		x.move(apart, id, "")
	}
	return err
}

// holds reports whether a ref of the remote holds a version, and not another one
// that has its label there.
func (x *exporter) holds(ref gitrepo.Ref, v sluice.Version) (bool, error) {
	if v.Commit != "" && string(v.Commit) == string(ref.Peeled) {
		return true, nil
	}
	o, found, err := x.read().Object(string(ref.ID))
	if err != nil || !found || o.Kind != "tag" {
		return false, err
	}
	tag, err := gitrepo.ParseTag(ref.ID, o.Bytes)
	if err != nil {
		return false, nil // whatever it is, it is not the version's
	}
	message, err := ParseVersionMessage(tag.Message)
	return err == nil && message.Digest == v.Digest, nil
}

// tag writes a tag, signed when Git is set up to sign.
func (x *exporter) tag(t gitrepo.Tag) (gitrepo.OID, error) {
	settings, err := x.b.repo.Settings(x.ctx)
	if err != nil {
		return "", err
	}
	if settings.SignTags {
		// What it points at must be there for it.
		if err := x.objects.write(x.ctx); err != nil {
			return "", err
		}
		return x.b.repo.SignTag(x.ctx, t)
	}
	return x.objects.put("tag", t.Encode()), nil
}

func (x *exporter) ident(actor string, at sluice.Time) gitrepo.Signature {
	return IdentOf(actor, at, actor, cmp.Or(x.b.cfg.Email(actor), actor))
}

func (x *exporter) versionMessage(v sluice.Version, entry sluice.Position) (VersionMessage, error) {
	kind, err := x.kind(v.Component)
	if err != nil {
		return VersionMessage{}, err
	}
	return VersionMessage{
		Component: v.Component, Label: v.Label, Note: v.Note, Path: x.place(v, kind), Kind: kind, Number: v.Number, Digest: v.Digest,
		Entry: entry, Time: v.At, Unchecked: v.Unchecked != nil,
	}, nil
}

// version is a version with its files.
func (x *exporter) version(component string, number int) (sluice.Version, error) {
	key := component + "@" + strconv.Itoa(number)
	if v, known := x.versions[key]; known {
		return v, nil
	}
	v, err := x.b.services.Version(x.ctx, component, strconv.Itoa(number))
	if err != nil {
		return v, err
	}
	if x.versions == nil {
		x.versions = map[string]sluice.Version{}
	}
	x.versions[key] = v
	return v, nil
}

// kind is what a component is.
func (x *exporter) kind(component string) (string, error) {
	if _, kind := x.b.cfg.Place(component); kind != "" {
		return kind, nil
	}
	if kind, known := x.kinds[component]; known {
		return kind, nil
	}
	c, err := x.b.services.Component(x.ctx, component)
	if err != nil {
		return "", err
	}
	if x.kinds == nil {
		x.kinds = map[string]string{}
	}
	x.kinds[component] = c.Kind
	return c.Kind, nil
}

// place is where the files of a version are in a tree: a file, or with a slash at
// its end a directory.
func (x *exporter) place(v sluice.Version, kind string) string {
	return placeOf(v, kind, x.b.cfg.Place)
}

func placeOf(v sluice.Version, kind string, place func(string) (string, string)) string {
	set, _ := place(v.Component)
	if len(v.Files) == 1 && (set != "" && path.Base(set) == v.Files[0].Path && !strings.HasSuffix(set, "/")) {
		return set
	}
	if strings.HasSuffix(set, "/") {
		return set
	}
	return "components/" + kind + "s/" + v.Component + "/"
}

// files puts the content of a version, and returns its blobs by their places.
func (x *exporter) files(v sluice.Version, at string) (map[string]gitrepo.OID, error) {
	out := make(map[string]gitrepo.OID, len(v.Files))
	for _, info := range v.Files {
		f, err := x.b.services.File(x.ctx, v.Component, strconv.Itoa(v.Number), info.Path)
		if err != nil {
			return nil, err
		}
		out[placed(at, info.Path)] = x.objects.put("blob", f.Bytes())
	}
	return out, nil
}

// placed is the path of a version's file in a tree.
func placed(at, file string) string {
	if strings.HasSuffix(at, "/") {
		return at + file
	}
	return at
}

// tree is the tree of files by their paths.
func (x *exporter) tree(files map[string]gitrepo.OID) (gitrepo.OID, error) {
	t, err := gitrepo.NewTree(files)
	if err != nil {
		return "", err
	}
	return t.Put(&x.objects)
}

// commitOf is the commit whose tree holds a version: the one that it was published
// from, else one that holds the version and nothing else. That one depends on
// nothing but the version, so that it can be made again.
func (x *exporter) commitOf(v sluice.Version) (gitrepo.OID, error) {
	if v.Commit != "" {
		return gitrepo.OID(v.Commit), nil
	}
	kind, err := x.kind(v.Component)
	if err != nil {
		return "", err
	}
	files, err := x.files(v, x.place(v, kind))
	if err != nil {
		return "", err
	}
	tree, err := x.tree(files)
	if err != nil {
		return "", err
	}
	who := x.ident(v.Author, v.At)
	message := "components/" + v.Component + " " + v.Pin().String() + "\n"
	return x.objects.put("commit", gitrepo.Commit{Tree: tree, Author: who, Committer: who, Message: message}.Encode()), nil
}
