package cli

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// The keys in Workers KV. A runtime that polls them sees a release without
// speaking to Sluice.
const (
	kvVersions = "component-versions" // {"my-prompt": {"prod": "v1.1.0"}}
	kvRollout  = "rollout-percentage" // a plain number; with -COMPONENT after it, of that component
)

// kvSeveral stands in the place of a percentage when no one number is true. It is
// written, since a key that is left out keeps the number that it had.
const kvSeveral = "several"

// maxKVValue is how large Workers KV lets one value be.
const maxKVValue = 25 << 20

// kvPairs are the keys of Workers KV.
func (e *env) kvPairs(ctx context.Context, q exportQuery) ([]exportedPair, error) {
	found, err := e.exported(ctx, q)
	if err != nil {
		return nil, err
	}
	versions := map[string]map[string]string{}
	for _, c := range liveComponents(found) {
		versions[c.Name] = c.Environments
	}
	var text bytes.Buffer
	if err := writeJSON(&text, versions); err != nil { // maps are encoded sorted by key
		return nil, err
	}
	if text.Len() > maxKVValue {
		return nil, sluice.Errorf(sluice.LimitExceeded, "%s would have %d bytes, and Workers KV takes %d in one value", kvVersions, text.Len(), maxKVValue).
			Fix("export fewer environments, each to a namespace of its own: `sluice export --cloudflare-kv -e production`")
	}
	pairs := []exportedPair{{kvVersions, strings.TrimSuffix(text.String(), "\n")}}
	rollouts, err := e.rollouts(ctx, q)
	if err != nil {
		return nil, err
	}
	pairs = append(pairs, kvPercentages(rollouts)...)
	slices.SortFunc(pairs, func(a, b exportedPair) int { return strings.Compare(a.Key, b.Key) })
	return pairs, nil
}

// rollout is the latest split of one component in one environment, and what
// became of it.
type rollout struct {
	component string
	split     sluice.Value
	live      sluice.Value // what the environment holds; the split itself while it goes on
}

// rollouts are those of the environment that percentages are about, latest first.
// Components that were never split have none. They are read from the history,
// so that a split that has ended is known to have ended.
func (e *env) rollouts(ctx context.Context, q exportQuery) ([]rollout, error) {
	name, err := "", error(nil)
	if len(q.environments) > 0 {
		name = q.environments[0]
	} else if name, err = e.defaultEnvironment(ctx); err != nil {
		return nil, err
	}
	known, err := e.environmentThen(ctx, name, q.at)
	if err != nil {
		return nil, err
	}
	c, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	releases, err := pages(ctx, 0, func(ctx context.Context, p sluice.Paging) (sluice.Page[sluice.Release], error) {
		return c.Releases(ctx, sluice.ReleaseQuery{Environment: known.Name, Until: q.at, Paging: p})
	})
	if err != nil {
		return nil, err
	}
	return latestSplits(releases), nil
}

// latestSplits finds each component's latest split in an environment's releases,
// which are newest first.
func latestSplits(releases []sluice.Release) []rollout {
	var out []rollout
	live, seen := map[string]sluice.Value{}, map[string]bool{}
	for _, r := range releases {
		for _, change := range r.Changes {
			name := change.Slot.Component()
			if name == "" || seen[name] {
				continue
			}
			if _, known := live[name]; !known {
				live[name] = change.To
			}
			if len(change.To.Split) > 0 {
				seen[name] = true
				out = append(out, rollout{name, change.To, live[name]})
			}
		}
	}
	return out
}

// kvPercentages says of each component that was ever split how much its challenger
// gets, and under the one key without a component how much that of the latest
// split gets.
func kvPercentages(rollouts []rollout) []exportedPair {
	if len(rollouts) == 0 {
		return nil
	}
	one, splits := rollouts[0].percentage(), 0
	var pairs []exportedPair
	for _, r := range rollouts {
		pairs = append(pairs, exportedPair{kvRollout + "-" + r.component, r.percentage()})
		if len(r.live.Split) > 0 {
			one = r.percentage()
			splits++
		}
	}
	if splits > 1 {
		one = kvSeveral
	}
	return append(pairs, exportedPair{kvRollout, one})
}

// percentage is how much of the traffic gets the challenger: the one version of
// the split that was not settled before.
func (r rollout) percentage() string {
	challengers := slices.DeleteFunc(slices.Clone(r.split.Split), func(s sluice.Share) bool { return s.Version == r.split.Version })
	won := slices.ContainsFunc(challengers, func(s sluice.Share) bool { return s.Version == r.live.Version })
	switch {
	case len(r.live.Split) == 0 && !won:
		return "0"
	case len(challengers) != 1:
		return kvSeveral
	case won:
		return "100"
	}
	return strings.TrimSuffix(challengers[0].Weight.String(), "%")
}
