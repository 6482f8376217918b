package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/spf13/cobra"
)

func initCommand(e *env) *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make a project of this directory",
		Long: "Writes sluice.yaml with the components that it finds (components/prompts/x.md is a prompt, and so on for\n" +
			"workflows, scripts, agents and configs) and makes .sluice, which holds the data and stays out of Git.\n" +
			"It never overwrites a file.",
		Example: "  sluice init -y",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.init(cmd.Context(), dryRun)
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print the sluice.yaml that it would write, and change nothing")
	return cmd
}

// initialized is the answer of init.
type initialized struct {
	File       string   `json:"file"`
	Components []string `json:"components"`
	Skipped    []string `json:"skipped,omitempty"`
}

func (e *env) init(ctx context.Context, dryRun bool) error {
	path := filepath.Join(e.Dir, config.ProjectFile)
	if _, err := os.Lstat(path); err == nil {
		return sluice.Errorf(sluice.Conflict, "%s exists already", config.ProjectFile).Fix("edit it, or start in another directory")
	}
	found, skipped := config.Scan(os.DirFS(e.Dir))
	p := config.Project{DefaultEnvironment: "production", Components: found}
	content := p.Format()
	if dryRun {
		_, err := e.Stdout.Write(content)
		return err
	}
	if err := e.confirm(ctx, "writing "+path+" with "+counted(len(found), "component")); err != nil {
		return err
	}
	if err := writeOnce(path, content); err != nil {
		return err
	}
	if _, err := makeDataDir(filepath.Join(e.Dir, config.DataDir)); err != nil {
		return err
	}
	for _, s := range skipped {
		e.note("left out %s: its name cannot be a component's", s)
	}
	answer := initialized{File: config.ProjectFile, Components: []string{}, Skipped: skipped}
	for _, c := range found {
		answer.Components = append(answer.Components, c.Name)
	}
	return e.show(answer, func(w io.Writer) {
		fmt.Fprintf(w, "wrote %s with %s\n", config.ProjectFile, counted(len(found), "component"))
		var t table
		for _, c := range found {
			t.add("  "+c.Name, c.Kind, c.Path)
		}
		t.write(w)
		if len(found) > 0 {
			e.note("next: `sluice tag create %s v1.0.0`, then `sluice deploy set %s v1.0.0 --to production`", found[0].Name, found[0].Name)
		}
	})
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
	return fmt.Sprintf("%d %ss", n, noun)
}
