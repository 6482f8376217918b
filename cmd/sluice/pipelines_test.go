package main

import (
	"io/fs"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// scriptKeys are the keys of pipelines under which bash stands.
var scriptKeys = []string{"run", "script", "before_script", "check", "after-release", "DEPLOY_CHECK", "DEPLOY_AFTER_RELEASE"}

// pipelines are our action and the examples that people copy.
func pipelines(t *testing.T) map[string]*yaml.Node {
	t.Helper()
	found := map[string]*yaml.Node{"action.yml": nil}
	root := projectRoot(t)
	err := filepath.WalkDir(filepath.Join(root, "examples/ci"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".yml") {
			name, _ := filepath.Rel(root, path)
			found[name] = nil
		}
		return err
	})
	if err != nil || len(found) != 4 {
		t.Fatalf("found %v (%v), want the action and three examples", slices.Sorted(maps.Keys(found)), err)
	}
	for name := range found {
		found[name] = &yaml.Node{}
		if err := yaml.Unmarshal([]byte(contents(t, filepath.Join(root, name))), found[name]); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return found
}

// pairsOf visits every key of a document with what stands under it.
func pairsOf(n *yaml.Node, visit func(key string, value *yaml.Node)) {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			visit(child.Value, n.Content[i+1])
		}
		pairsOf(child, visit)
	}
}

// TestPipelinesHoldValidBash checks each block of bash by itself, and that no
// expression is pasted into one: what somebody types as an input would run.
func TestPipelinesHoldValidBash(t *testing.T) {
	t.Parallel()
	blocks := 0
	for name, doc := range pipelines(t) {
		pairsOf(doc, func(key string, value *yaml.Node) {
			input := value.Kind == yaml.MappingNode // that is called run
			handed := strings.HasPrefix(key, "DEPLOY_") && expression.ReplaceAllString(value.Value, "") == ""
			if !slices.Contains(scriptKeys, key) || input || handed {
				return
			}
			lines := []string{value.Value}
			if value.Kind == yaml.SequenceNode {
				lines = nil
				for _, line := range value.Content {
					lines = append(lines, line.Value)
				}
			}
			blocks++
			text := strings.Join(lines, "\n")
			cmd := exec.Command("bash", "-n")
			cmd.Stdin = strings.NewReader(text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %s is not valid: %v\n%s\n%s", name, key, err, out, text)
			}
			if strings.Contains(text, "${{") {
				t.Errorf("%s: %s has an expression in it, which would run what it holds:\n%s", name, key, text)
			}
			if key == "run" && !strings.HasPrefix(text, "set -euo pipefail\n") {
				t.Errorf("%s: a run block does not end at the first error:\n%s", name, text)
			}
		})
	}
	if blocks < 12 {
		t.Errorf("found %d blocks of bash, want 12 at least", blocks)
	}
	scripts, err := filepath.Glob(filepath.Join(projectRoot(t), "examples/ci/gitlab/ci/*.sh"))
	if err != nil || len(scripts) != 2 {
		t.Fatalf("found %v (%v), want two scripts", scripts, err)
	}
	for _, script := range append(scripts, filepath.Join(projectRoot(t), "scripts/ci/deploy-with-rollback.sh")) {
		if out, err := exec.Command("bash", "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
		if !strings.Contains(contents(t, script), "\nset -euo pipefail\n") {
			t.Errorf("%s does not end at the first error", script)
		}
	}
}

// TestActionIsComplete checks what GitHub asks of an action, that each input is
// used and each that is used declared.
func TestActionIsComplete(t *testing.T) {
	t.Parallel()
	a := readAction(t)
	if a.Name == "" || a.Description == "" || len(a.Description) > 125 || a.Runs.Using != "composite" {
		t.Errorf("got name %q, description %q (at most 125 bytes), using %q (composite)", a.Name, a.Description, a.Runs.Using)
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`inputs\.([a-z-]+)`).FindAllStringSubmatch(contents(t, filepath.Join(projectRoot(t), "action.yml")), -1) {
		used[m[1]] = true
		if _, declared := a.Inputs[m[1]]; !declared {
			t.Errorf("the input %s is used and not declared", m[1])
		}
	}
	for name, input := range a.Inputs {
		if !used[name] {
			t.Errorf("the input %s is declared and not used", name)
		}
		if input.Description == "" {
			t.Errorf("the input %s is not explained", name)
		}
	}
	for _, step := range a.Runs.Steps {
		if (step.Run == "") == (step.Uses == "") || step.Run != "" && step.Shell != "bash" {
			t.Errorf("a step must either use an action or run bash: %+v", step)
		}
	}
}

// workflow is a workflow of GitHub's, as far as the examples use what there is.
type workflow struct {
	Name string
	On   struct {
		Push     struct{ Branches []string }
		Dispatch struct {
			Inputs map[string]struct {
				Description, Default string
				Required             bool
			}
		} `yaml:"workflow_dispatch"`
	}
	Permissions map[string]string
	Concurrency struct {
		Group  string
		Cancel *bool `yaml:"cancel-in-progress"`
	}
	Env  map[string]string
	Jobs map[string]struct {
		RunsOn  string `yaml:"runs-on"`
		Timeout int    `yaml:"timeout-minutes"`
		Steps   []actionStep
	}
}

func readWorkflow(t *testing.T, name string) workflow {
	t.Helper()
	var w workflow
	decodeStrictly(t, filepath.Join(projectRoot(t), "examples/ci/github", name), &w)
	return w
}

// TestWorkflowsAreSafe checks what makes the examples work on GitHub: a whole clone,
// inputs that the action has, one run at a time, and no more rights than they need.
func TestWorkflowsAreSafe(t *testing.T) {
	t.Parallel()
	known := readAction(t).Inputs
	for name, permissions := range map[string]map[string]string{
		"deploy.yml":        {"contents": "read"},
		"auto-rollback.yml": {"contents": "write"},
	} {
		w := readWorkflow(t, name)
		if !maps.Equal(w.Permissions, permissions) {
			t.Errorf("%s: permissions are %v, want %v", name, w.Permissions, permissions)
		}
		if w.Concurrency.Group == "" || w.Concurrency.Cancel == nil || *w.Concurrency.Cancel {
			t.Errorf("%s: runs are not one at a time, or cancel each other: %+v", name, w.Concurrency)
		}
		for id, job := range w.Jobs {
			if job.Timeout == 0 {
				t.Errorf("%s: job %s has no time limit", name, id)
			}
			for _, step := range job.Steps {
				own := strings.HasPrefix(step.Uses, "sluice-dev/sluice@")
				for input := range step.With {
					if _, is := known[input]; own && !is {
						t.Errorf("%s: the action has no input %s", name, input)
					}
				}
				if strings.HasPrefix(step.Uses, "actions/checkout@") && (step.With["fetch-depth"] != "0" || step.With["fetch-tags"] != "true") {
					t.Errorf("%s: the clone is not whole: %v", name, step.With)
				}
			}
		}
	}
	if got := readWorkflow(t, "deploy.yml").On.Push.Branches; !slices.Equal(got, []string{"sluice/live"}) {
		t.Errorf("deploy.yml listens to %v, want sluice/live alone", got)
	}
}
