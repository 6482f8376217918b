package gitsync

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// Clone copies another repository, which is named by a path, a bundle or an address,
// into an empty directory, without a work tree. [sluice.Unavailable] when it cannot be had.
func Clone(ctx context.Context, from, dir string) (*gitrepo.Repo, error) {
	// Git is started from a repository, and there need not be one yet.
	start, err := gitrepo.InitBare(ctx, filepath.Join(dir, "start.git"))
	if err != nil {
		return nil, err
	}
	copied := filepath.Join(dir, "copy.git")
	if _, err := start.Run(ctx, nil, "clone", "--quiet", "--bare", "--template=", "--end-of-options", from, copied); err != nil {
		var failure *gitrepo.Failure
		if !errors.As(err, &failure) {
			return nil, err
		}
		return nil, sluice.Errorf(sluice.Unavailable, "%s cannot be copied: %s", clip(gitrepo.Remote(from).String()), firstWord(firstLine(failure.Stderr), "git says no more than that")).
			Fix("name a repository, a bundle or an address that `git ls-remote` can read").Because(err)
	}
	return gitrepo.Open(copied)
}
