package config

import (
	"io/fs"
	"path"
	"strings"

	"github.com/sluice-dev/sluice"
)

// nameAll gives each candidate a name of its own. In each turn those whose name
// nobody else wants get it, and the others try a longer one; so what a file is
// called does not depend on which was seen first. Taken are names that are gone,
// folded.
func nameAll(candidates []candidate, taken map[string]bool) (named []Component, left []LeftOut) {
	type wish struct {
		candidate
		names []string
	}
	var open []wish
	turns := 0
	for _, c := range candidates {
		w := wish{c, names(c)}
		if len(w.names) == 0 || !writable(c.path) {
			left = append(left, LeftOut{c.path, "its name cannot be a component's"})
			continue
		}
		open = append(open, w)
		turns = max(turns, len(w.names))
	}
	for turn := range turns {
		wanted := map[string]int{}
		at := func(w wish) string { return w.names[min(turn, len(w.names)-1)] }
		for _, w := range open {
			wanted[sluice.FoldName(at(w))]++
		}
		var again []wish
		for _, w := range open {
			key := sluice.FoldName(at(w))
			if taken[key] || wanted[key] > 1 {
				again = append(again, w)
				continue
			}
			taken[key] = true
			named = append(named, Component{Name: at(w), Path: w.path, Kind: w.kind})
		}
		open = again
	}
	for _, w := range open {
		left = append(left, LeftOut{w.path, "other files have all names that it could have"})
	}
	return named, left
}

// names are what a candidate may be called, best first: analysis,
// analysis-prompt, billing-analysis, prompts-billing-analysis-md.
func names(c candidate) []string {
	dir := path.Dir(c.path)
	base, _, _ := strings.Cut(path.Base(c.path), ".")
	if sluice.CheckName("component", base) != nil {
		return nil
	}
	out := []string{base, base}
	if folded := sluice.FoldName(base); folded != c.kind && !strings.HasSuffix(folded, "-"+c.kind) {
		out[1] += "-" + c.kind
	}
	within := dir
	if c.place != "" {
		within = strings.TrimPrefix(strings.TrimPrefix(dir, c.place), "/")
	}
	if within != "" && within != "." {
		out = append(out, dashes.Replace(within)+"-"+base)
	} else {
		out = append(out, out[1])
	}
	out = append(out, dashes.Replace(c.path))
	for i, name := range out {
		if sluice.CheckName("component", name) != nil {
			out[i] = out[1]
		}
	}
	return out
}

var dashes = strings.NewReplacer("/", "-", ".", "-")

// writable reports whether a path can stand in a project file and be read back.
func writable(p string) bool {
	return fs.ValidPath(p) && !strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' || r == '\uFFFD' })
}
