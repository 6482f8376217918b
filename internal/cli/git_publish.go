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

// publishedFrom is where a version of a project in Git comes from: the commit that holds
// it and, when that is one which Sluice made beside the branch, what to say of it.
type publishedFrom struct {
	commit sluice.Commit
	note   string
}

// readGit finds the content of a component for a version that is about to be
// published: as in the work tree, with a commit made beside the branch when that is
// not as at HEAD, or as at HEAD alone. It returns no files when the component has no
// place in the project.
func (e *env) readGit(ctx context.Context, g *gitProject, req sluice.PublishRequest, strict bool) (content, publishedFrom, error) {
	c, _ := g.project.Component(req.Component)
	if c.Path == "" {
		return content{kind: c.Kind}, publishedFrom{}, nil
	}
	place, _ := g.place(c.Name)
	at := strings.TrimSuffix(place, "/")
	changes, err := g.repo.Changes(ctx, place, func(path string) bool { return !hiddenBelow(at, path) })
	if err != nil {
		return content{}, publishedFrom{}, err
	}
	from := publishedFrom{}
	switch {
	case len(changes.Files) == 0:
	case strict:
		err = e.notCommitted(g, c, changes)
	default:
		from, err = e.beside(ctx, g, req, changes)
	}
	if err != nil {
		return content{}, publishedFrom{}, err
	}
	rd := g.repo.Reader(ctx)
	defer rd.Close()
	if from.commit == "" {
		head, kind, _, found, err := rd.Info("HEAD")
		if err != nil {
			return content{}, publishedFrom{}, err
		}
		if !found || kind != "commit" {
			return content{}, publishedFrom{}, e.absent(g, c, place)
		}
		from.commit = sluice.Commit(head)
	}
	files, err := gitsync.FilesAt(rd, gitrepo.OID(from.commit), place)
	if sluice.CodeOf(err) == sluice.NotFound {
		err = e.uncommitted(g, rd, c, gitrepo.OID(from.commit), place)
	}
	return content{files, c.Kind, c.Path}, from, err
}

// beside makes the commit that holds changed files as they are in the work tree. Its
// parent is HEAD, and no branch has it.
func (e *env) beside(ctx context.Context, g *gitProject, req sluice.PublishRequest, changes gitrepo.Changes) (publishedFrom, error) {
	if len(changes.Unmerged) > 0 {
		return publishedFrom{}, sluice.Errorf(sluice.Conflict, "%s is in the middle of a merge: %s", req.Component, e.listed(g, changes.Unmerged)).
			Fix("resolve it, then `git add %s`", e.typed(g, changes.Unmerged[0]))
	}
	tree, head, err := g.repo.TreeWith(ctx, changes)
	if err != nil {
		return publishedFrom{}, err
	}
	rd := g.repo.Reader(ctx)
	defer rd.Close()
	if at, _, _, found, err := rd.Info(string(head) + "^{tree}"); head != "" && (err != nil || found && at == tree) {
		return publishedFrom{}, err // staged and taken back
	}
	if err := e.checkChanged(ctx, g, rd, req.Component, tree, changes.Files); err != nil {
		return publishedFrom{}, err
	}
	s, err := e.load()
	if err != nil {
		return publishedFrom{}, err
	}
	settings, err := g.repo.Settings(ctx)
	if err != nil {
		return publishedFrom{}, err
	}
	who := gitsync.IdentOf(e.actor(ctx, s), sluice.TimeOf(e.Now()), settings.UserName, settings.UserEmail)
	commit := gitrepo.Commit{Tree: tree, Author: who, Committer: who, Message: strings.TrimSpace("components/"+req.Component+" "+req.Label) + "\n"}
	if head != "" {
		commit.Parents = []gitrepo.OID{head}
	}
	var id gitrepo.OID
	if settings.SignCommits {
		id, err = g.repo.SignCommit(ctx, commit)
	} else {
		id, err = g.repo.Put("commit", commit.Encode())
	}
	return publishedFrom{sluice.Commit(id), e.besideNote(g, changes, id)}, err
}

func (e *env) besideNote(g *gitProject, changes gitrepo.Changes, id gitrepo.OID) string {
	note := e.listed(g, changes.Files) + " published as in the work tree, which differs from HEAD: commit " + id.Short() + ", on no branch"
	if len(changes.Untracked) > 0 {
		note += "; not yet in Git: " + e.listed(g, changes.Untracked)
	}
	return note
}

// listed are paths from the root of the repository as a person types them here.
func (e *env) listed(g *gitProject, paths []string) string {
	shown := make([]string, len(paths))
	for i, path := range paths {
		shown[i] = e.typed(g, path)
	}
	return sluice.Listing(shown, 4)
}

// notCommitted refuses a component whose files are not as committed.
func (e *env) notCommitted(g *gitProject, c config.Component, changes gitrepo.Changes) error {
	place, _ := g.place(c.Name)
	return sluice.Errorf(sluice.Conflict, "%s is not as committed at HEAD: %s", c.Name, e.listed(g, changes.Files)).
		Fix("commit it: `git add %s && git commit`", e.typed(g, place)).
		Fix("or let versions be published as they are in the work tree: `git: {publish: as-is}` in %s", config.ProjectFile)
}

// uncommitted explains that a commit has no files of a component.
func (e *env) uncommitted(g *gitProject, rd *gitrepo.Reader, c config.Component, head gitrepo.OID, place string) error {
	typed := e.typed(g, place)
	for dir := path.Dir(strings.TrimSuffix(place, "/")); dir != "."; dir = path.Dir(dir) {
		if at, err := rd.Files(head, dir); err == nil && len(at) == 1 && at[0].Mode == gitrepo.ModeModule {
			return sluice.Errorf(sluice.Invalid, "%s of %s is in %s, which is a submodule", typed, c.Name, e.typed(g, dir)).
				Fix("run sluice in the submodule, which is a repository of its own").Fix("or name the content: --file %s", typed)
		}
	}
	return e.absent(g, c, place)
}

// absent explains that Git has no files of a component: it ignores them, or there
// are none.
func (e *env) absent(g *gitProject, c config.Component, place string) error {
	typed := e.typed(g, place)
	if _, err := os.Stat(filepath.Join(g.repo.Top, filepath.FromSlash(place))); err == nil {
		return sluice.Errorf(sluice.NotFound, "%s of %s is not committed: Git ignores it", typed, c.Name).
			Fix("have Git take it all the same: `git add --force %s`", typed).Fix("or name the content: --file %s", typed)
	}
	return sluice.Errorf(sluice.NotFound, "there is no %s, which sluice.yaml names for %s", typed, c.Name).
		Fix("write it, or correct the path in sluice.yaml").Fix("or name the content: --file PATH")
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

// hiddenBelow reports whether a file is one that a version leaves out: its name, or
// that of a directory below the component's, begins with a dot.
func hiddenBelow(at, file string) bool {
	rest := strings.TrimPrefix(strings.TrimPrefix(file, at), "/")
	return rest != "" && (strings.HasPrefix(rest, ".") || strings.Contains(rest, "/."))
}
