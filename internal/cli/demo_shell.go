package cli

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

// say prints one line of the story.
func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.e.Stdout, format+"\n", args...)
}

// note prints what was measured or checked besides a command.
func (d *demo) note(format string, args ...any) {
	d.say("%s %s", d.e.style(green, "→"), fmt.Sprintf(format, args...))
}

// types carries out command lines, each printed as a person types it, with its
// output and how long it took. Each must succeed.
func (d *demo) types(ctx context.Context, lines ...string) error {
	for _, line := range lines {
		if err := d.exits(ctx, 0, line); err != nil {
			return err
		}
	}
	return nil
}

// exits carries out one command line that must end with this status.
func (d *demo) exits(ctx context.Context, want int, line string) error {
	d.say("%s %s", d.e.style(faint, "$"), d.e.style(bold, line))
	args := words(line)
	began := time.Now()
	var got int
	switch args[0] {
	case "sluice":
		got = Run(ctx, d.process(args[1:]))
	case "cp":
		if err := d.edit(args[2]); err != nil {
			return err
		}
	}
	took := time.Since(began)
	status := ""
	if got != 0 {
		status = fmt.Sprintf("exit %d, ", got)
	}
	d.say("%s", d.e.style(faint, "("+status+milliseconds(took)+")"))
	if got != want {
		return fmt.Errorf("`%s` exited with %d, not %d", line, got, want)
	}
	return nil
}

// process is a shell in the story's directory, whatever the settings of the
// person who watches, so that it can touch no other installation.
func (d *demo) process(args []string) Process {
	return Process{
		Args: args, Stdin: strings.NewReader(""), Stdout: d.e.out.to, Stderr: d.e.out.to,
		Getenv: d.getenv, Now: d.e.Now, Dir: d.dir, Version: d.e.Version,
	}
}

func (d *demo) getenv(name string) string {
	if slices.Contains([]string{"NO_COLOR", "TERM", "SLUICE_ACTOR", "USER"}, name) {
		return d.e.Getenv(name)
	}
	return ""
}

// edit is `cp -r FROM/. .`: an edit that the example holds ready.
func (d *demo) edit(from string) error {
	source := os.DirFS(filepath.Join(d.dir, from))
	return fs.WalkDir(source, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(d.dir, name), content, 0o644)
	})
}

// words splits a command line at spaces; double quotes hold words together.
func words(line string) []string {
	quoted := false
	parts := strings.FieldsFunc(line, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], `"`, "")
	}
	return parts
}

// milliseconds writes a time as people compare it, with two digits that count.
func milliseconds(t time.Duration) string {
	ms := float64(t) / float64(time.Millisecond)
	switch {
	case ms >= 10:
		return fmt.Sprintf("%.0f ms", ms)
	case ms >= 1:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.2f ms", ms)
}

// holds checks that an environment holds a version, as the story says.
func (d *demo) holds(ctx context.Context, at sluice.EnvironmentRef, component, version string) error {
	m, err := d.services.State(ctx, at)
	if err != nil {
		return err
	}
	s, _ := m.Find(sluice.ComponentSlot(component))
	if got := valueName(s.Value); got != version {
		return fmt.Errorf("%s in %s is %s, not %s", component, at, got, version)
	}
	return nil
}
