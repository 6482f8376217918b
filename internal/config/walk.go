package config

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// MaxScanned is how many paths [Scan] looks at.
const MaxScanned = 50_000

// foreign are directories that hold what others wrote, what programs made, or
// what tests read.
var foreign = []string{
	"node_modules", "bower_components", "vendor", "dist", "__pycache__", "venv",
	"testdata", "fixtures", "__tests__", "__fixtures__", "__mocks__",
}

// Among keeps the paths named, which are relative with forward slashes, and the
// directories that they are in.
func Among(paths []string) func(path string) bool {
	kept := make(map[string]bool, len(paths))
	for _, p := range paths {
		for ; p != "." && p != "" && p != "/" && !kept[p]; p = path.Dir(p) {
			kept[p] = true
		}
	}
	return func(p string) bool { return kept[p] }
}

// walk lists the regular files of a project that could be components, sorted.
// Directories that hold a project of their own are left to it; those that cannot
// be read hold nothing to find.
func walk(project fs.FS, keep func(string) bool) ([]string, error) {
	var files []string
	looked := 0
	for dirs := []string{"."}; len(dirs) > 0; {
		dir := dirs[len(dirs)-1]
		dirs = dirs[:len(dirs)-1]
		entries, err := readDir(project, dir, MaxScanned-looked)
		if err != nil {
			return nil, err
		}
		looked += len(entries)
		if dir != "." && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == ProjectFile }) {
			continue
		}
		for _, e := range entries {
			p := path.Join(dir, e.Name())
			switch {
			case strings.HasPrefix(e.Name(), "."), keep != nil && !keep(p):
			case e.Type().IsRegular():
				files = append(files, p)
			case e.IsDir() && !slices.Contains(foreign, e.Name()):
				dirs = append(dirs, p)
			}
		}
	}
	slices.Sort(files)
	return files, nil
}

// readDir reads the entries of a directory, in pieces, so that one of a million
// is given up early.
func readDir(project fs.FS, dir string, most int) ([]fs.DirEntry, error) {
	f, err := project.Open(dir)
	if err != nil {
		return nil, nil
	}
	defer f.Close()
	d, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil, nil
	}
	var entries []fs.DirEntry
	for {
		some, err := d.ReadDir(1024)
		entries = append(entries, some...)
		if len(entries) > most {
			return nil, sluice.Errorf(sluice.LimitExceeded, "the project has more than %d files and directories; components were not looked for in so many", MaxScanned).
				Fix("`sluice init --no-scan` writes a %s without components; add those that you want", ProjectFile)
		}
		if err != nil || len(some) == 0 {
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, nil
			}
			return entries, nil
		}
	}
}
