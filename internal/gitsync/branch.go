package gitsync

import (
	"bytes"
	"errors"
	"maps"
	"slices"
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
	if found && x.refs != nil && x.refs.local[EnvironmentRef(at.Display)].ID != at.Commit {
		found = false // somebody moved it
	}
	if err == nil && !found {
		at, err = x.rebuild(e)
	}
	if err != nil {
		return nil, err
	}
	x.branches[name] = at
	return at, nil
}

// rename gives an environment's refs the name that it is shown under since. It goes
// with a release, so that others hear of it. What has the name still gives it up.
func (x *exporter) rename(at *branch, display string) error {
	was := at.Display
	if at.Commit != "" {
		x.move(EnvironmentRef(was), "", at.Commit)
	}
	for component, tag := range at.Tags {
		x.move(EnvironmentTag(component, was), "", tag)
	}
	at.Display, at.dirty = display, true
	if err := x.vacate(at); err != nil {
		return err
	}
	if at.Commit != "" {
		x.move(EnvironmentRef(display), at.Commit, "")
	}
	for component, tag := range at.Tags {
		x.move(EnvironmentTag(component, display), tag, "")
	}
	return nil
}

// vacate renames another environment that was shown before as this one is since.
func (x *exporter) vacate(at *branch) error {
	for _, name := range slices.Sorted(maps.Keys(x.known)) {
		e := x.known[name]
		if e.Release == 0 || name == at.Name || e.Display() == at.Display {
			continue
		}
		other, err := x.branch(name)
		var unknown *unknownTip
		if errors.As(err, &unknown) {
			continue
		}
		if err == nil && other.Display == at.Display {
			err = x.rename(other, e.Display())
		}
		if err != nil {
			return err
		}
	}
	return nil
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
