package workflow_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/workflow"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGoodFiles reads each file of testdata/good and compares the graph with the
// one beside it.
func TestGoodFiles(t *testing.T) {
	t.Parallel()
	for _, name := range inputsOf(t, "testdata/good") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			w, err := workflow.Read(t.Context(), expr.Direct{}, kindOf(name), []sluice.File{fileOf(t, name)})
			if err != nil {
				t.Fatalf("%s: got the error\n%s\nwant a workflow", name, told(err))
			}
			golden(t, name+".golden", dump(w))
		})
	}
}

// TestBadFiles reads each file of testdata/bad and compares all that is said of
// it with the text beside it.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	names := inputsOf(t, "testdata/bad")
	if len(names) < 40 {
		t.Errorf("got %d mistakes, want 40 at least", len(names))
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			w, err := workflow.Read(t.Context(), expr.Direct{}, kindOf(name), []sluice.File{fileOf(t, name)})
			if sluice.CodeOf(err) != sluice.Invalid {
				t.Fatalf("%s: got %v and the error %v, want an error that is invalid", name, w, err)
			}
			golden(t, name+".golden", told(err))
		})
	}
}

// kindOf is the kind of component that a file's name tells.
func kindOf(name string) string {
	switch base := filepath.Base(name); {
	case strings.HasPrefix(base, "prompt-"):
		return sluice.KindPrompt
	case strings.HasPrefix(base, "script-"):
		return sluice.KindScript
	default:
		return sluice.KindWorkflow
	}
}

func inputsOf(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(dir + "/*")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range found {
		if filepath.Ext(name) != ".golden" {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s holds no file", dir)
	}
	return out
}

func fileOf(t *testing.T, name string) sluice.File {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return sluice.NewFile(filepath.Base(name), content)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// told is an error as people see it.
func told(err error) string {
	e := sluice.AsError(err)
	out := e.Message + "\n"
	for _, fix := range e.Fixes {
		out += "  fix: " + fix.Text + "\n"
	}
	return out
}

// dump writes a workflow down, one fact on each line.
func dump(w *workflow.Workflow) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("name %q, %q", w.Name, w.Description)
	say("input %s %s, spread %v", w.InputName, w.Inputs, w.Spread)
	say("output %s of %q, each %v", template(w.Output), w.OutputBlock, w.Each)
	for _, c := range w.Choices {
		say("output when %s: %s", template(c.When), template(c.Value))
	}
	for _, n := range w.Needs {
		say("needs %s", n)
	}
	for _, n := range w.Notes {
		say("note %s", n)
	}
	say("variables %v", w.Variables())
	for _, c := range w.Calls() {
		say("calls %s", template(c))
	}
	dumpBlocks(say, "", w.Blocks)
	return b.String()
}

func dumpBlocks(say func(string, ...any), indent string, blocks []*workflow.Block) {
	for _, block := range blocks {
		say("%s%d %s: %s at %d:%d, needs %v", indent, block.Index, block.ID, block.Kind, block.Line, block.Column, block.Needs)
		line := func(name string, value any) { say("%s    %s %v", indent, name, value) }
		line("settings", template(&block.Settings))
		if len(block.Raw) > 0 {
			line("raw", text(block.Raw))
		}
		if block.Name != "" {
			line("name", block.Name)
		}
		if block.When != nil {
			line("when", template(block.When))
		}
		if block.Retry.Attempts != 1 {
			line("retry", block.Retry)
		}
		if block.Timeout != 0 {
			line("timeout", block.Timeout)
		}
		if block.OnError.Mode != workflow.FailRun {
			line("on error "+string(block.OnError.Mode), template(&block.OnError.Fallback))
		}
		if block.Kind == workflow.Condition {
			line("chooses", fmt.Sprint(block.OnTrue, " or ", block.OnFalse))
		}
		if block.Calls != nil {
			line("calls", template(block.Calls))
		}
		if block.Result != nil {
			line("result", template(block.Result))
		}
		dumpBlocks(say, indent+"  ", block.Body)
	}
}

func template(t *workflow.Template) string {
	if t == nil {
		return "none"
	}
	if t.Plain {
		return "plain " + text(t.Tree)
	}
	return string(t.Dialect) + " " + text(t.Tree)
}

func text(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(b.String(), "\n")
}
