package cli

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/gitrepo"
	"github.com/sluice-dev/sluice/internal/gitsync"
)

// readCommitted finds the content of a component as committed, and where. It
// returns no files when the component has no place in the project.
func (e *env) readCommitted(ctx context.Context, g *gitProject, component string, commit *sluice.Commit) (content, error) {
	c, _ := g.project.Component(component)
	if c.Path == "" {
		return content{kind: c.Kind}, nil
	}
	files, at, err := e.committed(ctx, g, c)
	*commit = at
	return content{files, c.Kind, c.Path}, err
}

// committed is what a component of the project is as committed at HEAD. It is
// refused when the work tree has something else: what people see in their editor
// would not be what is published.
func (e *env) committed(ctx context.Context, g *gitProject, c config.Component) ([]sluice.File, sluice.Commit, error) {
	place, _ := g.place(c.Name)
	typed := e.typed(g, place)
	rd := g.repo.Reader(ctx)
	defer rd.Close()
	head, kind, _, found, err := rd.Info("HEAD")
	if err != nil {
		return nil, "", err
	}
	if !found || kind != "commit" {
		return nil, "", sluice.Errorf(sluice.NotFound, "the repository has no commit yet, and a version is published as committed").
			Fix("commit it: `git add %s && git commit`", typed).Fix("or publish what is in the work tree: --worktree")
	}
	if err := e.clean(ctx, g, c, place); err != nil {
		return nil, "", err
	}
	files, err := gitsync.FilesAt(rd, head, place)
	if sluice.CodeOf(err) == sluice.NotFound {
		err = e.uncommitted(g, rd, c, head, place)
	}
	return files, sluice.Commit(head), err
}

// uncommitted explains that HEAD has no files of a component, though the work tree
// is clean.
func (e *env) uncommitted(g *gitProject, rd *gitrepo.Reader, c config.Component, head gitrepo.OID, place string) error {
	typed := e.typed(g, place)
	for dir := path.Dir(strings.TrimSuffix(place, "/")); dir != "."; dir = path.Dir(dir) {
		if at, err := rd.Files(head, dir); err == nil && len(at) == 1 && at[0].Mode == gitrepo.ModeModule {
			return sluice.Errorf(sluice.Invalid, "%s of %s is in %s, which is a submodule", typed, c.Name, e.typed(g, dir)).
				Fix("run sluice in the submodule, which is a repository of its own").Fix("or publish what is in the work tree: --worktree")
		}
	}
	if _, err := os.Stat(filepath.Join(g.repo.Top, filepath.FromSlash(place))); err == nil {
		return sluice.Errorf(sluice.NotFound, "%s of %s is not committed: Git ignores it", typed, c.Name).
			Fix("commit it all the same: `git add --force %s && git commit`", typed).Fix("or publish what is in the work tree: --worktree")
	}
	return sluice.Errorf(sluice.NotFound, "there is no %s, which sluice.yaml names for %s", typed, c.Name).
		Fix("write and commit it, or correct the path in sluice.yaml").Fix("or name the content: --file PATH")
}

// typed is a path from the root of the repository as a person types it here.
func (e *env) typed(g *gitProject, place string) string {
	here, err := filepath.EvalSymlinks(e.Dir)
	if err != nil {
		return place
	}
	shown := filepath.ToSlash(relative(here, filepath.Join(g.repo.Top, filepath.FromSlash(place))))
	if strings.HasSuffix(place, "/") {
		shown += "/"
	}
	return shown
}

// clean refuses a component whose files are not as committed.
func (e *env) clean(ctx context.Context, g *gitProject, c config.Component, place string) error {
	at := strings.TrimSuffix(place, "/")
	out, err := g.repo.Run(ctx, nil, "--literal-pathspecs", "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", g.inTop(at))
	if err != nil {
		return err
	}
	var changed []string
	for _, line := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		if len(line) > 3 && !hiddenBelow(at, line[3:]) {
			changed = append(changed, e.typed(g, line[3:]))
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return sluice.Errorf(sluice.Conflict, "%s is not as committed at HEAD: %s", c.Name, sluice.Listing(changed, 4)).
		Fix("commit it: `git add %s && git commit`", e.typed(g, place)).Fix("or publish what is in the work tree: --worktree")
}

// inTop is a path from the root of the work tree, for a git that runs there.
func (g *gitProject) inTop(path string) string {
	if path == "" {
		return "."
	}
	return path
}

// hiddenBelow reports whether a file is one that a version leaves out: its name, or
// that of a directory below the component's, begins with a dot.
func hiddenBelow(at, file string) bool {
	rest := strings.TrimPrefix(strings.TrimPrefix(file, at), "/")
	return rest != "" && (strings.HasPrefix(rest, ".") || strings.Contains(rest, "/."))
}
