package gitsync

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// take records histories, in the order in which their releases were made.
func (s *syncer) take(list []history) error {
	records, order, err := s.gather(list)
	if err != nil || len(records) == 0 {
		return err
	}
	done, err := s.recordHelped(records, order)
	var differ []string
	for i, d := range done {
		switch {
		case !d.Created:
		case order[i].again:
			s.out.Rebased = append(s.out.Rebased, *d.Release)
		default:
			s.out.Recorded = append(s.out.Recorded, *d.Release)
			if d.RootDiffers {
				differ = append(differ, d.Release.Ref())
			}
		}
	}
	s.noteRoots(differ)
	if err != nil {
		return err
	}
	return s.installation()
}

// gather reads the records of histories, and what was made here and is to be
// appended again.
func (s *syncer) gather(list []history) (records []sluice.Record, order []incoming, err error) {
	theirs := merged(list)
	apart := saying(theirs)
	for _, in := range theirs {
		r, err := s.releaseRecord(in, list)
		if err != nil {
			return nil, nil, err
		}
		r.Apart = apart(in.head)
		records, order = append(records, sluice.Record{Release: &r}), append(order, in)
	}
	for _, h := range list {
		for _, m := range h.mine {
			s.out.Superseded = append(s.out.Superseded, fmt.Sprintf("%s (%s)", nameOf(m.head), m.commit.ID.Short()))
		}
	}
	if !s.o.Rebase {
		return records, order, nil
	}
	again, err := s.rebased(list)
	for _, r := range again {
		records, order = append(records, sluice.Record{Release: &r}), append(order, incoming{again: true})
	}
	return records, order, err
}

// recordHelped records releases. Labels that stand for other content here are left
// out, and versions that have no tag are read from the releases, when they are in
// the way.
func (s *syncer) recordHelped(records []sluice.Record, order []incoming) ([]sluice.Recorded, error) {
	whole := order[len(order)-1].again
	done, err := s.recordReleases(records, whole)
	if sluice.CodeOf(err) == sluice.Conflict {
		if changed, failed := s.unlabel(records); failed != nil {
			return nil, failed
		} else if changed { // what is recorded already is not recorded again
			done, err = s.recordReleases(records, whole)
		}
	}
	if sluice.CodeOf(err) == sluice.NotFound {
		if found, failed := s.recover(records, order); failed != nil {
			return nil, failed
		} else if found {
			done, err = s.recordReleases(records, whole)
		}
	}
	err = s.lacking(records, err)
	if whole && refuse(err) {
		err = unappended(records, err)
	}
	return done, err
}

var recordNumber = regexp.MustCompile(`^record (\d{1,6}): `)

// unappended says which release it is that cannot be appended again.
func unappended(records []sluice.Record, err error) error {
	known := sluice.AsError(err)
	out := sluice.Errorf(known.Code, "%s", known.Message).Because(err)
	out.Fixes = slices.Clone(known.Fixes)
	if m := recordNumber.FindStringSubmatch(known.Message); m != nil {
		if n, _ := strconv.Atoi(m[1]); n >= 1 && n <= len(records) {
			r := records[n-1].Release
			out.Message = fmt.Sprintf("nothing was changed, since the %s in %s by %s cannot be appended: %s", r.Action, r.Environment, r.Actor, known.Message[len(m[0]):])
		}
	}
	return out.Do(sluice.SyncGit("theirs"), "to let theirs stand")
}

// recordReleases records at once what must come together: what was made here and
// is appended again may be refused, and then nothing may have changed.
func (s *syncer) recordReleases(records []sluice.Record, whole bool) ([]sluice.Recorded, error) {
	if !whole {
		return s.record(records)
	}
	report, err := s.b.services.Record(s.ctx, sluice.RecordRequest{Records: records})
	return report.Recorded, err
}

func nameOf(h ReleaseHead) string { return fmt.Sprintf("%s#%d", h.Environment, h.Number) }

// noteRoots tells of releases that have another root here.
func (s *syncer) noteRoots(releases []string) {
	if len(releases) > 0 {
		s.out.Notes = append(s.out.Notes, "another root here than where it was made: "+sluice.Listing(releases, 4)+", since versions were published apart and have other numbers")
	}
}

