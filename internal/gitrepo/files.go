package gitrepo

import (
	"strings"

	"github.com/sluice-dev/sluice"
)

// TreeFile is one file of a commit: a regular one, a symbolic link or a
// submodule, as its mode says.
type TreeFile struct {
	Path string // from the root of the commit's tree, with slashes
	ID   OID    // of the blob
	Mode Mode
}

// Files returns the file at a path of a commit, or all files below the directory
// there, in Git's order; below the root for the path "". There are none when the
// path does not exist. A slash at the end asks for a directory. At most 100,000 in
// 10,000 directories: [sluice.LimitExceeded] beyond that. Other errors are those of [Reader.Object].
func (rd *Reader) Files(commit OID, path string) ([]TreeFile, error) {
	walk := &walk{rd: rd}
	entries, err := walk.tree(string(commit) + "^{tree}")
	if err != nil {
		return nil, err
	}
	path, wantsDir := strings.CutSuffix(path, "/")
	if path == "" {
		return walk.files, walk.below("", entries)
	}
	names := strings.Split(path, "/")
	for i, name := range names {
		entry, ok := entryNamed(entries, name)
		last := i == len(names)-1
		switch {
		case !ok:
			return nil, nil
		case last && entry.Mode != ModeTree && !wantsDir:
			return []TreeFile{{path, entry.ID, entry.Mode}}, nil
		case entry.Mode != ModeTree:
			return nil, nil
		}
		if entries, err = walk.tree(string(entry.ID)); err != nil {
			return nil, err
		}
	}
	return walk.files, walk.below(path+"/", entries)
}

// walk collects files. It counts trees too: a few objects can make a directory
// without end and without a single file.
type walk struct {
	rd    *Reader
	files []TreeFile
	trees int
}

// below adds all files of the entries of a directory; prefix ends with a slash.
func (w *walk) below(prefix string, entries []TreeEntry) error {
	for _, e := range entries {
		if e.Mode != ModeTree {
			w.files = append(w.files, TreeFile{prefix + e.Name, e.ID, e.Mode})
			continue
		}
		if strings.Count(prefix, "/") >= maxDepth {
			return w.tooMuch()
		}
		inner, err := w.tree(string(e.ID))
		if err == nil {
			err = w.below(prefix+e.Name+"/", inner)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tree reads one directory; one that is not there has no entries.
func (w *walk) tree(rev string) ([]TreeEntry, error) {
	if w.trees++; w.trees > maxTrees || len(w.files) > maxFiles {
		return nil, w.tooMuch()
	}
	o, found, err := w.rd.Object(rev)
	if err != nil || !found {
		return nil, err
	}
	if o.Kind != "tree" {
		return nil, malformedTree("%s is a %s", o.ID.Short(), o.Kind)
	}
	return w.rd.repo.ParseTree(o.Bytes)
}

func (w *walk) tooMuch() error {
	return sluice.Errorf(sluice.LimitExceeded, "the directory has more than %d files or %d directories in Git, or more than %d levels", maxFiles, maxTrees, maxDepth).
		Fix("name a smaller directory")
}

func entryNamed(entries []TreeEntry, name string) (TreeEntry, bool) {
	for _, e := range entries {
		if e.Name == name {
			return e, true
		}
	}
	return TreeEntry{}, false
}
