package gitsync

import (
	"context"
	"maps"
	"path"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// refusedRef is a ref that was not taken in.
type refusedRef struct {
	ID     gitrepo.OID      `json:"id"`    // what it was
	Epoch  int64            `json:"epoch"` // of the ledger, after it was looked at
	Apart  bool             `json:"apart,omitempty"`
	Result sluice.GitResult `json:"result"`
}

// Refused are the refs of the remote that were not taken in by the looks so far, by
// name.
func (b *Bridge) Refused(ctx context.Context) ([]sluice.GitResult, error) {
	info, err := b.services.Info(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := b.loadRefused(info.Ledger)
	out := make([]sluice.GitResult, 0, len(kept))
	for _, ref := range slices.Sorted(maps.Keys(kept)) {
		out = append(out, kept[ref].Result)
	}
	return out, err
}

func (b *Bridge) refusedPath(ledger string) string {
	return b.statePath(ledger, "refused-"+path.Base(RemotePrefix(b.cfg.Remote))+".json")
}

func (b *Bridge) loadRefused(ledger string) (map[string]refusedRef, error) {
	kept := map[string]refusedRef{}
	_, err := readJSON(b.refusedPath(ledger), &kept)
	if kept == nil {
		kept = map[string]refusedRef{}
	}
	return kept, err
}

// tryAgain forgets refs that were refused and have moved since, and has those looked
// at again that may be let in by what was recorded since.
func (f *follower) tryAgain() error {
	if len(f.refused) == 0 {
		return nil
	}
	info, err := f.b.services.Info(f.ctx)
	if err != nil {
		return err
	}
	for ref, r := range f.refused {
		is := f.refs.remote[ref].ID
		if is == r.ID && r.Epoch >= info.Epoch && !r.Apart && !f.o.Rebase && !f.o.Theirs {
			continue
		}
		delete(f.refused, ref)
		f.o.Again = f.o.Again || is == r.ID
	}
	return nil
}

// keepRefused keeps what was refused, as of the ledger by now: what this look itself
// recorded is no reason to look again.
func (f *follower) keepRefused() error {
	info, err := f.b.services.Info(f.ctx)
	if err != nil {
		return err
	}
	for ref, r := range f.refused {
		if _, looked := f.results[ref]; looked {
			r.Epoch = info.Epoch
			f.refused[ref] = r
		}
	}
	return writeJSON(f.b.refusedPath(f.ledger), f.refused)
}
