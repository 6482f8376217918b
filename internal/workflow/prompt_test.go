package workflow_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/workflow"
)

func readPrompt(t *testing.T, files ...sluice.File) *workflow.PromptFile {
	t.Helper()
	p, err := workflow.ReadPrompt(t.Context(), expr.Direct{}, files)
	if err != nil {
		t.Fatalf("%v: %s", files, told(err))
	}
	return p
}

func TestReadPrompt(t *testing.T) {
	t.Parallel()
	const whole = `---
model: "{{ env.LLM_MODEL }}"
temperature: 0.4
parameters: {max_tokens: 600, logit_bias: {a: 1}}
input: {text: text, currency: {type: string, default: EUR}}
system: You read invoices.
schema: {type: object, properties: {net: {type: number}}}
price: {input: 1, output: 2}
owner: alice
---

Below is the text of one invoice, in {{ currency }}.

{{ text }}

`
	p := readPrompt(t, sluice.File{Path: "invoice.md", Text: whole})
	if p.Model != "{{ env.LLM_MODEL }}" {
		t.Errorf("model: got %q", p.Model)
	}
	const parameters = `{"temperature":0.4,"max_tokens":600,"price":{"input":1,"output":2},"logit_bias":{"a":1}}`
	if p.Parameters.String() != parameters {
		t.Errorf("parameters: got %v, want %v", p.Parameters, parameters)
	}
	messages := []workflow.Message{
		{Role: "system", Content: "You read invoices."},
		{Role: "user", Content: "Below is the text of one invoice, in {{ currency }}.\n\n{{ text }}"},
	}
	if !slices.Equal(p.Messages, messages) {
		t.Errorf("messages: got %q, want %q", p.Messages, messages)
	}
	if p.Schema.Get("type") != "object" || p.Other.Get("owner") != "alice" || p.Other.Len() != 1 {
		t.Errorf("schema %v, other %v; want an object, and the owner alone", p.Schema, p.Other)
	}
	if got := p.Variables(); !slices.Equal(got, []string{"LLM_MODEL"}) || p.Settings.Plain || !slices.Equal(p.Settings.Env, got) {
		t.Errorf("variables: got %v and the settings %+v, want LLM_MODEL in both", got, p.Settings)
	}
	input, err := p.CheckInput(json.RawMessage(`{"text": "x"}`))
	if err != nil || input.Get("currency") != "EUR" {
		t.Errorf("input: got %v, %v, want the default EUR", input, err)
	}
}

func TestPromptTexts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path, text string
		want       []workflow.Message
	}{
		"no front matter":       {"p.md", "Hello {{ name }}\n", []workflow.Message{{Role: "user", Content: "Hello {{ name }}"}}},
		"plain text":            {"p.txt", "Hello\n\n", []workflow.Message{{Role: "user", Content: "Hello"}}},
		"no suffix":             {"my-prompt", "Hello", []workflow.Message{{Role: "user", Content: "Hello"}}},
		"an empty front matter": {"p.md", "---\n# none\n---\nHello\n", []workflow.Message{{Role: "user", Content: "Hello"}}},
		"windows":               {"p.md", "\ufeff---\r\nmodel: m\r\n---\r\n\r\nHello\r\nyou\r\n", []workflow.Message{{Role: "user", Content: "Hello\r\nyou"}}},
		"a rule in the text":    {"p.md", "Hello\n---\nyou\n", []workflow.Message{{Role: "user", Content: "Hello\n---\nyou"}}},
		"braces of JSON":        {"p.md", "Return {\"a\": ...} and {b}\n", []workflow.Message{{Role: "user", Content: "Return {\"a\": ...} and {b}"}}},
		"a list of messages": {
			"p.md", "---\nsystem: s\nmessages: [{role: user, content: hi}, {role: assistant, content: 'yes {{ x }}'}]\n---\n",
			[]workflow.Message{{Role: "system", Content: "s"}, {Role: "user", Content: "hi"}, {Role: "assistant", Content: "yes {{ x }}"}},
		},
		"YAML alone": {"p.yaml", "model: m\nmessages: [{role: user, content: hi}]\n", []workflow.Message{{Role: "user", Content: "hi"}}},
	} {
		p := readPrompt(t, sluice.File{Path: test.path, Text: test.text})
		if !slices.Equal(p.Messages, test.want) {
			t.Errorf("%s: got %q, want %q of\n%s", name, p.Messages, test.want, test.text)
		}
	}
}

