package gitsync

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// Exported says what an export wrote.
type Exported struct {
	Releases int      `json:"releases"` // commits that were made or moved to
	Versions int      `json:"versions"` // tags and refs that were made
	Refs     []string `json:"refs"`     // all that were moved, sorted
	// ByHand are tags that were moved with plain Git since, and left as they are.
	ByHand []string `json:"by_hand,omitempty"`
}

// Export writes what happened since the last export to the repository: commits,
// tags and refs, of which the refs move together or not at all. Conflict when the
// repository holds releases that this installation does not know.
func (b *Bridge) Export(ctx context.Context) (out Exported, err error) {
	err = b.exclusive(ctx, func() (err error) {
		out, err = b.export(ctx, nil, nil)
		return err
	})
	return out, err
}

// entriesAtOnce is how many ledger entries are written between two times that the
// refs move.
const entriesAtOnce = 500

// export is Export with what is known of the refs, and with tags that may be moved
// from where they were put by hand.
func (b *Bridge) export(ctx context.Context, known *refs, overwrite map[string]gitrepo.OID) (out Exported, err error) {
	info, err := b.services.Info(ctx)
	if err != nil {
		return out, err
	}
	at, err := b.loadCursor(info.Ledger)
	if err != nil || at.Epoch >= info.Epoch {
		return out, err
	}
	x := b.exporter(ctx, info.Ledger, known)
	x.overwrite = overwrite
	defer x.close()
	if err := x.environments(); err != nil {
		return out, err
	}
	if at.Epoch == 0 { // most may be there already
		if _, err := x.all(); err != nil {
			return out, err
		}
	}
	err = x.pages(at, info.Epoch)
	var missing *gap
	if errors.As(err, &missing) { // all of it is written once more, which makes what is there again
		if err = x.again(); err == nil {
			err = x.pages(cursor{Ledger: info.Ledger}, info.Epoch)
		}
	}
	if err != nil {
		return out, err
	}
	out = x.out
	slices.Sort(out.Refs)
	out.Refs = slices.Compact(out.Refs)
	return out, nil
}

// exporter folds entries of the ledger into objects and refs.
type exporter struct {
	b         *Bridge
	ctx       context.Context
	ledger    string
	refs      *refs // nil until they are needed
	overwrite map[string]gitrepo.OID
	reader    *gitrepo.Reader
	known     map[string]sluice.Environment // by name, as they are now
	branches  map[string]*branch
	objects   objects
	updates   map[string]gitrepo.Update
	versions  map[string]sluice.Version
	kinds     map[string]string
	states    map[string]sluice.Manifest
	out       Exported
}

func (b *Bridge) exporter(ctx context.Context, ledger string, known *refs) *exporter {
	return &exporter{
		b: b, ctx: ctx, ledger: ledger, refs: known, objects: objects{repo: b.repo}, branches: map[string]*branch{}, updates: map[string]gitrepo.Update{},
	}
}

func (x *exporter) close() {
	if x.reader != nil {
		_ = x.reader.Close() // it only read
	}
}

// read is a reader of objects, started when it is first needed.
func (x *exporter) read() *gitrepo.Reader {
	if x.reader == nil {
		x.reader = x.b.repo.Reader(x.ctx)
	}
	return x.reader
}

func (x *exporter) environments() error {
	list, err := x.b.services.Environments(x.ctx, true)
	if err != nil {
		return err
	}
	x.known = map[string]sluice.Environment{}
	for _, e := range list {
		x.known[e.Name] = e
	}
	return nil
}

// pages writes the entries after a cursor.
func (x *exporter) pages(at cursor, last int64) error {
	for at.Epoch < last {
		page, err := x.b.services.Entries(x.ctx, sluice.AuditQuery{
			Ascending: true, Paging: sluice.Paging{Limit: entriesAtOnce, Cursor: strconv.FormatInt(at.Epoch, 10)},
		})
		if err != nil || len(page.Items) == 0 {
			return err
		}
		if err := x.page(page.Items); err != nil {
			return err
		}
		at.Epoch = page.Items[len(page.Items)-1].Seq
		if err := x.b.saveCursor(at); err != nil {
			return err
		}
	}
	return nil
}

