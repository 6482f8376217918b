package cli

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-dev/sluice"
)

// What makes a release suspect: so many failures, and that many times the rate
// of the release before.
const (
	suspectFailures = 5
	suspectTimes    = 2
)

// suspect is a release since which far more runs of a component fail.
type suspect struct {
	Component   string `json:"component"`
	Environment string `json:"environment"`
	Release     int64  `json:"release"`
	Failed      int64  `json:"failed"`
	Ended       int64  `json:"ended"` // completed or failed
	// Before is the release before in which the component ran.
	Before       int64 `json:"before"`
	BeforeFailed int64 `json:"before_failed"`
	BeforeEnded  int64 `json:"before_ended"`
	// Over is the later release in which it is no longer so, 0 when there is none.
	Over int64 `json:"over,omitempty"`
	// ChangedBy is a later release that changed the same, 0 when there is none.
	ChangedBy int64 `json:"changed_by,omitempty"`
	// Undo is the command that takes the release back, unless something came later.
	Undo string `json:"undo,omitempty"`
}

// String is the one line that names the release and what to do.
func (s suspect) String() string {
	line := fmt.Sprintf("since %s#%d %d of %d runs of %s fail, in %s#%d %d of %d did",
		s.Environment, s.Release, s.Failed, s.Ended, s.Component, s.Environment, s.Before, s.BeforeFailed, s.BeforeEnded)
	switch {
	case s.Over > 0:
		return line + fmt.Sprintf("; it is over since %s#%d", s.Environment, s.Over)
	case s.ChangedBy > 0:
		return line + fmt.Sprintf("; %s#%d has changed the same since", s.Environment, s.ChangedBy)
	}
	return line + fmt.Sprintf("; take it back: `%s`", s.Undo)
}

// tally is how the runs of one component ended in one release.
type tally struct {
	component, environment string
	release                int64
	failed, ended          int64
}

// suspectOf finds the newest release whose error rate is far above that of the
// release before.
func suspectOf(groups []sluice.RunGroup) *suspect {
	tallies := tallied(groups)
	var found *suspect
	newest := sluice.Time(0)
	for i, at := range tallies {
		if i+1 == len(tallies) || !sameSeries(at, tallies[i+1]) || !farAbove(at, tallies[i+1]) {
			continue
		}
		before := tallies[i+1]
		undo := sluice.Do(sluice.RevertRelease(at.environment, at.release, ""), "")
		s := &suspect{
			Component: at.component, Environment: at.environment, Release: at.release, Failed: at.failed, Ended: at.ended,
			Before: before.release, BeforeFailed: before.failed, BeforeEnded: before.ended,
			Undo: undoing(&undo),
		}
		if s.Over = over(tallies[:i], at); s.Over > 0 {
			s.Undo = ""
		}
		if since := releasedAt(groups, s); found == nil || since > newest {
			found, newest = s, since
		}
	}
	return found
}

// tallied adds up the versions of each release, which a split has two of. The
// releases of one component in one environment follow each other, newest first.
func tallied(groups []sluice.RunGroup) []tally {
	var out []tally
	for _, g := range groups {
		if g.Component == "" || g.Completed+g.Failed == 0 {
			continue
		}
		i := slices.IndexFunc(out, func(t tally) bool {
			return t.component == g.Component && t.environment == g.Environment && t.release == g.Release
		})
		if i < 0 {
			i, out = len(out), append(out, tally{component: g.Component, environment: g.Environment, release: g.Release})
		}
		out[i].failed += g.Failed
		out[i].ended += g.Completed + g.Failed
	}
	slices.SortFunc(out, func(a, b tally) int {
		return cmp.Or(cmp.Compare(a.component, b.component), cmp.Compare(a.environment, b.environment), cmp.Compare(b.release, a.release))
	})
	return out
}

func sameSeries(a, b tally) bool {
	return a.component == b.component && a.environment == b.environment
}

// farAbove compares the rates without dividing.
func farAbove(at, before tally) bool {
	return at.failed >= suspectFailures && at.failed*before.ended >= suspectTimes*before.failed*at.ended
}

// over is the first release after a bad one that runs far better, or 0.
func over(later []tally, bad tally) int64 {
	for _, t := range slices.Backward(later) {
		if !sameSeries(t, bad) {
			return 0
		}
		if suspectTimes*t.failed*bad.ended <= bad.failed*t.ended {
			return t.release
		}
	}
	return 0
}

// changedSince finds whether a later release has changed what the suspect did, so
// that taking the suspect back is not what is to be done.
func (e *env) changedSince(ctx context.Context, s *suspect) error {
	releases, err := e.releasesBetween(ctx, s.Environment, s.Release, math.MaxInt64)
	if err != nil || len(releases) == 0 {
		return err
	}
	touched := map[sluice.Slot]bool{}
	for _, c := range releases[len(releases)-1].Changes {
		touched[c.Slot] = true
	}
	for _, r := range slices.Backward(releases[:len(releases)-1]) {
		if slices.ContainsFunc(r.Changes, func(c sluice.SlotChange) bool { return touched[c.Slot] }) {
			s.ChangedBy, s.Undo = r.Number, ""
			return nil
		}
	}
	return nil
}

func releasedAt(groups []sluice.RunGroup, s *suspect) sluice.Time {
	i := slices.IndexFunc(groups, func(g sluice.RunGroup) bool {
		return g.Component == s.Component && g.Environment == s.Environment && g.Release == s.Release
	})
	return max(groups[i].ReleasedAt, groups[i].First)
}
