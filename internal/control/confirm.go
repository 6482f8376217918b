package control

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// Bounds on what is read to confirm one change.
const (
	maxConfirmed = 100             // contents
	maxConfirm   = 5 * time.Second // for all of them
)

// confirmed adds to the answer to a change the versions that it brought and that are
// marked. The change is made by then: what fails here is left out. With read, versions
// from before that nobody has read are read first, and marked for good; a dry run
// marks nothing. A rollback does not read, so that it waits for nothing.
func (c *Control) confirmed(ctx context.Context, out sluice.Outcome, failed error, read bool) (sluice.Outcome, error) {
	ids := brought(out)
	if failed != nil || len(ids) == 0 {
		return out, failed
	}
	var found []sluice.Version
	err := c.db.View(ctx, c.org, func(tx *store.Tx) (err error) {
		found, err = tx.Unproven(ids)
		return err
	})
	if err != nil {
		return out, nil
	}
	if read {
		found = c.readEarlier(ctx, found, out.DryRun)
	}
	out.Unchecked = marksOf(found)
	return out, nil
}

// brought are the versions that the releases of a change put live.
func brought(out sluice.Outcome) []store.VersionID {
	var ids []store.VersionID
	add := func(r sluice.Release) {
		for _, change := range r.Changes {
			name := change.Slot.Component()
			if name == "" {
				continue
			}
			for _, p := range change.To.Pins() {
				ids = append(ids, store.VersionID{Component: name, Number: p.Version})
			}
		}
	}
	if out.Release != nil {
		add(*out.Release)
	}
	for _, r := range out.Inherited {
		add(r)
	}
	return sortedIDs(ids)
}

func sortedIDs(ids []store.VersionID) []store.VersionID {
	slices.SortFunc(ids, func(a, b store.VersionID) int {
		if a.Component != b.Component {
			if a.Component < b.Component {
				return -1
			}
			return 1
		}
		return a.Number - b.Number
	})
	return slices.Compact(ids)
}

// marksOf are the marks of versions that have one.
func marksOf(versions []sluice.Version) []sluice.Marked {
	var out []sluice.Marked
	for _, v := range versions {
		if v.Unchecked != nil {
			out = append(out, sluice.Marked{Component: v.Component, Pin: v.Pin(), Unchecked: *v.Unchecked})
		}
	}
	return out
}

// readEarlier reads those of some versions that nobody has read, and returns all with
// what is known of them then. What cannot be read now says so in this answer alone.
func (c *Control) readEarlier(ctx context.Context, versions []sluice.Version, dryRun bool) []sluice.Version {
	within, cancel := context.WithTimeout(ctx, maxConfirm)
	defer cancel()
	var read []sluice.Version
	left := maxConfirmed
	for i, v := range versions {
		if v.ReadAs != "" {
			continue
		}
		if left--; left < 0 || within.Err() != nil {
			versions[i].Unchecked = orUnread(v, "there are too many at once")
			continue
		}
		k, err := c.checkEarlier(within, v)
		if err == nil {
			err = k.unread
		}
		if err != nil {
			versions[i].Unchecked = orUnread(v, sluice.AsError(err).Message)
			continue
		}
		versions[i].ReadAs, versions[i].Unchecked = k.As, sluice.UncheckedBy(k.Mistakes)
		read = append(read, versions[i])
	}
	if len(read) > 0 && !dryRun {
		_ = c.db.Update(ctx, c.org, func(tx *store.Tx) error { return putEarlier(tx, read) }) // else it is read again
	}
	return versions
}

// orUnread is the mark that a version has, else one that says why it was not read.
func orUnread(v sluice.Version, reason string) *sluice.Unchecked {
	if v.Unchecked != nil {
		return v.Unchecked
	}
	return sluice.UnreadBy(reason)
}

// checkEarlier reads the content of a version that is there.
func (c *Control) checkEarlier(ctx context.Context, v sluice.Version) (checked, error) {
	var component sluice.Component
	var files []sluice.File
	err := c.db.View(ctx, c.org, func(tx *store.Tx) (err error) {
		if component, err = findComponent(tx, v.Component); err == nil && sluice.ReadsAs(component.Kind) != sluice.ReadAsData {
			files, err = readFiles(tx, v)
		}
		return err
	})
	if err != nil {
		return checked{}, err
	}
	return c.check(ctx, component.Kind, v.Digest, files), nil
}

// putEarlier marks versions that were read, unless another did so meanwhile or their
// component became something else.
func putEarlier(tx *store.Tx, read []sluice.Version) error {
	for _, v := range read {
		now, found, err := tx.VersionByNumber(v.Component, v.Number)
		if err != nil {
			return err
		}
		if !found || now.ReadAs != "" {
			continue
		}
		component, _, err := tx.Component(v.Component)
		if err != nil {
			return err
		}
		if as := sluice.ReadsAs(component.Kind); as != v.ReadAs && (as != sluice.KindScript && as != sluice.KindWorkflow || v.ReadAs != sluice.ReadAsOther) {
			continue
		}
		now.ReadAs, now.Unchecked = v.ReadAs, v.Unchecked
		if err := putChecked(tx, now); err != nil {
			return err
		}
	}
	return nil
}

// putChecked records what was found in the content of a version.
func putChecked(tx *store.Tx, v sluice.Version) error {
	if _, err := tx.Append(systemActor, sluice.EntryVersionCheck, v.Component+"@"+strconv.Itoa(v.Number), v); err != nil {
		return err
	}
	return tx.SetChecked(v)
}
