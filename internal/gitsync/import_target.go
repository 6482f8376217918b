package gitsync

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// target is an environment with what becomes its releases: the commits of a branch,
// or tags.
type target struct {
	env   sluice.Environment
	ref   string      // as it was named
	tip   gitrepo.OID // of the branch; "" for tags
	tags  []moved
	prior prior
	deeds []deed
	// follows says that it inherits from another target, whose releases give it some
	// between its own.
	follows bool
	made    bool // the environment is made by the first release
}

// moved is the tag of an environment.
type moved struct {
	ref  gitrepo.Ref
	name TagName
}

// deed is what becomes one release.
type deed struct {
	of     string // what it is of, as its cause has it: a commit, or a tag and its component
	at     sluice.Time
	second int64 // of its date
	actor  string
	reason string
	slots  []live
}

// live is what a component holds since a deed.
type live struct {
	component string
	digest    sluice.Digest // "" is nothing
	commit    sluice.Commit
	label     sluice.Label // as a tag says; mostly none
}

// targets finds what is to become releases, and where; in the order in which lists
// have the environments, so that parents come first.
func (im *importer) targets() ([]*target, error) {
	if len(im.o.Deployments) == 0 {
		return nil, nil
	}
	refs, err := im.b.repo.Refs(im.ctx, "refs/heads", "refs/remotes", "refs/tags")
	if err != nil {
		return nil, err
	}
	w := wheres{im: im, branches: map[string]gitrepo.Ref{}}
	for _, r := range refs {
		if name, ok := ParseTagName(r.Name); ok && name.Environment != "" {
			w.tags = append(w.tags, moved{r, name})
		} else if !strings.HasPrefix(r.Name, "refs/tags/") && r.Kind == "commit" {
			w.branches[r.Name] = r
		}
	}
	var out []*target
	all := false
	for _, d := range im.o.Deployments {
		if d.Ref == "" {
			all = true
			continue
		}
		t, err := w.named(d)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	if all {
		if out, err = w.everywhere(out); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out, func(a, b *target) int { return cmp.Compare(a.env.Position, b.env.Position) })
	for i, t := range out {
		if other := slices.IndexFunc(out[:i], func(o *target) bool { return o.env.Name == t.env.Name }); other >= 0 {
			return nil, sluice.Errorf(sluice.Invalid, "%s and %s cannot both be the history of %s", out[other].ref, t.ref, t.env.Name).
				Fix("name one of them, or import them into two environments")
		}
		if t.made {
			continue
		}
		if t.prior, err = im.priorTo(t.env); err != nil {
			return nil, err
		}
		if err := t.prior.check(t); err != nil {
			return nil, err
		}
	}
	return out, im.related(out)
}

// related finds out which targets inherit from others.
func (im *importer) related(targets []*target) error {
	list, err := im.b.services.Environments(im.ctx, false)
	if err != nil {
		return err
	}
	parents := map[string]string{}
	for _, e := range list {
		parents[e.Name] = e.Parent
	}
	for _, t := range targets {
		at := t.env.Parent
		for range list {
			t.follows = t.follows || slices.ContainsFunc(targets, func(o *target) bool { return o.env.Name == at })
			at = parents[at]
		}
	}
	return nil
}

// wheres are the branches and tags that a deployment may mean.
type wheres struct {
	im       *importer
	branches map[string]gitrepo.Ref // by their full names
	tags     []moved
}

// branch finds a branch by the name that people give it.
func (w wheres) branch(name string) (gitrepo.Ref, bool) {
	remote := firstWord(string(w.im.b.cfg.Remote), "origin")
	for _, full := range []string{name, "refs/heads/" + name, "refs/remotes/" + name, "refs/remotes/" + remote + "/" + name} {
		if r, ok := w.branches[full]; ok {
			return r, true
		}
	}
	return gitrepo.Ref{}, false
}

// called are the tags of an environment.
func (w wheres) called(names ...string) (out []moved) {
	for _, m := range w.tags {
		for _, name := range names {
			if name != "" && sluice.FoldName(m.name.Environment) == sluice.FoldName(name) {
				out = append(out, m)
				break
			}
		}
	}
	return out
}

// everywhere adds all environments here that have a branch or tags, and that were
// not named. A branch is preferred, since it has a history.
func (w wheres) everywhere(out []*target) ([]*target, error) {
	list, err := w.im.b.services.Environments(w.im.ctx, false)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if slices.ContainsFunc(out, func(t *target) bool { return t.env.Name == e.Name }) {
			continue
		}
		tags := w.called(e.Name, e.Alias)
		for _, name := range []string{e.Name, e.Alias} {
			ref, ok := w.branch(name)
			if name == "" || !ok {
				continue
			}
			out = append(out, &target{env: e, ref: name, tip: ref.ID})
			if len(tags) > 0 {
				w.im.out.Notes = append(w.im.out.Notes, "the tags of "+e.Name+" are left out: its history is taken from the branch "+name)
			}
			tags = nil
			break
		}
		if len(tags) > 0 {
			out = append(out, &target{env: e, ref: e.Display(), tags: tags})
		}
	}
	if len(out) == 0 {
		w.im.out.Notes = append(w.im.out.Notes, "no branch and no tag is called as an environment here: name a branch with --deployments main=production")
	}
	return out, nil
}

// named is what one branch or the tags of one name are to become.
func (w wheres) named(d Deployment) (*target, error) {
	t := &target{ref: d.Ref}
	ref, ok := w.branch(d.Ref)
	if t.tip = ref.ID; !ok {
		t.tags = w.called(strings.TrimPrefix(d.Ref, "tags/"))
	}
	if !ok && len(t.tags) == 0 {
		if id, found, err := w.im.commitAt(d.Ref); err != nil || found && gitrepo.CheckRef(d.Ref) == nil {
			t.tip, ok = id, true
		}
	}
	if !ok && len(t.tags) == 0 {
		return nil, sluice.Errorf(sluice.NotFound, "there is no branch %s, and no tag components/NAME/%s", clip(d.Ref), clip(d.Ref)).
			Fix("see what there is: `git branch --all`")
	}
	into := d.Environment
	if into == "" {
		into = d.Ref
		if short := d.Ref[strings.LastIndexByte(d.Ref, '/')+1:]; short == "main" || short == "master" {
			into = w.im.o.Default
		}
	}
	var err error
	t.env, err = w.im.b.services.Environment(w.im.ctx, into)
	switch {
	case sluice.CodeOf(err) != sluice.NotFound:
	case d.Environment == "":
		err = sluice.AsError(err).Fix("say which environment it is: --deployments %s=production", d.Ref)
	default:
		t.env, err = w.fresh(into, err)
		t.made = err == nil
	}
	return t, err
}

// fresh is an environment that is made by its first release, and holds nothing but
// what is imported: also where others would inherit something. A name that looks like
// a slip for another's is not found.
func (w wheres) fresh(name string, unknown error) (sluice.Environment, error) {
	list, err := w.im.b.services.Environments(w.im.ctx, true)
	if err != nil {
		return sluice.Environment{}, err
	}
	var names []string
	last := 0
	for _, e := range list {
		names = append(names, e.Name, e.Alias)
		last = max(last, e.Position)
	}
	if sluice.Slip(name, names) != "" {
		return sluice.Environment{}, unknown
	}
	e := sluice.Environment{Name: name, Parent: sluice.Base, Position: last + 1}
	return e, sluice.CheckEnvironment(e)
}
