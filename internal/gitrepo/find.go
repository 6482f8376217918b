package gitrepo

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// maxSmallFile bounds the files of a git directory that are read whole: HEAD,
// .git, commondir, config.
const maxSmallFile = 1 << 20

// physical returns the absolute path of a directory without symbolic links, so
// that going upwards means what it means to Git.
func physical(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return "", sluice.Errorf(sluice.NotFound, "there is no directory %s", dir).Because(err)
	}
	return abs, nil
}

// gitDirectory reports whether a directory is one that Git keeps a repository
// in, and which one it shares objects and refs with.
func gitDirectory(dir string) (common string, ok bool) {
	if !validHead(filepath.Join(dir, "HEAD")) {
		return "", false
	}
	common = dir
	if line, err := readLine(filepath.Join(dir, "commondir")); err == nil {
		common = beneath(dir, line)
	}
	return common, isDir(filepath.Join(common, "objects")) && isDir(filepath.Join(common, "refs"))
}

// validHead reports whether a file can be the HEAD of a repository: a symbolic
// ref in either form, or an id.
func validHead(path string) bool {
	if target, err := os.Readlink(path); err == nil {
		return strings.HasPrefix(target, "refs/")
	}
	line, err := readLine(path)
	if err != nil {
		return false
	}
	if target, ok := strings.CutPrefix(line, "ref:"); ok {
		return strings.HasPrefix(strings.TrimSpace(target), "refs/")
	}
	_, err = hex.DecodeString(line)
	return err == nil && len(line) >= 40
}

// followFile returns the directory that a .git file names.
func followFile(path string) (string, error) {
	line, err := readLine(path)
	target, ok := strings.CutPrefix(line, "gitdir: ")
	if err != nil || !ok || target == "" {
		return "", sluice.Errorf(sluice.NotFound, "%s does not name a Git directory", path).
			Fix("its one line must be `gitdir: <directory>`; mend it with `git worktree repair`, or clone again").Because(err)
	}
	return beneath(filepath.Dir(path), target), nil
}

// beneath returns a path that is meant relative to a directory unless absolute.
func beneath(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// readLine returns the text of a small file without the line's end.
func readLine(path string) (string, error) {
	content, err := readSmall(path)
	return strings.TrimRight(string(content), "\r\n"), err
}

// readSmall reads a regular file of at most 1 MiB.
func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path) // first: opening a pipe would wait
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSmallFile {
		return nil, fmt.Errorf("%s is not a small file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, maxSmallFile))
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// contains reports whether a list of directories has one, written in any way.
func contains(dirs []string, dir string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool {
		if real, err := filepath.EvalSymlinks(d); err == nil {
			d = real
		}
		return filepath.Clean(d) == dir
	})
}

// readConfig returns the settings of one configuration file by their names in
// lower case, "section.key"; the last one counts. Sections with a name of their
// own and included files are left out: Git does not look for the format of a
// repository there either. A missing file has no settings.
func readConfig(path string) (map[string]string, error) {
	content, err := readSmall(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, sluice.Errorf(sluice.Unavailable, "the Git configuration %s cannot be read", path).
			Fix("see what `git config --list --local` says").Because(err)
	}
	return parseConfig(string(content)), nil
}
