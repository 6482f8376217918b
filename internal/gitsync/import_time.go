package gitsync

import "github.com/sluice-dev/sluice"

// datesOf are the times that a history's releases get, from the dates of its
// commits in seconds, oldest commit first. They grow from one to the next, so that
// what was live at a date is what the history had then: of several commits of one
// second the last gets that second, and those before it the microseconds before. One
// whose date goes back, or is yet to come, follows the one before it by a microsecond.
func datesOf(seconds []int64, now sluice.Time) []sluice.Time {
	out := make([]sluice.Time, len(seconds))
	today := int64(now) / 1e6
	last := -1                    // the last commit so far whose date did not go back
	place := func(from, to int) { // commits of one second, and those that follow them
		second, at := today, to
		if last >= 0 {
			second, at = seconds[last], last
		}
		for i := from; i < to; i++ {
			out[i] = sluice.Time(second*1e6 + int64(i-at))
			if i > 0 {
				out[i] = max(out[i], out[i-1]+1)
			}
		}
	}
	from := 0
	for i, s := range seconds {
		if s > today || last >= 0 && s < seconds[last] {
			continue
		}
		if last >= 0 && s > seconds[last] {
			place(from, i)
			from = i
		}
		last = i
	}
	place(from, len(seconds))
	return out
}

// inRange is a second that can be recorded.
func inRange(second int64) int64 { return min(max(second, earliest), latest) }
