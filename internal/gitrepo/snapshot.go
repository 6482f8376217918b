package gitrepo

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-dev/sluice"
)

// Changes are the files at a place of the work tree that are not as at HEAD, by
// their paths from the root of the work tree. Files that Git ignores are not among
// them.
type Changes struct {
	Files     []string // all of them, each once
	Untracked []string // those that Git does not know yet
	Unmerged  []string // those in the middle of a merge
	dropped   []string // taken out of the index, and not to be taken in again
}

// Changes compares a file, or all below a directory, with HEAD: what is staged and
// what is not. Git's own filters decide what is a change. Paths of which take says
// no are left out.
func (r *Repo) Changes(ctx context.Context, place string, take func(path string) bool) (Changes, error) {
	at := strings.TrimSuffix(place, "/")
	spec := at
	if spec == "" {
		spec = "."
	}
	out, err := r.Run(ctx, nil, "--literal-pathspecs", "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", spec)
	if err != nil {
		return Changes{}, err
	}
	var c Changes
	seen, dropped := map[string]bool{}, []string{}
	for _, line := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		if len(line) <= 3 || at != "" && line[3:] != at && !strings.HasPrefix(line[3:], at+"/") || !take(line[3:]) {
			continue
		}
		state, path := line[:2], line[3:]
		switch {
		case strings.HasSuffix(path, "/"):
			return Changes{}, sluice.Errorf(sluice.Invalid, "%s is a repository of its own", path).Fix("name files of this repository")
		case state == "??":
			c.Untracked = append(c.Untracked, path)
		case strings.Contains(state, "U") || state == "AA" || state == "DD":
			c.Unmerged = append(c.Unmerged, path)
		case state == "D ":
			dropped = append(dropped, path)
		}
		if !seen[path] {
			c.Files, seen[path] = append(c.Files, path), true
		}
	}
	again := map[string]bool{} // taken out of the index, and there as untracked files
	for _, path := range c.Untracked {
		again[path] = true
	}
	for _, path := range dropped {
		if !again[path] {
			c.dropped = append(c.dropped, path)
		}
	}
	return c, nil
}

// TreeWith writes the tree of HEAD with changed files as they are in the work tree,
// and returns it and HEAD, which is "" before the first commit. Bytes pass Git's
// filters. The index, the work tree and all refs stay as they are.
func (r *Repo) TreeWith(ctx context.Context, c Changes) (tree, head OID, err error) {
	dir, err := os.MkdirTemp("", "sluice-index-")
	if err != nil {
		return "", "", sluice.Errorf(sluice.Unavailable, "cannot make a file beside the index: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	env := []string{"GIT_INDEX_FILE=" + filepath.Join(dir, "index")}
	run := func(stdin string, args ...string) (string, error) {
		out, err := r.run(ctx, process{args: append(r.snapshotOptions(), args...), stdin: []byte(stdin), env: env})
		return strings.TrimSpace(string(out)), err
	}
	rd := r.Reader(ctx)
	id, kind, _, found, err := rd.Info("HEAD")
	rd.Close()
	if err != nil {
		return "", "", err
	}
	base := "--empty"
	if found && kind == "commit" {
		head, base = id, string(id)
	}
	if _, err = run("", "read-tree", base); err != nil {
		return "", "", err
	}
	if _, err = run(strings.Join(c.Files, "\x00")+"\x00", "update-index", "--add", "--remove", "--replace", "-z", "--stdin"); err != nil {
		return "", "", err
	}
	if len(c.dropped) > 0 {
		if _, err = run(strings.Join(c.dropped, "\x00")+"\x00", "update-index", "--force-remove", "-z", "--stdin"); err != nil {
			return "", "", err
		}
	}
	written, err := run("", "write-tree")
	return OID(written), head, err
}

// snapshotOptions keep what is written to the given index, and have objects on disk
// before they are named, unless core.fsync says not to wait.
func (r *Repo) snapshotOptions() []string {
	options := []string{"-c", "core.splitIndex=false", "-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false"}
	if wantsSync(r.config["core.fsync"]) {
		options = append(options, "-c", "core.fsync=objects", "-c", "core.fsyncObjectFiles=true")
	}
	return options
}
