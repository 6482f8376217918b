package gitsync

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

func TestPattern(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern   string
		directory string
		yes, no   []string
	}{
		{
			"components/prompts/*.md", "components/prompts",
			[]string{"components/prompts/a.md", "components/prompts/.md", "components/prompts/a b.md", "components/prompts/\xff.md"},
			[]string{"components/prompts/a.txt", "components/prompts/x/a.md", "prompts/a.md", "x/components/prompts/a.md", "components/prompts"},
		},
		{"**/*.prompt.md", "", []string{"a.prompt.md", "x/a.prompt.md", "x/y/z/a.prompt.md"}, []string{"a.md", "a.prompt.md/b"}},
		{"prompts/**", "prompts", []string{"prompts/a", "prompts/x/y/a"}, []string{"prompts", "other/a"}},
		{"prompts/", "prompts", []string{"prompts/a", "prompts/x/y/a"}, []string{"prompts"}},
		{"./a/**/b/*", "a", []string{"a/b/c", "a/x/b/c", "a/x/y/b/c", "a/b/b/c"}, []string{"a/c", "b/c", "a/b", "a/b/c/d"}},
		{"**", "", []string{"a", "a/b/c"}, nil},
		{"a/[bc]?/\\*", "a", []string{"a/bx/*", "a/c1/*"}, []string{"a/dx/*", "a/b/*", "a/bx/x"}},
		{"a/**b/c", "a", []string{"a/xb/c", "a/b/c"}, []string{"a/x/b/c"}},
	} {
		p, err := ParsePattern(test.pattern)
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
			continue
		}
		if got := p.Directory(); got != test.directory {
			t.Errorf("%s is in %q, want %q", test.pattern, got, test.directory)
		}
		for _, path := range test.yes {
			if !p.Match(path) {
				t.Errorf("%s does not match %q", test.pattern, path)
			}
		}
		for _, path := range test.no {
			if p.Match(path) {
				t.Errorf("%s matches %q", test.pattern, path)
			}
		}
	}
	for _, bad := range []string{"", "/a", "a//b", "a/../b", ".", "a/[b", "a\\", "**/**", strings.Repeat("a/", 100) + "b", strings.Repeat("a", 2000)} {
		if _, err := ParsePattern(bad); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%q: %v, want invalid", clip(bad), err)
		}
	}
}

// FuzzPattern holds the matcher against a regular expression that says the same.
func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{
		{"components/prompts/*.md", "components/prompts/a.md"},
		{"**/a?c/[b-d]*", "x/abc/c"},
		{"a/**", "a"},
		{"**", "a/b"},
		{"a/\\*/**/x", "a/*/b/x"},
		{"[^a]/**/**b", "c/d/eb"},
		{"*/*/*", "\xff/\xfe/é"},
		{"**/**x/**", "x/y"},
		{"a/", "a/b/c"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, file string) {
		p, err := ParsePattern(text)
		if err != nil {
			return
		}
		got := p.Match(file)
		if strings.ContainsAny(text, `[\`) || strings.ToValidUTF8(text, "") != text || !isPath(file) {
			return // its form in a regular expression is not the same
		}
		if want := expressionOf(p).MatchString(file); got != want {
			t.Errorf("%q matches %q: %v, want %v", text, file, got, want)
		}
		if dir := p.Directory(); got && dir != "" && !strings.HasPrefix(file, dir+"/") {
			t.Errorf("%q matches %q, which is not in %q", text, file, dir)
		}
	})
}

// isPath reports whether Git could have a file there.
func isPath(file string) bool {
	for part := range strings.SplitSeq(file, "/") {
		if part == "" {
			return false
		}
	}
	return strings.ToValidUTF8(file, "") == file
}

func expressionOf(p Pattern) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)^`)
	for i, part := range p.parts {
		last := i == len(p.parts)-1
		switch {
		case part == "**" && last:
			b.WriteString(`.+`)
			continue
		case part == "**":
			b.WriteString(`(?:[^/]+/)*`)
			continue
		}
		b.WriteString(strings.NewReplacer(`\*`, `[^/]*`, `\?`, `[^/]`).Replace(regexp.QuoteMeta(part)))
		if !last {
			b.WriteString(`/`)
		}
	}
	return regexp.MustCompile(b.String() + `$`)
}
