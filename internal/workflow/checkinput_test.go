package workflow_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// taking is a workflow that takes what the YAML of inputs says.
func taking(t *testing.T, inputs string) *workflow.Workflow {
	t.Helper()
	text := "blocks: [{id: a, block: echo, value: 1}]\n"
	if inputs != "" {
		text = "inputs: " + inputs + "\n" + text
	}
	w, err := workflow.Read(t.Context(), expr.Direct{}, sluice.KindWorkflow, []sluice.File{{Path: "w.yaml", Text: text}})
	if err != nil {
		t.Fatalf("%s: %s", inputs, told(err))
	}
	return w
}

func TestCheckInputTakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		inputs, raw string
		want        string // as JSON
	}{
		"nothing":                     {"", "", `{}`},
		"null":                        {"", "null", `{}`},
		"anything, undeclared":        {"", `{"a": [1, {"b": 1.5}]}`, `{"a":[1,{"b":1.5}]}`},
		"a large whole number":        {"{n: integer}", `{"n": 9007199254740993}`, `{"n":9007199254740993}`},
		"one too large for an int64":  {"{n: number}", `{"n": 18446744073709551616}`, `{"n":18446744073709551616}`},
		"a default":                   {"{a: {type: string, default: x}, b: {type: array, default: [1]}}", "{}", `{"a":"x","b":[1]}`},
		"a default that is given":     {"{a: {type: string, default: x}}", `{"a": "y"}`, `{"a":"y"}`},
		"a default that is null":      {"{a: {default: null}}", "", `{"a":null}`},
		"what is optional":            {"{a: {type: string, required: false}}", "", `{}`},
		"undeclared fields":           {"{a: string}", `{"a": "x", "b": 1}`, `{"a":"x","b":1}`},
		"names alone":                 {"[a, b]", `{"a": 1, "b": null}`, `{"a":1,"b":null}`},
		"a field with the name type":  {"{type: string}", `{"type": "x"}`, `{"type":"x"}`},
		"a schema that refers within": {`{type: object, properties: {a: {$ref: "#/$defs/t"}}, $defs: {t: {type: array, items: {$ref: "#/$defs/t"}}}}`, `{"a": [[], [[]]]}`, `{"a":[[],[[]]]}`},
		"64 levels":                   {"", strings.Repeat(`{"a":`, 63) + "{}" + strings.Repeat("}", 63), strings.Repeat(`{"a":`, 63) + "{}" + strings.Repeat("}", 63)},
		"the order of keys":           {"", `{"z": 1, "a": {"y": 1, "b": 2}, "10": 0, "9": 0}`, `{"z":1,"a":{"y":1,"b":2},"10":0,"9":0}`},
		"digits of numbers":           {"{n: number}", `{"n": 1.0, "m": [18446744073709551615, 0.10, 1e2, -0.0]}`, `{"n":1.0,"m":[18446744073709551615,0.10,1e2,-0.0]}`},
		"exact defaults, in order":    {"{z: {default: 18446744073709551615}, a: {default: {y: 1.0, b: 2026-01-31}}}", `{"m": 1}`, `{"m":1,"z":18446744073709551615,"a":{"y":1.0,"b":"2026-01-31"}}`},
	} {
		got, err := taking(t, test.inputs).CheckInput(json.RawMessage(test.raw))
		if err != nil || got.String() != test.want {
			t.Errorf("%s, %s of %s: got %s, %v, want %s", name, test.raw, test.inputs, got, err, test.want)
		}
	}
}

