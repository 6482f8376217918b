package gitsync

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// hookMark is in every hook that was installed here.
const hookMark = "# Installed by sluice git hook."

// InstallHook writes hooks/pre-receive of a repository, which has the program look at
// each push, and returns its path. Conflict, with the way to call both, when there
// is a hook of somebody else's.
func InstallHook(ctx context.Context, repo *gitrepo.Repo, program string) (string, error) {
	settings, err := repo.Settings(ctx)
	if err != nil {
		return "", err
	}
	file := filepath.Join(settings.HooksPath, "pre-receive")
	there, err := os.ReadFile(file)
	switch {
	case err == nil && !strings.Contains(string(there), hookMark):
		return "", sluice.Errorf(sluice.Conflict, "%s is a hook of somebody else's, and stays as it is", file).
			Fix("have it call both, with what it was given: `pushed=$(cat); printf '%%s\\n' \"$pushed\" | %s git hook || exit 1`, and the same into what it did before", quoted(program))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", unreadable(err)
	}
	if err := os.MkdirAll(settings.HooksPath, 0o755); err != nil {
		return "", unwritable(settings.HooksPath, err)
	}
	text := "#!/bin/sh\n" + hookMark + " It refuses versions that move, and releases that are\n# not whole or that the policy in sluice.yaml does not let in.\nexec " + quoted(program) + " git hook\n"
	if err := writeFile(file, []byte(text)); err != nil {
		return "", err
	}
	if err := os.Chmod(file, 0o755); err != nil {
		return "", unwritable(file, err)
	}
	return file, nil
}

// quoted is a word as a shell takes it.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
