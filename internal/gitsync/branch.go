package gitsync

import (
	"bytes"
	"maps"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// branch is the end of an environment's history: as it is kept, else as the refs
// have it.
func (x *exporter) branch(name string) (*branch, error) {
	if at := x.branches[name]; at != nil {
		return at, nil
	}
	e, known := x.known[name]
	if !known {
		return nil, sluice.Errorf(sluice.Internal, "environment %s has a release and does not exist", name)
	}
	at, found, err := x.b.loadBranch(x.ledger, name)
	if err != nil {
		return nil, err
	}
	if !found {
		if at, err = x.rebuild(e); err != nil {
			return nil, err
		}
	}
	if at.Display != e.Display() {
		x.rename(at, e.Display())
	}
	x.branches[name] = at
	return at, nil
}

// rename gives an environment's refs the name that it is shown under since.
func (x *exporter) rename(at *branch, display string) {
	if at.Commit != "" {
		x.move(EnvironmentRef(at.Display), "", at.Commit)
		x.move(EnvironmentRef(display), at.Commit, "")
	}
	for component, tag := range at.Tags {
		x.move(EnvironmentTag(component, at.Display), "", tag)
		x.move(EnvironmentTag(component, display), tag, "")
	}
	at.Display, at.dirty = display, true
}

// rebuild reads the end of an environment's history from the refs.
func (x *exporter) rebuild(e sluice.Environment) (*branch, error) {
	at := &branch{
		Name: e.Name, Display: e.Display(), lines: &Lines{}, root: sluice.RootHash(nil), Files: map[string]gitrepo.OID{},
		Tags: map[string]gitrepo.OID{}, Numbers: map[sluice.Slot]under{},
	}
	known, err := x.all()
	if err != nil {
		return nil, err
	}
	tip, there := known.local[EnvironmentRef(at.Display)]
	if !there {
		return at, nil
	}
	c, err := x.commitObject(tip.ID)
	if err != nil {
		return nil, err
	}
	if at.Release, err = x.numberOf(e, c); err != nil {
		return nil, err
	}
	at.Commit, at.stale = tip.ID, true
	for ref, r := range known.local {
		if component, display, ok := parseEnvironmentTag(ref); ok && display == at.Display {
			at.Tags[component] = r.ID
		}
	}
	m, err := x.b.services.State(x.ctx, sluice.EnvironmentRef{Name: e.Name, Release: at.Release, Exact: true})
	if err != nil {
		return nil, err
	}
	for _, s := range m.Slots {
		at.Numbers[s.Slot] = under{Since: s.Since, Under: s.Under}
	}
	return at, x.refill(at)
}

// numberOf is the release here that a commit is.
func (x *exporter) numberOf(e sluice.Environment, c gitrepo.Commit) (int64, error) {
	head, err := ParseReleaseMessage(c)
	if err != nil {
		return 0, err
	}
	if head.Entry.Ledger == x.ledger && head.Number <= e.Release {
		return head.Number, nil
	}
	for q := (sluice.ReleaseQuery{Environment: e.Name, Paging: sluice.Paging{Limit: sluice.MaxPage}}); ; {
		page, err := x.b.services.Releases(x.ctx, q)
		if err != nil {
			return 0, err
		}
		for _, r := range page.Items {
			if string(r.Commit) == string(c.ID) {
				return r.Number, nil
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return 0, &unknownTip{sluice.Errorf(sluice.Conflict, "%s holds releases that are not known here", EnvironmentRef(e.Display())).
				Fix("take them in first: `sluice git sync`")}
		}
	}
}

// unknownTip is an environment's history that goes on beyond what is known here.
type unknownTip struct{ err *sluice.Error }

func (u *unknownTip) Error() string { return u.err.Error() }
func (u *unknownTip) Unwrap() error { return u.err }

// refill reads what a branch holds from its commit, when that came from elsewhere.
func (x *exporter) refill(at *branch) error {
	if !at.stale {
		return nil
	}
	files, err := x.read().Files(at.Commit, "")
	if err != nil {
		return err
	}
	at.Files = make(map[string]gitrepo.OID, len(files))
	for _, f := range files {
		at.Files[f.Path] = f.ID
	}
	delete(at.Files, ManifestFile)
	text, err := x.manifest(at.Commit)
	if err != nil {
		return err
	}
	if at.lines, err = LinesOf(bytes.Clone(text)); err != nil {
		return err
	}
	if at.head, at.root, err = HeadOf(text); err != nil {
		return err
	}
	at.stale = false
	return nil
}

// manifest is the manifest in a commit's tree.
func (x *exporter) manifest(commit gitrepo.OID) ([]byte, error) {
	return readManifest(x.read(), commit)
}

func readManifest(rd *gitrepo.Reader, commit gitrepo.OID) ([]byte, error) {
	o, found, err := rd.Object(string(commit) + ":" + ManifestFile)
	if err == nil && (!found || o.Kind != "blob") {
		err = sluice.Errorf(sluice.Invalid, "commit %s is no release: it has no %s", commit.Short(), ManifestFile).
			Fix("only Sluice moves the refs below %s; put it back to a commit that it made", strings.TrimSuffix(EnvironmentsPrefix, "/"))
	}
	return o.Bytes, err
}

// finish completes what is kept of a branch before its refs move.
func (x *exporter) finish(at *branch) error {
	if err := x.refill(at); err != nil {
		return err
	}
	maps.DeleteFunc(at.Numbers, func(slot sluice.Slot, _ under) bool {
		_, there, err := at.lines.Get(slot)
		return err == nil && !there
	})
	return nil
}

// parseEnvironmentTag reads what [EnvironmentTag] makes. A version's tag is none.
func parseEnvironmentTag(ref string) (component, display string, ok bool) {
	rest, ok := strings.CutPrefix(ref, TagsPrefix)
	component, display, cut := strings.Cut(rest, "/")
	if !ok || !cut || sluice.CheckName("component", component) != nil || sluice.CheckWord("environment", display) != nil {
		return "", "", false
	}
	return component, display, true
}
