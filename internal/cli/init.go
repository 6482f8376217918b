package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/spf13/cobra"
)

func initCommand(e *env) *cobra.Command {
	var opts initOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make a project of this directory or Git repository",
		Long: "Writes sluice.yaml with the components that it finds, and makes .sluice, which holds the data and stays out of Git.\n" +
			"components/prompts/x.md or prompts/x.md is a prompt named x; workflows, ensembles, scripts, agents, configs,\n" +
			"queries, schemas, templates and tools have such directories too; so have x.prompt.md, x.workflow.yaml,\n" +
			"x.ensemble.yaml and x.agent.yaml their kind anywhere. What Edgit has registered keeps its name.\n" +
			"In a Git repository the project is made at its root, of what Git does not ignore, and shown before it is written.\n" +
			"It commits nothing. Where there is a project already, what is new is added to its sluice.yaml.",
		Example: "  sluice init\n  sluice init -y",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.init(cmd.Context(), opts)
		},
	}
	cmd.Flags().BoolVar(&opts.dryRun, "dry-run", false, "print the sluice.yaml that it would write, and change nothing")
	cmd.Flags().BoolVar(&opts.noScan, "no-scan", false, "look for no components: you add them to sluice.yaml")
	return cmd
}

type initOptions struct{ dryRun, noScan bool }

// initialized is the answer of init.
type initialized struct {
	File       string   `json:"file"` // as it is seen from the working directory
	Components []string `json:"components"`
	Skipped    []string `json:"skipped,omitempty"`
}

func (e *env) init(ctx context.Context, opts initOptions) error {
	at, err := e.site()
	if err != nil {
		return err
	}
	if at.has {
		return e.initAgain(ctx, at, opts)
	}
	found, err := at.scan(ctx, opts)
	if err != nil {
		return err
	}
	p := config.Project{DefaultEnvironment: "production", Components: found.Components}
	if p.Git, err = at.git(ctx); err != nil {
		return err
	}
	content := p.Format()
	if opts.dryRun {
		_, err := e.Stdout.Write(content)
		return err
	}
	path := filepath.Join(at.dir, config.ProjectFile)
	if at.file != config.ProjectFile {
		e.note("%s belongs at the root of the repository, so it goes to %s", config.ProjectFile, path)
	}
	if at.repo != nil {
		e.note("this is what %s will say:\n\n%s", at.file, content)
	}
	if err := e.confirm(ctx, "writing "+path+" with "+counted(len(found.Components), "component")); err != nil {
		return err
	}
	if err := writeOnce(path, content); err != nil {
		return err
	}
	if _, err := makeDataDir(dataBeside(at.dir, true)); err != nil {
		return err
	}
	return e.initialized(ctx, at, found)
}

// scan finds the components of the project.
func (s site) scan(ctx context.Context, opts initOptions, has ...config.Component) (config.Found, error) {
	if opts.noScan {
		return config.Found{}, nil
	}
	keep, err := s.keep(ctx)
	if err != nil {
		return config.Found{}, err
	}
	return config.Scan(os.DirFS(s.dir), keep, has...)
}

// initialized tells what was made, and what comes next.
func (e *env) initialized(ctx context.Context, at site, found config.Found) error {
	answer := initialized{File: at.file, Components: []string{}}
	for _, l := range found.LeftOut {
		e.note("left out %s: %s", l.Path, l.Why)
		answer.Skipped = append(answer.Skipped, l.Path)
	}
	for _, c := range found.Components {
		answer.Components = append(answer.Components, c.Name)
	}
	err := e.show(answer, func(w io.Writer) {
		fmt.Fprintf(w, "wrote %s with %s\n", at.file, counted(len(found.Components), "component"))
		var t table
		for _, c := range found.Components {
			t.add("  "+c.Name, c.Kind, c.Path)
		}
		t.write(w)
	})
	if err != nil {
		return err
	}
	e.noteEarlier(ctx, at)
	if at.repo != nil {
		e.note("commit it: `git add %s && git commit`", at.file)
	}
	if len(found.Components) > 0 && !e.structured() {
		name := found.Components[0].Name
		e.note("next: `sluice tag create %s v1.0.0`, then `sluice deploy set %s v1.0.0 --to production`", name, name)
	}
	return nil
}

// noteEarlier says how what the repository holds already comes in. The project is
// made by then, so that it cannot be read is told and no more.
func (e *env) noteEarlier(ctx context.Context, at site) {
	tags, ours, err := at.earlier(ctx)
	switch {
	case err != nil:
		e.note("the tags of the repository could not be read: %v", err)
	case ours:
		e.note("the repository holds versions and releases of Sluice's already: `sluice git sync` brings them in")
	case tags > 0:
		e.note("the repository holds %s of components already: `sluice git import` brings them in", counted(tags, "tag"))
	}
}

// writeOnce writes a file that must not exist.
func writeOnce(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return sluice.Errorf(sluice.Conflict, "%s exists already", path).Fix("edit it, or start in another directory")
	}
	if err != nil {
		return unwritable(filepath.Dir(path), err)
	}
	if _, err := f.Write(content); err != nil {
		f.Close()
		return unwritable(path, err)
	}
	return f.Close()
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
