package gitsync

import (
	"path"
	"strings"

	"github.com/sluice-dev/sluice"
)

// Bounds on a pattern, so that a match takes little time whatever it says.
const (
	maxPattern      = 1024
	maxPatternParts = 64
)

// Pattern matches paths of a repository, as [path.Match] does each part; ** as a
// part stands for any number of directories, also none.
type Pattern struct{ parts []string }

// ParsePattern reads a pattern such as components/prompts/*.md or **/*.prompt.md.
// [sluice.Invalid] when it is malformed.
func ParsePattern(text string) (Pattern, error) {
	bad := func(why string) (Pattern, error) {
		return Pattern{}, sluice.Errorf(sluice.Invalid, "%q is not a pattern of paths: %s", clip(text), why).
			Fix("write it from the root of the repository: 'components/prompts/*.md', or '**/*.prompt.md'")
	}
	if text == "" || len(text) > maxPattern {
		return bad("it is empty or too long")
	}
	clean := strings.TrimPrefix(text, "./")
	if strings.HasSuffix(clean, "/") {
		clean += "**"
	}
	parts := strings.Split(clean, "/")
	if len(parts) > maxPatternParts {
		return bad("it has too many parts")
	}
	for i, part := range parts {
		switch _, err := path.Match(part, ""); {
		case part == "" || part == "." || part == "..":
			return bad("it has a part that no path has")
		case err != nil:
			return bad("a [ is not closed, or a \\ stands at the end")
		case i > 0 && part == "**" && parts[i-1] == "**":
			return bad("it has ** twice in a row")
		}
	}
	return Pattern{parts}, nil
}

// Match reports whether a path matches, which is one of a file with slashes.
func (p Pattern) Match(file string) bool {
	names := strings.Split(file, "/")
	// at[i] says that the parts so far match the first i names.
	at := make([]bool, len(names)+1)
	at[0] = true
	for n, part := range p.parts {
		next := make([]bool, len(names)+1)
		if part == "**" {
			last := n == len(p.parts)-1
			for i, reached := 0, false; i <= len(names); i++ {
				// At the end it stands for a file too.
				next[i] = reached || at[i] && !last
				reached = reached || at[i]
			}
			at = next
			continue
		}
		for i, name := range names {
			if at[i] {
				next[i+1], _ = path.Match(part, name) // a pattern that was parsed
			}
		}
		at = next
	}
	return at[len(names)]
}

// Directory is the directory that all paths which match are in; "" is the root.
func (p Pattern) Directory() string {
	n := 0
	for n < len(p.parts)-1 && !strings.ContainsAny(p.parts[n], `*?[\`) {
		n++
	}
	return strings.Join(p.parts[:n], "/")
}

// directories are those that hold all paths that match one of the patterns; none
// is the whole repository.
func directories(patterns []Pattern) []string {
	var out []string
	for _, p := range patterns {
		dir := p.Directory()
		if dir == "" {
			return nil
		}
		out = append(out, dir)
	}
	return out
}
