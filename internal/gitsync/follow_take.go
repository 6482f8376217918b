package gitsync

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// takeVersions records the versions of refs that were not looked into.
func (f *follower) takeVersions() error {
	before, from := maps.Clone(f.seen), len(f.out.Refused)
	err := f.versions()
	f.refusals(from)
	for _, ref := range slices.Sorted(maps.Keys(f.refs.remote)) {
		is := f.refs.remote[ref].ID
		_, told := f.results[ref]
		waited := before["refused:"+ref] != ""
		if told || !isVersionRef(ref) || f.seen["remote:"+ref] != is || f.refusedAs(ref, is) || before["remote:"+ref] == is && !waited {
			continue
		}
		r := f.of(ref)
		r.Description = "published " + strings.TrimPrefix(strings.TrimPrefix(ref, TagsPrefix), VersionsPrefix)
		f.succeed(r)
	}
	return err
}

// refusals takes over what the parts of a sync refused, from one on.
func (f *follower) refusals(from int) {
	for _, refusal := range f.out.Refused[from:] {
		r := f.of(refusal.Ref)
		r.Actor = refusal.Actor
		why := sluice.Errorf(sluice.Refused, "%s", refusal.Reason)
		why.Fixes = refusal.Fixes
		f.fail(r, why)
	}
}

// recordEach records what it can. When something is refused, what came with it is
// recorded one by one. Told hears of each; what it makes skip report is left out.
func (s *syncer) recordEach(records []sluice.Record, skip func(i int) bool, told func(i int, d sluice.Recorded, why error)) error {
	for from := 0; from < len(records); from += recordsAtOnce {
		var some []int
		for i := from; i < min(from+recordsAtOnce, len(records)); i++ {
			if skip == nil || !skip(i) {
				some = append(some, i)
			}
		}
		if err := s.recordSome(records, some, skip, told); err != nil {
			return err
		}
	}
	return nil
}

func (s *syncer) recordSome(records []sluice.Record, some []int, skip func(i int) bool, told func(i int, d sluice.Recorded, why error)) error {
	together := make([]sluice.Record, len(some))
	for at, i := range some {
		together[at] = records[i]
	}
	done, err := s.record(together)
	if err != nil && !refuse(err) {
		return err
	}
	for at, d := range done {
		told(some[at], d, nil)
	}
	for _, i := range some[len(done):] {
		if skip != nil && skip(i) {
			continue
		}
		done, err := s.record(records[i : i+1])
		if err != nil && !refuse(err) {
			return err
		}
		d := sluice.Recorded{}
		if err == nil {
			d = done[0]
		}
		told(i, d, err)
	}
	return nil
}

// takeHistories records what others released.
func (f *follower) takeHistories() error {
	if f.refs.level() {
		return nil
	}
	from := len(f.out.Refused)
	mine, err := f.tips(f.refs.local)
	if err != nil {
		return err
	}
	theirs, err := f.tips(f.refs.remote)
	f.refusals(from)
	if err != nil {
		return err
	}
	var plain []history
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		waits := func(t tip) bool { return f.refused[EnvironmentRef(t.display)].ID == t.id }
		h, err := f.next(f.own(mine[name], name), slices.DeleteFunc(theirs[name], waits))
		ref := EnvironmentRef(h.display)
		switch {
		case refuse(err):
			for _, t := range theirs[name] {
				f.fail(f.of(EnvironmentRef(t.display)), err)
			}
		case err != nil:
			return err
		case len(h.commits) == 0:
		case !f.sound(h, &err):
			if err != nil {
				return err
			}
		case len(h.mine) == 0:
			plain = append(plain, h)
		case f.o.Rebase || f.o.Theirs:
			if err := f.decide(ref, h); err != nil {
				return err
			}
		default:
			f.apart.add(h)
			f.fail(f.of(ref), (&Divergence{f.apart.Environments[len(f.apart.Environments)-1:]}).served())
			r := f.refused[ref]
			r.Apart = true
			f.refused[ref] = r
		}
	}
	return f.takeEach(plain)
}

