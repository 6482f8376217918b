package gitsync

import (
	"context"
	"os"
	"path/filepath"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
	"github.com/sluice-dev/sluice/internal/system"
)

// Config says how a bridge treats the repository.
type Config struct {
	// Remote is the name or the address of the remote that is shared with others; ""
	// when there is none.
	Remote gitrepo.Remote
	// Branch is one that every push moves; "" moves none.
	Branch string
	// Verify says which signatures tags need: [VerifyOff], [VerifySigned], the
	// default, or [VerifyRequired].
	Verify string
	// Place says where a component's files are in the work tree, as sluice.yaml has
	// it: a file, or a directory with a slash at its end; and its kind. Empty when it
	// does not say.
	Place func(component string) (path, kind string)
	// Read reads Place from another sluice.yaml: of a commit.
	Read func(project []byte) (place func(component string) (path, kind string), err error)
	// Email is that of an actor, when it is known.
	Email func(actor string) string
	// Ask asks the policy of an environment also for releases that others made.
	Ask bool
}

// How tags are verified.
const (
	VerifyOff      = "off"      // not at all
	VerifySigned   = "signed"   // a signature that is there must be good
	VerifyRequired = "required" // each tag must have a good one
)

// Bridge carries versions and releases between one repository and one
// installation. Its methods may be called from several processes at once: they
// wait for each other.
type Bridge struct {
	repo     *gitrepo.Repo
	services sluice.Services
	cfg      Config
}

// New joins a repository and an installation.
func New(repo *gitrepo.Repo, services sluice.Services, cfg Config) *Bridge {
	if cfg.Place == nil {
		cfg.Place = func(string) (string, string) { return "", "" }
	}
	if cfg.Email == nil {
		cfg.Email = func(string) string { return "" }
	}
	if cfg.Verify == "" {
		cfg.Verify = VerifySigned
	}
	return &Bridge{repo: repo, services: services, cfg: cfg}
}

// Repo is the repository.
func (b *Bridge) Repo() *gitrepo.Repo { return b.repo }

// exclusive runs fn while no other process moves Sluice's refs here.
func (b *Bridge) exclusive(ctx context.Context, fn func() error) error {
	dir := b.repo.StateDir()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return unwritable(dir, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return unwritable(dir, err)
	}
	defer f.Close()
	switch err := system.Lock(ctx, f); {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return unwritable(dir, err)
	}
	return fn()
}

func unwritable(path string, err error) error {
	return sluice.Errorf(sluice.Unavailable, "cannot write to %s: %w", path, err).Fix("make it writable for you")
}
