package gitsync

import (
	"context"
	"io/fs"
	"slices"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// ImportOptions say what becomes of a repository's history.
type ImportOptions struct {
	// Commits are patterns of paths, as [ParsePattern] reads them. With any, each commit
	// that touched a file which matches makes a version, and tags are not looked at.
	Commits []string
	// All walks every commit of every branch, in the order of their dates, and not
	// only from HEAD along the first parents.
	All bool
	// Kind is that of the components that [ImportOptions.Commits] finds; by default
	// it follows from where a file is.
	Kind string
	// Deployments are branches or environment tags that become releases.
	Deployments []Deployment
	// Default is the environment that main and master mean where none is named.
	Default string
	// Committer has who committed act in releases, and not the author.
	Committer bool
	DryRun    bool
	// Here are the components of the project, as it is now.
	Here []Found
	// Project reads the components of another sluice.yaml: of a commit.
	Project func(content []byte) ([]Found, error)
	// Scan finds components by where files are and what they are called.
	Scan func(tree fs.FS) ([]Found, error)
	// Progress is told how far it is, now and then.
	Progress func(versions, releases int)
}

// Found is a component and where its files are.
type Found struct {
	Name string
	Path string // of a file or a directory, from the root of the repository
	Kind string // may be empty
}

// Deployment says that what a branch or the tags of an environment say was released
// to an environment. Without a Ref all are meant that are called as an environment here.
type Deployment struct {
	Ref         string // as people write it: main, refs/heads/main, origin/main
	Environment string // a name or an alias; "" is the one that the ref is called as
}

// Import makes versions and releases of what the repository holds, with the authors
// and dates that they have there. What is known already is not made again, so
// that an import which was cut short goes on where it stopped. Conflict, before
// anything is released, when an environment was live here already; Invalid when
// the history was cut off by a shallow clone.
func (b *Bridge) Import(ctx context.Context, o ImportOptions) (out Imported, err error) {
	if b.repo.Shallow() {
		return out, sluice.Errorf(sluice.Invalid, "the repository is a shallow clone, without the history that is to be imported").
			Fix("fetch the rest of it: `git fetch --unshallow`")
	}
	if o.DryRun {
		return b.importAll(ctx, o)
	}
	err = b.exclusive(ctx, func() (err error) {
		out, err = b.importAll(ctx, o)
		return err
	})
	return out, err
}

func (b *Bridge) importAll(ctx context.Context, o ImportOptions) (Imported, error) {
	im := &importer{
		syncer: &syncer{b: b, ctx: ctx, reader: b.repo.Reader(ctx)}, o: o, now: sluice.TimeOf(time.Now()),
		shelf: map[string]*onShelf{}, read: map[string]content{}, wrote: map[string]bool{}, told: map[string]bool{},
		trees: map[gitrepo.OID][]gitrepo.TreeEntry{},
	}
	im.out.DryRun = o.DryRun
	defer im.reader.Close()
	err := im.all()
	return im.out.finished(), err
}

// importer is one import.
type importer struct {
	*syncer   // whose ways to read tags and check signatures are the same
	o         ImportOptions
	patterns  []Pattern
	now       sluice.Time
	shelf     map[string]*onShelf
	batch     []pending
	size      int                // bytes of the files in the batch
	read      map[string]content // what files hold, by component, name and blob
	wrote     map[string]bool    // authors
	told      map[string]bool    // what is told once
	tagged    []Found            // where tags had their components
	trees     map[gitrepo.OID][]gitrepo.TreeEntry
	lastNames map[string]string // of paths, in the walks so far
	out       Imported
}

func (im *importer) all() error {
	for _, text := range im.o.Commits {
		p, err := ParsePattern(text)
		if err != nil {
			return err
		}
		im.patterns = append(im.patterns, p)
	}
	targets, err := im.targets()
	if err != nil {
		return err
	}
	if err := im.tryFirst(targets); err != nil {
		return err
	}
	if len(im.patterns) > 0 {
		err = im.commits()
	} else {
		err = im.tags()
	}
	if err != nil {
		return err
	}
	for _, t := range targets {
		if err := im.readTarget(t); err != nil {
			return err
		}
	}
	if err := im.flush(); err != nil {
		return err
	}
	return im.release(targets)
}

// tryFirst goes through the import without making anything, where something was
// released since the last one: then it is refused unless it has nothing to release.
func (im *importer) tryFirst(targets []*target) error {
	if im.o.DryRun || !slices.ContainsFunc(targets, func(t *target) bool { return t.prior.foreign != nil }) {
		return nil
	}
	dry := im.o
	dry.DryRun = true
	_, err := im.b.importAll(im.ctx, dry)
	return err
}

// readTarget reads what was released to one environment.
func (im *importer) readTarget(t *target) error {
	if t.tip != "" {
		return im.branchReleases(t)
	}
	return im.tagReleases(t)
}

// commitAt resolves the name of a commit. It is not found when there is no such
// commit.
func (im *importer) commitAt(rev string) (gitrepo.OID, bool, error) {
	id, kind, _, found, err := im.reader.Info(rev + "^{commit}")
	return id, found && kind == "commit", err
}
