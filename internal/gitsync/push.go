package gitsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// Pushed says what a push sent.
type Pushed struct {
	Refs   []string      `json:"refs"` // as the remote has them, sorted
	Remote time.Duration `json:"-"`    // how long the remote took
	// Kept are tags of versions that the remote has with other content.
	Kept []string `json:"kept,omitempty"`
}

// Push sends what the remote does not have: all refs move together, each only from
// where the last look at the remote found it. Conflict when others were quicker,
// and then the remote is as they left it; Unavailable when it cannot be reached.
func (b *Bridge) Push(ctx context.Context) (out Pushed, err error) {
	err = b.exclusive(ctx, func() (err error) {
		out, err = b.push(ctx)
		return err
	})
	return out, err
}

func (b *Bridge) push(ctx context.Context) (out Pushed, err error) {
	if b.cfg.Remote == "" {
		return out, sluice.Errorf(sluice.Invalid, "the project has no remote to push to").
			Fix("add one with `git remote add origin URL`, and name it in sluice.yaml: `git: {remote: origin}`")
	}
	known, err := b.look(ctx)
	if err != nil {
		return out, err
	}
	var list []gitrepo.PushRef
	if list, out.Kept, err = b.outgoing(ctx, known); err != nil || len(list) == 0 {
		return out, err
	}
	if b.cfg.Branch != "" {
		trigger, err := b.trigger(ctx, known, list)
		if err != nil {
			return out, err
		}
		list = append(list, trigger)
	}
	began := time.Now()
	err = b.send(ctx, list)
	out.Remote = time.Since(began)
	if err != nil {
		return out, err
	}
	for _, p := range list {
		out.Refs = append(out.Refs, p.Ref)
	}
	slices.Sort(out.Refs)
	return out, b.remember(ctx, list)
}

// send pushes. The branch that each push moves says nothing of its own: when that
// alone was moved meanwhile, it is moved on from there.
func (b *Bridge) send(ctx context.Context, list []gitrepo.PushRef) error {
	for try := 1; ; try++ {
		err := b.repo.Push(ctx, b.cfg.Remote, list)
		var rejected *gitrepo.Rejected
		if !errors.As(err, &rejected) {
			return err
		}
		last := len(list) - 1
		if b.cfg.Branch == "" || try == 5 || slices.ContainsFunc(rejected.Refs, func(ref string) bool { return ref != list[last].Ref }) {
			return b.quicker(rejected)
		}
		if err := b.repo.Fetch(ctx, b.cfg.Remote, true, b.branchSpec()); err != nil {
			return err
		}
		known, err := b.look(ctx)
		if err != nil {
			return err
		}
		if list[last], err = b.trigger(ctx, known, list[:last]); err != nil {
			return err
		}
	}
}

// quicker explains a push that others were ahead of.
func (b *Bridge) quicker(r *gitrepo.Rejected) error {
	names := make([]string, 0, len(r.Refs))
	for _, ref := range r.Refs {
		names = append(names, strings.TrimPrefix(gitrepo.ShortRef(ref), "refs/sluice/"))
	}
	return sluice.Errorf(sluice.Conflict, "others were quicker: %s moved %s meanwhile, and nothing of yours was sent", b.cfg.Remote, sluice.Listing(names, 4)).
		Do(sluice.SyncGit(""), "see what they did").Because(r)
}

// outgoing are the refs that are to move at the remote, in the order in which they
// may go: what nobody looks for before the rest is there comes first. Conflict when
// releases would be thrown away there.
func (b *Bridge) outgoing(ctx context.Context, known *refs) (list []gitrepo.PushRef, kept []string, err error) {
	list, kept = outgoing(known)
	tags, err := b.outgoingTags(ctx, known)
	if err != nil {
		return nil, kept, err
	}
	list = append(list, tags...)
	slices.SortStableFunc(list, func(a, b gitrepo.PushRef) int { return cmp.Compare(turn(a), turn(b)) })
	return list, kept, b.checkForwards(ctx, list)
}

