package workflow_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// published is the schema that editors get.
func published(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(workflow.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("workflow.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("workflow.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// natives are the files of a directory in the native form and ensembles, as trees.
func natives(t *testing.T, pattern string) map[string]any {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: got %d files, %v", pattern, len(names), err)
	}
	out := map[string]any{}
	for _, name := range names {
		if filepath.Ext(name) == ".golden" {
			continue
		}
		content := fileOf(t, name).Bytes()
		var tree any
		if yaml.Unmarshal(content, &tree) != nil && json.Unmarshal(content, &tree) != nil {
			continue
		}
		if !strings.Contains(string(content), "workflow_") {
			out[name] = tree
		}
	}
	return out
}

func TestSchemaTakesGoodFiles(t *testing.T) {
	t.Parallel()
	schema := published(t)
	files := natives(t, "testdata/good/*.*")
	for name, tree := range natives(t, "../../examples/*/components/workflows/*.yaml") {
		files[name] = tree
	}
	if len(files) < 8 {
		t.Fatalf("got %d files in the native form, want 8 at least", len(files))
	}
	for name, tree := range files {
		if err := schema.Validate(tree); err != nil {
			t.Errorf("%s: got %v, want none", name, err)
		}
	}
}

func TestSchemaKnowsAllKinds(t *testing.T) {
	t.Parallel()
	schema := published(t)
	for _, kind := range []workflow.Kind{
		workflow.HTTP, workflow.LLM, workflow.Prompt, workflow.Text, workflow.Script, workflow.Condition, workflow.ContinueIf, workflow.StopIf,
		workflow.Foreach, workflow.Reduce, workflow.Call, workflow.Delay, workflow.Ask, workflow.Echo, workflow.Fail,
	} {
		err := schema.Validate(map[string]any{"blocks": []any{map[string]any{"id": "a", "block": string(kind), "surely_not": 1}}})
		if err == nil || !strings.Contains(err.Error(), "surely_not") {
			t.Errorf("%s with a setting that nothing has: got %v, want that it is refused", kind, err)
		}
	}
}

// TestSchemaRefusesNoMore changes good files at random: what the schema then
// refuses, the reader refuses too. An editor must not warn of what works.
func TestSchemaRefusesNoMore(t *testing.T) {
	t.Parallel()
	schema := published(t)
	files := natives(t, "testdata/good/*.yaml")
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	words := []any{
		nil, true, "x", "", "{{ inputs.x }}", "${inputs.x}", int64(0), int64(3), 2.5,
		[]any{},
		[]any{"x"},
		[]any{int64(200)},
		map[string]any{},
		map[string]any{"type": "object"},
		"5s", "a b", "https://a.example",
		map[string]any{"attempts": int64(2)},
		"POST", "yes", "ignore", "echo", "input",
	}
	keys := []string{
		"id", "block", "blocks", "when", "needs", "retry", "timeout", "on_error", "value", "name", "url", "method", "prompt", "inputs", "items", "output",
		"as", "for", "until", "model", "x-own", "nothing", "message", "condition", "description", "requires", "type", "default", "wait", "messages", "schema",
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "file")
		tree := copied(files[name])
		for range rapid.IntRange(1, 2).Draw(t, "changes") {
			places := maps(tree)
			at := places[rapid.IntRange(0, len(places)-1).Draw(t, "place")]
			key := rapid.SampledFrom(append(keysOf(at), keys...)).Draw(t, "key")
			if rapid.IntRange(0, 3).Draw(t, "how") == 0 {
				delete(at, key)
			} else {
				at[key] = copied(rapid.SampledFrom(words).Draw(t, "value")) // words stay as they are
			}
		}
		text, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		top, _ := tree.(map[string]any)
		refused := schema.Validate(value)
		_, wrong := workflow.Read(t.Context(), expr.Direct{}, sluice.KindWorkflow, []sluice.File{{Path: "w.json", Text: string(text)}})
		if refused != nil && wrong == nil && top["agents"] == nil && top["flow"] == nil {
			t.Fatalf("the reader takes\n%s\nand the schema refuses it: %v", text, refused)
		}
	})
}

func keysOf(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for key := range m {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}

// maps are all maps of a tree, in an order that is always the same.
func maps(v any) (out []map[string]any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			out = append(out, maps(item)...)
		}
	case map[string]any:
		out = append(out, v)
		for _, key := range keysOf(v) {
			out = append(out, maps(v[key])...)
		}
	}
	return out
}

func copied(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = copied(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = copied(item)
		}
		return out
	}
	return v
}