// page writes the entries of one page. When what is kept beside the repository
// turns out not to be what the refs say, it is forgotten and the page begun anew.
func (x *exporter) page(entries []sluice.Entry) error {
	err := x.fold(entries)
	var moved *gitrepo.Moved
	if errors.As(err, &moved) {
		if err = x.again(); err == nil {
			err = x.fold(entries)
		}
	}
	return err
}

// again forgets what is known of the repository, and looks at it anew.
func (x *exporter) again() error {
	for name := range x.branches {
		if err := x.b.forget(x.ledger, name); err != nil {
			return err
		}
	}
	x.branches, x.refs = map[string]*branch{}, nil
	_, err := x.all()
	return err
}

func (x *exporter) fold(entries []sluice.Entry) error {
	x.updates, x.objects = map[string]gitrepo.Update{}, objects{repo: x.b.repo}
	before := x.out
	err := x.each(entries)
	if err == nil {
		err = x.commitAll()
	}
	if err != nil {
		x.out = before
	}
	return err
}

func (x *exporter) each(entries []sluice.Entry) error {
	for _, e := range entries {
		switch e.Kind {
		case sluice.EntryVersionPublish:
			var v sluice.Version
			if err := json.Unmarshal(e.Payload, &v); err != nil {
				return sluice.Errorf(sluice.Internal, "ledger entry %d cannot be read: %w", e.Seq, err)
			}
			if err := x.publish(e, v); err != nil {
				return err
			}
		case sluice.EntryRelease:
			r, err := e.Release()
			if err != nil {
				return err
			}
			if err := x.release(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// commitAll writes the objects, moves the refs in one transaction, and keeps where
// they are.
func (x *exporter) commitAll() error {
	for _, name := range slices.Sorted(maps.Keys(x.branches)) {
		if at := x.branches[name]; at.dirty {
			if err := x.finish(at); err != nil {
				return err
			}
		}
	}
	if err := x.objects.write(x.ctx); err != nil {
		return err
	}
	if err := x.leaveByHand(); err != nil {
		return err
	}
	list := make([]gitrepo.Update, 0, len(x.updates))
	for _, ref := range slices.Sorted(maps.Keys(x.updates)) {
		if u := x.updates[ref]; u.New != u.Old {
			u.Any = strings.HasPrefix(ref, SupersededPrefix) // it says itself what it points at
			list = append(list, u)
		}
	}
	if len(list) > 0 {
		if err := x.b.repo.Update(x.ctx, list); err != nil {
			return err
		}
	}
	for _, u := range list {
		x.out.Refs = append(x.out.Refs, u.Ref)
		if x.refs != nil {
			x.refs.set(u.Ref, u.New)
		}
	}
	for _, at := range x.branches {
		if at.dirty {
			if err := x.b.saveBranch(x.ledger, at); err != nil {
				return err
			}
			at.dirty = false
		}
	}
	return nil
}

// move has a ref moved. Of several moves of one ref the first knows where it was,
// the last where it goes.
func (x *exporter) move(ref string, to, from gitrepo.OID) {
	if u, known := x.updates[ref]; known {
		from = u.Old
	}
	x.updates[ref] = gitrepo.Update{Ref: ref, New: to, Old: from}
}

// leaveByHand drops the moves of tags that are not where Sluice left them, once
// the refs have been looked at. Who moved them by hand decides by a sync.
func (x *exporter) leaveByHand() error {
	if x.refs == nil {
		return nil
	}
	for ref, u := range x.updates {
		is := x.refs.local[ref]
		if is.ID == u.Old || !isTag(ref) {
			continue
		}
		if is.ID != "" && is.ID == x.overwrite[ref] {
			u.Old = is.ID
			x.updates[ref] = u
			continue
		}
		if is.ID != u.New {
			x.out.ByHand = append(x.out.ByHand, ref)
		}
		delete(x.updates, ref)
	}
	slices.Sort(x.out.ByHand)
	return nil
}
