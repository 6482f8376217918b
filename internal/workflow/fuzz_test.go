package workflow_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// seeds adds the files of testdata whose names begin so.
func seeds(f *testing.F, prefix string, add func(content []byte)) {
	f.Helper()
	names, err := filepath.Glob("testdata/*/" + prefix + "*")
	if err != nil || len(names) == 0 {
		f.Fatalf("%s: got %d files, %v", prefix, len(names), err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		if filepath.Ext(name) != ".golden" {
			add(content)
		}
	}
}

// judge accepts a workflow that is sound, or mistakes that are told as such.
func judge(t *testing.T, w *workflow.Workflow, err error) {
	t.Helper()
	if err != nil {
		if code := sluice.CodeOf(err); code != sluice.Invalid {
			t.Fatalf("got the code %q of %v, want invalid", code, err)
		}
		if lines := strings.Count(err.Error(), "\n") + 1; lines > 21 {
			t.Fatalf("got %d lines, want 21 at most:\n%v", lines, err)
		}
		return
	}
	sound(t, w.Blocks)
	if _, err := json.Marshal(w); err != nil {
		t.Fatalf("the workflow holds what JSON cannot write: %v", err)
	}
}

// sound checks that a runner can rely on what it is given.
func sound(t *testing.T, blocks []*workflow.Block) {
	t.Helper()
	for i, b := range blocks {
		if b.Index != i || b.ID == "" || b.Kind == "" || b.Retry.Attempts < 1 || b.OnError.Mode == "" {
			t.Fatalf("block %d is %+v", i, b)
		}
		for _, list := range [][]int{b.Needs, b.OnTrue, b.OnFalse} {
			for _, at := range list {
				if at < 0 || at >= len(blocks) || at == i {
					t.Fatalf("block %d of %d refers to %v", i, len(blocks), list)
				}
			}
		}
		if b.Kind == workflow.Foreach && len(b.Body) == 0 {
			t.Fatalf("the foreach %s has no body", b.ID)
		}
		sound(t, b.Body)
	}
}

func FuzzRead(f *testing.F) {
	for _, suffix := range []string{".yaml", ".json"} {
		for _, prefix := range []string{"triage", "ab-", "rollout", "scout", "ensemble", "loops", "branches", "alias", "laughs", "quoted", "inputs", "conditions"} {
			seeds(f, prefix, func(content []byte) { f.Add(string(content), suffix) })
		}
	}
	f.Fuzz(func(t *testing.T, content, suffix string) {
		if suffix != ".json" {
			suffix = ".yaml"
		}
		w, err := workflow.Read(t.Context(), expr.Direct{}, sluice.KindWorkflow, []sluice.File{sluice.NewFile("w"+suffix, []byte(content))})
		judge(t, w, err)
	})
}

func FuzzReadPrompt(f *testing.F) {
	seeds(f, "prompt-", func(content []byte) { f.Add(string(content)) })
	f.Add("---\r\nmodel: m\r\n---\r\n\r\nHi {{ x }}")
	f.Fuzz(func(t *testing.T, content string) {
		w, err := workflow.Read(t.Context(), expr.Direct{}, sluice.KindPrompt, []sluice.File{sluice.NewFile("p.md", []byte(content))})
		judge(t, w, err)
	})
}

func FuzzCheckInput(f *testing.F) {
	for _, schema := range []string{
		`{"type": "object", "properties": {"a": {"type": "integer", "default": 3}}, "required": ["a"]}`,
		`{"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"anyOf": [{"type": "null"}, {"items": {"$ref": "#/$defs/a"}}]}}}`,
		`{"not": {"pattern": "^(a+)+$"}, "enum": [{}], "dependentSchemas": {"a": false}, "unevaluatedProperties": false}`,
		`{"$schema": "http://json-schema.org/draft-04/schema#", "$ref": "#/definitions/a", "definitions": {"a": {"dependencies": {"a": ["b"]}}}}`,
		`{"$dynamicRef": "#x", "$anchor": "x", "$id": "y", "format": "date"}`,
	} {
		f.Add(schema, `{"a": [null, [1, 2.5, "x"], {"b": {}}]}`)
	}
	f.Fuzz(func(t *testing.T, schema, raw string) {
		w := &workflow.Workflow{Inputs: json.RawMessage(schema)}
		input, err := w.CheckInput(json.RawMessage(raw))
		if code := sluice.CodeOf(err); err != nil && code != sluice.Invalid && code != sluice.LimitExceeded {
			t.Fatalf("got the code %q of %v", code, err)
		}
		if err == nil && input == nil {
			t.Fatal("got no input and no error")
		}
	})
}
