package gitsync

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// history is a run of releases of one environment that are not known here.
type history struct {
	display string
	from    gitrepo.OID // the last commit that is known here, "" when none is
	commits []incoming
	// mine are releases that were made here after from, when both sides went on.
	mine []incoming
}

// incoming is a release as its commit has it.
type incoming struct {
	commit gitrepo.Commit
	head   ReleaseHead
	parent gitrepo.OID // whose manifest it changes: mostly the commit's own parent
	again  bool        // it was made here, and is appended after what others made
}

// releases brings in the histories of all environments, and the versions that they
// need. Before it is known that nobody released apart, nothing is recorded.
func (s *syncer) releases() error {
	if err := s.restore(); err != nil {
		return err
	}
	// A new installation over a repository that has histories already takes those in
	// first: then they are what it has.
	own, err := s.unknown()
	if err == nil {
		own, err = s.goneOn(own)
	}
	if err != nil {
		return err
	}
	if len(own) > 0 {
		if err := s.versions(); err != nil {
			return err
		}
		if err := s.take(own); err != nil {
			return err
		}
	}
	if err := s.export(); err != nil {
		return err
	}
	theirs, err := s.ahead()
	if err != nil {
		return err
	}
	if err := s.versions(); err != nil {
		return err
	}
	if err := s.take(theirs); err != nil {
		return err
	}
	return s.export()
}

