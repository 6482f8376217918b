package gitsync

import (
	"path"
	"strings"

	"github.com/sluice-dev/sluice"
)

// finder says which files of a history belong to components.
type finder struct {
	patterns []Pattern // of single files, each a component; or else:
	files    map[string]Found
	dirs     map[string]Found // components of several files
	kind     string           // of those that patterns find; "" follows from where a file is
}

// at is the component that a path belongs to. One without a name has none yet: its
// path and those of others decide. Path is the file, or with a slash at its end the
// directory.
func (f *finder) at(file string) (found Found, ok bool) {
	if len(f.patterns) > 0 {
		for _, p := range f.patterns {
			if p.Match(file) {
				found = f.files[file]
				return Found{found.Name, file, firstWord(f.kind, found.Kind, kindOf(file))}, true
			}
		}
		return found, false
	}
	if found, ok = f.files[file]; ok {
		return found, true
	}
	for dir := path.Dir(file); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if found, ok = f.dirs[dir]; ok {
			return found, true
		}
	}
	return found, false
}

// add takes a component in, unless its path has one already. Whether it is a
// directory, tree says.
func (f *finder) add(c Found, tree *treeFS) {
	at := strings.Trim(c.Path, "/")
	if at == "" || at == "." {
		return
	}
	c.Kind = firstWord(c.Kind, kindOf(c.Path))
	if strings.HasSuffix(c.Path, "/") || tree != nil && tree.dirs[at] != nil {
		c.Path = at + "/"
		if _, taken := f.dirs[at]; !taken {
			f.dirs[at] = c
		}
		return
	}
	c.Path = at
	if _, taken := f.files[at]; !taken {
		f.files[at] = c
	}
}

// namer gives the paths of one walk through history the names of components. A path
// is called by its file's name up to the first dot. While another path has that
// name, it is called by its kind too, and where that is taken, by its directories. A path
// that goes leaves its name to others, so a file that moves keeps its name; one that
// comes back takes the name that it had, if it is free.
type namer struct {
	holders map[string]string // who has a name, by its folded form
	names   map[string]string // of the paths that there are
	last    map[string]string // that paths had, also in other walks
}

func newNamer(last map[string]string) *namer {
	return &namer{holders: map[string]string{}, names: map[string]string{}, last: last}
}

// leave takes a path away. Name is the one that it had, "" when it had none.
func (n *namer) leave(place string) (name string) {
	name = n.names[place]
	delete(n.names, place)
	if key := sluice.FoldName(name); n.holders[key] == place {
		delete(n.holders, key)
	}
	return name
}

// name is the component of a path that is there. It is "" when no component can
// be called as the path is.
func (n *namer) name(c Found) string {
	if name, known := n.names[c.Path]; known {
		return name
	}
	wishes := wishesOf(c)
	if last := n.last[c.Path]; last != "" {
		wishes = append([]string{last}, wishes...)
	}
	for i, wish := range wishes {
		key := sluice.FoldName(wish)
		if n.holders[key] != "" && i < len(wishes)-1 && c.Name == "" {
			continue
		}
		n.holders[key], n.names[c.Path], n.last[c.Path] = c.Path, wish, wish
		return wish
	}
	return ""
}

// wishesOf are the names that a path may have, best first; none when its file's name
// cannot be a component's.
func wishesOf(c Found) []string {
	if c.Name != "" {
		return []string{c.Name}
	}
	place := strings.TrimSuffix(c.Path, "/")
	base, _, _ := strings.Cut(path.Base(place), ".")
	if sluice.CheckName("component", base) != nil {
		return nil
	}
	wishes := []string{base}
	dashed := strings.NewReplacer("/", "-", ".", "-", " ", "-").Replace(place)
	for _, longer := range []string{base + "-" + c.Kind, dashed} {
		if sluice.CheckName("component", longer) == nil {
			wishes = append(wishes, longer)
		}
	}
	return wishes
}
