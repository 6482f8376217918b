package gitsync

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/sluice-dev/sluice"
)

// Unsent are the refs that the remote does not have as they are here, sorted, by what
// it had at the last look. It asks no remote. What is in the ledger alone, and not in
// the repository yet, is not among them.
func (b *Bridge) Unsent(ctx context.Context) ([]string, error) {
	known, err := b.look(ctx)
	if err != nil || b.cfg.Remote == "" {
		return nil, err
	}
	list, _ := outgoing(known)
	tags, err := b.outgoingTags(ctx, known)
	if err != nil && sluice.CodeOf(err) != sluice.Conflict { // a sync tells of what others released
		return nil, err
	}
	var refs []string
	for _, p := range append(list, tags...) {
		refs = append(refs, p.Ref)
	}
	slices.Sort(refs)
	return refs, nil
}

// retryPath is the file that is there while a push is to be tried again.
func (b *Bridge) retryPath() string {
	return filepath.Join(b.repo.StateDir(), "retry-"+path.Base(RemotePrefix(b.cfg.Remote)))
}

// Retry keeps in the repository that a push is to be tried again, or that it is not
// any more. Where that cannot be kept, the next change pushes all the same.
func (b *Bridge) Retry(again bool) {
	if !again {
		_ = os.Remove(b.retryPath())
		return
	}
	if os.MkdirAll(b.repo.StateDir(), 0o755) == nil {
		_ = os.WriteFile(b.retryPath(), nil, 0o644)
	}
}

// Retries reports whether a push is to be tried again.
func (b *Bridge) Retries() bool {
	_, err := os.Stat(b.retryPath())
	return err == nil
}
