package gitsync

import (
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// release writes one release as a commit on top of its environment's history, or
// when it was read from there goes on to the commit that it is.
func (x *exporter) release(r sluice.Release) error {
	at, err := x.branch(r.Environment)
	if err != nil || r.Number <= at.Release {
		return err
	}
	if r.Number != at.Release+1 {
		return &gap{sluice.Errorf(sluice.Internal, "%s is at release %d, and %s is to follow", EnvironmentRef(at.Display), at.Release, r.Ref())}
	}
	if display := x.known[at.Name].Display(); at.Display != display {
		if err := x.rename(at, display); err != nil {
			return err
		}
	} else if at.Commit == "" {
		if err := x.vacate(at); err != nil {
			return err
		}
	}
	x.out.Releases++
	at.dirty = true
	next, err := x.numbers(at, r)
	if err != nil {
		return err
	}
	if r.Commit != "" {
		err = x.follow(at, r)
	} else {
		err = x.commit(at, r)
	}
	at.Release = r.Number
	for _, c := range r.Changes {
		at.Numbers[c.Slot] = next[c.Slot]
	}
	return err
}

// gap is an environment's history that ends before what was written of it: its ref
// was put back or removed, or what is kept beside the repository is of another one.
type gap struct{ err *sluice.Error }

func (g *gap) Error() string { return g.err.Error() }
func (g *gap) Unwrap() error { return g.err }

// follow goes on to the commit that a release was read from. What it leaves
// behind is kept.
func (x *exporter) follow(at *branch, r sluice.Release) error {
	to := gitrepo.OID(r.Commit)
	c, err := x.commitObject(to)
	if err != nil {
		return err
	}
	if at.Commit != "" && (len(c.Parents) == 0 || c.Parents[0] != at.Commit) && !x.passed(at, c) {
		x.move(SupersededRef(at.Display, at.Commit), at.Commit, "")
	}
	head, err := ParseReleaseMessage(c)
	if err != nil {
		return err
	}
	if err := x.followTags(at, r, c, head); err != nil {
		return err
	}
	at.stale = true
	x.goTo(at, to)
	return nil
}

// followTags moves the tags of what a commit changed. What only changed here, since
// a release of this side was superseded, gets the tag of the commit before that
// changed it last.
func (x *exporter) followTags(at *branch, r sluice.Release, c gitrepo.Commit, head ReleaseHead) error {
	left := map[sluice.Slot]sluice.SlotChange{}
	for _, ch := range r.Changes {
		if ch.Slot.Component() != "" {
			left[ch.Slot] = ch
		}
	}
	for first := c.ID; ; {
		changes, err := x.changesOf(c)
		if err != nil {
			return err
		}
		for _, line := range changes {
			if _, wanted := left[line.Slot]; !wanted && c.ID != first || line.Slot.Component() == "" {
				continue
			}
			delete(left, line.Slot)
			ch := sluice.SlotChange{Slot: line.Slot}
			if line.To != nil {
				if ch.To, err = x.here(line.Slot.Component(), line.To.Value); err != nil {
					return err
				}
			}
			if err := x.moveTag(at, ch, head, c.Author); err != nil {
				return err
			}
		}
		if len(left) == 0 || len(c.Parents) == 0 {
			break
		}
		if c, err = x.commitObject(c.Parents[0]); err != nil {
			return err
		}
		if head, err = ParseReleaseMessage(c); err != nil {
			return err
		}
	}
	for _, ch := range left { // it was never live in that history
		if err := x.moveTag(at, sluice.SlotChange{Slot: ch.Slot}, head, c.Author); err != nil {
			return err
		}
	}
	return nil
}

// changesOf are the slots that a commit changed.
func (x *exporter) changesOf(c gitrepo.Commit) ([]LineChange, error) {
	is, err := x.manifest(c.ID)
	if err != nil {
		return nil, err
	}
	var was []byte
	if len(c.Parents) > 0 {
		if was, err = x.manifest(c.Parents[0]); err != nil {
			return nil, err
		}
	}
	return DiffManifests(was, is)
}

// here is a value with the number that its version has here.
func (x *exporter) here(component string, v sluice.Value) (sluice.Value, error) {
	if v.Version == 0 {
		return v, nil
	}
	ref := string(v.Digest)
	if v.Label != "" {
		ref = string(v.Label)
	}
	is, err := x.b.services.Version(x.ctx, component, ref)
	v.Pin = is.Pin()
	return v, err
}

// passed reports whether the history of a commit goes through the end of a branch,
// so that nothing is left behind.
func (x *exporter) passed(at *branch, c gitrepo.Commit) bool {
	for len(c.Parents) > 0 {
		if c.Parents[0] == at.Commit {
			return true
		}
		parent, err := x.commitObject(c.Parents[0])
		if err != nil {
			return false
		}
		c = parent
	}
	return false
}

func (x *exporter) goTo(at *branch, to gitrepo.OID) {
	x.move(EnvironmentRef(at.Display), to, at.Commit)
	at.Commit = to
}

func (x *exporter) commitObject(id gitrepo.OID) (gitrepo.Commit, error) {
	o, found, err := x.read().Object(string(id))
	if err != nil {
		return gitrepo.Commit{}, err
	}
	if !found || o.Kind != "commit" {
		return gitrepo.Commit{}, sluice.Errorf(sluice.NotFound, "commit %s is not in the repository", id.Short()).
			Do(sluice.SyncGit(""), "bring it in")
	}
	return gitrepo.ParseCommit(id, o.Bytes)
}

// commit writes a release that was made here.
func (x *exporter) commit(at *branch, r sluice.Release) error {
	if err := x.refill(at); err != nil {
		return err
	}
	e := x.known[r.Environment]
	at.head = EnvironmentHead{Name: e.Name, Alias: e.Alias, Parent: e.Parent, Tracks: e.Tracks, PromotesFrom: e.PromotesFrom}
	at.root = r.Root
	head := ReleaseHead{
		Environment: r.Environment, Number: r.Number, Action: r.Action, Actor: r.Actor, Reason: r.Reason, Ticket: r.Ticket,
		Cause: r.Cause, Source: r.Source, Root: r.Root, Entry: sluice.Position{Ledger: x.ledger, Seq: r.Epoch}, Time: happened(r),
	}
	who := x.ident(r.Actor, head.Time)
	for _, c := range r.Changes {
		if err := x.change(at, r, c); err != nil {
			return err
		}
		if err := x.moveTag(at, c, head, who); err != nil {
			return err
		}
	}
	files := make(map[string]gitrepo.OID, len(at.Files)+1)
	for path, blob := range at.Files {
		files[path] = blob
	}
	files[ManifestFile] = x.objects.put("blob", at.manifest())
	tree, err := x.tree(files)
	if err != nil {
		return err
	}
	c := gitrepo.Commit{Tree: tree, Author: who, Committer: who, Message: ReleaseMessage(dated(r), at.Display, x.ledger)}
	if at.Commit != "" {
		c.Parents = []gitrepo.OID{at.Commit}
	}
	settings, err := x.b.repo.Settings(x.ctx)
	if err != nil {
		return err
	}
	id := gitrepo.OID("")
	if settings.SignCommits {
		if err := x.objects.write(x.ctx); err != nil {
			return err
		}
		if id, err = x.b.repo.SignCommit(x.ctx, c); err != nil {
			return err
		}
	} else {
		id = x.objects.put("commit", c.Encode())
	}
	x.goTo(at, id)
	return nil
}

// happened is when a release was made, here or elsewhere.
func happened(r sluice.Release) sluice.Time {
	if r.SourceAt != 0 {
		return r.SourceAt
	}
	return r.At
}

// dated is a release with the time at which it was made.
func dated(r sluice.Release) sluice.Release {
	r.At = happened(r)
	return r
}

// change brings one slot of a branch to what a release made of it.
func (x *exporter) change(at *branch, r sluice.Release, c sluice.SlotChange) error {
	was, _, err := at.lines.Get(c.Slot)
	if err != nil {
		return err
	}
	for path := range at.Files {
		if was.Path != "" && (path == was.Path || strings.HasSuffix(was.Path, "/") && strings.HasPrefix(path, was.Path)) {
			delete(at.Files, path)
		}
	}
	line := SlotLine{Slot: c.Slot, Value: c.To, Origin: c.Origin, Pinned: c.PinnedBy > 0}
	if line.Under, err = x.under(at, r, c, was); err != nil {
		return err
	}
	if !line.Under.IsZero() {
		if line.UnderSince, err = x.underAt(at, c); err != nil {
			return err
		}
	}
	if line.Value.IsZero() && line.Under.IsZero() {
		at.lines.Remove(c.Slot)
		return nil
	}
	if name := c.Slot.Component(); name != "" && c.To.Live() {
		v, err := x.version(name, c.To.Version)
		if err != nil {
			return err
		}
		if line.Kind, err = x.kind(name); err != nil {
			return err
		}
		if line.Commit, err = x.commitOf(v); err != nil {
			return err
		}
		line.Path = x.place(v, line.Kind)
		files, err := x.files(v, line.Path)
		if err != nil {
			return err
		}
		for path, blob := range files {
			at.Files[path] = blob
		}
	}
	at.lines.Set(line)
	return nil
}

// under is the value that a rollback of a change uncovers. Mostly it is what was
// live before, or what lay under that.
func (x *exporter) under(at *branch, r sluice.Release, c sluice.SlotChange, was SlotLine) (sluice.Value, error) {
	n := at.Numbers[c.Slot]
	switch {
	case c.Under == 0:
		return sluice.Value{}, nil
	case c.Under == n.Since && was.Value.Settled():
		return was.Value, nil
	case c.Under == n.Under && !was.Under.IsZero():
		return was.Under, nil
	}
	m, err := x.stateAt(r.Environment, c.Under)
	s, _ := m.Find(c.Slot)
	return s.Value, err
}

// moveTag has the tag of a component in an environment point at what is live.
func (x *exporter) moveTag(at *branch, c sluice.SlotChange, head ReleaseHead, who gitrepo.Signature) error {
	name := c.Slot.Component()
	if name == "" {
		return nil
	}
	ref := EnvironmentTag(name, at.Display)
	was := at.Tags[name]
	if !c.To.Live() {
		if was != "" {
			x.move(ref, "", was)
			delete(at.Tags, name)
		}
		return nil
	}
	v, err := x.version(name, c.To.Version)
	if err != nil {
		return err
	}
	commit, err := x.commitOf(v)
	if err != nil {
		return err
	}
	message := MoveMessage{
		Component: name, Version: v.Pin().String(), Environment: at.Display, Release: head.Environment + "#" + strconv.FormatInt(head.Number, 10),
		Entry: head.Entry, Time: head.Time,
	}
	id, err := x.adopted(ref, message.Entry)
	if err == nil && id == "" {
		id, err = x.tag(gitrepo.Tag{Object: commit, Kind: "commit", Name: strings.TrimPrefix(ref, "refs/tags/"), Tagger: who, Message: message.Format()})
	}
	if err != nil {
		return err
	}
	x.move(ref, id, was)
	at.Tags[name] = id
	return nil
}

// adopted is the remote's tag for a ledger entry, "" when it has none: it may be
// signed, and would not come out the same here.
func (x *exporter) adopted(ref string, entry sluice.Position) (gitrepo.OID, error) {
	if x.refs == nil || entry.Ledger == x.ledger {
		return "", nil
	}
	there, known := x.refs.remote[ref]
	if !known || there.Kind != "tag" {
		return "", nil
	}
	o, found, err := x.read().Object(string(there.ID))
	if err != nil || !found {
		return "", err
	}
	tag, err := gitrepo.ParseTag(there.ID, o.Bytes)
	if err != nil {
		return "", nil // whatever it is, it is not that tag
	}
	if m, err := ParseMoveMessage(tag.Message); err != nil || m.Entry != entry {
		return "", nil
	}
	return there.ID, nil
}
