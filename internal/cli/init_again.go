package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
)

// initAgain adds what is new in a project to its file.
func (e *env) initAgain(ctx context.Context, at site, opts initOptions) error {
	path := filepath.Join(at.dir, config.ProjectFile)
	content, err := os.ReadFile(path)
	if err != nil {
		return sluice.Errorf(sluice.Invalid, "cannot read %s: %w", at.file, err)
	}
	p, err := config.ParseProject(at.file, content)
	if err != nil {
		return err
	}
	found, err := at.scan(ctx, opts, p.Components...)
	if err != nil {
		return err
	}
	for _, l := range found.LeftOut {
		e.note("left out %s: %s", l.Path, l.Why)
	}
	out := content
	if len(found.Components) > 0 {
		if out, err = config.AddComponents(content, found.Components); err != nil {
			return err
		}
	}
	if opts.dryRun {
		_, err := e.Stdout.Write(out)
		return err
	}
	answer := initialized{File: at.file, Components: []string{}}
	var t table
	for _, c := range found.Components {
		answer.Components = append(answer.Components, c.Name)
		t.add("  "+c.Name, c.Kind, c.Path)
	}
	if len(found.Components) > 0 {
		t.write(e.Stderr)
		if err := e.confirm(ctx, "adding "+counted(len(found.Components), "component")+" to "+at.file); err != nil {
			return err
		}
		if err := rewrite(path, content, out); err != nil {
			return err
		}
	}
	return e.show(answer, func(w io.Writer) {
		if len(found.Components) == 0 {
			fmt.Fprintf(w, "nothing new: %s has %s\n", at.file, counted(len(p.Components), "component"))
			return
		}
		fmt.Fprintf(w, "added %s to %s\n", counted(len(found.Components), "component"), at.file)
	})
}

// rewrite puts other content in the place of a file, whole, unless somebody changed it
// meanwhile. A link stays one.
func rewrite(path string, was, is []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return unwritable(path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return unwritable(path, err)
	}
	made, err := os.CreateTemp(filepath.Dir(path), ".sluice-yaml-")
	if err != nil {
		return unwritable(filepath.Dir(path), err)
	}
	defer func() { _ = os.Remove(made.Name()) }()
	_, err = made.Write(is)
	if err = errors.Join(err, made.Chmod(info.Mode().Perm()), made.Sync(), made.Close()); err != nil {
		return unwritable(path, err)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(was) {
		return sluice.Errorf(sluice.Conflict, "%s was changed meanwhile, and is left as it is", path).Fix("try again").Because(err)
	}
	if err := os.Rename(made.Name(), path); err != nil {
		return unwritable(path, err)
	}
	return nil
}
