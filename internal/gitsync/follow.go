package gitsync

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// FollowOptions say how a server takes in what a repository has.
type FollowOptions struct {
	Offline bool // look at what was fetched before
	Rebase  bool // append what was released here after what others released
	Theirs  bool // let what others released stand, and supersede what was released here
	Shared  bool // other servers over the same ledger follow the repository too
	// Places learns where components are, for who asks it; may be nil.
	Places *Places
}

// Followed says what a look brought in.
type Followed struct {
	Results []sluice.GitResult // of refs that moved, or were tried again, by name
	Apart   *Divergence        // releases that were made apart, and that nobody decided about
	Notes   []string
}

// Follow is [Bridge.Sync] for a server, whom nobody watches: what cannot be taken in
// holds back nothing but itself. A ref that is refused is told of, and looked at
// again when it moves, or when something was recorded since: a policy that was
// edited, a quarantine that was lifted. Of an environment's history what comes
// before a refused release is taken in; what comes after it waits.
//
// Errors are of the remote, of the repository and of the installation alone.
func (b *Bridge) Follow(ctx context.Context, o FollowOptions) (out Followed, err error) {
	err = b.exclusive(ctx, func() (err error) {
		out, err = b.follow(ctx, o)
		return err
	})
	return out, err
}

func (b *Bridge) follow(ctx context.Context, o FollowOptions) (Followed, error) {
	f := b.newFollower(ctx, SyncOptions{Offline: o.Offline, Rebase: o.Rebase, Theirs: o.Theirs})
	f.shared = o.Shared
	defer f.reader.Close()
	if !o.Offline {
		if err := b.repo.Fetch(ctx, b.cfg.Remote, true, b.specs()...); err != nil {
			return Followed{}, err
		}
	}
	err := f.begin()
	if err == nil {
		err = f.tryAgain()
	}
	if err == nil && o.Places != nil {
		err = o.Places.learn(f.syncer)
	}
	for _, step := range []func() error{f.adoptOwn, f.takeVersions, f.export, f.takeHistories, f.export, f.takeMoves, f.keepRefused} {
		if err == nil {
			err = step()
		}
	}
	out := Followed{Notes: f.out.Notes}
	if len(f.apart.Environments) > 0 {
		out.Apart = f.apart
	}
	for _, ref := range slices.Sorted(maps.Keys(f.results)) {
		out.Results = append(out.Results, f.results[ref])
	}
	return out, err
}

// follower is one look.
type follower struct {
	*syncer
	refused map[string]refusedRef // by ref, of this look and of those before
	results map[string]sluice.GitResult
	apart   *Divergence
	shared  bool
}

func (b *Bridge) newFollower(ctx context.Context, o SyncOptions) *follower {
	return &follower{
		syncer:  &syncer{b: b, ctx: ctx, o: o, reader: b.repo.Reader(ctx), manifests: map[gitrepo.OID][]byte{}},
		results: map[string]sluice.GitResult{}, apart: &Divergence{},
	}
}

// begin finds out what is where.
func (f *follower) begin() (err error) {
	if f.refs, err = f.b.look(f.ctx); err != nil {
		return err
	}
	if err := f.installation(); err != nil {
		return err
	}
	f.refused, err = f.b.loadRefused(f.ledger)
	return err
}

// succeed notes that a ref was taken in.
func (f *follower) succeed(r sluice.GitResult) {
	r.State = sluice.GitSuccess
	delete(f.refused, r.Ref)
	f.results[r.Ref] = r
}

// fail notes that a ref was not taken in.
func (f *follower) fail(r sluice.GitResult, why error) {
	e := sluice.AsError(why)
	r.State, r.Fixes = sluice.GitFailure, e.Fixes
	r.Description = strings.TrimPrefix(e.Message, "record 1: ") // which is all that there was
	f.refused[r.Ref] = refusedRef{ID: f.refs.remote[r.Ref].ID, Result: r}
	f.results[r.Ref] = r
}

// of begins what is said of a ref.
func (f *follower) of(ref string) sluice.GitResult {
	r := sluice.GitResult{Ref: ref, Commit: sluice.Commit(f.refs.remote[ref].Peeled)}
	if display, ok := ParseEnvironmentRef(ref); ok {
		r.Environment = f.nameOf(display)
	} else if component, ok := ParseVersionRef(ref); ok {
		r.Component = component
	} else if tag, ok := ParseTagName(ref); ok {
		if r.Component = tag.Component; tag.Label == "" {
			r.Environment = f.nameOf(tag.Environment)
		}
	}
	return r
}

// nameOf is the name of an environment whose refs have its display name.
func (f *follower) nameOf(display string) string {
	if e := f.known[display]; e.Name != "" {
		return e.Name
	}
	return display
}