// unknown are the histories under the local refs of environments that have no
// release here.
func (s *syncer) unknown() ([]history, error) {
	all := true
	for ref := range s.refs.local {
		if display, ok := ParseEnvironmentRef(ref); ok && s.known[display].Release == 0 {
			all = false
		}
	}
	if all {
		return nil, nil
	}
	mine, err := s.tips(s.refs.local)
	if err != nil {
		return nil, err
	}
	theirs, err := s.tips(s.refs.remote)
	if err != nil {
		return nil, err
	}
	var out []history
	for _, name := range slices.Sorted(maps.Keys(mine)) {
		if s.released[name] > 0 {
			continue
		}
		at := s.own(mine[name], name)
		for _, there := range theirs[name] {
			if on, err := s.b.repo.HasAncestor(s.ctx, at.id, there.id); err != nil {
				return nil, err
			} else if on {
				at = there
			}
		}
		h, err := s.read(at.display, "", at.id)
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

// ahead are the histories in which the remote went on. Where this side went on
// too, the options must say what to do.
func (s *syncer) ahead() ([]history, error) {
	if s.refs.level() {
		return nil, nil
	}
	mine, err := s.tips(s.refs.local)
	if err != nil {
		return nil, err
	}
	theirs, err := s.tips(s.refs.remote)
	if err != nil {
		return nil, err
	}
	var out []history
	apart := &Divergence{}
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		h, err := s.next(s.own(mine[name], name), theirs[name])
		if err != nil {
			return nil, err
		}
		if len(h.commits) == 0 {
			continue
		}
		if sound, err := s.vouched(h); err != nil {
			return nil, err
		} else if !sound {
			continue
		}
		if len(h.mine) > 0 && !s.o.Rebase && !s.o.Theirs {
			apart.add(h)
		}
		out = append(out, h)
	}
	if len(apart.Environments) > 0 {
		return nil, apart
	}
	return out, nil
}

// next is what the first of several histories of the remote has that the one here
// has not. The others are looked at when it was taken in.
func (s *syncer) next(mine tip, theirs []tip) (history, error) {
	for _, there := range theirs {
		if there.id == mine.id {
			continue
		}
		h, err := s.between(there.display, mine.id, there.id)
		if err != nil {
			return h, err
		}
		if len(h.mine) > 0 {
			aside, err := s.b.keptAside(s.ctx, there.id)
			if err != nil {
				return h, err
			}
			if aside {
				continue
			}
		}
		if len(h.commits) > 0 {
			return h, nil
		}
	}
	return history{}, nil
}

// between reads what each of two histories of an environment has that the other
// has not.
func (s *syncer) between(display string, mine, theirs gitrepo.OID) (history, error) {
	if mine == "" {
		return s.read(display, "", theirs)
	}
	if on, err := s.b.repo.HasAncestor(s.ctx, mine, theirs); err != nil || on {
		if err != nil {
			return history{}, err
		}
		return s.read(display, mine, theirs)
	}
	if behind, err := s.b.repo.HasAncestor(s.ctx, theirs, mine); err != nil || behind {
		return history{display: display}, err
	}
	a, err := s.b.repo.Chain(s.ctx, "", mine)
	if err != nil {
		return history{}, err
	}
	b, err := s.b.repo.Chain(s.ctx, "", theirs)
	if err != nil {
		return history{}, err
	}
	base := gitrepo.OID("")
	for i := 0; i < min(len(a), len(b)) && a[i] == b[i]; i++ {
		base = a[i]
	}
	h, err := s.read(display, base, theirs)
	if err != nil {
		return h, err
	}
	own, err := s.read(display, base, mine)
	if err != nil {
		return h, err
	}
	h.mine = own.commits
	h.commits[0].parent = mine // what this side has now is what changes
	return h, nil
}

// read reads the commits of a history after one up to another.
func (s *syncer) read(display string, from, to gitrepo.OID) (history, error) {
	h := history{display: display, from: from}
	ids, err := s.b.repo.Chain(s.ctx, from, to)
	if err != nil {
		return h, err
	}
	before := from
	for _, id := range ids {
		o, found, err := s.reader.Object(string(id))
		if err != nil {
			return h, err
		}
		if !found {
			return h, sluice.Errorf(sluice.NotFound, "commit %s of %s is not in the repository", id.Short(), display).Fix("fetch again: `sluice git sync`")
		}
		c, err := gitrepo.ParseCommit(id, o.Bytes)
		if err != nil {
			return h, err
		}
		head, err := ParseReleaseMessage(c)
		if err != nil {
			return h, err
		}
		h.commits = append(h.commits, incoming{commit: c, head: head, parent: before})
		before = id
	}
	return h, nil
}

// take records histories, in the order in which their releases were made.
func (s *syncer) take(list []history) error {
	var records []sluice.Record
	var order []incoming
	theirs := merged(list)
	apart := goingOn(theirs)
	for i, in := range theirs {
		r, err := s.releaseRecord(in, list)
		if err != nil {
			return err
		}
		r.Apart = apart(i)
		records, order = append(records, sluice.Record{Release: &r}), append(order, in)
	}
	for _, h := range list {
		for _, m := range h.mine {
			s.out.Superseded = append(s.out.Superseded, fmt.Sprintf("%s (%s)", nameOf(m.head), m.commit.ID.Short()))
		}
	}
	whole := false
	if s.o.Rebase {
		again, err := s.rebased(list)
		if err != nil {
			return err
		}
		for _, r := range again {
			whole = true
			records, order = append(records, sluice.Record{Release: &r}), append(order, incoming{again: true})
		}
	}
	if len(records) == 0 {
		return nil
	}
	done, err := s.recordReleases(records, whole)
	if sluice.CodeOf(err) == sluice.Conflict {
		if changed, failed := s.unlabel(records); failed != nil {
			return failed
		} else if changed { // what is recorded already is not recorded again
			done, err = s.recordReleases(records, whole)
		}
	}
	if sluice.CodeOf(err) == sluice.NotFound {
		if found, failed := s.recover(records, order); failed != nil {
			return failed
		} else if found {
			done, err = s.recordReleases(records, whole)
		}
	}
	err = s.lacking(records, err)
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

// goingOn returns the environments that have releases after the one at a place in the
// order in which they are recorded: those say themselves what they inherited of it.
func goingOn(order []incoming) func(at int) []string {
	last := map[string]int{}
	for i, in := range order {
		last[in.head.Environment] = i
	}
	names := slices.Sorted(maps.Keys(last))
	return func(at int) (out []string) {
		for _, name := range names {
			if last[name] > at && name != order[at].head.Environment {
				out = append(out, name)
			}
		}
		return out
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
