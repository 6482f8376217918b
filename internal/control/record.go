package control

import (
	"context"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// Record takes in what happened elsewhere.
func (c *Control) Record(ctx context.Context, req sluice.RecordRequest) (sluice.RecordReport, error) {
	actor, err := c.may(ctx, sluice.MayImport, "")
	if err != nil {
		return sluice.RecordReport{}, err
	}
	if n := len(req.Records); n == 0 || n > sluice.MaxRecords {
		return sluice.RecordReport{}, sluice.Errorf(sluice.LimitExceeded, "1 to %d things are recorded at once, not %d", sluice.MaxRecords, n)
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
	r := recording{c: c, actor: actor, shared: map[string]bool{}}
	out, err := update(ctx, c, "record", req, req.Change, func(tx *store.Tx) (sluice.RecordReport, error) {
		return r.all(tx, req, versions)
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
	at := sluice.Errorf(e.Code, "record %d: %s", i+1, e.Message)
	at.Fixes = e.Fixes
	return at
}

// readRecord reads a version's files. What they declare or say as a workflow may
// be wrong: that they were published is a fact, and running them says what is.
func (c *Control) readRecord(ctx context.Context, v sluice.VersionRecord) (publishing, error) {
	p, err := checkPublish(sluice.PublishRequest{
		Component: v.Component, Kind: v.Kind, Files: v.Files, Label: v.Label, Note: v.Note, Commit: v.Commit, Author: v.Author, At: v.At,
	})
	if err != nil {
		return p, err
	}
	err = c.readWorkflow(ctx, &p)
	if p.undeclared != nil {
		p.requires, p.undeclared = nil, nil
	}
	return p, err
}

// recording is one request that is carried out.
type recording struct {
	c      *Control
	actor  sluice.Actor
	shared map[string]bool // environments by name
}

func (r *recording) all(tx *store.Tx, req sluice.RecordRequest, versions []publishing) (sluice.RecordReport, error) {
	out := sluice.RecordReport{Recorded: make([]sluice.Recorded, 0, len(req.Records))}
	for _, name := range req.Shared {
		if err := sluice.CheckWord("environment", name); err != nil {
			return out, err
		}
		r.shared[name] = true
		if e, found, err := tx.FindEnvironment(name); err != nil {
			return out, err
		} else if found {
			r.shared[e.Name] = true
		}
	}
	for i, record := range req.Records {
		var one sluice.Recorded
		var err error
		if record.Version != nil {
			one, err = r.version(tx, *record.Version, versions[i])
		} else {
			one, err = r.release(tx, *record.Release)
		}
		if err != nil {
			return out, inRecord(i, err)
		}
		out.Recorded = append(out.Recorded, one)
	}
	return out, nil
}

// version records a version. One with its label, or without a label one with its
// content, is known.
func (r *recording) version(tx *store.Tx, v sluice.VersionRecord, p publishing) (sluice.Recorded, error) {
	if err := r.actor.May(sluice.MayPublish, ""); err != nil {
		return sluice.Recorded{}, err
	}
	component, found, err := tx.Component(v.Component)
	if err != nil {
		return sluice.Recorded{}, err
	}
	if !found {
		if component, err = addComponent(tx, r.actor.Name, sluice.AddComponentRequest{Name: v.Component, Kind: v.Kind}); err != nil {
			return sluice.Recorded{}, err
		}
	}
	if known, err := existing(tx, component, p); err != nil || known.Number > 0 {
		return sluice.Recorded{Version: &known}, err
	}
	if p.flow != nil && p.misread == nil {
		if p.pins, err = pinsOf(tx, component, p); err != nil {
			p.pins = nil // what it refers to is not known here
		}
	}
	made, err := addVersion(tx, r.actor.Name, component, p)
	made.Files = nil
	return sluice.Recorded{Version: &made, Created: true}, err
}

func (r *recording) release(tx *store.Tx, rec sluice.ReleaseRecord) (sluice.Recorded, error) {
	e, err := r.environment(tx, rec)
	if err != nil {
		return sluice.Recorded{}, err
	}
	if err := r.actor.May(sluice.MayDeploy, e.Name); err != nil {
		return sluice.Recorded{}, err
	}
	if known, found, err := tx.ReleaseOf(e.Name, rec.Commit); err != nil || found {
		return sluice.Recorded{Release: &known}, err
	}
	if err := expectRelease(tx, e, rec.ExpectedRelease); err != nil {
		return sluice.Recorded{}, err
	}
	slots, err := localSlots(tx, rec.Slots)
	if err != nil {
		return sluice.Recorded{}, err
	}
	plan := sluice.NewPlan(tx, rec.Actor, tx.Now())
	if err := plan.Record(e, slots, r.shared, rec.Ask); err != nil {
		return sluice.Recorded{}, err
	}
	made, err := r.c.append(tx, plan, head{
		actor: r.actor.Name, action: rec.Action, change: sluice.Change{Reason: rec.Reason, Ticket: rec.Ticket},
		source: rec.Source, cause: rec.Cause, author: rec.Actor, at: rec.At, commit: rec.Commit, shared: true,
	})
	if err != nil {
		return sluice.Recorded{}, err
	}
	return sluice.Recorded{Release: &made[0], Created: true, RootDiffers: rec.Root != "" && made[0].Root != rec.Root}, nil
}

// environment finds the environment of a release, which is made or set up as the
// record says.
func (r *recording) environment(tx *store.Tx, rec sluice.ReleaseRecord) (sluice.Environment, error) {
	known, found, err := tx.FindEnvironment(rec.Environment)
	if err != nil {
		return known, err
	}
	alive := found && !known.Deleted
	if rec.Settings == nil {
		if !alive {
			return findEnvironment(tx, rec.Environment)
		}
		return known, nil
	}
	next := known
	if !found {
		next = sluice.Environment{Name: rec.Environment}
	}
	s := rec.Settings
	next.Deleted, next.Alias, next.Parent, next.Tracks, next.PromotesFrom = false, s.Alias, s.Parent, s.Tracks, slices.Clone(s.PromotesFrom)
	if err := checkEnvironment(tx, &next); err != nil {
		return next, err
	}
	if alive && sameSettings(known, next) {
		return known, nil
	}
	r.shared[next.Name] = r.shared[next.Name] || r.shared[rec.Environment]
	if alive {
		if _, err := tx.Append(r.actor.Name, sluice.EntryEnvironmentEdit, next.Name, next); err != nil {
			return next, err
		}
		return next, tx.PutEnvironment(next)
	}
	if !found {
		if next.Position, err = lastPosition(tx); err != nil {
			return next, err
		}
	}
	return next, addEnvironment(tx, r.actor.Name, &next)
}

// sameSettings reports whether nothing about an environment was edited.
func sameSettings(a, b sluice.Environment) bool {
	return a.Alias == b.Alias && a.Parent == b.Parent && a.Tracks == b.Tracks && slices.Equal(a.PromotesFrom, b.PromotesFrom) && a.KeepRuns == b.KeepRuns
}

// localSlots are recorded slots with the numbers that versions have here.
func localSlots(tx *store.Tx, slots []sluice.SlotRecord) ([]sluice.SlotRecord, error) {
	out := slices.Clone(slots)
	for i := range out {
		s := &out[i]
		if s.Origin != "" {
			e, err := findEnvironment(tx, s.Origin)
			if err != nil {
				return nil, err
			}
			s.Origin = e.Name
		}
		name := s.Slot.Component()
		if name == "" {
			continue
		}
		component, err := findComponent(tx, name)
		if err != nil {
			return nil, err
		}
		s.Slot = sluice.ComponentSlot(component.Name)
		for _, v := range []*sluice.Value{&s.Value, &s.Under} {
			if err := localValue(tx, component, v); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func localValue(tx *store.Tx, component sluice.Component, v *sluice.Value) error {
	if v.Version == 0 {
		return nil
	}
	var err error
	if v.Pin, err = localPin(tx, component, v.Pin); err != nil {
		return err
	}
	v.Split = slices.Clone(v.Split)
	for i := range v.Split {
		if v.Split[i].Pin, err = localPin(tx, component, v.Split[i].Pin); err != nil {
			return err
		}
	}
	return nil
}

// localPin finds the version that is meant elsewhere by a label and a digest. Of
// several without a label that have the content, the one with its number is
// meant, else the newest.
func localPin(tx *store.Tx, component sluice.Component, there sluice.Pin) (sluice.Pin, error) {
	if there.Label != "" {
		v, found, err := tx.VersionByLabel(component.Name, there.Label)
		if err == nil && found && v.Digest != there.Digest {
			err = sluice.Errorf(sluice.Conflict, "%s@%s has other content here (%s) than there (%s)", component.Name, there.Label, v.Digest.Short(), there.Digest.Short()).
				Fix("two people published the label apart: publish one of them under another label, and move the tag")
		}
		if err != nil || found {
			return v.Pin(), err
		}
	}
	same, err := tx.VersionsByDigest(component.Name, string(there.Digest))
	if err != nil {
		return sluice.Pin{}, err
	}
	same = slices.DeleteFunc(same, func(v sluice.Version) bool { return v.Digest != there.Digest || v.Label != "" && there.Label == "" })
	if len(same) == 0 {
		return sluice.Pin{}, sluice.Errorf(sluice.NotFound, "%s has no version %s (%s) here", component.Name, there, there.Digest.Short()).
			Fix("record the version before the release")
	}
	if i := slices.IndexFunc(same, func(v sluice.Version) bool { return v.Number == there.Version }); i >= 0 {
		return same[i].Pin(), nil
	}
	return same[0].Pin(), nil
}
