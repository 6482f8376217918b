package gitsync

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// rebuild reads the end of an environment's history from the refs.
func (x *exporter) rebuild(e sluice.Environment) (*branch, error) {
	at := &branch{
		Name: e.Name, Display: e.Display(), lines: &Lines{}, root: sluice.RootHash(nil), Files: map[string]gitrepo.OID{},
		Tags: map[string]gitrepo.OID{}, Numbers: map[sluice.Slot]under{},
	}
	display, c, head, err := x.tipOf(e)
	if err != nil || display == "" {
		return at, err
	}
	if at.Release, err = x.numberOf(e, c, head); err != nil {
		return nil, err
	}
	at.Display, at.Commit, at.stale, at.dirty = display, c.ID, true, true
	m, err := x.b.services.State(x.ctx, sluice.EnvironmentRef{Name: e.Name, Release: at.Release, Exact: true})
	if err != nil {
		return nil, err
	}
	for _, s := range m.Slots {
		at.Numbers[s.Slot] = under{Since: s.Since, Under: s.Under}
	}
	if err := x.refill(at); err != nil {
		return nil, err
	}
	return at, x.retag(at, c, head)
}

// tipOf finds the end of an environment's history, which may still have the name
// that the environment was shown under before. Display is "" when there is none.
func (x *exporter) tipOf(e sluice.Environment) (display string, c gitrepo.Commit, head ReleaseHead, err error) {
	known, err := x.all()
	if err != nil {
		return "", c, head, err
	}
	refs := slices.Sorted(maps.Keys(known.local))
	for _, ref := range append([]string{EnvironmentRef(e.Display())}, refs...) {
		display, ok := ParseEnvironmentRef(ref)
		tip, there := known.local[ref]
		if !ok || !there {
			continue
		}
		if c, err = x.commitObject(tip.ID); err != nil {
			return "", c, head, err
		}
		if head, err = ParseReleaseMessage(c); err != nil {
			return "", c, head, err
		}
		if head.Environment == e.Name {
			return display, c, head, nil
		}
	}
	return "", gitrepo.Commit{}, ReleaseHead{}, nil
}

// numberOf is the release here that a commit is. In a ledger that was restored from a
// backup, which is another one since, it is the one of its number, time and root.
func (x *exporter) numberOf(e sluice.Environment, c gitrepo.Commit, head ReleaseHead) (int64, error) {
	if head.Entry.Ledger == x.ledger && head.Number <= e.Release {
		return head.Number, nil
	}
	for q := (sluice.ReleaseQuery{Environment: e.Name, Paging: sluice.Paging{Limit: sluice.MaxPage}}); ; {
		page, err := x.b.services.Releases(x.ctx, q)
		if err != nil {
			return 0, err
		}
		for _, r := range page.Items {
			if string(r.Commit) == string(c.ID) || r.Number == head.Number && r.Root == head.Root && happened(r) == head.Time {
				return r.Number, nil
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return 0, &unknownTip{sluice.Errorf(sluice.Conflict, "%s holds releases that are not known here", EnvironmentRef(e.Display())).
				Do(sluice.SyncGit(""), "take them in first")}
		}
	}
}

// retag finds the tag of each component that is live: the one here or at the
// remote that Sluice made for what is live, else it makes one. What was moved by
// hand is not the branch's.
func (x *exporter) retag(at *branch, tip gitrepo.Commit, head ReleaseHead) error {
	is, err := ParseManifest(at.manifest())
	if err != nil {
		return err
	}
	for _, line := range is.Slots {
		name := line.Slot.Component()
		if name == "" || line.Commit == "" {
			continue
		}
		ref := EnvironmentTag(name, at.Display)
		for _, tag := range []gitrepo.Ref{x.refs.local[ref], x.refs.remote[ref]} {
			if tag.Peeled != line.Commit || at.Tags[name] != "" {
				continue
			}
			made, err := madeBySluice(x.read(), tag.ID)
			if err != nil {
				return err
			}
			if made {
				at.Tags[name] = tag.ID
			}
		}
		if at.Tags[name] != "" {
			continue
		}
		message := MoveMessage{
			Component: name, Version: line.Value.Pin.String(), Environment: at.Display,
			Release: head.Environment + "#" + strconv.FormatInt(head.Number, 10), Entry: head.Entry, Time: head.Time,
		}
		if at.Tags[name], err = x.tag(gitrepo.Tag{
			Object: line.Commit, Kind: "commit", Name: strings.TrimPrefix(ref, "refs/tags/"), Tagger: tip.Author, Message: message.Format(),
		}); err != nil {
			return err
		}
	}
	return nil
}

// madeBySluice reports whether an object is a tag of an environment that Sluice
// made.
func madeBySluice(rd *gitrepo.Reader, id gitrepo.OID) (bool, error) {
	o, found, err := rd.Object(string(id))
	if err != nil || !found || o.Kind != "tag" {
		return false, err
	}
	tag, err := gitrepo.ParseTag(id, o.Bytes)
	if err != nil {
		return false, nil // whatever it is, Sluice did not make it
	}
	message, err := ParseMoveMessage(tag.Message)
	return err == nil && !message.ByHand(), nil
}
