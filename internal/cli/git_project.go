package cli

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/gitrepo"
	"github.com/sluice-dev/sluice/internal/gitsync"
)

// gitProject is a project whose versions and releases are shared through the Git
// repository that it is in.
type gitProject struct {
	config.Git
	repo    *gitrepo.Repo
	project *config.Project
	within  string // the project's directory below the repository's root, "" for the root
	bridge  *gitsync.Bridge
	missing string        // the remote that the project names and the repository does not have
	away    error         // why the remote could not be reached before a change
	waited  time.Duration // for the remote, before a change
}

// gitProject is the project's Git side; nil when it has none, or when a server
// keeps the data, which then has its own.
func (e *env) gitProject(ctx context.Context) (*gitProject, error) {
	if e.git != nil {
		return e.git, nil
	}
	p, err := e.findProject()
	if err != nil || p == nil || p.Git == nil {
		return nil, err
	}
	s, err := e.load()
	if err != nil || s.Server != "" || s.Data != "" {
		return nil, err
	}
	repo, err := gitrepo.Discover(p.Dir)
	if err != nil {
		return nil, err
	}
	if repo == nil || repo.Top == "" {
		return nil, sluice.Errorf(sluice.Invalid, "%s has a section git, and %s is in no Git work tree", config.ProjectFile, p.Dir).
			Fix("make it one with `git init`, or take the section out")
	}
	g := &gitProject{Git: *p.Git, repo: repo, project: p}
	if rel, err := filepath.Rel(repo.Top, physical(p.Dir)); err == nil && rel != "." {
		g.within = filepath.ToSlash(rel)
	}
	if err := g.checkRemote(ctx); err != nil {
		return nil, err
	}
	e.git = g
	return g, nil
}

// checkRemote leaves the remote out where there is none: then all stays here.
func (g *gitProject) checkRemote(ctx context.Context) error {
	settings, err := g.repo.Settings(ctx)
	if err != nil {
		return err
	}
	for _, name := range settings.Remotes {
		if name == g.Remote {
			return nil
		}
	}
	if g.Push == config.PushOnRelease {
		err := sluice.Errorf(sluice.Invalid, "%s pushes each release to %s, and the repository has no such remote", config.ProjectFile, g.Remote)
		for _, name := range settings.Remotes {
			err = err.Fix("name the one that it has: `git: {remote: %s, …}` in %s", name, config.ProjectFile)
		}
		return err.Fix("add it: `git remote add %s URL`", g.Remote).Fix("or let it wait for a `sluice git push`: `git: {push: manual}` in %s", config.ProjectFile)
	}
	g.missing = g.Remote
	g.Remote = ""
	return nil
}

// bridgeOf joins the repository and the installation.
func (e *env) bridgeOf(ctx context.Context, g *gitProject) (*gitsync.Bridge, error) {
	if g.bridge != nil {
		return g.bridge, nil
	}
	c, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	settings, err := g.repo.Settings(ctx)
	if err != nil {
		return nil, err
	}
	g.bridge = gitsync.New(g.repo, c, gitsync.Config{
		Remote: gitrepo.Remote(g.Remote), Branch: g.Branch, Verify: string(g.Verify), Place: g.place,
		Read: g.placesIn,
		Email: func(actor string) string {
			if actor == settings.UserName {
				return settings.UserEmail
			}
			return ""
		},
	})
	return g.bridge, nil
}

// place is where a component's files are, from the root of the repository. A
// directory has a slash at its end.
func (g *gitProject) place(component string) (place, kind string) {
	place, kind = g.placeOf(g.project, component)
	if place == "" {
		return "", kind
	}
	info, err := os.Stat(filepath.Join(g.repo.Top, filepath.FromSlash(place)))
	if err == nil && info.IsDir() || err != nil && path.Ext(place) == "" {
		place += "/"
	}
	return place, kind
}

func (g *gitProject) placeOf(p *config.Project, component string) (place, kind string) {
	c, found := p.Component(component)
	if !found || c.Path == "" {
		return "", c.Kind
	}
	return path.Join(g.within, strings.TrimSuffix(c.Path, "/")), c.Kind
}

// placesIn reads where files are from the sluice.yaml of another commit.
func (g *gitProject) placesIn(project []byte) (func(string) (string, string), error) {
	p, err := config.ParseProject(config.ProjectFile, project)
	if err != nil {
		return nil, err
	}
	return func(component string) (string, string) { return g.placeOf(p, component) }, nil
}

// actor is who acts here: whom the settings name, else in a project in Git whom
// Git names, else the user of the system.
func (e *env) actor(ctx context.Context, s config.Settings) string {
	if !s.Nameless {
		return s.Actor
	}
	g, err := e.gitProject(ctx)
	if err != nil || g == nil {
		return s.Actor
	}
	if settings, err := g.repo.Settings(ctx); err == nil && settings.UserName != "" {
		return settings.UserName
	}
	return s.Actor
}
