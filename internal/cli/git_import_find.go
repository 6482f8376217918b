package cli

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/gitrepo"
	"github.com/sluice-dev/sluice/internal/gitsync"
)

// foundIn are the components of a project, whose directory is below the root of the
// repository.
func foundIn(p *config.Project, within string) (out []gitsync.Found) {
	if p == nil {
		return nil
	}
	for _, c := range p.Components {
		if c.Path != "" {
			out = append(out, gitsync.Found{Name: c.Name, Path: path.Join(within, strings.TrimSuffix(c.Path, "/")), Kind: c.Kind})
		}
	}
	return out
}

// registered are the components of Edgit's registry in a work tree, which Git mostly
// ignores.
func (e *env) registered(from string, repo *gitrepo.Repo) []gitsync.Found {
	top := repo.Top
	if from != "" {
		top = e.path(from)
	}
	if top == "" {
		return nil
	}
	content, err := os.ReadFile(filepath.Join(top, ".edgit", "components.json"))
	if err != nil {
		return nil
	}
	found, err := gitsync.ReadRegistry(content)
	if err != nil {
		e.note("left out .edgit/components.json: %v", err)
	}
	return found
}

// scanTree finds components by where files are.
func scanTree(tree fs.FS) ([]gitsync.Found, error) {
	found, err := config.Scan(tree, nil)
	out := make([]gitsync.Found, 0, len(found.Components))
	for _, c := range found.Components {
		out = append(out, gitsync.Found{Name: c.Name, Path: c.Path, Kind: c.Kind})
	}
	return out, err
}
