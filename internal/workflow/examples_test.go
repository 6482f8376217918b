package workflow_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// TestExamplesRead reads every workflow, prompt and script of the examples.
func TestExamplesRead(t *testing.T) {
	t.Parallel()
	read := map[string]int{}
	err := filepath.WalkDir("../../examples", func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		for _, kind := range []string{sluice.KindWorkflow, sluice.KindPrompt, sluice.KindScript} {
			if filepath.Base(filepath.Dir(name)) != kind+"s" {
				continue
			}
			read[kind]++
			if _, err := workflow.Read(t.Context(), expr.Direct{}, kind, []sluice.File{fileOf(t, name)}); err != nil {
				t.Errorf("%s: got\n%swant none", name, told(err))
			}
		}
		return nil
	})
	if err != nil || read[sluice.KindWorkflow] < 2 || read[sluice.KindPrompt] < 4 || read[sluice.KindScript] < 1 {
		t.Errorf("got %v, %v; want workflows, prompts and a script", read, err)
	}
}

var fence = regexp.MustCompile("(?ms)^```(yaml|json|markdown|js)( [a-z]+)?\n(.*?)^```$")

// TestDocumentationReads reads every example of the page on workflows, which says
// behind the language of a block what is not a workflow on its own.
func TestDocumentationReads(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/workflows.md")
	if err != nil {
		t.Fatal(err)
	}
	found := fence.FindAllStringSubmatch(string(page), -1)
	if len(found) < 12 {
		t.Fatalf("got %d examples, want 12 at least", len(found))
	}
	for _, m := range found {
		kind, text, name := sluice.KindWorkflow, m[3], "example."+m[1]
		switch {
		case m[1] == "markdown":
			kind, name = sluice.KindPrompt, "example.md"
		case m[1] == "js":
			kind = sluice.KindScript
		case m[2] == " inputs":
			text += "blocks: [{id: a, block: echo, value: 1}]\n"
		}
		_, err := workflow.Read(t.Context(), expr.Direct{}, kind, []sluice.File{{Path: name, Text: text}})
		if m[2] == " wrong" {
			if sluice.CodeOf(err) != sluice.Invalid {
				t.Errorf("got %v, want a mistake of\n%s", err, text)
			}
			// The page shows what is said.
			if err != nil && !strings.Contains(string(page), strings.ReplaceAll(err.Error(), "example.yaml", "triage.yaml")) {
				t.Errorf("the page does not say\n%s", strings.ReplaceAll(err.Error(), "example.yaml", "triage.yaml"))
			}
			continue
		}
		if err != nil {
			t.Errorf("got\n%sof\n%s", told(err), text)
		}
	}
}
