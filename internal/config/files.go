package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/sluice-dev/sluice"
)

// Files reads the working copy of a component: one file, or all files of a
// directory and below it, without those whose name starts with a dot. It never
// leaves the project, whatever symbolic links say.
func (p *Project) Files(c Component) ([]sluice.File, error) {
	if c.Path == "" {
		return nil, sluice.Errorf(sluice.NotFound, "component %s has no path in %s", c.Name, ProjectFile).
			Fix("add one, or name the file with --file")
	}
	root, err := os.OpenRoot(p.Dir)
	if err != nil {
		return nil, sluice.Errorf(sluice.Invalid, "cannot open the project: %w", err)
	}
	defer root.Close()
	info, err := root.Stat(c.Path)
	if err != nil {
		return nil, unreadable(c, err)
	}
	if !info.IsDir() {
		content, err := readIn(root, c.Path)
		if err != nil {
			return nil, unreadable(c, err)
		}
		return []sluice.File{sluice.NewFile(path.Base(c.Path), content)}, nil
	}
	return readTree(root, c)
}

func readTree(root *os.Root, c Component) ([]sluice.File, error) {
	var files []sluice.File
	err := fs.WalkDir(root.FS(), c.Path, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != c.Path && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		case len(files) == sluice.MaxFiles:
			return sluice.Errorf(sluice.LimitExceeded, "component %s has more than %d files in %s", c.Name, sluice.MaxFiles, c.Path).
				Fix("publish what changes together as one component, the rest as others")
		}
		content, err := readIn(root, name)
		if err != nil {
			return err
		}
		files = append(files, sluice.NewFile(strings.TrimPrefix(name, c.Path+"/"), content))
		return nil
	})
	if err != nil {
		return nil, unreadable(c, err)
	}
	if len(files) == 0 {
		return nil, sluice.Errorf(sluice.NotFound, "component %s has no files in %s", c.Name, c.Path).Fix("write one, then try again")
	}
	return files, nil
}

// readIn reads one file. A huge one is refused by its size, without being read; one
// that grows meanwhile is read to just over the limit.
func readIn(root *os.Root, name string) ([]byte, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, sluice.Errorf(sluice.Invalid, "%s is not a regular file", name).Fix("keep only files and directories there")
	}
	if info.Size() > sluice.MaxFileBytes {
		return nil, sluice.FileTooLarge(name, info.Size())
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, sluice.MaxFileBytes+1))
}

func unreadable(c Component, err error) error {
	var known *sluice.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, fs.ErrNotExist):
		return sluice.Errorf(sluice.NotFound, "component %s has no file %s", c.Name, c.Path).
			Fix("write the file, or correct its path in %s", ProjectFile)
	}
	var at *fs.PathError
	reason := err
	if errors.As(err, &at) {
		reason = at.Err
	}
	return sluice.Errorf(sluice.Invalid, "cannot read %s of component %s: %v", c.Path, c.Name, reason).
		Fix("the path must stay inside the project and be readable").Because(err)
}
