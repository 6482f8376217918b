package store

import (
	"context"

	"github.com/sluice-dev/sluice"
)

// Source reads one organization for the live state.
type Source struct {
	db  *DB
	org string
}

// Source is the reader of one organization.
func (db *DB) Source(org string) *Source { return &Source{db: db, org: org} }

// Position is the ledger's id and its last sequence.
func (s *Source) Position(ctx context.Context) (sluice.Position, error) {
	p := sluice.Position{Ledger: s.db.ledger}
	err := s.db.View(ctx, s.org, func(tx *Tx) error {
		seq, _, err := tx.Position()
		p.Seq = seq
		return err
	})
	return p, err
}

// Entries are the entries after a sequence, oldest first.
func (s *Source) Entries(ctx context.Context, after int64, limit int) (entries []sluice.Entry, err error) {
	err = s.db.View(ctx, s.org, func(tx *Tx) error {
		entries, err = tx.EntriesAfter(after, limit)
		return err
	})
	return entries, err
}

// Manifest is what is live in an environment now. NotFound.
func (s *Source) Manifest(ctx context.Context, environment string) (m sluice.Manifest, err error) {
	err = s.db.View(ctx, s.org, func(tx *Tx) error {
		e, err := tx.Environment(environment)
		if err != nil {
			return err
		}
		if e.Deleted {
			return sluice.Errorf(sluice.NotFound, "environment %s was deleted", environment)
		}
		m, err = tx.Manifest(e, sluice.Latest)
		return err
	})
	return m, err
}

// ReleasesAfter are an environment's releases after a sequence, oldest first.
func (s *Source) ReleasesAfter(ctx context.Context, environment string, seq int64, limit int) (out []sluice.Release, err error) {
	err = s.db.View(ctx, s.org, func(tx *Tx) error {
		out, err = tx.ReleasesAfter(environment, seq, limit)
		return err
	})
	return out, err
}
