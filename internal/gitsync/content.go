package gitsync

import (
	"bytes"
	"path"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// largeFiles begins a file whose content Git LFS keeps elsewhere.
var largeFiles = []byte("version https://git-lfs.github.com/spec/")

// FilesAt are the files of a component in a commit: the file at a place, or with a
// slash at its end those of a directory, as a version has them. NotFound when there
// are none.
func FilesAt(rd *gitrepo.Reader, commit gitrepo.OID, place string) ([]sluice.File, error) {
	at := strings.TrimSuffix(place, "/")
	found, err := rd.Files(commit, place)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, sluice.Errorf(sluice.NotFound, "commit %s has no %s", commit.Short(), place).Fix("commit the file, or correct its path in sluice.yaml")
	}
	var out []sluice.File
	for _, f := range found {
		name := strings.TrimPrefix(f.Path, at+"/")
		if f.Path == at {
			name = path.Base(at)
		} else if strings.HasPrefix(name, ".") || strings.Contains(name, "/.") {
			continue // as when it is read from the work tree
		}
		if len(out) == sluice.MaxFiles {
			return nil, sluice.Errorf(sluice.LimitExceeded, "%s has more than %d files in commit %s", place, sluice.MaxFiles, commit.Short()).
				Fix("publish what changes together as one component, the rest as others")
		}
		content, err := contentOf(rd, f)
		if err != nil {
			return nil, err
		}
		out = append(out, sluice.NewFile(name, content))
	}
	return out, nil
}

func contentOf(rd *gitrepo.Reader, f gitrepo.TreeFile) ([]byte, error) {
	switch f.Mode {
	case gitrepo.ModeLink:
		return nil, sluice.Errorf(sluice.Invalid, "%s is a symbolic link", f.Path).Fix("commit the file itself")
	case gitrepo.ModeModule:
		return nil, sluice.Errorf(sluice.Invalid, "%s is a submodule", f.Path).Fix("name files of this repository")
	}
	_, _, size, found, err := rd.Info(string(f.ID))
	if err != nil {
		return nil, err
	}
	if found && size > sluice.MaxFileBytes {
		return nil, sluice.Errorf(sluice.LimitExceeded, "file %s is %d bytes; the limit is %d", f.Path, size, sluice.MaxFileBytes)
	}
	o, found, err := rd.Object(string(f.ID))
	if err == nil && !found {
		err = sluice.Errorf(sluice.NotFound, "the content of %s is not in the repository", f.Path).Fix("fetch it: `git fetch`; a partial clone needs it to be there")
	}
	if bytes.HasPrefix(o.Bytes, largeFiles) {
		return nil, sluice.Errorf(sluice.Invalid, "%s is kept in Git LFS, and the repository has only a pointer to it", f.Path).Fix("keep it in Git itself: `git lfs untrack`")
	}
	return bytes.Clone(o.Bytes), err
}
