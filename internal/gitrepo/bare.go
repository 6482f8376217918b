package gitrepo

import (
	"context"
	"os"
	"path/filepath"

	"github.com/sluice-dev/sluice"
)

// InitBare opens the bare repository at a directory, and makes it when there is
// none: empty, without hooks, and with the given settings ("key", "value").
// [sluice.Unavailable] when it cannot be made; else the errors of [Open].
func InitBare(ctx context.Context, dir string, settings ...[2]string) (*Repo, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, sluice.Errorf(sluice.Unavailable, "the repository %s cannot be made: %w", dir, err).Fix("make the directory above it writable for you")
	}
	r, err := Open(dir)
	if err == nil || sluice.CodeOf(err) != sluice.NotFound {
		return r, err
	}
	at, err := physical(dir)
	if err != nil {
		return nil, err
	}
	// A repository that was left half made is completed.
	blank := &Repo{Dir: at, Common: at, at: at, patience: patience}
	// The settings come first, since a repository that can be opened is not completed.
	for _, s := range settings {
		if _, err := blank.Run(ctx, nil, "config", "--file", filepath.Join(at, "config"), s[0], s[1]); err != nil {
			return nil, err
		}
	}
	if _, err := blank.Run(ctx, nil, "init", "--quiet", "--bare", "--template=", "--", at); err != nil {
		return nil, err
	}
	return Open(dir)
}

// Incoming is the repository as a hook of it sees it while it receives a push: also
// what was sent is there, although no ref points at it. Getenv gives the hook's own
// environment.
func (r *Repo) Incoming(getenv func(string) string) (*Repo, error) {
	seen, err := newRepo(r.at, r.Top, r.Dir, r.Common)
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"} {
		if value := getenv(key); value != "" {
			seen.more = append(seen.more, key+"="+value)
		}
	}
	return seen, nil
}
