package gitsync

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// Divergence is the error of a sync that found releases of one environment that
// were made apart.
type Divergence struct {
	Environments []Apart `json:"environments"`
}

// Apart are the releases of one environment that each side made without the other.
type Apart struct {
	Environment string `json:"environment"` // as it is shown
	Mine        []Line `json:"mine"`
	Theirs      []Line `json:"theirs"`
}

// Line is a release in a list for people.
type Line struct {
	Commit  string        `json:"commit"`
	Release string        `json:"release"` // where it was made
	Actor   string        `json:"actor"`
	Time    sluice.Time   `json:"time"`
	Action  sluice.Action `json:"action"`
	Subject string        `json:"subject"`
}

func (d *Divergence) add(h history) {
	d.Environments = append(d.Environments, Apart{h.display, linesOf(h.mine), linesOf(h.commits)})
}

func linesOf(list []incoming) (out []Line) {
	for _, in := range list {
		subject, _, _ := strings.Cut(in.commit.Message, "\n")
		out = append(out, Line{string(in.commit.ID), nameOf(in.head), in.head.Actor, in.head.Time, in.head.Action, subject})
	}
	return out
}

// Error says where, and what both sides did last.
func (d *Divergence) Error() string { return d.shown().Message }

// Unwrap is the error for users.
func (d *Divergence) Unwrap() error { return d.shown() }

func (d *Divergence) shown() *sluice.Error {
	parts := make([]string, 0, len(d.Environments))
	for _, e := range d.Environments {
		mine, theirs := e.Mine[len(e.Mine)-1], e.Theirs[len(e.Theirs)-1]
		parts = append(parts, fmt.Sprintf("%s was released apart: %q by %s here, %q by %s there", e.Environment, mine.Subject, mine.Actor, theirs.Subject, theirs.Actor))
	}
	return sluice.Errorf(sluice.Conflict, "%s", strings.Join(parts, "; ")).
		Do(sluice.SyncGit("rebase"), "to append yours after theirs").
		Do(sluice.SyncGit("theirs"), "to let theirs stand")
}

// rebased are the releases that were made here, as they are appended after what
// others made, in the order in which they were made. Each slot gets the value that
// it was given here; what is so already is left out, and so is what another of them
// brings along again.
func (s *syncer) rebased(list []history) ([]sluice.ReleaseRecord, error) {
	var mine []history // the releases made here, as histories of their own
	now := map[string]map[sluice.Slot]SlotLine{}
	for _, h := range list {
		if len(h.mine) == 0 {
			continue
		}
		mine = append(mine, history{display: h.display, commits: h.mine})
		text, err := s.manifest(h.commits[len(h.commits)-1].commit.ID)
		if err != nil {
			return nil, err
		}
		on, err := ParseManifest(text)
		if err != nil {
			return nil, err
		}
		lines := map[sluice.Slot]SlotLine{}
		for _, line := range on.Slots {
			lines[line.Slot] = line
		}
		now[on.Environment.Name] = lines
	}
	var out []sluice.ReleaseRecord
	for _, m := range merged(mine) {
		if m.head.Action == sluice.ActionInherited && slices.ContainsFunc(mine, func(h history) bool { return h.causes(m.head) }) {
			continue
		}
		r, err := s.again(m, m.head.Environment, now[m.head.Environment])
		if err != nil {
			return nil, err
		}
		if len(r.Slots) > 0 {
			out = append(out, r)
		}
	}
	return out, nil
}

// causes reports whether a history has the release that another one followed.
func (h history) causes(r ReleaseHead) bool {
	return slices.ContainsFunc(h.commits, func(c incoming) bool {
		return nameOf(c.head) == r.Cause && c.head.Entry.Ledger == r.Entry.Ledger
	})
}

// again is one release made here on top of what is live by then.
func (s *syncer) again(m incoming, environment string, now map[sluice.Slot]SlotLine) (sluice.ReleaseRecord, error) {
	is, err := s.manifest(m.commit.ID)
	if err != nil {
		return sluice.ReleaseRecord{}, err
	}
	was, err := s.manifest(m.parent)
	if err != nil {
		return sluice.ReleaseRecord{}, err
	}
	changes, err := DiffManifests(was, is)
	if err != nil {
		return sluice.ReleaseRecord{}, err
	}
	r := sluice.ReleaseRecord{
		Environment: environment, Actor: m.head.Actor, Action: m.head.Action, Cause: "rebase of " + m.commit.ID.Short(), Source: m.head.Source,
		Reason: m.head.Reason, Ticket: m.head.Ticket, Slots: slotRecords(changes), Ask: m.head.Action != sluice.ActionRollback,
	}
	r.Slots = slices.DeleteFunc(r.Slots, func(c sluice.SlotRecord) bool {
		line := now[c.Slot]
		return alike(line.Value, c.Value) && line.Origin == c.Origin && line.Pinned == c.Pinned
	})
	for i := range r.Slots {
		c := &r.Slots[i]
		line := now[c.Slot]
		if m.head.Action != sluice.ActionRollback {
			c.Under, c.UnderSince = line.Under, line.UnderSince
			if line.Value.Settled() {
				c.Under, c.UnderSince = line.Value, 0
			}
		}
		now[c.Slot] = SlotLine{Slot: c.Slot, Value: c.Value, Under: c.Under, UnderSince: c.UnderSince, Origin: c.Origin, Pinned: c.Pinned}
	}
	return r, nil
}

// alike reports whether two values of different clones are the same: numbers of
// versions are each clone's own.
func alike(a, b sluice.Value) bool {
	return unnumbered(a).Equal(unnumbered(b))
}

func unnumbered(v sluice.Value) sluice.Value {
	if v.Version > 0 {
		v.Version = 1
	}
	v.Split = slices.Clone(v.Split)
	for i := range v.Split {
		v.Split[i].Version = 1
	}
	return v
}

// superseding is the note in a release that took the place of others.
func superseding(mine []incoming) string {
	if len(mine) == 0 {
		return ""
	}
	names := make([]string, len(mine))
	for i, m := range mine {
		names[i] = nameOf(m.head)
	}
	return "supersedes " + sluice.Listing(names, 5)
}
