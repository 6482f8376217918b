package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

// shell runs command lines as alice in a directory.
type shell struct {
	t   *testing.T
	dir string
	env map[string]string
}

func (s shell) process(args ...string) (Process, *bytes.Buffer) {
	var out bytes.Buffer
	getenv := func(name string) string {
		if name == "SLUICE_ACTOR" {
			return "alice"
		}
		return s.env[name]
	}
	return Process{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
		Getenv: getenv, Now: time.Now, Dir: s.dir, Version: "test",
	}, &out
}

func (s shell) run(args ...string) string {
	s.t.Helper()
	p, out := s.process(args...)
	if status := Run(s.t.Context(), p); status != 0 {
		s.t.Fatalf("sluice %s: exit status %d\n%s", strings.Join(args, " "), status, out)
	}
	return out.String()
}

func (s shell) state(args ...string) sluice.Manifest {
	s.t.Helper()
	var m sluice.Manifest
	if err := json.Unmarshal([]byte(s.run(append(args, "-o", "json")...)), &m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

// The demo checks its own claims as it goes; here they are checked once more, in
// the project that it leaves behind.
func TestDemoLeavesWhatItTells(t *testing.T) {
	dir := t.TempDir()
	told := shell{t: t, dir: dir, env: map[string]string{"SLUICE_SERVER": "http://127.0.0.1:1", "HOME": dir}}.run("demo", "--keep", "desk")
	desk := shell{t: t, dir: filepath.Join(dir, "desk")}

	for component, want := range map[string]string{"analysis-prompt": "v2.0.1", "extraction-prompt": "v1.1.0", "validation-config": "v1.5.0"} {
		if got := strings.TrimSpace(desk.run("deploy", "get", component, "--from", "prod")); got != want {
			t.Errorf("%s in production is %q, want %q", component, got, want)
		}
	}
	broken := regexp.MustCompile(`--date="([^"]+)"`).FindStringSubmatch(told)
	if broken == nil {
		t.Fatalf("the demo asked for no past moment:\n%s", told)
	}
	if got := desk.run("history", "analysis-prompt", "--date", broken[1], "--from", "prod"); got != "v2.0.0\n" {
		t.Errorf("analysis-prompt at %s was %q, want v2.0.0", broken[1], got)
	}
	// Rolling debug back to what the restore made shows the two states side by side.
	desk.run("version", "lift", "analysis-prompt@v2.0.0", "--reason", "to compare")
	desk.run("rollback", "--to", "debug#1")
	desk.run("restore", "--from", "production", "--at", broken[1], "--to", "again")
	debug, again := desk.state("environment", "show", "debug"), desk.state("environment", "show", "again")
	if debug.Root == "" || debug.Root != again.Root {
		t.Errorf("debug had root %s, production had %s at %s", debug.Root, again.Root, broken[1])
	}
	for _, want := range []string{
		"production#3  analysis-prompt  v2.0.0 → v1.9.0  (rollback by alice)",
		"the running program has analysis-prompt v2.0.0,",
		"the running program has analysis-prompt v1.9.0,",
		"the running program has analysis-prompt v2.0.1,",
		"both have root ",
		"(exit 11, ",
		"Try there:",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("the demo did not say %q:\n%s", want, told)
		}
	}
	if strings.Contains(told, "\x1b") {
		t.Error("the demo prints colours where there is no terminal")
	}
	if token := regexp.MustCompile(`token: [^…\s]`).FindString(told); token != "" {
		t.Errorf("the demo shows a token: %s", token)
	}
}

func TestDemoRemovesItsDirectory(t *testing.T) {
	told := shell{t: t, dir: t.TempDir()}.run("demo")
	dir := regexp.MustCompile(`runs for real in (\S+),`).FindStringSubmatch(told)
	if dir == nil {
		t.Fatalf("the demo did not say where it plays:\n%s", told)
	}
	if _, err := os.Stat(dir[1]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir[1], err)
	}
}

func TestDemoEndsWithTheStepThatFails(t *testing.T) {
	p, out := shell{t: t, dir: t.TempDir()}.process()
	e := newEnv(p)
	defer e.close()
	played := 0
	err := e.demo(t.Context(), "", []chapter{
		{"Publish", "", func(ctx context.Context, d *demo) error { return d.types(ctx, "sluice tag create reply-prompt v1.0.0") }},
		{"Break", "", func(ctx context.Context, d *demo) error {
			return d.types(ctx, "sluice deploy set reply-prompt v7.0.0 --to staging")
		}},
		{"Never", "", func(context.Context, *demo) error { played++; return nil }},
	})
	if status := e.exit(t.Context(), err); status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
	const want = "sluice: the demo stopped at step 2, \"Break\": `sluice deploy set reply-prompt v7.0.0 --to staging` exited with 5, not 0\n"
	if !strings.HasSuffix(out.String(), want) || played > 0 {
		t.Errorf("the demo went on %d times and ended with\n%s\nwant\n%s", played, out, want)
	}
}

func TestDemoRefusesWhatIsInTheWay(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]int{
		"demo --keep .":                    6,
		"demo --keep file":                 6,
		"demo --server http://127.0.0.1:1": 2,
		"demo -o json":                     2,
		fmt.Sprintf("demo --data %s", dir): 2,
	} {
		p, out := shell{t: t, dir: dir}.process(strings.Fields(args)...)
		if got := Run(t.Context(), p); got != want {
			t.Errorf("sluice %s: exit status %d, want %d\n%s", args, got, want, out)
		}
	}
}
