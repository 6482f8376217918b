package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
)

// content is the files that a command publishes or compares, and what the
// project says about their component.
type content struct {
	files []sluice.File
	kind  string // "" when the project does not say
	from  string // where they were read, for people
}

// read finds the content of a component: in the file or directory that was
// named, on standard input for "-", else in the project. It returns no files
// when the component has no place in the project.
func (e *env) read(ctx context.Context, component, named string) (content, error) {
	p, err := e.findProject()
	if err != nil {
		return content{}, err
	}
	var c config.Component
	if p != nil {
		c, _ = p.Component(component)
	}
	switch {
	case named == "-":
		return e.readStdin(ctx, component, c)
	case named != "":
		files, err := e.readNamed(component, named)
		return content{files, c.Kind, named}, err
	case c.Path != "":
		files, err := p.Files(c)
		return content{files, c.Kind, c.Path}, err
	}
	return content{kind: c.Kind}, nil
}

// readNamed reads a file or directory that may be anywhere: the person named it.
func (e *env) readNamed(component, named string) ([]sluice.File, error) {
	path := e.path(named)
	if _, err := os.Stat(path); err != nil {
		return nil, sluice.Errorf(sluice.NotFound, "there is no file %s", named).Fix("correct --file")
	}
	here := config.Project{Dir: filepath.Dir(path)}
	files, err := here.Files(config.Component{Name: component, Path: filepath.Base(path)})
	if sluice.CodeOf(err) == sluice.Invalid { // a link out of its directory is fine when it was named by hand
		target, linkErr := filepath.EvalSymlinks(path)
		if linkErr != nil || target == path {
			return nil, err
		}
		here.Dir = filepath.Dir(target)
		files, err = here.Files(config.Component{Name: component, Path: filepath.Base(target)})
	}
	return files, err
}

// fileName is what the one file of a component is called: by the project, else by the
// latest version, else by the component.
func (e *env) fileName(ctx context.Context, component string, c config.Component) (string, error) {
	if c.Path != "" && filepath.Ext(c.Path) != "" {
		return filepath.Base(c.Path), nil
	}
	services, err := e.connect(ctx)
	if err != nil {
		return "", err
	}
	if v, err := services.Version(ctx, component, "latest"); err == nil && len(v.Files) == 1 {
		return v.Files[0].Path, nil
	}
	return component, nil
}

// keepName gives the one file of a draft the name that the component's file has, so
// that a draft is a change of it and no other file. A file in another form has its own.
func (e *env) keepName(ctx context.Context, component string, files []sluice.File) error {
	if len(files) != 1 {
		return nil
	}
	p, err := e.findProject()
	if err != nil {
		return err
	}
	var c config.Component
	if p != nil {
		c, _ = p.Component(component)
	}
	name, err := e.fileName(ctx, component, c)
	if err == nil && filepath.Ext(name) == filepath.Ext(files[0].Path) {
		files[0].Path = name
	}
	return err
}

// readStdin names the one file as it is known.
func (e *env) readStdin(ctx context.Context, component string, c config.Component) (content, error) {
	b, err := waiting(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(e.Stdin, sluice.MaxFileBytes+1)) })
	if err != nil {
		return content{}, sluice.Errorf(sluice.Invalid, "cannot read standard input: %w", err)
	}
	if len(b) == 0 {
		return content{}, sluice.Errorf(sluice.Invalid, "standard input is empty").
			Fix("see whether the command before the pipe failed; a file that is meant to be empty is named with --file PATH")
	}
	name, err := e.fileName(ctx, component, c)
	if err != nil {
		return content{}, err
	}
	return content{[]sluice.File{sluice.NewFile(name, b)}, c.Kind, "standard input"}, nil
}
