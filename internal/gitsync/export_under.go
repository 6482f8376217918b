package gitsync

import (
	"strconv"

	"github.com/sluice-dev/sluice"
)

// numbers are where the slots that a release changes stand after it.
func (x *exporter) numbers(at *branch, r sluice.Release) (map[sluice.Slot]under, error) {
	next := make(map[sluice.Slot]under, len(r.Changes))
	for _, c := range r.Changes {
		since, err := x.underAt(at, c)
		if err != nil {
			return nil, err
		}
		next[c.Slot] = under{Since: r.Number, SinceAt: happened(r), Under: c.Under, UnderAt: since}
	}
	return next, nil
}

// underAt is when the release was made that a rollback of a change uncovers. Mostly it
// is the one before, or the one that lay under that.
func (x *exporter) underAt(at *branch, c sluice.SlotChange) (sluice.Time, error) {
	n := at.Numbers[c.Slot]
	switch {
	case c.Under == 0:
		return 0, nil
	case c.Under == n.Since && n.SinceAt != 0:
		return n.SinceAt, nil
	case c.Under == n.Under && n.UnderAt != 0:
		return n.UnderAt, nil
	}
	m, err := x.stateAt(at.Name, c.Under)
	if err != nil {
		return 0, err
	}
	page, err := x.b.services.Releases(x.ctx, sluice.ReleaseQuery{Environment: at.Name, Until: m.At, Paging: sluice.Paging{Limit: 1}})
	if err != nil || len(page.Items) == 0 || page.Items[0].Number != c.Under {
		return 0, err
	}
	return happened(page.Items[0]), nil
}

// stateAt is what an environment held after a release.
func (x *exporter) stateAt(environment string, release int64) (sluice.Manifest, error) {
	key := environment + "#" + strconv.FormatInt(release, 10)
	if m, known := x.states[key]; known {
		return m, nil
	}
	m, err := x.b.services.State(x.ctx, sluice.EnvironmentRef{Name: environment, Release: release, Exact: true})
	if err != nil {
		return m, err
	}
	if x.states == nil || len(x.states) > 16 { // manifests may be large
		x.states = map[string]sluice.Manifest{}
	}
	x.states[key] = m
	return m, nil
}
