package gitrepo

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// Tree is a directory with all that is below it, to be written as tree objects.
// It remembers the ids of directories, so that a changed file costs writing the
// directories that it is in and no others. It is not safe for concurrent use.
type Tree struct {
	root *directory
}

// directory is one directory: id is "" when it changed since it was written.
type directory struct {
	id    OID
	files map[string]OID
	dirs  map[string]*directory
}

func newDirectory() *directory {
	return &directory{files: map[string]OID{}, dirs: map[string]*directory{}}
}

// NewTree returns the tree of regular files by their paths with slashes. Errors
// are those of [Tree.Set].
func NewTree(files map[string]OID) (*Tree, error) {
	t := &Tree{root: newDirectory()}
	for _, path := range slices.Sorted(maps.Keys(files)) { // sorted, so that an error is always the same
		if err := t.Set(path, files[path]); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// PutTree writes the trees of regular files by their paths with slashes, and
// returns the id of the outermost. Errors are those of [Tree.Set] and [Repo.Put].
func (r *Repo) PutTree(files map[string]OID) (OID, error) {
	t, err := NewTree(files)
	if err != nil {
		return "", err
	}
	return t.Put(r)
}

// Set puts a file at a path, in place of another one there. [sluice.Invalid] when
// Git or a file system would not take the path, or when it goes through a file or
// ends at a directory; then nothing has changed.
func (t *Tree) Set(path string, id OID) error {
	if err := CheckPath(path); err != nil {
		return err
	}
	names := strings.Split(path, "/")
	last := len(names) - 1
	for i, dir := 0, t.root; dir != nil; i++ {
		_, isFile := dir.files[names[i]]
		_, isDir := dir.dirs[names[i]]
		if i == last && isDir || i < last && isFile {
			return sluice.Errorf(sluice.Invalid, "%s cannot be both a file and a directory", strings.Join(names[:i+1], "/")).
				Fix("give one of the two another path")
		}
		if i == last {
			break
		}
		dir = dir.dirs[names[i]]
	}
	dir := t.root
	for _, name := range names[:last] {
		dir.id = ""
		next := dir.dirs[name]
		if next == nil {
			next = newDirectory()
			dir.dirs[name] = next
		}
		dir = next
	}
	if dir.files[names[last]] != id {
		dir.id = ""
		dir.files[names[last]] = id
	}
	return nil
}

// Remove takes a file away, and the directories that it leaves empty. It reports
// whether there was one.
func (t *Tree) Remove(path string) bool {
	return t.root.remove(strings.Split(path, "/"))
}

func (d *directory) remove(names []string) bool {
	if len(names) == 1 {
		if _, ok := d.files[names[0]]; !ok {
			return false
		}
		delete(d.files, names[0])
		d.id = ""
		return true
	}
	next := d.dirs[names[0]]
	if next == nil || !next.remove(names[1:]) {
		return false
	}
	if len(next.files)+len(next.dirs) == 0 {
		delete(d.dirs, names[0])
	}
	d.id = ""
	return true
}

// Writer takes objects, as [Repo.Put] does.
type Writer interface {
	Put(kind string, content []byte) (OID, error)
}

// Put writes the trees that changed since the last Put for one repository, which
// must always be the same one, and returns the id of the outermost.
func (t *Tree) Put(to Writer) (OID, error) { return t.root.put(to) }

func (d *directory) put(to Writer) (OID, error) {
	if d.id != "" {
		return d.id, nil
	}
	entries := make([]TreeEntry, 0, len(d.files)+len(d.dirs))
	for name, id := range d.files {
		entries = append(entries, TreeEntry{name, ModeFile, id})
	}
	for name, dir := range d.dirs {
		id, err := dir.put(to)
		if err != nil {
			return "", err
		}
		entries = append(entries, TreeEntry{name, ModeTree, id})
	}
	content, err := encodeTree(entries)
	if err != nil {
		return "", err
	}
	d.id, err = to.Put("tree", content)
	return d.id, err
}

// encodeTree returns the content of a tree object; it sorts the entries as Git
// does.
func encodeTree(entries []TreeEntry) ([]byte, error) {
	slices.SortFunc(entries, func(a, b TreeEntry) int { return strings.Compare(a.sortKey(), b.sortKey()) })
	var b bytes.Buffer
	for _, e := range entries {
		id, err := hex.DecodeString(string(e.ID))
		if err != nil || len(id) != 20 && len(id) != 32 {
			return nil, fmt.Errorf("the file %s has the id %q, which is none", e.Name, e.ID)
		}
		fmt.Fprintf(&b, "%o %s\x00%s", e.Mode, e.Name, id)
	}
	return b.Bytes(), nil
}

// sortKey is what Git sorts by: directories as if their names ended with a slash.
func (e TreeEntry) sortKey() string {
	if e.Mode == ModeTree {
		return e.Name + "/"
	}
	return e.Name
}
