package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// versionsEach is how many versions each component of a repository has.
const versionsEach = 10

// measureGit times the binary in Git repositories of 10, 100 and 1,000 components
// of ten tagged versions each, beside what plain Git takes for the least of it,
// and counts the git processes that it starts.
func measureGit(ctx context.Context, _ Config) ([]Row, error) {
	dir, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary, err := buildBinary(ctx, dir)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, n := range []int{10, 100, 1_000} {
		r := &gitBench{ctx: ctx, binary: binary, dir: filepath.Join(dir, fmt.Sprint(n)), count: n}
		more, err := r.measure()
		if err != nil {
			return nil, fmt.Errorf("%d components: %w", n, err)
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

func buildBinary(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "sluice")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./cmd/sluice")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return binary, nil
}

// gitBench is one repository that is measured in.
type gitBench struct {
	ctx    context.Context
	binary string
	dir    string
	count  int // components
	env    []string
}

func (g *gitBench) measure() ([]Row, error) {
	if err := g.fill(); err != nil {
		return nil, err
	}
	began := time.Now()
	if err := g.sluice("git", "import"); err != nil {
		return nil, err
	}
	imported := time.Since(began)
	if err := g.sluice("deploy", "set", "prompt-0", "v1.0.0", "--to", "prod"); err != nil { // what is kept beside the repository is made now
		return nil, err
	}
	label := fmt.Sprintf("Git, %d components × %d versions", g.count, versionsEach)
	rows := []Row{{label + ": import", "–", fmt.Sprintf("%.2f s", imported.Seconds()), fmt.Sprintf("%d versions, and the refs of it", g.count*versionsEach)}}
	for _, m := range []struct {
		name  string
		ours  func(i int) error
		floor func(i int) error
	}{
		{
			"components list",
			func(int) error { return g.sluice("components", "list", "--format", "tree") },
			func(int) error {
				return g.git("for-each-ref", "--format=%(refname) %(creatordate) %(*objectname)", "refs/tags")
			},
		},
		{
			"deploy set",
			func(i int) error {
				return g.sluice("deploy", "set", "prompt-0", fmt.Sprintf("v1.%d.0", i%versionsEach), "--to", "prod")
			},
			func(i int) error {
				return g.git("tag", "-f", "-a", "-m", "x", "floor", fmt.Sprintf("components/prompt-0/v1.%d.0^{commit}", i%versionsEach))
			},
		},
		{
			"history",
			func(int) error { return g.sluice("history", "prompt-0") },
			func(int) error {
				return g.git("for-each-ref", "--format=%(creatordate) %(subject)", "refs/tags/components/prompt-0")
			},
		},
	} {
		row, err := g.row(label+": "+m.name, m.ours, m.floor)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// row times ours beside plain Git, and counts processes in a run of its own.
func (g *gitBench) row(name string, ours, floor func(int) error) (Row, error) {
	took, err := sampled(30, ours)
	if err != nil {
		return Row{}, err
	}
	least, err := sampled(30, floor)
	if err != nil {
		return Row{}, err
	}
	processes, err := g.counted(func() error { return ours(31) })
	if err != nil {
		return Row{}, err
	}
	return Row{name, "0 or 1 process", took.String(), fmt.Sprintf("%s of git; plain Git's least part of it %s", processes, least.String())}, nil
}

// counted counts the git processes that a command starts, by a git before the real
// one that notes each.
func (g *gitBench) counted(run func() error) (string, error) {
	shims, notes := filepath.Join(g.dir, "shims"), filepath.Join(g.dir, "started")
	if err := os.MkdirAll(shims, 0o755); err != nil {
		return "", err
	}
	real, err := exec.LookPath("git")
	if err != nil {
		return "", err
	}
	shim := fmt.Sprintf("#!/bin/sh\necho \"$1\" >>%q\nexec %q \"$@\"\n", notes, real)
	if err := os.WriteFile(filepath.Join(shims, "git"), []byte(shim), 0o755); err != nil {
		return "", err
	}
	before := g.env
	g.env = append(append([]string{}, g.env...), "PATH="+shims+":"+os.Getenv("PATH"))
	defer func() { g.env = before }()
	if err := run(); err != nil {
		return "", err
	}
	noted, err := os.ReadFile(notes)
	if err != nil && !os.IsNotExist(err) {
		return "", err
	}
	n := bytes.Count(noted, []byte("\n"))
	if n == 1 {
		return "1 process", os.Remove(notes)
	}
	if n > 0 {
		err = os.Remove(notes)
	} else {
		err = nil
	}
	return fmt.Sprintf("%d processes", n), err
}

func (g *gitBench) repo() string { return filepath.Join(g.dir, "work") }

func (g *gitBench) run(program string, args ...string) error {
	cmd := exec.CommandContext(g.ctx, program, args...)
	cmd.Dir, cmd.Env = g.repo(), append(os.Environ(), g.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
	return nil
}

func (g *gitBench) sluice(args ...string) error { return g.run(g.binary, args...) }
func (g *gitBench) git(args ...string) error    { return g.run("git", args...) }

// fill makes the repository: ten commits, each of which changes every component and
// tags it, through one fast-import.
func (g *gitBench) fill() error {
	home := filepath.Join(g.dir, "home")
	g.env = []string{
		"HOME=" + home, "XDG_CONFIG_HOME=" + home, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=alice", "GIT_AUTHOR_EMAIL=alice@example.com",
		"GIT_COMMITTER_NAME=alice", "GIT_COMMITTER_EMAIL=alice@example.com", "SLUICE_ACTOR=alice",
	}
	for _, made := range []string{home, g.repo()} {
		if err := os.MkdirAll(made, 0o755); err != nil {
			return err
		}
	}
	if err := g.git("init", "--quiet", "--initial-branch", "main"); err != nil {
		return err
	}
	stream := filepath.Join(g.dir, "stream")
	if err := os.WriteFile(stream, g.stream(), 0o644); err != nil {
		return err
	}
	if err := g.run("sh", "-c", "git fast-import --quiet <"+stream+" && git reset --quiet --hard main && git pack-refs --all"); err != nil {
		return err
	}
	return g.sluice("init", "-y")
}

func (g *gitBench) stream() []byte {
	var b bytes.Buffer
	const who = "alice <alice@example.com>"
	at := 1_700_000_000
	for v := range versionsEach {
		message := fmt.Sprintf("version %d", v)
		fmt.Fprintf(&b, "commit refs/heads/main\nmark :%d\ncommitter %s %d +0000\ndata %d\n%s\n", v+1, who, at+v, len(message), message)
		for i := range g.count {
			text := fmt.Sprintf("Answer as version %d of prompt %d would.\n%s", v, i, strings.Repeat("Be exact and kind.\n", 20))
			fmt.Fprintf(&b, "M 100644 inline components/prompts/prompt-%d.md\ndata %d\n%s\n", i, len(text), text)
		}
		for i := range g.count {
			fmt.Fprintf(&b, "tag components/prompt-%d/v1.%d.0\nfrom :%d\ntagger %s %d +0000\ndata 1\nx\n", i, v, v+1, who, at+v)
		}
	}
	return b.Bytes()
}
