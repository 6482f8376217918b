package main

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// action is a composite action, as far as ours uses what GitHub offers.
type action struct {
	Name        string
	Description string
	Branding    map[string]string
	Inputs      map[string]struct{ Description, Default string }
	Outputs     map[string]struct{ Description, Value string }
	Runs        struct {
		Using string
		Steps []actionStep
	}
}

type actionStep struct {
	ID, Name, If, Uses, Shell, Run string
	WorkingDirectory               string `yaml:"working-directory"`
	Env, With                      map[string]string
}

func readAction(t *testing.T) action {
	t.Helper()
	var a action
	decodeStrictly(t, filepath.Join(projectRoot(t), "action.yml"), &a)
	return a
}

func projectRoot(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// decodeStrictly reads a YAML file in which every key must be known.
func decodeStrictly(t *testing.T, path string, into any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// runner is a machine that carries out steps as GitHub's does: expressions are
// replaced, each run block is a file that bash runs, outputs and additions to the
// PATH are read from files, and the first step that fails ends it.
type runner struct {
	t       *testing.T
	Dir     string            // where the repository is checked out
	Env     map[string]string // of the job
	Context map[string]string // what expressions stand for, such as github.actor
	Used    []string          // the actions of others that were asked for
	Output  bytes.Buffer      // what all steps printed
	temp    string
}

func newRunner(t *testing.T, dir string) *runner {
	t.Helper()
	return &runner{
		t: t, Dir: dir, temp: t.TempDir(),
		Env: map[string]string{
			"PATH": os.Getenv("PATH"), "HOME": t.TempDir(), "TZ": "UTC", "LC_ALL": "C", "GITHUB_ACTIONS": "true", "GORACE": "atexit_sleep_ms=0",
			"GIT_CONFIG_NOSYSTEM": "1",
		},
		Context: map[string]string{"github.actor": "alice", "github.action_ref": ""},
	}
}

// action runs our action with its inputs, and returns its exit status and outputs.
func (r *runner) action(with map[string]string) (status int, outputs map[string]string) {
	r.t.Helper()
	a := readAction(r.t)
	inside := *r
	inside.Output, inside.Context = bytes.Buffer{}, maps.Clone(r.Context)
	for name, input := range a.Inputs {
		inside.Context["inputs."+name] = r.expand(input.Default)
	}
	for name, value := range with {
		if _, known := a.Inputs[name]; !known {
			r.t.Fatalf("the action has no input %q", name)
		}
		inside.Context["inputs."+name] = value
	}
	for _, step := range a.Runs.Steps {
		if status = inside.step(step); status != 0 {
			break
		}
	}
	outputs = map[string]string{}
	for name, output := range a.Outputs {
		outputs[name] = inside.expand(output.Value)
	}
	r.Output.Write(inside.Output.Bytes())
	r.Used = inside.Used
	return status, outputs
}

// step carries out one step, unless its condition says no.
func (r *runner) step(s actionStep) (status int) {
	r.t.Helper()
	if s.If != "" && !r.holds(s.If) {
		return 0
	}
	if s.Uses != "" {
		r.Used = append(r.Used, s.Uses)
		return 0
	}
	if s.Shell != "bash" {
		r.t.Fatalf("a step has the shell %q:\n%s", s.Shell, s.Run)
	}
	script, output, path := r.file("script", s.Run), r.file("output", ""), r.file("path", "")
	cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", script)
	cmd.Dir = filepath.Join(r.Dir, r.expand(s.WorkingDirectory))
	cmd.Stdout, cmd.Stderr = &r.Output, &r.Output
	env := maps.Clone(r.Env)
	env["GITHUB_ACTION_PATH"], env["RUNNER_TEMP"], env["GITHUB_OUTPUT"], env["GITHUB_PATH"] = projectRoot(r.t), r.temp, output, path
	for name, value := range s.Env {
		env[name] = r.expand(value)
	}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var exit *exec.ExitError
	if err := cmd.Run(); errors.As(err, &exit) {
		status = exit.ExitCode()
	} else if err != nil {
		r.t.Fatalf("%v\n%s", err, s.Run)
	}
	for line := range strings.Lines(contents(r.t, output)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		r.Context["steps."+s.ID+".outputs."+name] = value
	}
	for line := range strings.Lines(contents(r.t, path)) {
		r.Env["PATH"] = strings.TrimSuffix(line, "\n") + string(os.PathListSeparator) + r.Env["PATH"]
	}
	return status
}

func (r *runner) file(name, content string) string {
	r.t.Helper()
	f, err := os.CreateTemp(r.temp, name)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(content); err != nil {
		r.t.Fatal(err)
	}
	return f.Name()
}

func contents(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	expression = regexp.MustCompile(`\$\{\{ *([A-Za-z0-9_.-]+) *\}\}`)
	comparison = regexp.MustCompile(`^([A-Za-z0-9_.-]+) (==|!=) '([^']*)'$`)
)

// expand replaces expressions. What a step that did not run would have said is empty.
func (r *runner) expand(text string) string {
	return expression.ReplaceAllStringFunc(text, func(e string) string { return r.value(expression.FindStringSubmatch(e)[1]) })
}

func (r *runner) value(name string) string {
	value, known := r.Context[name]
	if !known && !strings.HasPrefix(name, "steps.") {
		r.t.Fatalf("nothing here is called %q", name)
	}
	return value
}

func (r *runner) holds(condition string) bool {
	m := comparison.FindStringSubmatch(condition)
	if m == nil {
		r.t.Fatalf("the condition %q is of a form that this test does not know", condition)
	}
	return (r.value(m[1]) == m[3]) == (m[2] == "==")
}

// must runs bash in the runner's directory, as somebody at a terminal would.
func (r *runner) must(script string) string {
	r.t.Helper()
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = r.Dir, []string{"SLUICE_ACTOR=bob"}
	for name, value := range r.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}
