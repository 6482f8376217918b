package gitrepo

import (
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-dev/sluice"
)

// Repo is a Git repository on this machine. It is safe for concurrent use and
// holds nothing that needs closing.
type Repo struct {
	Top    string // root of the work tree; "" when bare
	Dir    string // the git directory of this work tree
	Common string // the git directory that all work trees share: objects, refs, config

	at       string // where git finds this repository by itself
	mainTop  string
	newHash  func() hash.Hash
	patience time.Duration
	config   map[string]string // of Common/config
	more     []string          // "KEY=value" for each process, in addition to the usual environment

	started        atomic.Int64
	versionAsked   atomic.Bool
	noBatchCommand atomic.Bool // git is older than 2.36
	unsettled      unsettled
	looking        sync.Mutex
	git            string // path of the program, once looked up; guarded by looking
}

// Discover returns the repository that a directory belongs to: looking there
// and upwards as Git does, through the .git files of linked work trees and
// submodules. It starts no process. Without a repository it returns nil and no
// error. [sluice.NotFound] when the directory does not exist or a .git file
// points nowhere; [sluice.Unavailable] when the repository has a format that
// cannot be read.
func Discover(dir string) (*Repo, error) {
	dir, err := physical(dir)
	if err != nil {
		return nil, err
	}
	ceilings := filepath.SplitList(os.Getenv("GIT_CEILING_DIRECTORIES"))
	for at := dir; ; {
		if r, err := found(at); r != nil || err != nil {
			return r, err
		}
		parent := filepath.Dir(at)
		if parent == at || contains(ceilings, parent) {
			return nil, nil
		}
		at = parent
	}
}

// Open returns the repository exactly at a directory: a work tree's root, or a
// bare repository. Errors are those of [Discover], and [sluice.NotFound] when
// there is none.
func Open(dir string) (*Repo, error) {
	at, err := physical(dir)
	if err != nil {
		return nil, err
	}
	r, err := found(at)
	if r == nil && err == nil {
		return nil, sluice.Errorf(sluice.NotFound, "%s is not a Git repository", dir).Fix("name the root of one, or make it one with `git init`")
	}
	return r, err
}

// MainTop returns the root of the main work tree, which is Top unless this is a
// linked one; "" when the repository itself is bare, and from a linked work tree
// of one whose git directory is elsewhere, which does not say where it belongs.
func (r *Repo) MainTop() string { return r.mainTop }

// Shallow reports whether history was cut off when the repository was cloned.
func (r *Repo) Shallow() bool {
	info, err := os.Stat(filepath.Join(r.Common, "shallow"))
	return err == nil && info.Size() > 0
}

// StateDir returns the directory for what Sluice keeps here and can make again.
// It need not exist.
func (r *Repo) StateDir() string { return filepath.Join(r.Common, "sluice") }

// Started returns how many git processes were started so far.
func (r *Repo) Started() int64 { return r.started.Load() }

// found returns the repository exactly at a directory, or nil.
func found(at string) (*Repo, error) {
	dotGit := filepath.Join(at, ".git")
	if info, err := os.Stat(dotGit); err == nil {
		dir := dotGit
		if !info.IsDir() {
			if dir, err = followFile(dotGit); err != nil {
				return nil, err
			}
		}
		if common, ok := gitDirectory(dir); ok {
			return newRepo(at, at, dir, common)
		}
		if !info.IsDir() {
			return nil, sluice.Errorf(sluice.NotFound, "%s points at %s, which is not a Git directory", dotGit, dir).
				Fix("mend it with `git worktree repair` in the main work tree, or clone again")
		}
	}
	if common, ok := gitDirectory(at); ok {
		return newRepo(at, "", at, common)
	}
	return nil, nil
}

// newRepo reads the configuration of a repository whose directories are known.
// Top is the directory that holds .git, and "" when it was found from within the
// git directory.
func newRepo(at, top, dir, common string) (*Repo, error) {
	r := &Repo{Top: top, Dir: dir, Common: common, at: at, newHash: sha1.New, patience: patience}
	var err error
	if r.config, err = readConfig(filepath.Join(common, "config")); err != nil {
		return nil, err
	}
	if version := r.config["core.repositoryformatversion"]; version != "" && version != "0" && version != "1" {
		return nil, sluice.Errorf(sluice.Unavailable, "the repository %s has format %q, and Sluice reads 0 and 1", at, version).Fix("use a newer Sluice")
	}
	switch format := strings.ToLower(r.config["extensions.objectformat"]); format {
	case "", "sha1":
	case "sha256":
		r.newHash = sha256.New
	default:
		return nil, sluice.Errorf(sluice.Unavailable, "the repository %s names its objects by %q, and Sluice knows sha1 and sha256", at, format).Fix("use a newer Sluice")
	}
	own, err := readConfig(filepath.Join(common, "config.worktree"))
	if err != nil {
		return nil, err
	}
	if !isTrue(r.config, "extensions.worktreeconfig") {
		own = nil
	}
	r.placeTops(own)
	return r, nil
}

// placeTops works out the roots of this work tree and of the main one, with the
// main work tree's own configuration.
func (r *Repo) placeTops(own map[string]string) {
	setting := func(key string) string {
		if value, ok := own[key]; ok {
			return value
		}
		return r.config[key]
	}
	bare := setting("core.bare")
	switch tree := setting("core.worktree"); {
	case tree != "" && filepath.IsAbs(tree):
		r.mainTop = filepath.Clean(tree)
	case tree != "":
		r.mainTop = filepath.Join(r.Common, tree)
	case !truth(bare) && filepath.Base(r.Common) == ".git":
		r.mainTop = filepath.Dir(r.Common)
	case r.Dir == r.Common:
		if !truth(bare) {
			r.mainTop = r.Top
		}
	}
	if r.Dir == r.Common {
		r.Top = r.mainTop
		return
	}
	if r.Top == "" { // found from within .git/worktrees/<name>
		if file, err := readLine(filepath.Join(r.Dir, "gitdir")); err == nil {
			r.Top = filepath.Dir(beneath(r.Dir, file))
		}
	}
}
