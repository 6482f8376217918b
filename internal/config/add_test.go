package config

import (
	"testing"

	"github.com/sluice-dev/sluice"
)

// TestAddComponents keeps every byte of a project file but for the new lines.
func TestAddComponents(t *testing.T) {
	t.Parallel()
	added := []Component{{Name: "new", Path: "prompts/new.md", Kind: "prompt"}}
	const line = "new: {path: prompts/new.md, kind: prompt}"
	for name, test := range map[string]struct{ in, want string }{
		"empty":       {"", "\ncomponents:\n  " + line + "\n"},
		"no section":  {"default_environment: prod # live\n\n", "default_environment: prod # live\n\ncomponents:\n  " + line + "\n\n"},
		"no value":    {"components: # ours\ngit: {}\n", "components: # ours\n  " + line + "\ngit: {}\n"},
		"at the end":  {"components:\n    a: {path: a.md} # first\n    # b: {path: b.md}\n", "components:\n    a: {path: a.md} # first\n    # b: {path: b.md}\n    " + line + "\n"},
		"between":     {"components:\n  b:\n    path: b.md\n  a: {path: a.md}\n\n# What goes over Git.\ngit: {}\n", "components:\n  b:\n    path: b.md\n  a: {path: a.md}\n  " + line + "\n\n# What goes over Git.\ngit: {}\n"},
		"no last end": {"components:\n  a: {path: a.md}", "components:\n  a: {path: a.md}\n  " + line + "\n"},
		"windows":     {"components:\r\n  a: {path: a.md}\r\n", "components:\r\n  a: {path: a.md}\r\n  " + line + "\r\n"},
		"end mark":    {"components:\n  a: {path: a.md}\n...\n", "components:\n  a: {path: a.md}\n  " + line + "\n...\n"},
	} {
		if got, err := AddComponents([]byte(test.in), added); err != nil || string(got) != test.want {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, test.want)
		}
	}
	for in, code := range map[string]sluice.Code{
		"components: {a: {path: a.md}}\n":  sluice.Invalid, // told what to write
		"{git: {}}\n":                      sluice.Invalid,
		"components:\n  New: {path: n.md}": sluice.Conflict,
		"components: [":                    sluice.Invalid,
	} {
		if got, err := AddComponents([]byte(in), added); sluice.CodeOf(err) != code || len(sluice.AsError(err).Fixes) == 0 {
			t.Errorf("%q: got %q, %v; want %s and a fix", in, got, err, code)
		}
	}
}
