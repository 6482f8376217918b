package config

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// Found is what [Scan] found.
type Found struct {
	Components []Component // by kind, then by path
	LeftOut    []LeftOut   // by path
}

// LeftOut is a file that is a component by where it is, and cannot be one.
type LeftOut struct {
	Path string // relative to the project, with forward slashes
	Why  string // the end of a sentence: its name cannot be a component's
}

// Scan finds the components of a project by where its files are and what they are
// called: prompts/x.md, components/prompts/x.md and x.prompt.md anywhere are
// prompts named x; places.go lists the others. Of two files with one name, each
// is called by its kind too, and where that is not enough, by its directory.
//
// What Edgit's registry names is taken as it says. It is better to miss a file
// than to take one that is no component, so nothing else is guessed. Symbolic
// links are not followed. Keep, when there is one, is asked for each directory and
// each file and can leave it out. What the project has already is claimed, name and
// path, and is not found again. A project of more than [MaxScanned] paths is
// LimitExceeded, a registry that cannot be read Invalid.
func Scan(project fs.FS, keep func(path string) bool, has ...Component) (Found, error) {
	var found Found
	registered, err := readRegistry(project)
	if err != nil {
		return found, err
	}
	files, err := walk(project, keep)
	if err != nil {
		return found, err
	}
	taken, claimed, ours := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, c := range has {
		taken[sluice.FoldName(c.Name)] = true
		ours[c.Path] = true
		claimed[c.Path] = true
	}
	for _, c := range registered {
		if ours[c.Path] {
			continue
		}
		claimed[c.Path] = true
		if why := unusable(project, keep, c, taken); why != "" {
			found.LeftOut = append(found.LeftOut, LeftOut{c.Path, why})
			continue
		}
		taken[sluice.FoldName(c.Name)] = true
		found.Components = append(found.Components, c)
	}
	candidates := judgeAll(slices.DeleteFunc(files, func(p string) bool { return covered(claimed, p) }), len(claimed) > 0)
	named, left := nameAll(candidates, taken)
	found.Components = append(found.Components, named...)
	found.LeftOut = append(found.LeftOut, left...)
	slices.SortFunc(found.Components, func(a, b Component) int {
		return cmp.Or(cmp.Compare(rank(a.Kind), rank(b.Kind)), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Path, b.Path))
	})
	slices.SortFunc(found.LeftOut, func(a, b LeftOut) int { return cmp.Compare(a.Path, b.Path) })
	return found, nil
}

// covered reports whether a path, or a directory that it is in, is claimed.
func covered(claimed map[string]bool, p string) bool {
	for ; p != "." && p != "/" && p != ""; p = path.Dir(p) {
		if claimed[p] {
			return true
		}
	}
	return false
}

// judgeAll picks the files, and the directories of agents, that are components.
// Sure says that the project is known to hold components of this kind of work.
func judgeAll(files []string, sure bool) []candidate {
	var all []candidate
	for _, p := range files {
		if c, ok := judge(p); ok {
			all = append(all, c)
			sure = sure || !c.vague
		}
	}
	agents := agentDirs(all)
	var out []candidate
	done := map[string]bool{}
	for _, c := range all {
		if c.vague && !sure {
			continue
		}
		if dir, ok := agents.over(c); ok {
			if !done[dir.path] {
				done[dir.path] = true
				out = append(out, dir)
			}
			continue
		}
		if c.kind == sluice.KindAgent && !c.double && agents.several[path.Dir(c.path)] {
			continue // what stands beside several agents is none
		}
		out = append(out, c)
	}
	return out
}

// agentFolders are the directories in which agents are kept: one for each agent,
// or some for several, whose files then say so by their double extension.
type agentFolders struct{ single, several map[string]bool }

func agentDirs(all []candidate) agentFolders {
	a := agentFolders{map[string]bool{}, map[string]bool{}}
	for _, c := range all {
		dir := path.Dir(c.path)
		switch {
		case c.kind != sluice.KindAgent || c.place == "" || dir == c.place:
		case c.double:
			a.several[dir] = true
		default:
			a.single[dir] = true
		}
	}
	for dir := range a.several {
		delete(a.single, dir)
	}
	return a
}

// over is the outermost directory of one agent that a file is in.
func (a agentFolders) over(c candidate) (candidate, bool) {
	top := ""
	for dir := path.Dir(c.path); dir != "."; dir = path.Dir(dir) {
		if a.single[dir] {
			top = dir
		}
	}
	if top == "" {
		return candidate{}, false
	}
	dir := candidate{path: top, kind: sluice.KindAgent}
	for _, root := range roots {
		place := path.Join(root, "agents")
		if strings.HasPrefix(top, place+"/") {
			dir.place = place
		}
	}
	return dir, true
}

// rank orders kinds as people think of them; labels of their own come last.
func rank(kind string) int {
	for i, p := range places {
		if p.kind == kind {
			return i
		}
	}
	return len(places)
}
