package gitsync

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// Mirror writes what is in the ledger to the repository, and sends to the remote what
// that lacks. With fetch it looks at the remote before, as must be done once.
//
// What was refused by [Bridge.Follow] is left where it is at the remote, and so are
// tags there that Sluice did not make, unless a release here is newer.
//
// Errors: *[gitrepo.Rejected] when others were quicker, for which a look at the
// remote is due; [sluice.Conflict] when the remote has releases that are not known
// here, a *[Divergence] when both sides have; [sluice.Unavailable] and the like when
// it cannot be reached, and then all is sent the next time.
func (b *Bridge) Mirror(ctx context.Context, fetch bool) (out Pushed, err error) {
	err = b.exclusive(ctx, func() (err error) {
		out, err = b.mirror(ctx, fetch)
		return err
	})
	return out, err
}

func (b *Bridge) mirror(ctx context.Context, fetch bool) (out Pushed, err error) {
	f := b.newFollower(ctx, SyncOptions{})
	defer f.reader.Close()
	if fetch {
		if err := b.repo.Fetch(ctx, b.cfg.Remote, true, FetchSpecs(b.cfg.Remote)...); err != nil {
			return out, err
		}
	}
	for _, step := range []func() error{f.begin, f.adoptOwn, f.export, f.unforeseen} {
		if err := step(); err != nil {
			return out, err
		}
	}
	list, kept := outgoing(f.refs)
	tags, err := b.outgoingTags(ctx, f.refs)
	if err != nil {
		return out, err
	}
	out.Kept, list = kept, f.allowed(append(list, tags...))
	if err := b.checkForwards(ctx, list); err != nil || len(list) == 0 {
		return out, err
	}
	slices.SortStableFunc(list, func(a, b gitrepo.PushRef) int { return cmp.Compare(turn(a), turn(b)) })
	if err := b.repo.Push(ctx, b.cfg.Remote, list); err != nil {
		return out, err
	}
	for _, p := range list {
		out.Refs = append(out.Refs, p.Ref)
	}
	slices.Sort(out.Refs)
	return out, b.remember(ctx, list)
}

// unforeseen finds releases of the remote that are not known here: sending would
// throw them away.
func (f *follower) unforeseen() error {
	var ahead []error
	for _, ref := range slices.Sorted(maps.Keys(f.refs.remote)) {
		display, ok := ParseEnvironmentRef(ref)
		theirs, mine := f.refs.remote[ref].ID, f.refs.local[ref].ID
		if _, waits := f.refused[ref]; !ok || waits || theirs == mine {
			continue
		}
		h, err := f.between(display, mine, theirs)
		switch {
		case err != nil:
			return err
		case len(h.mine) > 0:
			f.apart.add(h)
		case len(h.commits) > 0:
			last := h.commits[len(h.commits)-1]
			ahead = append(ahead, sluice.Errorf(sluice.Conflict, "%s has releases there that are not known here, the last one %q by %s", display, subjectOf(last), last.head.Actor).
				Fix("take them in: start the server with --git too, or once, as an administrator: POST /v1/git/sync {\"rebase\":true}"))
		}
	}
	if len(f.apart.Environments) > 0 {
		return errors.Join(f.apart.served(), f.apart)
	}
	return errors.Join(ahead...)
}

// allowed leaves out what is to stay as it is at the remote.
func (f *follower) allowed(list []gitrepo.PushRef) []gitrepo.PushRef {
	return slices.DeleteFunc(list, func(p gitrepo.PushRef) bool {
		if _, waits := f.refused[p.Ref]; waits {
			return true
		}
		_, display, tag := parseEnvironmentTag(p.Ref)
		_, waits := f.refused[EnvironmentRef(display)]
		return tag && waits // its tags say what the releases that wait say
	})
}
