package gitsync

import (
	"path"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// treesAtMost is how many directories are kept for the next commit, which mostly
// has the same.
const treesAtMost = 2_000

// entries are those of a directory.
func (im *importer) entries(tree gitrepo.OID) ([]gitrepo.TreeEntry, error) {
	if known, ok := im.trees[tree]; ok {
		return known, nil
	}
	o, found, err := im.reader.Object(string(tree))
	if err != nil || !found || o.Kind != "tree" {
		return nil, err
	}
	list, err := im.b.repo.ParseTree(o.Bytes)
	if err != nil {
		return nil, err
	}
	if len(im.trees) >= treesAtMost {
		clear(im.trees)
	}
	im.trees[tree] = list
	return list, nil
}

// find is what a path is in a tree: a file, a directory, or without an id nothing.
func (im *importer) find(tree gitrepo.OID, at string) (found gitrepo.TreeFile, err error) {
	found.Mode, found.ID = gitrepo.ModeTree, tree
	for name := range strings.SplitSeq(at, "/") {
		if found.Mode != gitrepo.ModeTree {
			return gitrepo.TreeFile{}, nil
		}
		list, err := im.entries(found.ID)
		if err != nil {
			return gitrepo.TreeFile{}, err
		}
		found = gitrepo.TreeFile{}
		for _, e := range list {
			if e.Name == name {
				found = gitrepo.TreeFile{Path: at, ID: e.ID, Mode: e.Mode}
				break
			}
		}
	}
	return found, nil
}

// filesIn is [FilesAt] with the tree of the commit, which is quicker for one file.
func (im *importer) filesIn(commit, tree gitrepo.OID, place string) ([]sluice.File, error) {
	if strings.HasSuffix(place, "/") {
		return FilesAt(im.reader, commit, place)
	}
	f, err := im.find(tree, place)
	if err != nil {
		return nil, err
	}
	if f.ID == "" || f.Mode == gitrepo.ModeTree {
		return FilesAt(im.reader, commit, place)
	}
	content, err := contentOf(im.reader, f)
	return []sluice.File{sluice.NewFile(path.Base(place), content)}, err
}
