package declare_test

import (
	"slices"
	"strings"
	"testing"

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
		{"a.yaml", "requires: [A\nb: 1\n", "a.yaml:1: what the file requires cannot be read: it is not YAML"},
		{"a.json", "{\n\"requires\": [\"A\",\n}}", "a.json:2: what the file requires cannot be read: it is not YAML"},
	} {
		_, err := declare.Requires([]sluice.File{sluice.NewFile(test.path, []byte(test.text))})
		if err == nil || err.Error() != test.want {
			t.Errorf("%q: got %v, want %s", test.text, err, test.want)
			continue
		}
		if fixes := sluice.AsError(err).Fixes; len(fixes) == 0 || !strings.Contains(fixes[0], "requires: [LLM_MODEL, DB_HOST]") {
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

func FuzzRequires(f *testing.F) {
	f.Add("a.md", "---\nrequires: [A]\n---\nText.")
	f.Add("a.yaml", "x: &a [*a]\nrequires: *a\n")
	f.Add("a.json", `{"requires": ["A"]}`)
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
