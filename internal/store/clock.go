package store

import (
	"time"

	"github.com/sluice-dev/sluice"
)

// There are two clocks, and each question has one of them. The ledger's time is for
// order: what was recorded after something else, and what was live at a time. It
// never goes back, so that after a clock that was ahead it nearly stands still. The
// wall clock is for durations: what is over after a while is set by it and checked
// by it. What one has set must not be held against the other.

// LedgerTime is the time that the next ledger entry of a writing transaction gets:
// that of the wall clock, but always later than the entry before.
func (tx *Tx) LedgerTime() sluice.Time { return max(tx.WallClock(), tx.last+1) }

// Past reports whether a time lies before that of the next ledger entry, so that
// what was live then may be something else than what is live.
func (tx *Tx) Past(at sluice.Time) (bool, error) {
	_, last, err := tx.Position()
	return at < max(tx.WallClock(), last+1), err
}

// WallClock is the clock of this machine as it stands.
func (tx *Tx) WallClock() sluice.Time { return sluice.TimeOf(tx.db.now()) }

// MaxLease is the longest that a lease can have to go, with what the clocks of two
// servers may be apart. One that has longer to go was set by a clock that was ahead
// and has been put back since: nobody holds what it is of.
const MaxLease = 10 * time.Minute

// leased is what a lease that holds ends after, and by.
func leased(now sluice.Time) (after, by sluice.Time) {
	return now, now + sluice.Time(MaxLease.Microseconds())
}

// Held reports whether a worker holds a run, by the wall clock.
func (r RunRow) Held(now sluice.Time) bool {
	after, by := leased(now)
	return r.LeaseUntil > after && r.LeaseUntil <= by
}
