package gitsync

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// treeFS is a tree of files that are known by their paths alone, for who looks for
// components by what files are called. Files are empty in it.
type treeFS struct {
	dirs  map[string][]fs.DirEntry // sorted by name
	files map[string]bool
}

// newTreeFS makes a tree. Of paths that cannot be together, as of a history in which
// a file became a directory, the directory is there. Edgit's registry is left out:
// what it says is read apart.
func newTreeFS(paths []string) *treeFS {
	t := &treeFS{dirs: map[string][]fs.DirEntry{".": nil}, files: map[string]bool{}}
	for _, p := range paths {
		if fs.ValidPath(p) && p != "." && p != registryFile {
			t.files[p] = true
			for dir := path.Dir(p); t.dirs[dir] == nil; dir = path.Dir(dir) {
				t.dirs[dir] = []fs.DirEntry{}
			}
		}
	}
	for p := range t.files {
		if t.dirs[p] != nil {
			delete(t.files, p)
			continue
		}
		t.dirs[path.Dir(p)] = append(t.dirs[path.Dir(p)], treeEntry{path.Base(p), 0})
	}
	for p := range t.dirs {
		if p != "." {
			t.dirs[path.Dir(p)] = append(t.dirs[path.Dir(p)], treeEntry{path.Base(p), fs.ModeDir})
		}
	}
	for _, entries := range t.dirs {
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return t
}

// Open opens a file or a directory.
func (t *treeFS) Open(name string) (fs.File, error) {
	switch {
	case !fs.ValidPath(name):
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	case t.files[name]:
		return &treeFile{entry: treeEntry{path.Base(name), 0}}, nil
	case t.dirs[name] != nil || name == ".":
		return &treeFile{entry: treeEntry{path.Base(name), fs.ModeDir}, entries: t.dirs[name]}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// treeFile is an open file or directory.
type treeFile struct {
	entry   treeEntry
	entries []fs.DirEntry // those that are still to be read
}

func (f *treeFile) Stat() (fs.FileInfo, error) { return f.entry, nil }
func (f *treeFile) Close() error               { return nil }

// Read finds nothing.
func (f *treeFile) Read([]byte) (int, error) {
	if f.entry.IsDir() {
		return 0, &fs.PathError{Op: "read", Path: f.entry.name, Err: fs.ErrInvalid}
	}
	return 0, io.EOF
}

// ReadDir reads the next entries, as [fs.ReadDirFile] says.
func (f *treeFile) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 || n > len(f.entries) {
		if n > 0 && len(f.entries) == 0 {
			return nil, io.EOF
		}
		n = len(f.entries)
	}
	some := f.entries[:n]
	f.entries = f.entries[n:]
	return some, nil
}

// treeEntry is all that is known of a file.
type treeEntry struct {
	name string
	mode fs.FileMode
}

func (e treeEntry) Name() string               { return e.name }
func (e treeEntry) IsDir() bool                { return e.mode.IsDir() }
func (e treeEntry) Type() fs.FileMode          { return e.mode.Type() }
func (e treeEntry) Info() (fs.FileInfo, error) { return e, nil }
func (e treeEntry) Size() int64                { return 0 }
func (e treeEntry) Mode() fs.FileMode          { return e.mode | 0o444 }
func (e treeEntry) ModTime() time.Time         { return time.Time{} }
func (e treeEntry) Sys() any                   { return nil }
