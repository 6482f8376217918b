package gitsync

import (
	"context"
	"maps"
	"slices"

	"github.com/sluice-dev/sluice"
)

// Standing is how the histories here and those that the remote had at the last look
// stand to each other, by environment.
func (b *Bridge) Standing(ctx context.Context) ([]sluice.GitEnvironment, error) {
	f := b.newFollower(ctx, SyncOptions{})
	defer f.reader.Close()
	if err := f.begin(); err != nil {
		return nil, err
	}
	names := maps.Clone(f.refs.local)
	maps.Copy(names, f.refs.remote)
	out := []sluice.GitEnvironment{}
	for _, ref := range slices.Sorted(maps.Keys(names)) {
		display, ok := ParseEnvironmentRef(ref)
		if !ok {
			continue
		}
		mine, theirs := f.refs.local[ref].ID, f.refs.remote[ref].ID
		at := sluice.GitEnvironment{Environment: display, Commit: sluice.Commit(mine), Remote: sluice.Commit(theirs)}
		if e := f.known[display]; e.Release > 0 {
			at.Release = sluice.Release{Environment: e.Name, Number: e.Release}.Ref()
		}
		var err error
		if at.Ahead, at.Behind, err = f.distance(mine, theirs); err != nil {
			return nil, err
		}
		out = append(out, at)
	}
	return out, nil
}
