package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"go.yaml.in/yaml/v3"
)

// ProjectFile is the name of the file at the root of a project.
const ProjectFile = "sluice.yaml"

// Project is what a project file says.
type Project struct {
	Dir                string // absolute, of the file
	DefaultEnvironment string
	Components         []Component   // in the order of the file
	Environments       []Environment // in the order of the file
	Git                *Git          // nil when the file has no such key: then nothing touches Git
}

// Component is a component whose draft is a file, or a directory of files, of
// the project.
type Component struct {
	Name string
	Path string // relative to the project, with forward slashes; may be empty
	Kind string
}

// Environment is how an environment shall be. What is nil is left as it is.
type Environment struct {
	Name         string
	Alias        *string
	Parent       *string
	Tracks       *string
	PromotesFrom *[]string
}

// FindProject looks for a project file in a directory and upwards. It returns
// nil when there is none.
func FindProject(dir string) (*Project, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, sluice.Errorf(sluice.Invalid, "cannot tell the working directory: %w", err)
	}
	for {
		path := filepath.Join(dir, ProjectFile)
		content, err := os.ReadFile(path)
		if err == nil {
			p, err := ParseProject(ProjectFile, content)
			if err != nil {
				return nil, err
			}
			p.Dir = dir
			return p, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, sluice.Errorf(sluice.Invalid, "cannot read %s: %w", path, err)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil, nil
		}
		dir = parent
	}
}

// ParseProject reads a project file. File is its name for messages.
func ParseProject(file string, content []byte) (*Project, error) {
	p, doc := &Project{}, document{file: file}
	top, err := doc.root(content)
	if err != nil || top == nil {
		return p, err
	}
	err = doc.fields(top, map[string]func(*yaml.Node) error{
		"default_environment": doc.word("environment", &p.DefaultEnvironment),
		"components":          func(n *yaml.Node) error { return doc.components(n, p) },
		"environments":        func(n *yaml.Node) error { return doc.environments(n, p) },
		"git":                 func(n *yaml.Node) error { return doc.git(n, p) },
	})
	return p, err
}

func (d document) components(n *yaml.Node, p *Project) error {
	return d.each(n, func(key, value *yaml.Node) error {
		c := Component{Name: key.Value}
		if err := d.checked(key, sluice.CheckName("component", c.Name)); err != nil {
			return err
		}
		if _, taken := p.Component(c.Name); taken {
			return d.at(key, "component %s is named twice, ignoring case", c.Name).Fix("rename one of them")
		}
		err := d.fields(value, map[string]func(*yaml.Node) error{
			"path": d.path(&c.Path),
			"kind": func(n *yaml.Node) error {
				if err := d.text(&c.Kind)(n); err != nil {
					return err
				}
				return d.checked(n, sluice.CheckKind(c.Kind))
			},
		})
		p.Components = append(p.Components, c)
		return err
	})
}

func (d document) environments(n *yaml.Node, p *Project) error {
	return d.each(n, func(key, value *yaml.Node) error {
		e := Environment{Name: key.Value}
		if err := d.checked(key, sluice.CheckWord("environment", e.Name)); err != nil {
			return err
		}
		if slices.ContainsFunc(p.Environments, func(o Environment) bool { return sluice.FoldName(o.Name) == sluice.FoldName(e.Name) }) {
			return d.at(key, "environment %s is named twice, ignoring case", e.Name).Fix("rename one of them")
		}
		err := d.fields(value, map[string]func(*yaml.Node) error{
			"alias": d.optional(&e.Alias), "parent": d.optional(&e.Parent),
			"tracks": d.optional(&e.Tracks), "promotes_from": d.list(&e.PromotesFrom),
		})
		p.Environments = append(p.Environments, e)
		return err
	})
}

// word reads the name of an environment.
func (d document) word(what string, into *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if err := d.text(into)(n); err != nil || *into == "" {
			return err
		}
		return d.checked(n, sluice.CheckWord(what, *into))
	}
}

// path reads a path that stays inside the project by its form. That no symbolic
// link leads out is checked when it is opened.
func (d document) path(into *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if err := d.text(into)(n); err != nil {
			return err
		}
		clean := strings.TrimSuffix(strings.TrimPrefix(*into, "./"), "/")
		if !fs.ValidPath(clean) || clean == "." || strings.ContainsAny(clean, "\\\x00") || filepath.IsAbs(clean) {
			return d.at(n, "path %q is not inside the project", *into).Fix("write a relative path with forward slashes and without ..")
		}
		*into = clean
		return nil
	}
}

// checked puts an error about a name where the name stands.
func (d document) checked(n *yaml.Node, err error) error {
	if err == nil {
		return nil
	}
	e := sluice.AsError(err)
	at := d.at(n, "%s", e.Message)
	at.Fixes = e.Fixes
	return at
}

// Component returns a component of the project by its name, ignoring case.
func (p *Project) Component(name string) (Component, bool) {
	for _, c := range p.Components {
		if sluice.FoldName(c.Name) == sluice.FoldName(name) {
			return c, true
		}
	}
	return Component{}, false
}
