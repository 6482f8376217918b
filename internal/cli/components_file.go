package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/spf13/cobra"
)

// addToProject writes a component with its place into the project's file.
func (e *env) addToProject(cmd *cobra.Command, req sluice.AddComponentRequest, typed string) error {
	p, err := e.findProject()
	if err != nil {
		return err
	}
	if p == nil {
		return sluice.Errorf(sluice.NotFound, "there is no %s here that could name %s", config.ProjectFile, typed).Fix("make it: `sluice init`")
	}
	c := config.Component{Name: req.Name, Kind: req.Kind}
	if err := sluice.CheckName("component", c.Name); err != nil {
		return err
	}
	if c.Path, err = e.inProject(p, typed); err != nil {
		return err
	}
	for _, other := range p.Components {
		if other.Path == c.Path {
			return sluice.Errorf(sluice.Conflict, "%s is the file of %s already", typed, other.Name).Fix("use that name: `sluice tag create %s LABEL`", other.Name)
		}
	}
	if c.Kind == "" {
		if c.Kind = config.KindOf(c.Path); c.Kind == "" {
			return misuse(cmd, "components add: --kind is missing, and %s does not tell it", typed).fix("say what it is: --kind prompt")
		}
	}
	if err := sluice.CheckKind(c.Kind); err != nil {
		return err
	}
	path := filepath.Join(p.Dir, config.ProjectFile)
	content, err := os.ReadFile(path)
	if err != nil {
		return sluice.Errorf(sluice.Invalid, "cannot read %s: %w", path, err)
	}
	out, err := config.AddComponents(content, []config.Component{c})
	if err == nil && !req.DryRun {
		err = rewrite(path, content, out)
	}
	if err != nil {
		return err
	}
	answer := map[string]string{"name": c.Name, "kind": c.Kind, "path": c.Path, "file": config.ProjectFile}
	return e.show(answer, func(w io.Writer) {
		fmt.Fprintf(w, "%s %s (%s) to %s: %s\n", did("added", req.DryRun), c.Name, c.Kind, config.ProjectFile, c.Path)
		e.note("next: `sluice tag create %s v1.0.0`", c.Name)
	})
}

// inProject is a path that was typed here, from the project's directory.
func (e *env) inProject(p *config.Project, typed string) (string, error) {
	full, err := filepath.EvalSymlinks(e.path(typed))
	if err != nil {
		return "", sluice.Errorf(sluice.NotFound, "there is no file %s", typed).Fix("write it first, or correct the path")
	}
	root, err := filepath.EvalSymlinks(p.Dir)
	if err != nil {
		root = p.Dir
	}
	rel, err := filepath.Rel(root, full)
	if err != nil || !filepath.IsLocal(rel) || rel == "." {
		return "", sluice.Errorf(sluice.Invalid, "%s is not inside the project, which is %s", typed, p.Dir).Fix("name a file or directory in it")
	}
	return filepath.ToSlash(rel), nil
}

// unknownFixes say what to type for a component that the project does not name:
// another name that is near, or the file that it could be.
func (e *env) unknownFixes(ctx context.Context, missing *sluice.Error, component, label string) *sluice.Error {
	p, err := e.findProject()
	if err != nil || p == nil {
		return missing
	}
	var names []string
	for _, c := range p.Components {
		if variant(component, c.Name, c.Kind) {
			names = append(names, c.Name)
		}
	}
	if near := e.nearComponent(component); near != "" && !slices.Contains(names, near) {
		names = append(names, near)
	}
	if label == "" {
		label = "LABEL"
	}
	for _, near := range names {
		missing = missing.Fix("did you mean %s? `sluice tag create %s %s`", near, near, label)
	}
	at, err := e.site()
	if err != nil || !at.has {
		return missing
	}
	keep, err := at.keep(ctx)
	if err != nil {
		return missing
	}
	likely, err := config.Likely(os.DirFS(p.Dir), keep, component)
	if err != nil {
		return missing
	}
	for _, c := range likely {
		if !slices.ContainsFunc(p.Components, func(has config.Component) bool { return has.Path == c.Path }) {
			shown := relative(e.Dir, filepath.Join(p.Dir, filepath.FromSlash(c.Path)))
			missing = missing.Fix("there is %s: `sluice components add %s %s`, then try again", shown, component, shown)
		}
	}
	return missing
}

// variant reports whether a name is another one with or without its kind.
func variant(name, other, kind string) bool {
	name, other = sluice.FoldName(name), sluice.FoldName(other)
	return name == other+"-"+kind || name+"-"+kind == other
}