func TestPromptAsWorkflow(t *testing.T) {
	t.Parallel()
	w, err := workflow.Read(t.Context(), expr.Direct{}, "Prompt", []sluice.File{{Path: "p.md", Text: "---\nmodel: '{{ env.M }}'\nparameters: {top_k: 3}\n---\nHello {{ name }} of {{ inputs.city }}, {{ env.SIGN }}\n"}})
	if err != nil {
		t.Fatal(told(err))
	}
	got := dump(w)
	const want = `name "", ""
input inputs , spread true
output none of "prompt", each false
variables [M SIGN]
0 prompt: prompt at 1:1, needs []
    settings jinja {"model":"{{ env.M }}","messages":[{"role":"user","content":"Hello {{ name }} of {{ inputs.city }}, {{ env.SIGN }}"}]}
    raw {"parameters":{"top_k":3}}
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	settings := w.Blocks[0].Settings
	if !slices.Equal(settings.Roots, []string{"env", "inputs", "name"}) || !slices.Equal(settings.Env, []string{"M", "SIGN"}) || settings.AllEnv {
		t.Errorf("got the roots %v and the variables %v, all %v; want env, inputs and name, M and SIGN, not all", settings.Roots, settings.Env, settings.AllEnv)
	}
}

func TestScriptAsWorkflow(t *testing.T) {
	t.Parallel()
	const code = "// Adds.\nreturn inputs.a + b + Number(env.C);\n"
	w, err := workflow.Read(t.Context(), expr.Direct{}, sluice.KindScript, []sluice.File{
		{Path: "add.mjs", Text: code}, {Path: "README.md", Text: "Adds."}, {Path: "test.py", Text: "pass"},
	})
	if err != nil {
		t.Fatal(told(err))
	}
	if b := w.Blocks[0]; len(w.Blocks) != 1 || b.Kind != workflow.Script || b.Raw["code"] != code || w.OutputBlock != b.ID || !w.Spread {
		t.Errorf("got %s, want one script with the code", dump(w))
	}
	if got := w.Variables(); !slices.Equal(got, []string{"C"}) {
		t.Errorf("variables: got %v, want C", got)
	}
}

func TestReadPicksTheFile(t *testing.T) {
	t.Parallel()
	const good, bad = "blocks: [{id: a, block: echo, value: 1}]\n", "blocks: 1\n"
	for name, test := range map[string]struct {
		kind  string
		files []sluice.File
		want  string // the error; empty for none
	}{
		"the only one":       {"workflow", []sluice.File{{Path: "x.yml", Text: good}, {Path: "README.md"}}, ""},
		"the named one":      {"workflow", []sluice.File{{Path: "a.yaml", Text: bad}, {Path: "sub/workflow.json", Text: good}}, ""},
		"in capitals":        {"WORKFLOW", []sluice.File{{Path: "X.YAML", Text: good}}, ""},
		"none":               {"workflow", []sluice.File{{Path: "x.txt", Text: good}}, "no file of the workflow can be run"},
		"no files":           {"script", nil, "no file of the script can be run"},
		"two":                {"workflow", []sluice.File{{Path: "a.yaml", Text: good}, {Path: "b.yaml", Text: good}}, "2 files of the workflow could be the one to run: a.yaml, b.yaml"},
		"two named ones":     {"workflow", []sluice.File{{Path: "workflow.yaml", Text: good}, {Path: "workflow.yml", Text: good}}, "2 files of the workflow could be the one to run"},
		"two prompts":        {"prompt", []sluice.File{{Path: "prompt.md", Text: "Hi"}, {Path: "README.md", Text: "About"}}, ""},
		"too large":          {"workflow", []sluice.File{{Path: "a.yaml", Text: strings.Repeat("#", 1<<20) + "\n"}}, "a.yaml has 1048577 bytes; the limit is 1048576"},
		"bytes for a script": {"script", []sluice.File{{Path: "a.js", Base64: []byte{0xff}}}, "a.js:1:1: this byte is not UTF-8"},
		"bytes for a flow":   {"workflow", []sluice.File{{Path: "a.yaml", Base64: []byte("a: \xff")}}, "a.yaml:1:4: this byte is not UTF-8"},
		"bytes for a prompt": {"prompt", []sluice.File{{Path: "a.md", Base64: []byte{0xff}}}, "a.md:1:1: this byte is not UTF-8"},
		"a shell script":     {"script", []sluice.File{{Path: "a.sh", Text: "ls"}}, "a.sh cannot be run: Sluice runs JavaScript, and this file ends in .sh"},
		"an agent":           {"agent", []sluice.File{{Path: "a.yaml", Text: good}}, `a component of kind "agent" does not run`},
		"a config":           {"config", []sluice.File{{Path: "a.yaml", Text: good}}, `a component of kind "config" does not run`},
	} {
		_, err := workflow.Read(t.Context(), expr.Direct{}, test.kind, test.files)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: got %s, want none", name, told(err))
		case test.want != "" && (sluice.CodeOf(err) != sluice.Invalid || !strings.HasPrefix(err.Error(), test.want)):
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}