// sound reports whether the signatures of tags stand for a history. When not it is
// refused.
func (f *follower) sound(h history, failed *error) bool {
	from := len(f.out.Refused)
	sound, err := f.vouched(h)
	f.refusals(from)
	*failed = err
	return sound && err == nil
}

// served is the error for who looks after a server.
func (d *Divergence) served() error {
	return sluice.Errorf(sluice.Conflict, "%s", d.Error()).
		Fix(`to append the server's after theirs, as an administrator: POST /v1/git/sync {"rebase":true}`).
		Fix(`to let theirs stand: POST /v1/git/sync {"theirs":true}`)
}

// decide takes in a history whose releases were made apart from those here.
func (f *follower) decide(ref string, h history) error {
	before := len(f.out.Recorded)
	if err := f.take([]history{h}); refuse(err) {
		f.fail(f.of(ref), err)
		return nil
	} else if err != nil {
		return err
	}
	r := f.of(ref)
	if made := f.out.Recorded[before:]; len(made) > 0 {
		r.Release = made[len(made)-1].Ref()
	}
	r.Description = subjectOf(h.commits[len(h.commits)-1])
	f.succeed(r)
	return nil
}

func subjectOf(in incoming) string {
	subject, _, _ := strings.Cut(in.commit.Message, "\n")
	return subject
}

// takeEach records histories in the order in which their releases were made. When
// one is refused, those after it in its environment wait, and so do those that
// followed from it elsewhere.
func (f *follower) takeEach(list []history) error {
	where := map[gitrepo.OID]string{} // the ref of each commit
	for _, h := range list {
		for _, in := range h.commits {
			where[in.commit.ID] = EnvironmentRef(h.display)
		}
	}
	order := merged(list)
	blocked, refused, bad := map[string]bool{}, map[string]bool{}, map[int]error{}
	block := func(in incoming, why error) {
		ref := where[in.commit.ID]
		r := f.of(ref)
		r.Actor = in.head.Actor
		blocked[ref], refused[in.head.Entry.Ledger+" "+nameOf(in.head)] = true, true
		f.fail(r, why)
	}
	skip := func(i int) bool {
		in := order[i]
		follows := in.head.Action == sluice.ActionInherited && refused[in.head.Entry.Ledger+" "+in.head.Cause]
		if follows && !blocked[where[in.commit.ID]] {
			block(in, sluice.Errorf(sluice.Refused, "it inherits %s, which was refused", in.head.Cause).Fix("see to that first"))
		}
		if bad[i] != nil && !blocked[where[in.commit.ID]] {
			block(in, bad[i])
		}
		return blocked[where[in.commit.ID]]
	}
	records := make([]sluice.Record, len(order))
	apart := saying(order)
	for i, in := range order {
		r, err := f.releaseRecord(in, list)
		r.Apart = apart(in.head)
		if refuse(err) {
			bad[i] = err
		} else if err != nil {
			return err
		}
		records[i] = sluice.Record{Release: &r}
	}
	made := false
	err := f.recordEach(records, skip, func(i int, d sluice.Recorded, why error) {
		in := order[i]
		if why != nil {
			d, why = f.mend(records[i:i+1], order[i:i+1], why)
		}
		if why != nil {
			block(in, why)
			return
		}
		made = made || d.Created
		r := f.of(where[in.commit.ID])
		r.Actor, r.Release, r.Description = in.head.Actor, d.Release.Ref(), subjectOf(in)
		f.succeed(r)
		if d.Created && d.RootDiffers {
			f.note(in, d.Release)
		}
	})
	if err != nil || !made {
		return err
	}
	return f.installation()
}

// mend records a release that was refused since versions have other labels here, or
// are in no tag, as far as that can be put right.
func (f *follower) mend(records []sluice.Record, order []incoming, why error) (sluice.Recorded, error) {
	again, err := false, error(nil)
	switch sluice.CodeOf(why) {
	case sluice.Conflict:
		again, err = f.unlabel(records)
	case sluice.NotFound:
		again, err = f.recover(records, order)
	}
	if err != nil || !again {
		return sluice.Recorded{}, cmp.Or(err, f.lacking(records, why))
	}
	done, err := f.record(records)
	if err != nil {
		return sluice.Recorded{}, f.lacking(records, err)
	}
	return done[0], nil
}
