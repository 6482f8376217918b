package sluice_test

import (
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

func TestCheckName(t *testing.T) {
	for _, s := range []string{"a", "A", "0", "my-prompt", "my_prompt.v2", "a.b.c", strings.Repeat("x", 128), "latest", "v1.0.0"} {
		if err := sluice.CheckName("component", s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{
		"", "-a", ".a", "_a", "a b", "a/b", "a@b", "a#b", "a:b", "é", "a\x00", "a..b", "a.", "a.lock", "a.LOCK", strings.Repeat("x", 129), "a\n",
	} {
		if err := sluice.CheckName("component", s); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%q: %v; want invalid", s, err)
		}
	}
}

func TestCheckWord(t *testing.T) {
	for _, s := range []string{"production", "v1", "v1.2", "4a", "sha256", "latest-1"} {
		if err := sluice.CheckWord("environment", s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"4", "1.0.0", "v1.0.0", "v1.0.0-rc.1", "sha256:ab12cd34", "latest", "Latest", "name:x", "env:x"} {
		if err := sluice.CheckWord("environment", s); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%q: %v; want invalid", s, err)
		}
	}
}

func TestCheckText(t *testing.T) {
	for _, s := range []string{"", "why not", "two\nlines\tand a tab", "Ünïcödé 🚀", "\uFFFD", strings.Repeat("x", 20)} {
		if err := sluice.CheckText("reason", s, 20+len("Ünïcödé 🚀")); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for s, want := range map[string]sluice.Code{
		strings.Repeat("x", 21): sluice.LimitExceeded, "bell\a": sluice.Invalid, "escape \x1b[31m": sluice.Invalid, "broken \xff": sluice.Invalid,
		"\x7f": sluice.Invalid, "carriage\r": sluice.Invalid,
	} {
		if err := sluice.CheckText("reason", s, 20); sluice.CodeOf(err) != want {
			t.Errorf("%q: %v; want %s", s, err, want)
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"production", "staging", "development", "prod", "qa"}
	for in, want := range map[string]string{
		"prodution": "production", "Stagin": "staging", "prd": "prod", "qb": "qa", "q": "qa", "": "", "canary": "", "production": "",
	} {
		if got := sluice.Suggest(in, known); got != want {
			t.Errorf("%q suggests %q, want %q", in, got, want)
		}
	}
}

func TestListing(t *testing.T) {
	names := []string{"a", "b", "c"}
	for limit, want := range map[int]string{1: "a and 2 more", 2: "a, b and 1 more", 3: "a, b, c", 9: "a, b, c"} {
		if got := sluice.Listing(names, limit); got != want {
			t.Errorf("%d of them are %q, want %q", limit, got, want)
		}
	}
}

func TestParseSlot(t *testing.T) {
	for in, component := range map[string]string{
		"component/my-prompt": "my-prompt", "var/LLM_MODEL": "", "var/_x": "", "var/KEY@my-prompt": "", "component/4": "4",
	} {
		if got, err := sluice.ParseSlot(in); err != nil || string(got) != in || got.Component() != component {
			t.Errorf("%q is %q of %q, %v", in, got, got.Component(), err)
		}
	}
	for _, in := range []string{
		"", "my-prompt", "component/", "component/a/b", "var/", "var/1X", "var/A-B", "var/KEY@", "var/KEY@a@b", "variable/X", "Component/x",
		"var/" + strings.Repeat("K", 129),
	} {
		if got, err := sluice.ParseSlot(in); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%q is %q, %v; want invalid", in, got, err)
		}
	}
}