func TestCheckInputRefuses(t *testing.T) {
	t.Parallel()
	many := `{type: object, properties: {a: {type: array, uniqueItems: true, items: {type: integer, minimum: 3, maximum: 5}}, b: {enum: [x, 1]}, c: {type: string, pattern: "^T-", maxLength: 4}}, required: [a], additionalProperties: false}`
	for name, test := range map[string]struct {
		inputs, raw, want string
	}{
		"a list":               {"", "[]", "the input is a list, and an object is wanted"},
		"text":                 {"", `"x"`, "the input is text, and an object is wanted"},
		"no JSON":              {"", `{"a":`, "the input is not JSON: it ends too early"},
		"two values":           {"", `{} {}`, "the input is not JSON: something follows the value"},
		"a bracket behind it":  {"", `{}]`, "the input is not JSON: something follows the value"},
		"65 levels":            {"", strings.Repeat(`{"a":`, 64) + "{}" + strings.Repeat("}", 64), "the input cannot be taken: the value is nested deeper than 64 levels"},
		"a million brackets":   {"", strings.Repeat("[", 1_000_000), "the input cannot be taken: the value is nested deeper than 64 levels"},
		"too large a number":   {"", `{"a": 1e1001}`, `the input cannot be taken: a: the exponent of 1e1001 is too large; it is at most 1000, of either sign`},
		"too many digits":      {"", `{"a": [` + strings.Repeat("1", 1001) + `]}`, `the input cannot be taken: a[0]: the number 11111111111111111111… has 1001 digits; a number has at most 1000`},
		"a key twice":          {"", `{"a": {"b": 1, "b": 2}}`, `the input cannot be taken: a: the key "b" is there twice`},
		"half of a character":  {"", `{"a": "x\ud800y"}`, `the input cannot be taken: a: a text has half of a surrogate pair, \ud800, which is no character`},
		"a missing field":      {"{ticket_id: string}", "{}", "the input is not what the workflow takes: $.ticket_id: it is missing"},
		"text for a number":    {"{n: number}", `{"n": "3"}`, "the input is not what the workflow takes: $.n: it is text; a number is wanted"},
		"null for text":        {"{s: string}", `{"s": null}`, "the input is not what the workflow takes: $.s: it is null; text is wanted"},
		"a fraction":           {"{n: integer}", `{"n": 1.5}`, "the input is not what the workflow takes: $.n: it is a number; a whole number is wanted"},
		"a bad default":        {"{n: {type: integer, default: x}}", `{}`, "the input is not what the workflow takes: $.n: it is text; a whole number is wanted"},
		"several places":       {many, `{"a": [4, 9, 1], "b": "y", "c": "U-12345", "d": 1}`, `the input is not what the workflow takes: $.a[1]: it is 9; at most 5 is wanted; $.a[2]: it is 1; at least 3 is wanted; $.b: it is "y"; one of "x" or 1 is wanted; $.c: "U-12345" does not match "^T-"; $.c: it is 7 characters long; at most 4 are wanted; $.d: nothing of this name is wanted`},
		"not unique":           {many, `{"a": [4, 4]}`, "the input is not what the workflow takes: $.a: it does not fit the schema's \"uniqueItems\""},
		"one of several forms": {"{type: object, properties: {a: {anyOf: [{type: string}, {type: number}]}}}", `{"a": true}`, "the input is not what the workflow takes: $.a: it fits none of the forms that are wanted"},
	} {
		got, err := taking(t, test.inputs).CheckInput(json.RawMessage(test.raw))
		if sluice.CodeOf(err) != sluice.Invalid || err.Error() != test.want {
			t.Errorf("%s, %.80s of %s: got %v and %v, want %s", name, test.raw, test.inputs, got, err, test.want)
		}
	}
	large := json.RawMessage(`{"a": "` + strings.Repeat("x", sluice.MaxInputBytes) + `"}`)
	if _, err := taking(t, "").CheckInput(large); sluice.CodeOf(err) != sluice.LimitExceeded {
		t.Errorf("%d bytes: got %v, want that the limit is exceeded", len(large), err)
	}
}

