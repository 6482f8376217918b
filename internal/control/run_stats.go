package control

import (
	"cmp"
	"context"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// maxGroups bounds how many versions and releases one answer tells apart.
const maxGroups = 1000

// RunStats sums runs up by version and release.
func (c *Control) RunStats(ctx context.Context, q sluice.RunQuery) (sluice.RunStats, error) {
	out := sluice.RunStats{Groups: []sluice.RunGroup{}}
	err := c.view(ctx, func(tx *store.Tx) error {
		version, err := runFilter(tx, &q)
		if err != nil {
			return err
		}
		sums, err := tx.RunSums(q, version)
		if err != nil {
			return err
		}
		out = summed(sums)
		return dateGroups(tx, out.Groups)
	})
	return out, err
}

// tally adds up one group.
type tally struct {
	sluice.RunGroup
	buckets map[int64]int64
}

func summed(sums []store.RunSum) sluice.RunStats {
	type key struct {
		component, environment string
		version                int
		release                int64
	}
	groups := map[key]*tally{}
	total := &tally{buckets: map[int64]int64{}}
	for _, s := range sums {
		k := key{s.Component, s.Environment, s.Version, s.Release}
		if groups[k] == nil {
			groups[k] = &tally{
				RunGroup: sluice.RunGroup{Component: s.Component, Environment: s.Environment, Version: s.Version, Release: s.Release},
				buckets:  map[int64]int64{},
			}
		}
		groups[k].add(s)
		total.add(s)
	}
	out := sluice.RunStats{Total: total.done(), Groups: []sluice.RunGroup{}}
	for _, g := range groups {
		out.Groups = append(out.Groups, g.done())
	}
	slices.SortFunc(out.Groups, func(a, b sluice.RunGroup) int {
		return cmp.Or(cmp.Compare(b.Last, a.Last), cmp.Compare(a.Environment, b.Environment), cmp.Compare(b.Release, a.Release),
			cmp.Compare(a.Component, b.Component), cmp.Compare(b.Version, a.Version))
	})
	out.Groups = out.Groups[:min(len(out.Groups), maxGroups)]
	return out
}

func (t *tally) add(s store.RunSum) {
	t.Runs += s.Runs
	switch s.Status {
	case sluice.RunCompleted:
		t.Completed += s.Runs
	case sluice.RunFailed:
		t.Failed += s.Runs
	}
	if s.Status.Ended() {
		t.buckets[s.Bucket] += s.Runs
	}
	if t.First == 0 || s.First < t.First {
		t.First = s.First
	}
	t.Last = max(t.Last, s.Last)
	t.Usage.Add(s.Usage)
}

func (t *tally) done() sluice.RunGroup {
	if judged := t.Completed + t.Failed; judged > 0 {
		t.ErrorRate = float64(t.Failed) / float64(judged)
	}
	t.P50, t.P95 = t.percentile(0.50), t.percentile(0.95)
	return t.RunGroup
}

// percentile is the duration that the given part of the ended runs took at most.
// Buckets are 9 % wide, so it is within 5 %.
func (t *tally) percentile(part float64) int64 {
	var buckets []int64
	total := int64(0)
	for b, n := range t.buckets {
		buckets = append(buckets, b)
		total += n
	}
	slices.Sort(buckets)
	seen := int64(0)
	for _, b := range buckets {
		if seen += t.buckets[b]; float64(seen) >= part*float64(total) {
			return store.OfBucket(b)
		}
	}
	return 0
}

// dateGroups fills in labels and when the releases were.
func dateGroups(tx *store.Tx, groups []sluice.RunGroup) error {
	for i := range groups {
		g := &groups[i]
		if g.Release > 0 {
			r, err := tx.Release(g.Environment, g.Release)
			if err != nil {
				return err
			}
			g.ReleasedAt = r.At
		}
		if g.Component != "" && g.Version > 0 {
			v, found, err := tx.VersionByNumber(g.Component, g.Version)
			if err != nil {
				return err
			}
			if found {
				g.Label = v.Label
			}
		}
	}
	return nil
}
