package workflow_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// Names of agents with hyphens are names in expressions, and nowhere else.
func TestAgentNamesInExpressions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"${a-b.output}":                               `${agents["a-b"].output}`,
		"${a-b?.output ?? a-b-c.output}":              `${agents["a-b"]?.output ?? agents["a-b-c"].output}`,
		"a-b.output and ${1 + a-b.output.x}":          `a-b.output and ${1 + agents["a-b"].output?.x}`,
		`\${a-b.output}`:                              `\${a-b.output}`,
		`${"a-b.output" + 'a-b.x\'a-b.x'}`:            `${"a-b.output" + 'a-b.x\'a-b.x'}`,
		"${`a-b.x ${a-b.output.x} a-b.x`}":            "${`a-b.x ${agents[\"a-b\"].output?.x} a-b.x`}",
		"${({x: a-b.output}).x} a-b.x":                `${({x: agents["a-b"].output})?.x} a-b.x`,
		"${/* a-b.x */ a-b.output // a-b.x\n}":        "${/* a-b.x */ agents[\"a-b\"].output // a-b.x\n}",
		"${input.a-b.output}":                         "${input.a-b.output}",
		"${x_a-b.output}":                             "${x_a-b.output}",
		"${input.a-1}":                                "${input.a-1}",
		"${agents.a-b.output.x[0].y}":                 `${agents["a-b"].output?.x?.[0]?.y}`,
		"${b.output.message ?? a-b.output.message.x}": `${b.answer?.message ?? agents["a-b"].answer?.message?.x}`,
		"${b.output._meta.model}":                     "${b?._meta?.model}",
		"${input.user.name.trim().length}":            "${input.user?.name?.trim()?.length}",
		"${[1.5, ...input.all][0] + Math.max(1, 2)}":  "${[1.5, ...input?.all]?.[0] + Math.max(1, 2)}",
		"${now} ${input.now} ${({now: 1}).now}":       "${new Date().toISOString()} ${input.now} ${({now: 1})?.now}",
		"{{input.user.name}} {{ b.output.message }}":  `${input.user?.name} ${b.answer?.message}`,
	} {
		file := fmt.Sprintf(`{"ensemble": "x", "agents": [
			{"name": "a-b", "agent": "p"}, {"name": "a-b-c", "agent": "p"}, {"name": "b", "agent": "p"}, {"name": "x_a", "agent": "p"},
			{"name": "shown", "operation": "transform", "config": {"template": %q}}]}`, text)
		w, err := workflow.Read(t.Context(), expr.Direct{}, sluice.KindWorkflow, []sluice.File{{Path: "w.json", Text: file}})
		if err != nil {
			t.Errorf("%s: got %s", text, told(err))
			continue
		}
		settings, _ := w.Blocks[4].Settings.Tree.(*value.Object)
		if got := settings.Get("template"); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestReadBoundsTheBlocks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		blocks int
		form   string
		want   string
	}{
		{workflow.MaxBlocks, "native", ""},
		{workflow.MaxBlocks + 1, "native", "the workflow has more than 500 blocks"},
		{workflow.MaxBlocks + 1, "body", "the workflow has more than 500 blocks"},
		{workflow.MaxBlocks, "ensemble", ""},
		{workflow.MaxBlocks + 1, "ensemble", "the ensemble has 501 agents; the limit is 500"},
	} {
		var b strings.Builder
		indent, item := "", "- {id: b%d, block: echo, value: 1}\n"
		switch test.form {
		case "native":
			b.WriteString("blocks:\n")
		case "body":
			b.WriteString("id: each\nblock: foreach\nitems: [1]\nblocks:\n")
		case "ensemble":
			b.WriteString("ensemble: x\nagents:\n")
			item = "- {name: b%d, agent: x}\n"
		}
		for i := range test.blocks {
			fmt.Fprintf(&b, indent+item, i)
		}
		_, err := workflow.Read(t.Context(), expr.Direct{}, sluice.KindWorkflow, []sluice.File{{Path: "w.yaml", Text: b.String()}})
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%d blocks, %s: got %v, want %q", test.blocks, test.form, err, test.want)
		}
	}
}

// valueOf makes a value of what a test writes down.
func valueOf(t *testing.T, v any) any {
	t.Helper()
	out, err := value.Of(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCompileSchemaRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		schema any
		want   string
	}{
		"a number":             {int64(3), "at #, a schema is a map, true or false"},
		"a schema elsewhere":   {map[string]any{"$ref": "https://schemas.example/a"}, "it refers to a schema elsewhere"},
		"a file":               {map[string]any{"items": map[string]any{"$ref": "file:///etc/hostname"}}, "it refers to a schema elsewhere"},
		"a draft elsewhere":    {map[string]any{"$schema": "file:///etc/hostname"}, "it refers to a schema elsewhere"},
		"no such place":        {map[string]any{"$ref": "#/$defs/a"}, `$ref names "#/$defs/a", and there is no schema`},
		"a place of no schema": {map[string]any{"$ref": "#/x-own", "x-own": map[string]any{"type": "string"}}, `$ref names "#/x-own", and there is no schema`},
		"an id within":         {map[string]any{"items": map[string]any{"$id": "x"}}, "at #/items, $id is not taken"},
		"no type":              {map[string]any{"type": "strnig"}, "at $.type"},
		"a large enum":         {map[string]any{"enum": make([]any, 1001)}, "an enum has at most 1,000 values"},
		"a large schema":       {map[string]any{"required": make([]any, 10_000)}, "it has more than 10000 values"},
	} {
		_, err := workflow.CompileSchema(valueOf(t, test.schema))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

// What one check costs is not held against the next.
func TestValueSchemaChecksAgain(t *testing.T) {
	t.Parallel()
	schema, err := workflow.CompileSchema(value.Pairs("items", value.Pairs("type", "integer")))
	if err != nil {
		t.Fatal(err)
	}
	list := make([]any, 100_000)
	for i := range list {
		list[i] = int64(i)
	}
	for n := range 8 {
		if found := schema.Check(list); len(found) > 0 {
			t.Fatalf("check %d: got %v, want none", n, found)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value any
		want  string // empty for none
	}{
		{"500ms", "500ms"},
		{" 2m ", "2m0s"},
		{"24h", "24h0m0s"},
		{"1.5", "1.5s"},
		{int64(5), "5s"},
		{0.25, "250ms"},
		{int64(0), "0s"},
		{"8784h", "8784h0m0s"},
		{"8785h", ""},
		{"-5s", ""},
		{int64(-1), ""},
		{1e300, ""},
		{"", ""},
		{"soon", ""},
		{"NaN", ""},
		{nil, ""},
		{true, ""},
		{[]any{"5s"}, ""},
	} {
		got, err := workflow.Duration(test.value)
		if test.want == "" && sluice.CodeOf(err) != sluice.Invalid || test.want != "" && (err != nil || got.String() != test.want) {
			t.Errorf("%v: got %v, %v, want %q", test.value, got, err, test.want)
		}
	}
}
