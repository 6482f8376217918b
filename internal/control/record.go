package control

import (
	"context"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// Record takes in what happened elsewhere.
func (c *Control) Record(ctx context.Context, req sluice.RecordRequest) (sluice.RecordReport, error) {
	actor, err := c.may(ctx, sluice.MayImport, "")
	if err != nil {
		return sluice.RecordReport{}, err
	}
	if err := sluice.CheckRecords(req); err != nil {
		return sluice.RecordReport{}, err
	}
	versions := make([]publishing, len(req.Records))
	for i, r := range req.Records {
		err := sluice.CheckRecord(r)
		if err == nil && r.Version != nil {
			versions[i], err = c.readRecord(ctx, *r.Version)
		}
		if err != nil {
			return sluice.RecordReport{}, inRecord(i, err)
		}
	}
	out, err := update(ctx, c, "record", req, req.Change, func(tx *store.Tx) (sluice.RecordReport, error) {
		r := recording{c: c, tx: tx, actor: actor}
		return r.all(req, versions)
	})
	out.DryRun = req.DryRun && err == nil
	return out, err
}

// inRecord says which record an error is about.
func inRecord(i int, err error) error {
	e := sluice.AsError(err)
	if e.Code == sluice.Internal {
		return err
	}
	at := sluice.Errorf(e.Code, "record %d: %s", i+1, e.Message).Because(err)
	at.Fixes = e.Fixes
	return at
}

// readRecord reads a version's files. What is wrong with them marks the version and
// does not refuse it: that they were published is a fact. A content that takes too
// long to read does so each time, and stays unread.
func (c *Control) readRecord(ctx context.Context, v sluice.VersionRecord) (publishing, error) {
	p, err := checkPublish(sluice.PublishRequest{
		Component: v.Component, Kind: v.Kind, Files: v.Files, Label: v.Label, Note: v.Note, Commit: v.Commit, Author: v.Author, At: v.At, Unchecked: true,
	})
	if err != nil {
		return p, err
	}
	p.recorded = true
	if err := c.checkContent(ctx, &p); err != nil {
		return p, err
	}
	if slow := sluice.CodeOf(p.unread) == sluice.TimedOut && ctx.Err() == nil; p.unread != nil && c.eval != nil && !slow {
		return p, p.unread
	}
	return p, nil
}

// settleRecord marks a version by what was found in it, and where that is not known by
// what is said of it elsewhere.
func settleRecord(tx *store.Tx, component sluice.Component, v sluice.VersionRecord, p *publishing) error {
	if p.of(component) && p.unread == nil {
		return p.settle(tx, component)
	}
	if v.Unchecked {
		p.mark = sluice.UnreadBy("it was marked where it is from")
	}
	return nil
}

// recording is one request that is carried out.
type recording struct {
	c     *Control
	tx    *store.Tx
	actor sluice.Actor
}

func (r *recording) all(req sluice.RecordRequest, versions []publishing) (sluice.RecordReport, error) {
	out := sluice.RecordReport{Recorded: make([]sluice.Recorded, 0, len(req.Records))}
	for i, record := range req.Records {
		var one sluice.Recorded
		var err error
		if record.Version != nil {
			one, err = r.version(*record.Version, versions[i])
		} else {
			one, err = r.release(*record.Release)
		}
		if err != nil {
			return out, inRecord(i, err)
		}
		out.Recorded = append(out.Recorded, one)
	}
	return out, nil
}

// version records a version, unless it is known.
func (r *recording) version(v sluice.VersionRecord, p publishing) (sluice.Recorded, error) {
	if err := r.actor.May(sluice.MayPublish, ""); err != nil {
		return sluice.Recorded{}, err
	}
	component, found, err := r.tx.Component(v.Component)
	if err != nil {
		return sluice.Recorded{}, err
	}
	if !found {
		if component, err = addComponent(r.tx, r.actor.Name, sluice.AddComponentRequest{Name: v.Component, Kind: v.Kind}); err != nil {
			return sluice.Recorded{}, err
		}
	}
	known, found, err := r.known(component, p, v.Number)
	if err != nil || found {
		return sluice.Recorded{Version: &known}, err
	}
	if p.At > r.tx.LedgerTime() { // the clock of elsewhere is ahead
		p.At = 0
	}
	if component.Kind == sluice.KindConfig { // whose content is data
		p.requires = nil
	}
	if err := settleRecord(r.tx, component, v, &p); err != nil {
		return sluice.Recorded{}, err
	}
	made, err := addVersion(r.tx, r.actor.Name, component, p)
	made.Files = nil
	return sluice.Recorded{Version: &made, Created: true}, err
}

// known finds a version by its label, or without one by its content among those
// without one. It is known also when its bytes were purged, which must not come
// back by a record.
func (r *recording) known(component sluice.Component, p publishing, number int) (sluice.Version, bool, error) {
	if p.label == "" {
		return r.tx.Unlabelled(component.Name, p.digest, number)
	}
	v, found, err := r.tx.VersionByLabel(component.Name, p.label)
	if err == nil && found && v.Digest != p.digest {
		err = otherContent(v, p.digest)
	}
	return v, found, err
}

// otherContent says that a label was published twice, apart.
func otherContent(here sluice.Version, there sluice.Digest) error {
	return sluice.Errorf(sluice.Conflict, "%s has other content here (%s, by %s) than elsewhere (%s)", here.Ref(), here.Digest.Short(), here.Author, there.Short()).
		Fix("labels never move: publish one of the two again under another label, and let the releases name that")
}

func (r *recording) release(rec sluice.ReleaseRecord) (sluice.Recorded, error) {
	if known, found, err := r.knownRelease(rec); err != nil || found {
		return sluice.Recorded{Release: &known}, err
	}
	e, err := r.environment(rec)
	if err != nil {
		return sluice.Recorded{}, err
	}
	if err := expectRelease(r.tx, e, rec.ExpectedRelease); err != nil {
		return sluice.Recorded{}, err
	}
	l := locally{recording: r, env: e, commit: rec.Commit, components: map[string]sluice.Component{}, environments: map[string]string{}}
	if rec.Slots, err = l.slots(rec.Slots); err != nil {
		return sluice.Recorded{}, err
	}
	apart, err := r.names(rec.Apart)
	if err != nil {
		return sluice.Recorded{}, err
	}
	plan := sluice.NewPlan(r.tx, rec.Actor, r.tx.WallClock())
	if err := plan.Record(e, rec, apart); err != nil {
		return sluice.Recorded{}, err
	}
	made, err := r.c.append(r.tx, plan, head{
		actor: r.actor.Name, action: rec.Action, change: sluice.Change{Reason: rec.Reason, Ticket: rec.Ticket},
		source: rec.Source, cause: rec.Cause, author: rec.Actor, at: rec.At, commit: rec.Commit, shared: true,
	})
	if err != nil {
		return sluice.Recorded{}, err
	}
	if rec.Action == sluice.ActionDelete {
		err = r.end(e.Name)
	}
	out := sluice.Recorded{Release: &made[0], Created: true, Stubbed: l.stubbed}
	out.RootDiffers = rec.Root != "" && made[0].Root != rec.Root
	return out, err
}

// knownRelease finds a release that was recorded before. It is asked for first,
// since the settings that it came with may have changed since.
func (r *recording) knownRelease(rec sluice.ReleaseRecord) (sluice.Release, bool, error) {
	e, found, err := r.find(rec)
	if err != nil || !found {
		return sluice.Release{}, false, err
	}
	if err := r.actor.May(sluice.MayDeploy, e.Name); err != nil {
		return sluice.Release{}, false, err
	}
	return r.tx.ReleaseOf(e.Name, rec.Commit)
}
