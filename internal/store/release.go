package store

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/sluice-dev/sluice"
)

// AddRelease writes a release whose entry has been appended: its row, its
// environment's new head, and one interval for each slot that it changes.
func (tx *Tx) AddRelease(r sluice.Release, lived bool) error {
	if err := tx.change(`INSERT INTO releases (org, environment, number, seq, at, source_at, recorded_at, actor, action, cause, source, reason, ticket, root, source_commit)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		tx.org, r.Environment, r.Number, r.Epoch, r.At, r.SourceAt, r.RecordedAt, r.Actor, string(r.Action), r.Cause, r.Source, r.Reason, r.Ticket, r.Root, r.Commit); err != nil {
		return err
	}
	if err := tx.change("UPDATE environments SET release = $1, epoch = $2, at = $3, root = $4, lived = $5 WHERE org = $6 AND fold = $7",
		r.Number, r.Epoch, r.At, r.Root, flag(lived), tx.org, sluice.FoldName(r.Environment)); err != nil {
		return err
	}
	for _, c := range r.Changes {
		if c.Ends > 0 {
			// By its primary key: a search by what is changed would make SQLite keep a
			// journal of each statement, whose cost grows with the transaction.
			if err := tx.change("UPDATE slots SET until = $1 WHERE org = $2 AND environment = $3 AND slot = $4 AND since = $5",
				r.Number, tx.org, r.Environment, string(c.Slot), c.Ends); err != nil {
				return err
			}
		}
		version := 0
		if c.To.Settled() {
			version = c.To.Version
		}
		if err := tx.change(`INSERT INTO slots (org, environment, slot, since, seq, until, value, version, under, origin, pinned_by)
			VALUES ($1, $2, $3, $4, $5, 9223372036854775807, $6, $7, $8, $9, $10)`,
			tx.org, r.Environment, string(c.Slot), r.Number, r.Epoch, c.To.Encode(), version, c.Under, c.Origin, c.PinnedBy); err != nil {
			return err
		}
	}
	return nil
}

func scanRelease(s scanner) (sluice.Release, error) {
	var payload string
	var r sluice.Release
	if err := s.Scan(&payload); err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(payload), &r); err != nil {
		return r, fmt.Errorf("release payload: %w", err)
	}
	return r, nil
}

// scanSlotRelease is a release with the change of one slot alone. It is put
// together from the rows, since a release may hold thousands of other changes.
func scanSlotRelease(s scanner) (sluice.Release, error) {
	var r sluice.Release
	var set sluice.Setting
	var text string
	var before sql.NullString
	if err := s.Scan(&r.Environment, &r.Number, &r.Epoch, &r.At, &r.SourceAt, &r.RecordedAt, &r.Actor, &r.Action, &r.Cause, &r.Source,
		&r.Reason, &r.Ticket, &r.Root, &r.Commit, &set.Slot, &text, &before); err != nil {
		return r, err
	}
	if err := unpack(text, &set); err != nil {
		return r, err
	}
	from, err := sluice.DecodeValue(before.String)
	r.Changes = []sluice.SlotChange{{Slot: set.Slot, From: from, To: set.Value, Origin: set.Origin, Under: set.Under, PinnedBy: set.PinnedBy}}
	return r, err
}

const releaseRows = "SELECT l.payload FROM releases r JOIN ledger l ON l.org = r.org AND l.seq = r.seq WHERE r.org = $1"

// Release returns one release. NotFound.
func (tx *Tx) Release(environment string, number int64) (sluice.Release, error) {
	r, found, err := first(tx, scanRelease, releaseRows+" AND r.environment = $2 AND r.number = $3", tx.org, environment, number)
	if err == nil && !found {
		err = sluice.Errorf(sluice.NotFound, "release %s#%d does not exist", environment, number).
			Do(sluice.SeeHistory("", environment), "see {}")
	}
	return r, err
}

// ReleaseOf is the release of an environment that was read from a commit.
func (tx *Tx) ReleaseOf(environment string, commit sluice.Commit) (sluice.Release, bool, error) {
	return first(tx, scanRelease, releaseRows+" AND r.environment = $2 AND r.source_commit = $3 AND r.source_commit <> ''", tx.org, environment, string(commit))
}

// ReleaseAt is the number of the last release at or before a time, 0 before the first.
func (tx *Tx) ReleaseAt(environment string, at sluice.Time) (int64, error) {
	n, _, err := first(tx, plain[int64], "SELECT number FROM releases WHERE org = $1 AND environment = $2 AND at <= $3 ORDER BY at DESC, number DESC LIMIT 1",
		tx.org, environment, at)
	return n, err
}

// ReleasesBefore are the releases before a ledger sequence that a query selects,
// newest first.
func (tx *Tx) ReleasesBefore(seq int64, q sluice.ReleaseQuery, limit int) (Rows[sluice.Release], error) {
	until := q.Until
	if until == 0 {
		until = sluice.Time(sluice.Latest)
	}
	if q.Component != "" {
		return page(tx, scanSlotRelease, limit, `SELECT r.environment, r.number, r.seq, r.at, r.source_at, r.recorded_at, r.actor, r.action, r.cause, r.source,
				r.reason, r.ticket, r.root, r.source_commit, s.slot, `+packed("s")+`, (SELECT p.value FROM slots p WHERE p.org = s.org
					AND p.environment = s.environment AND p.slot = s.slot AND p.since < s.since ORDER BY p.since DESC LIMIT 1)
			FROM slots s JOIN releases r ON r.org = s.org AND r.environment = s.environment AND r.number = s.since
			WHERE s.org = $1 AND s.slot = $2 AND ($3 = '' OR s.environment = $4) AND s.seq < $5 AND r.at >= $6 AND r.at <= $7
			ORDER BY s.seq DESC LIMIT $8`,
			tx.org, string(sluice.ComponentSlot(q.Component)), q.Environment, q.Environment, seq, q.Since, until, limit+1)
	}
	if q.Environment != "" {
		return page(tx, scanRelease, limit, releaseRows+" AND r.environment = $2 AND r.seq < $3 AND r.at >= $4 AND r.at <= $5 ORDER BY r.number DESC LIMIT $6",
			tx.org, q.Environment, seq, q.Since, until, limit+1)
	}
	return page(tx, scanRelease, limit, releaseRows+" AND r.seq < $2 AND r.at >= $3 AND r.at <= $4 ORDER BY r.seq DESC LIMIT $5",
		tx.org, seq, q.Since, until, limit+1)
}

// ReleasesAfter are an environment's releases after a ledger sequence, oldest first.
func (tx *Tx) ReleasesAfter(environment string, seq int64, limit int) ([]sluice.Release, error) {
	return all(tx, scanRelease, releaseRows+" AND r.environment = $2 AND r.seq > $3 ORDER BY r.number LIMIT $4", tx.org, environment, seq, limit)
}
