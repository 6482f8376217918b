package gitrepo

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// granularity is how exactly some file systems know when a file was written. A
// file that is younger than that may change again and look the same, so an
// answer is not kept until its files have come of age.
const granularity = 2 * time.Second

// kept is the file that holds settings.
type kept struct {
	Key      string // of what beside files the answer depends on
	Files    []stamp
	Settings Settings
}

// stamp says what a file was like.
type stamp struct {
	Path  string
	Size  int64 // -1 when it was missing
	Mtime int64 // nanoseconds since 1970
}

// stampOf looks at a file. It is not ok when a file is there and cannot be seen.
func stampOf(path string) (stamp, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{Path: path, Size: -1}, errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
	}
	return stamp{path, info.Size(), info.ModTime().UnixNano()}, true
}

// keptPath is one file for each work tree, since they may be set up differently.
func (r *Repo) keptPath() string {
	name := "settings.json"
	if r.Dir != r.Common {
		name = "settings-" + filepath.Base(r.Dir) + ".json"
	}
	return filepath.Join(r.StateDir(), name)
}

// keptSettings returns what was kept, when it still holds.
func (r *Repo) keptSettings() (Settings, bool) {
	content, err := readSmall(r.keptPath())
	if err != nil {
		return Settings{}, false
	}
	var k kept
	if json.Unmarshal(content, &k) != nil || k.Key != r.settingsKey() || len(k.Files) == 0 {
		return Settings{}, false
	}
	for _, was := range k.Files {
		if is, ok := stampOf(was.Path); !ok || is != was {
			return Settings{}, false
		}
	}
	return k.Settings, true
}

// keepSettings writes settings down, unless a file they came from was written
// shortly before git began to read, or is gone. That it cannot be written is no
// trouble: the next one asks git again.
func (r *Repo) keepSettings(s Settings, files []string, began time.Time) {
	k := kept{Key: r.settingsKey(), Settings: s}
	for _, path := range files {
		is, ok := stampOf(path)
		if !ok || is.Size >= 0 && is.Mtime > began.Add(-granularity).UnixNano() {
			return
		}
		k.Files = append(k.Files, is)
	}
	content, err := json.MarshalIndent(k, "", "\t")
	if err != nil {
		return
	}
	_ = r.writeState(r.keptPath(), append(content, '\n'))
}

// writeState replaces a file in StateDir in one step.
func (r *Repo) writeState(path string, content []byte) error {
	dir := filepath.Dir(path)
	if err := os.Mkdir(dir, 0o777); err == nil {
		if err := r.share(dir); err != nil {
			return err
		}
	} else if !os.IsExist(err) {
		return err
	}
	file, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = r.share(file.Name())
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

// settingsKey stands for all that the answer depends on beside files: where git
// runs and which environment it has. It is a hash, since the environment may
// hold tokens.
func (r *Repo) settingsKey() string {
	sum := sha256.New()
	part := func(text string) { fmt.Fprintf(sum, "%d:%s\n", len(text), text) }
	const format = "1"
	for _, text := range []string{format, r.at, r.Top, r.Dir, r.Common} {
		part(text)
	}
	env := os.Environ()
	slices.Sort(env)
	for _, pair := range env {
		name, _, _ := strings.Cut(pair, "=")
		switch {
		case strings.HasPrefix(name, "GIT_CONFIG"), strings.HasPrefix(name, "GIT_AUTHOR_"), strings.HasPrefix(name, "GIT_COMMITTER_"),
			slices.Contains([]string{"HOME", "XDG_CONFIG_HOME", "EMAIL", "PREFIX", "USERPROFILE", "PROGRAMDATA"}, name):
			part(pair)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// sources returns the files that an answer depends on: those that were read,
// those that are included, and those that git would read if they were there. It
// is not ok when that cannot be known.
func (r *Repo) sources(listed []listedValue) (files []string, ok bool) {
	files = r.candidates()
	add := func(path string) {
		if !slices.Contains(files, path) {
			files = append(files, path)
		}
	}
	for _, v := range listed {
		from := v.file()
		switch {
		case from != "":
			from = beneath(r.at, from)
			if _, err := os.Stat(from); err != nil {
				return nil, false // it has gone since git read it
			}
			add(from)
		case v.origin != "command line:":
			return nil, false
		}
		// Whether an include applies depends on the place, on a branch or on
		// remotes; all but the branch is in the key or in these files.
		conditional := strings.HasPrefix(v.key, "includeif.")
		if v.key != "include.path" && !(conditional && strings.HasSuffix(v.key, ".path")) {
			continue
		}
		if conditional {
			add(filepath.Join(r.Dir, "HEAD"))
		}
		path, known := included(from, v.value)
		if !known {
			return nil, false
		}
		add(path)
	}
	const most = 200
	return files, len(files) <= most
}

// included returns the path of an included file. It is not known for the forms
// that name another user's home or where git is installed.
func included(from, value string) (path string, known bool) {
	switch home, ok := strings.CutPrefix(value, "~/"); {
	case ok:
		return filepath.Join(homeDir(), home), true
	case filepath.IsAbs(value):
		return filepath.Clean(value), true
	case from == "", strings.HasPrefix(value, "~"), strings.HasPrefix(value, "%("):
		return "", false
	}
	return filepath.Join(filepath.Dir(from), value), true
}

// candidates are the files that git reads when they are there, and the git
// program itself, which knows where the system's is.
func (r *Repo) candidates() []string {
	files := []string{filepath.Join(r.Common, "config"), filepath.Join(r.Dir, "config.worktree"), filepath.Join(r.Common, "config.worktree")}
	if path, err := r.program(); err == nil {
		files = append(files, path, filepath.Join(filepath.Dir(filepath.Dir(path)), "etc", "gitconfig"))
	}
	if path, set := os.LookupEnv("GIT_CONFIG_SYSTEM"); set {
		files = append(files, beneath(r.at, path))
	} else {
		files = append(files, systemConfig())
	}
	if path, set := os.LookupEnv("GIT_CONFIG_GLOBAL"); set {
		files = append(files, beneath(r.at, path))
	} else {
		xdg := os.Getenv("XDG_CONFIG_HOME")
		if xdg == "" {
			xdg = filepath.Join(homeDir(), ".config")
		}
		files = append(files, filepath.Join(xdg, "git", "config"), filepath.Join(homeDir(), ".gitconfig"))
	}
	slices.Sort(files)
	return slices.DeleteFunc(slices.Compact(files), func(path string) bool { return path == os.DevNull })
}

func systemConfig() string {
	if runtime.GOOS == "windows" {
		return filepath.Join(os.Getenv("PROGRAMDATA"), "Git", "config")
	}
	return "/etc/gitconfig"
}

// homeDir is the home that git goes by; "" when there is none.
func homeDir() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return home
}
