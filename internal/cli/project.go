package cli

import (
	"os"
	"path/filepath"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// findProject is the project around the working directory, or nil. In a linked
// work tree whose branch has no project file it is the one of the main work tree,
// with the files of this one.
func (e *env) findProject() (*config.Project, error) {
	if e.searched {
		return e.project, nil
	}
	p, err := config.FindProject(e.Dir)
	if err != nil {
		return nil, err
	}
	if l := linkedAround(e.Dir); l != nil && (p == nil || !within(l.top, physical(p.Dir))) {
		main, err := config.FindProject(l.inMain(e.Dir))
		if err != nil {
			return nil, err
		}
		if main != nil && within(l.main, main.Dir) {
			main.Dir = moved(main.Dir, l.main, l.top)
			p = main
		}
	}
	e.project, e.searched = p, true
	return p, nil
}

// dataDir is the directory of the embedded installation: named, or beside the
// project file, or in the working directory. All work trees of a repository have
// the one in the main work tree.
func (e *env) dataDir() (string, error) {
	s, err := e.load()
	if err != nil {
		return "", err
	}
	if s.Data != "" {
		return e.path(s.Data), nil
	}
	p, err := e.findProject()
	if err != nil {
		return "", err
	}
	if p == nil {
		return dataBeside(e.Dir, false), nil
	}
	return dataBeside(p.Dir, p.Git != nil), nil
}

// dataBeside is the data directory of what is in a directory. What a linked work
// tree has of its own stays in use, unless all is shared through Git.
func dataBeside(dir string, shared bool) string {
	own := filepath.Join(dir, config.DataDir)
	l := linkedAround(dir)
	if l == nil || !shared && isThere(own) {
		return own
	}
	return filepath.Join(l.inMain(dir), config.DataDir)
}

// linked is a linked work tree of a Git repository, by the roots of the two.
type linked struct{ top, main string }

// linkedAround is the linked work tree around a directory, or nil. What cannot be
// read as a repository is none here; who needs Git is told why.
func linkedAround(dir string) *linked {
	repo, err := gitrepo.Discover(dir)
	if err != nil || repo == nil || repo.Top == "" || repo.MainTop() == "" || repo.Top == repo.MainTop() {
		return nil
	}
	return &linked{top: repo.Top, main: repo.MainTop()}
}

// inMain is the counterpart of a directory in the main work tree.
func (l *linked) inMain(dir string) string { return moved(physical(dir), l.top, l.main) }

// moved is the counterpart below another root of a path below one.
func moved(path, from, to string) string {
	rel, err := filepath.Rel(from, path)
	if err != nil || !filepath.IsLocal(rel) {
		return path
	}
	return filepath.Join(to, rel)
}

// physical is a path without symbolic links, or the path itself where it cannot
// be followed.
func physical(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// begins reports whether a command may make the data directory: that of a project,
// or one that was named. Elsewhere an empty one would answer for what is not there.
func (e *env) begins() (bool, error) {
	s, err := e.load()
	if err != nil {
		return false, err
	}
	p, err := e.findProject()
	return p != nil || s.Data != "" || s.Postgres != "", err
}

// noProject refuses to work where there is nothing to work on.
func (e *env) noProject() error {
	return sluice.Errorf(sluice.NotFound, "%s is in no project: it has no %s, and no %s stands in it or above", e.Dir, config.DataDir, config.ProjectFile).
		Fix("change to the directory of a project, or make one here: `sluice init`").
		Fix("or name a server with --server (SLUICE_SERVER), or a data directory with --data (SLUICE_DATA)")
}