// outgoing are the refs that differ from what the remote has, besides the tags of
// environments.
func outgoing(known *refs) (list []gitrepo.PushRef, kept []string) {
	for _, ref := range slices.Sorted(maps.Keys(known.local)) {
		is, there := known.local[ref], known.remote[ref]
		if _, shared := RemoteRef("", ref); is.ID == there.ID || !shared {
			continue
		}
		if tag, ok := ParseTagName(ref); isTag(ref) && (!ok || tag.Layout != LayoutPlain || tag.Label == "") {
			continue
		} else if ok && tag.Label != "" && there.ID != "" {
			kept = append(kept, ref) // it never moves
			continue
		} else if _, apart := ParseVersionRef(ref); apart && there.ID != "" {
			continue // it holds the same there
		}
		list = append(list, gitrepo.PushRef{Ref: ref, New: is.ID, Expected: there.ID})
	}
	return list, kept
}

func turn(p gitrepo.PushRef) int {
	_, _, moves := parseEnvironmentTag(p.Ref)
	switch {
	case strings.HasPrefix(p.Ref, SupersededPrefix), strings.HasPrefix(p.Ref, VersionsPrefix):
		return 0
	case strings.HasPrefix(p.Ref, EnvironmentsPrefix):
		return 2
	case moves:
		return 3
	}
	return 1
}

// projectTree is the project as a host should find it on the branch that every
// push moves, with its pipelines: as the remote's own branch has it, so that work
// which was not pushed stays here.
func (b *Bridge) projectTree(ctx context.Context, rd *gitrepo.Reader) (gitrepo.OID, error) {
	tree, _, _, found, err := rd.Info("refs/remotes/" + string(b.cfg.Remote) + "/HEAD^{tree}")
	if err != nil || found {
		return tree, err
	}
	// A reader would end when there is no such branch, and no HEAD that could have one.
	if out, err := b.repo.Run(ctx, nil, "rev-parse", "--verify", "--quiet", "HEAD@{upstream}^{tree}"); err == nil {
		return gitrepo.OID(strings.TrimSpace(string(out))), nil
	}
	if tree, _, _, found, err = rd.Info("HEAD^{tree}"); err != nil || found {
		return tree, err
	}
	return b.repo.Put("tree", nil)
}

// trigger is a commit on the branch that every push moves.
func (b *Bridge) trigger(ctx context.Context, known *refs, list []gitrepo.PushRef) (gitrepo.PushRef, error) {
	p := gitrepo.PushRef{Ref: "refs/heads/" + b.cfg.Branch}
	rd := b.repo.Reader(ctx)
	defer rd.Close()
	tree, err := b.projectTree(ctx, rd)
	if err != nil {
		return p, err
	}
	there := known.branch(b.cfg.Remote, b.cfg.Branch)
	settings, err := b.repo.Settings(ctx)
	if err != nil {
		return p, err
	}
	who := gitrepo.Signature{Name: cmp.Or(settings.UserName, "sluice"), Email: cmp.Or(settings.UserEmail, "sluice"), When: time.Now()}
	// It names none of the refs, so that a search for a component finds its releases.
	message := "sluice: " + counted(len(list), "ref") + " moved\n"
	c := gitrepo.Commit{Tree: tree, Author: who, Committer: who, Message: message}
	if there != "" {
		c.Parents = []gitrepo.OID{there}
	}
	p.Expected = there
	p.New, err = b.repo.Put("commit", c.Encode())
	return p, err
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// remember notes what the remote has since a push.
func (b *Bridge) remember(ctx context.Context, list []gitrepo.PushRef) error {
	updates := make([]gitrepo.Update, 0, len(list))
	for _, p := range list {
		ref, ok := RemoteRef(b.cfg.Remote, p.Ref)
		if p.Ref == "refs/heads/"+b.cfg.Branch {
			ref, ok = branchRef(b.cfg.Remote, b.cfg.Branch), true
		}
		if ok {
			updates = append(updates, gitrepo.Update{Ref: ref, New: p.New, Any: true})
		}
	}
	return b.repo.Update(ctx, updates)
}
