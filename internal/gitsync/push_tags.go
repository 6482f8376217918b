package gitsync

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// outgoingTags are the tags of environments that are to move at the remote, and the
// refs of environments that have another name there. Only what a release put where
// it is goes out: tags that were moved by hand are first recorded, by a sync.
func (b *Bridge) outgoingTags(ctx context.Context, known *refs) ([]gitrepo.PushRef, error) {
	if !known.unequalTags() && !known.moreHistories() {
		return nil, nil
	}
	info, err := b.services.Info(ctx)
	if err != nil {
		return nil, err
	}
	x := b.exporter(ctx, info.Ledger, known)
	defer x.close()
	if err := x.environments(); err != nil {
		return nil, err
	}
	seen, err := b.loadSeen(info.Ledger)
	if err != nil {
		return nil, err
	}
	o := &outgoingOf{x: x, known: known, seen: seen, want: map[string]gitrepo.OID{}, here: map[string]*branch{}}
	if err := o.branches(); err != nil {
		return nil, err
	}
	if err := o.renamed(); err != nil {
		return nil, err
	}
	return o.list, o.tags()
}

// unequalTags reports whether the tag of any environment is not the one of the remote.
func (r *refs) unequalTags() bool {
	for _, side := range [][2]map[string]gitrepo.Ref{{r.local, r.remote}, {r.remote, r.local}} {
		for ref, is := range side[0] {
			if _, _, ok := parseEnvironmentTag(ref); ok && side[1][ref].ID != is.ID {
				return true
			}
		}
	}
	return false
}

// moreHistories reports whether the remote has the ref of an environment that is not here.
func (r *refs) moreHistories() bool {
	for ref := range r.remote {
		if _, ok := ParseEnvironmentRef(ref); ok && r.local[ref].ID == "" {
			return true
		}
	}
	return false
}

// outgoingOf finds out what is to move.
type outgoingOf struct {
	x     *exporter
	known *refs
	seen  seen
	want  map[string]gitrepo.OID // where the releases here put tags
	here  map[string]*branch     // by the name that an environment is or was shown under
	list  []gitrepo.PushRef
}

// branches finds the environments whose history is known here.
func (o *outgoingOf) branches() error {
	for _, name := range slices.Sorted(maps.Keys(o.x.known)) {
		if o.x.known[name].Release == 0 {
			continue
		}
		at, err := o.x.branch(name)
		var unknown *unknownTip
		if errors.As(err, &unknown) {
			continue // a sync takes it in
		}
		if err != nil {
			return err
		}
		if at.Commit == "" || o.known.local[EnvironmentRef(at.Display)].ID != at.Commit {
			continue // it is written by an export
		}
		o.here[at.Display] = at
		for component, tag := range at.Tags {
			o.want[EnvironmentTag(component, at.Display)] = tag
		}
	}
	return nil
}

// renamed finds the refs of environments that are shown under another name here.
func (o *outgoingOf) renamed() error {
	for _, ref := range slices.Sorted(maps.Keys(o.known.remote)) {
		display, ok := ParseEnvironmentRef(ref)
		if !ok || o.known.local[ref].ID != "" {
			continue
		}
		there := o.known.remote[ref].ID
		c, err := o.x.commitObject(there)
		if err != nil {
			return err
		}
		head, err := ParseReleaseMessage(c)
		if err != nil {
			return err
		}
		at := o.x.branches[head.Environment]
		if at == nil || o.here[at.Display] != at {
			continue
		}
		kept, err := o.x.b.keptAside(o.x.ctx, there)
		if err != nil {
			return err
		}
		if !kept {
			return overtaken(o.x.b.cfg.Remote, display)
		}
		o.here[display] = at
		o.list = append(o.list, gitrepo.PushRef{Ref: ref, Expected: there})
	}
	return nil
}

// tags finds the tags that are to move, or to go.
func (o *outgoingOf) tags() error {
	for _, ref := range slices.Sorted(maps.Keys(o.want)) {
		want, there := o.want[ref], o.known.remote[ref].ID
		if want != there && want == o.known.local[ref].ID {
			o.list = append(o.list, gitrepo.PushRef{Ref: ref, New: want, Expected: there})
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(o.known.remote)) {
		_, display, ok := parseEnvironmentTag(ref)
		there := o.known.remote[ref].ID
		if !ok || o.want[ref] != "" || o.here[display] == nil || o.seen["kept:"+ref] == there {
			continue
		}
		made := o.seen["remote:"+ref] == there
		if !made {
			var err error
			if made, err = madeBySluice(o.x.read(), there); err != nil {
				return err
			}
		}
		if made {
			o.list = append(o.list, gitrepo.PushRef{Ref: ref, Expected: there})
		}
	}
	return nil
}

// overtaken is the error of a push that would throw away what others released.
func overtaken(remote gitrepo.Remote, display string) error {
	return sluice.Errorf(sluice.Conflict, "%s has releases of %s that are not here, and nothing of yours was sent", remote, display).
		Do(sluice.SyncGit(""), "take them in")
}

// checkForwards returns [sluice.Conflict] when the history of an environment at the
// remote has releases that no history here has, and that would go.
func (b *Bridge) checkForwards(ctx context.Context, list []gitrepo.PushRef) error {
	var there []gitrepo.OID
	for _, p := range list {
		if _, ok := ParseEnvironmentRef(p.Ref); ok && p.Expected != "" {
			there = append(there, p.Expected)
		}
	}
	if len(there) == 0 {
		return nil
	}
	kept, err := b.keptAside(ctx, there...)
	if err != nil || kept {
		return err
	}
	for _, p := range list {
		if display, ok := ParseEnvironmentRef(p.Ref); ok && p.Expected != "" {
			kept, err := b.keptAside(ctx, p.Expected)
			if err != nil {
				return err
			}
			if !kept {
				return overtaken(b.cfg.Remote, display)
			}
		}
	}
	return nil
}
