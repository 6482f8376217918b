package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// liveBranch is the branch that pushes move in a project that init made.
const liveBranch = "sluice/live"

// site is where a project is made: the working directory, or in a Git repository
// the root of its work tree.
type site struct {
	dir  string        // absolute; it will hold sluice.yaml
	file string        // sluice.yaml as it is seen from the working directory
	repo *gitrepo.Repo // nil outside of Git
	has  bool          // there is a project already
}

// site finds where a project is to be made, or where it is.
func (e *env) site() (site, error) {
	s := site{dir: e.Dir, file: config.ProjectFile}
	repo, err := gitrepo.Discover(e.Dir)
	if err != nil {
		return site{}, err
	}
	if repo != nil && repo.Top == "" {
		return site{}, sluice.Errorf(sluice.Invalid, "%s is a bare repository: it has no files that %s could stand beside", repo.Dir, config.ProjectFile).
			Fix("clone it, and run `sluice init` in the clone")
	}
	if repo != nil {
		s.repo = repo
		if err := s.goUp(e.Dir); err != nil {
			return site{}, err
		}
	}
	s.has = hasProject(s.dir)
	return s, nil
}

// goUp moves the site to the root of the work tree, unless a directory on the way
// holds a project.
func (s *site) goUp(from string) error {
	here, err := filepath.EvalSymlinks(from)
	if err != nil {
		return sluice.Errorf(sluice.Invalid, "cannot tell the working directory: %w", err)
	}
	for at := here; at != s.repo.Top && within(s.repo.Top, at); at = filepath.Dir(at) {
		if hasProject(at) {
			s.dir, s.file = at, relative(here, filepath.Join(at, config.ProjectFile))
			return nil
		}
	}
	if here != s.repo.Top {
		s.dir, s.file = s.repo.Top, relative(here, filepath.Join(s.repo.Top, config.ProjectFile))
	}
	return nil
}

// hasProject reports whether a directory holds a project.
func hasProject(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, config.ProjectFile))
	return err == nil
}

func within(top, dir string) bool {
	rel, err := filepath.Rel(top, dir)
	return err == nil && filepath.IsLocal(rel)
}

// relative is a path as a person in a directory would type it.
func relative(from, path string) string {
	if rel, err := filepath.Rel(from, path); err == nil {
		return rel
	}
	return path
}

// keep is what the project may be made of: all that Git does not ignore. It is nil
// outside of Git.
func (s site) keep(ctx context.Context) (func(path string) bool, error) {
	if s.repo == nil {
		return nil, nil
	}
	out, err := s.run(ctx, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	return config.Among(strings.Split(out, "\x00")), nil
}

// git is the section of the project file: releases are pushed as they happen
// where there is a remote to push to. It is nil outside of Git.
func (s site) git(ctx context.Context) (*config.Git, error) {
	if s.repo == nil {
		return nil, nil
	}
	out, err := s.run(ctx, "remote")
	if err != nil {
		return nil, err
	}
	g := &config.Git{Push: config.PushManual, Remote: config.DefaultRemote, Verify: config.VerifySigned}
	remotes := slices.DeleteFunc(strings.Fields(out), func(name string) bool { return !config.CheckRemote(name) })
	if len(remotes) == 0 {
		return g, nil
	}
	g.Push, g.Branch = config.PushOnRelease, liveBranch
	if !slices.Contains(remotes, g.Remote) {
		g.Remote = remotes[0]
	}
	return g, nil
}

// earlier tells what the repository holds from before this project: how many tags
// of components, and whether Sluice made one of them.
func (s site) earlier(ctx context.Context) (tags int, ours bool, err error) {
	if s.repo == nil {
		return 0, false, nil
	}
	out, err := s.run(ctx, "for-each-ref", "--format=%(refname)%00%(contents:body)%00", "refs/tags", "refs/sluice/environments")
	if err != nil {
		return 0, false, err
	}
	fields := strings.Split(out, "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		ref, body := strings.TrimSpace(fields[i]), fields[i+1]
		if strings.HasPrefix(ref, "refs/sluice/") {
			ours = true
			continue
		}
		if componentTag(ref) {
			tags++
			ours = ours || strings.Contains("\n"+body, "\nEntry: ")
		}
	}
	return tags, ours, nil
}

// componentTag reports whether a tag is one of a component, as Sluice and Edgit
// name them. Edgit's scripts/x/v1.0.0 and the like are left out: they could as well
// be the tags of a Go module.
func componentTag(ref string) bool {
	parts := strings.Split(strings.TrimPrefix(ref, "refs/tags/"), "/")
	first := []string{"components", "logic", "prompts", "ensembles", "agents"}
	return len(parts) >= 3 && slices.Contains(first, parts[0])
}

// run runs git at the root of the work tree.
func (s site) run(ctx context.Context, args ...string) (string, error) {
	out, err := s.repo.Run(ctx, nil, append([]string{"-C", s.repo.Top}, args...)...)
	return string(out), err
}