func TestMisspeltInput(t *testing.T) {
	t.Parallel()
	const inputs = `{ticket_id: string, body: {type: string, default: ""}}`
	for raw, want := range map[string]string{
		`{"ticket_id": "T-1"}`:                          `[]`,
		`{"ticket_id": "T-1", "bdy": "x"}`:              `[the workflow takes no "bdy": was "body" meant?]`,
		`{"ticket_id": "T-1", "body": "x", "bdy": "x"}`: `[]`, // it is there, so this is something else
		`{"ticket_id": "T-1", "customer": "x"}`:         `[]`,
		`{"ticket_id": `:                                `[]`,
	} {
		if got := fmt.Sprint(taking(t, inputs).Misspelt(json.RawMessage(raw))); got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
	if got := taking(t, "").Misspelt(json.RawMessage(`{"bdy": 1}`)); len(got) > 0 {
		t.Errorf("a workflow that takes anything: got %q", got)
	}
	var many strings.Builder
	for c := 'a'; c <= 'z'; c++ {
		fmt.Fprintf(&many, `"body%c": 1, `, c)
	}
	if got := taking(t, inputs).Misspelt(json.RawMessage(`{` + many.String() + `"z": 1}`)); len(got) != 8 {
		t.Errorf("26 names that are almost another: got %d, want the first 8", len(got))
	}
}

// Schemas that refer to themselves in several ways multiply: each of these would
// take longer than anyone lives.
func TestCheckInputEnds(t *testing.T) {
	t.Parallel()
	var chain strings.Builder
	for i := range 60 {
		next := string(rune('A'+i/26)) + string(rune('a'+i%26))
		following := string(rune('A'+(i+1)/26)) + string(rune('a'+(i+1)%26))
		chain.WriteString(next + `: {allOf: [{$ref: "#/$defs/` + following + `"}, {$ref: "#/$defs/` + following + `"}]}, `)
	}
	last := string(rune('A'+60/26)) + string(rune('a'+60%26))
	for name, test := range map[string]struct{ inputs, raw string }{
		"doubling by references": {`{type: object, allOf: [{$ref: "#/$defs/Aa"}], $defs: {` + chain.String() + last + `: {type: object}}}`, "{}"},
		"doubling, negated":      {`{type: object, not: {$ref: "#/$defs/Aa"}, $defs: {` + chain.String() + last + `: {type: object}}}`, "{}"},
		"doubling at each level": {`{type: object, properties: {a: {$ref: "#/$defs/t"}}, $defs: {t: {allOf: [{properties: {a: {$ref: "#/$defs/t"}}}, {properties: {a: {$ref: "#/$defs/t"}}}]}}}`, strings.Repeat(`{"a":`, 60) + "1" + strings.Repeat("}", 60)},
	} {
		_, err := taking(t, test.inputs).CheckInput(json.RawMessage(test.raw))
		const want = "checking it takes too long"
		if sluice.CodeOf(err) != sluice.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	values := `{"a": [` + strings.Repeat("1,", 300_000) + "1]}"
	if _, err := taking(t, "{a: array}").CheckInput(json.RawMessage(values)); err == nil || !strings.Contains(err.Error(), "too many values") {
		t.Errorf("300,000 values: got %v, want that they are too many", err)
	}
}

func TestCheckInputGivesCopies(t *testing.T) {
	t.Parallel()
	w := taking(t, "{a: {type: array, default: [1]}, b: {type: integer, default: 3}}")
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 50 {
				got, err := w.CheckInput(nil)
				if err != nil || !value.Equal(got.Get("a"), []any{int64(1)}) {
					t.Errorf("got %v, %v, want the default [1]", got, err)
					return
				}
				got.Get("a").([]any)[0] = "changed"
			}
		})
	}
	wait.Wait()
}

func TestCheckInputOfAWorkflowMadeByHand(t *testing.T) {
	t.Parallel()
	w := &workflow.Workflow{Inputs: json.RawMessage(`{"type": "object", "required": ["a"]}`)}
	if _, err := w.CheckInput(json.RawMessage(`{}`)); sluice.CodeOf(err) != sluice.Invalid {
		t.Errorf("{}: got %v, want that it is invalid", err)
	}
	if _, err := w.CheckInput(json.RawMessage(`{"a": 1}`)); err != nil {
		t.Errorf(`{"a": 1}: got %v, want none`, err)
	}
}