func (s *syncer) note(_ incoming, r *sluice.Release) { s.noteRoots([]string{r.Ref()}) }

// merged are the releases of several histories in the order in which they were
// made: by the ledger where it is one ledger's, else by time; never against the
// order of a history.
func merged(list []history) []incoming {
	var out []incoming
	at := make([]int, len(list))
	for {
		next := -1
		for i, h := range list {
			if at[i] < len(h.commits) && (next < 0 || before(h.commits[at[i]].head, list[next].commits[at[next]].head)) {
				next = i
			}
		}
		if next < 0 {
			return out
		}
		out = append(out, list[next].commits[at[next]])
		at[next]++
	}
}

func before(a, b ReleaseHead) bool {
	if a.Entry.Ledger == b.Entry.Ledger {
		return a.Entry.Seq < b.Entry.Seq
	}
	return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(inherits(a), inherits(b)), cmp.Compare(a.Entry.Ledger, b.Entry.Ledger)) < 0
}

// inherits is 1 of a release that followed another one, whose time it has.
func inherits(h ReleaseHead) int {
	if h.Action == sluice.ActionInherited {
		return 1
	}
	return 0
}

// releaseRecord is a release as it is recorded here.
func (s *syncer) releaseRecord(in incoming, all []history) (sluice.ReleaseRecord, error) {
	is, err := s.manifest(in.commit.ID)
	if err != nil {
		return sluice.ReleaseRecord{}, err
	}
	was, err := s.manifest(in.parent)
	if err != nil {
		return sluice.ReleaseRecord{}, err
	}
	changes, err := DiffManifests(was, is)
	if err != nil {
		return sluice.ReleaseRecord{}, err
	}
	head, _, err := HeadOf(is)
	if err != nil {
		return sluice.ReleaseRecord{}, err
	}
	r := sluice.ReleaseRecord{
		Environment: head.Name, Commit: sluice.Commit(in.commit.ID), Actor: in.head.Actor, Action: in.head.Action, At: in.head.Time,
		Cause: in.head.Cause, Source: in.head.Source, Reason: in.head.Reason, Ticket: in.head.Ticket, Root: in.head.Root,
		Slots: slotRecords(changes), Ask: s.b.cfg.Ask,
	}
	for _, h := range all {
		if r.Cause == "" && len(h.mine) > 0 && h.commits[0].commit.ID == in.commit.ID {
			r.Cause = superseding(h.mine)
		}
	}
	r.Settings = &sluice.EnvironmentRecord{Alias: head.Alias, Parent: head.Parent, Tracks: head.Tracks, PromotesFrom: head.PromotesFrom}
	return r, nil
}

// saying returns which environments' own releases say what they inherited of one: all
// others that something is recorded of. What followed where a release was made is
// among that; and one that nobody there knew of gets it from who does.
func saying(order []incoming) func(r ReleaseHead) []string {
	var names []string
	for _, in := range order {
		names = append(names, in.head.Environment)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return func(r ReleaseHead) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == r.Environment })
	}
}

func slotRecords(changes []LineChange) []sluice.SlotRecord {
	out := make([]sluice.SlotRecord, 0, len(changes))
	for _, c := range changes {
		r := sluice.SlotRecord{Slot: c.Slot}
		if c.To != nil {
			r.Value, r.Under, r.UnderSince, r.Origin, r.Pinned = c.To.Value, c.To.Under, c.To.UnderSince, c.To.Origin, c.To.Pinned
		}
		out = append(out, r)
	}
	return out
}

// manifest is the manifest of a commit, none before the first.
func (s *syncer) manifest(commit gitrepo.OID) ([]byte, error) {
	if commit == "" {
		return nil, nil
	}
	if text, known := s.manifests[commit]; known {
		return text, nil
	}
	text, err := readManifest(s.reader, commit)
	if err == nil {
		if len(s.manifests) > 64 { // a history is read in order: only the last ones are asked for again
			clear(s.manifests)
		}
		s.manifests[commit] = text
	}
	return text, err
}
