package declare_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/declare"
)

func TestRequires(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path, text string
		want       []string
	}{
		"front matter":        {"a.md", "---\nrequires: [B, A, B]\n---\nText.\n", []string{"A", "B"}},
		"with other fields":   {"a.md", "---\nmodel: m\nrequires:\n  - A # why\n---\nText.\n", []string{"A"}},
		"windows":             {"a.md", "\ufeff---\r\nrequires: [A]\r\n---\r\nText.\r\n", []string{"A"}},
		"ended by dots":       {"a.txt", "---\nrequires: [A]\n...\nText.\n", []string{"A"}},
		"no suffix":           {"prompt", "---\nrequires: [A]\n---\n", []string{"A"}},
		"not at the start":    {"a.md", "Text.\n---\nrequires: [A]\n---\n", nil},
		"not closed":          {"a.md", "---\nrequires: [A]\n", nil},
		"in the text":         {"a.md", "---\nmodel: m\n---\nrequires: [A]\n", nil},
		"no front matter":     {"a.md", "This requires: nothing.\n", nil},
		"yaml":                {"a.yaml", "blocks: []\nrequires: [A]\n", []string{"A"}},
		"yml, capitals":       {"A.YML", "requires: [A]\n", []string{"A"}},
		"the first document":  {"a.yaml", "requires: [A]\n---\nrequires: [B]\n", []string{"A"}},
		"not at the top":      {"a.yaml", "blocks:\n  - requires: [A]\n", nil},
		"null":                {"a.yaml", "requires:\n", nil},
		"empty":               {"a.yaml", "requires: []\n", nil},
		"an alias":            {"a.yaml", "x: &keys [A]\nrequires: *keys\n", []string{"A"}},
		"quoted keys":         {"a.yaml", "\"requires\": ['A', \"B\"]\n", []string{"A", "B"}},
		"a list at the top":   {"a.yaml", "- requires\n", nil},
		"json":                {"a.json", "{\"steps\": [],\n\t\"requires\": [\"A\", \"B\"]}", []string{"A", "B"}},
		"json in one line":    {"a.json", `{"name":"x","requires":["A"]}`, []string{"A"}},
		"broken, no mention":  {"a.yaml", "a: [\nsay requires\n", nil},
		"a template":          {"a.md", "---\n{{ requires }}\n---\n", nil},
		"binary":              {"a.bin", "---\n\x00requires\xff\n---\n", nil},
		"an empty file":       {"a.md", "", nil},
		"two dashes only":     {"a.md", "---\n---\n", nil},
		"deeply nested":       {"a.json", strings.Repeat("[", 100_000) + `"requires"`, nil},
		"binary after it":     {"a.bin", "---\nrequires: [A]\n---\n\xff", nil},
		"binary within it":    {"a.bin", "---\nrequires: [A] # \xff\n---\n", nil},
		"an alias for a key":  {"a.yaml", "x: &requires y\n*requires : [A]\n", nil},
		"a list for a key":    {"a.yaml", "? [requires]\n: [A]\n", nil},
		"a blank after it":    {"a.md", "--- \nrequires: [A]\n---\n", nil},
		"two returns":         {"a.md", "---\r\r\nrequires: [A]\n---\n", nil},
		"a great many braces": {"a.json", strings.Repeat("{", 500_000) + "requires", nil},
	} {
		got, err := declare.Requires([]sluice.File{sluice.NewFile(test.path, []byte(test.text))})
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, test.want)
		}
	}
	all, err := declare.Requires([]sluice.File{
		sluice.NewFile("a.md", []byte("---\nrequires: [B]\n---\n")), sluice.NewFile("b.yaml", []byte("requires: [A, B]\n")),
	})
	if err != nil || !slices.Equal(all, []string{"A", "B"}) {
		t.Errorf("of two files: got %v, %v", all, err)
	}
}

// TestRequiresOfJSON: what is JSON and not YAML is read too, and what is nearly JSON.
func TestRequiresOfJSON(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path, text string
		want       []string
	}{
		"a surrogate pair":   {"a.json", `{"say": "\ud83d\ude00", "requires": ["A"]}`, []string{"A"}},
		"a delete character": {"a.json", "{\"say\": \"\x7f\", \"requires\": [\"A\"]}", []string{"A"}},
		"a long key":         {"a.json", `{"` + strings.Repeat("k", 2000) + `": 1, "requires": ["A"]}`, []string{"A"}},
		"tabs":               {"a.json", "{\t\"requires\"\t:\t[\t\"A\"\t]\t}\n\t", []string{"A"}},
		"a colon of its own": {"a.json", "{\"requires\"\n:\n[\"A\"]}", []string{"A"}},
		"json, capitals":     {"A.JSON", "\ufeff{\"requires\": [\"A\"]}\r\n", []string{"A"}},
		"json null":          {"a.json", `{"requires": null}`, nil},
		"json, nested":       {"a.json", `{"a": {"requires": 1}, "b": ["requires"]}`, nil},
		"json, a last comma": {"a.json", `{"requires": ["A",],}`, []string{"A"}},
		"json, a list":       {"a.json", `["requires"]`, nil},
	} {
		got, err := declare.Requires([]sluice.File{sluice.NewFile(test.path, []byte(test.text))})
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, test.want)
		}
	}
}

func TestRequiresRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ path, text, want string }{
		{"a.md", "---\nrequires: LLM_MODEL\n---\n", "a.md:2:11: requires is not a list of keys"},
		{"a.md", "---\nmodel: m\nrequires: {A: 1}\n---\n", "a.md:3:11: requires is not a list of keys"},
		{"a.yaml", "requires: [A, 1]\n", "a.yaml:1:15: what is required is the key of a variable"},
		{"a.yaml", "requires: [A, [B]]\n", "a.yaml:1:15: what is required is the key of a variable"},
		{"a.yaml", "requires:\n  - A-B\n", "a.yaml:2:5: a variable key has another character at byte 2"},
		{"a.yaml", "requires: [A]\nrequires: [B]\n", "a.yaml:2:1: requires is there twice"},
		{"a.json", "{\n  \"requires\": [\"\"]}", "a.json:2:16: a variable key is empty"},
		{"a.json", "{\"é\": 1, \"requires\": \"A\"}", "a.json:1:22: requires is not a list of keys"},
		{"a.json", "{\"requires\": {\"A\": []}}", "a.json:1:14: requires is not a list of keys"},
		{"a.json", "{\n\t\"requires\": [\"A\",\n\t\tnull]}", "a.json:3:3: what is required is the key of a variable"},
		{"a.json", `{"requires": [1]}`, "a.json:1:15: what is required is the key of a variable"},
		{"a.json", `{"requires": [["A"]]}`, "a.json:1:15: what is required is the key of a variable"},
		{"a.json", `{"requires": [], "requires": []}`, "a.json:1:18: requires is there twice"},
		{"a.yaml", "requires: !!null [A-B]\n", "a.yaml:1:19: a variable key has another character at byte 2"},
		{"a.yaml", "requires: &r [*r]\n", "a.yaml:1:15: what is required is the key of a variable"},
		{"a.yaml", "'requires': [A\nb: 1\n", "a.yaml:1: what the file requires cannot be read: it is not YAML"},
		{"a.json", `{"name": "x", "requires": ["A"`, "a.json:1: what the file requires cannot be read: it is not YAML"},
		{"a.md", "---\nmodel: m\nrequires: [A\x00]\n---\n", "a.md:3: what the file requires cannot be read: it is not YAML"},
		{"a.yaml", "requires: [A\nb: 1\n", "a.yaml:1: what the file requires cannot be read: it is not YAML"},
		{"a.json", "{\n\"requires\": [\"A\",\n}}", "a.json:2: what the file requires cannot be read: it is not YAML"},
	} {
		_, err := declare.Requires([]sluice.File{sluice.NewFile(test.path, []byte(test.text))})
		if err == nil || err.Error() != test.want {
			t.Errorf("%q: got %v, want %s", test.text, err, test.want)
			continue
		}
		if fixes := sluice.AsError(err).Fixes; len(fixes) == 0 || !strings.Contains(fixes[0].Text, "requires: [LLM_MODEL, DB_HOST]") {
			t.Errorf("%q: fixes %v", test.text, fixes)
		}
	}
	many := "requires:\n"
	for i := range sluice.MaxVariables + 1 {
		many += "  - K" + strings.Repeat("A", i%100) + strings.Repeat("B", i/100) + "\n"
	}
	if _, err := declare.Requires([]sluice.File{sluice.NewFile("a.yaml", []byte(many))}); sluice.CodeOf(err) != sluice.LimitExceeded {
		t.Errorf("too many: %v", err)
	}
}

// TestRequiresOfMuch: a file as large as one may be is read in a moment, or
// refused in one.
func TestRequiresOfMuch(t *testing.T) {
	t.Parallel()
	fill := func(before, part, after string) string {
		return before + strings.Repeat(part, (sluice.MaxFileBytes-len(before)-len(after))/len(part)) + after
	}
	for _, test := range []struct {
		path, text string
		code       sluice.Code
	}{
		{"a.json", fill("", "[", "\nrequires: x"), sluice.Invalid},
		{"a.json", fill("", "{", "\nrequires: x"), sluice.Invalid},
		{"a.yaml", fill("", "- ", "\nrequires: x"), sluice.Invalid},
		{"a.yaml", fill("requires: [", "A,", "]"), ""},
		{"a.yaml", fill("x: &a [A]\nrequires: *a\ny:\n", "- [*a, *a]\n", ""), ""},
		{"a.json", fill(`{"requires": [`, `"A",`, `"B"]}`), ""},
		{"a.md", fill("---\nrequires: [A]\n", "#\n", "---\n"), ""},
	} {
		start := time.Now()
		_, err := declare.Requires([]sluice.File{sluice.NewFile(test.path, []byte(test.text))})
		// It takes a second at most, some more with the race detector on a busy
		// machine; what is quadratic takes many minutes.
		if took := time.Since(start); sluice.CodeOf(err) != test.code || took > time.Minute {
			t.Errorf("%s %.30q: %v after %s, want %q", test.path, test.text, err, took, test.code)
		}
	}
}

func FuzzRequires(f *testing.F) {
	f.Add("a.md", "---\nrequires: [A]\n---\nText.")
	f.Add("a.yaml", "x: &a [*a]\nrequires: *a\n")
	f.Add("a.json", `{"requires": ["A"]}`)
	f.Add("a.json", "{\"x\": {}, \"requires\"\n:[null, [], {\"a\": 1}, \"\\ud83d\\ude00\"]}")
	f.Fuzz(func(t *testing.T, path, text string) {
		keys, err := declare.Requires([]sluice.File{sluice.NewFile(path, []byte(text))})
		if err != nil && !strings.HasPrefix(err.Error(), path) && sluice.CodeOf(err) != sluice.LimitExceeded {
			t.Errorf("the error does not name the file: %v", err)
		}
		for _, key := range keys {
			if sluice.CheckKey(key) != nil {
				t.Errorf("%q is required", key)
			}
		}
	})
}
