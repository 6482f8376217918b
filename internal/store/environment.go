package store

import (
	"encoding/json"

	"github.com/sluice-dev/sluice"
)

const environmentColumns = "name, alias, parent, tracks, promotes_from, position, created_at, deleted, release, epoch, at, root, lived, keep_runs"

func scanEnvironment(s scanner) (sluice.Environment, error) {
	var e sluice.Environment
	var from string
	if err := s.Scan(&e.Name, &e.Alias, &e.Parent, &e.Tracks, &from, &e.Position, &e.CreatedAt, &e.Deleted,
		&e.Release, &e.Epoch, &e.At, &e.Root, &e.Lived, &e.KeepRuns); err != nil {
		return e, err
	}
	if from == "" {
		return e, nil
	}
	return e, json.Unmarshal([]byte(from), &e.PromotesFrom)
}

// Environment returns an environment by its exact name. NotFound.
func (tx *Tx) Environment(name string) (sluice.Environment, error) {
	e, found, err := tx.FindEnvironment(name)
	if err == nil && (!found || e.Name != name) {
		err = sluice.Errorf(sluice.NotFound, "environment %s does not exist", name)
	}
	return e, err
}

// FindEnvironment finds an environment, deleted ones too, by name or alias,
// ignoring case.
func (tx *Tx) FindEnvironment(name string) (sluice.Environment, bool, error) {
	if name == "" { // which is the alias of those that have none
		return sluice.Environment{}, false, nil
	}
	fold := sluice.FoldName(name)
	return first(tx, scanEnvironment, "SELECT "+environmentColumns+" FROM environments WHERE org = $1 AND (fold = $2 OR lower(alias) = $3) ORDER BY fold = $4 DESC",
		tx.org, fold, fold, fold)
}

// Environments lists all by position, then name.
func (tx *Tx) Environments(deleted bool) ([]sluice.Environment, error) {
	return all(tx, scanEnvironment, "SELECT "+environmentColumns+" FROM environments WHERE org = $1 AND (deleted = 0 OR $2 = 1) ORDER BY position, name",
		tx.org, flag(deleted))
}

// Children are the environments that inherit directly from one.
func (tx *Tx) Children(name string) ([]sluice.Environment, error) {
	return all(tx, scanEnvironment, "SELECT "+environmentColumns+" FROM environments WHERE org = $1 AND parent = $2 AND deleted = 0 ORDER BY position, name", tx.org, name)
}

// PutEnvironment writes an environment, new or changed.
func (tx *Tx) PutEnvironment(e sluice.Environment) error {
	from := ""
	if len(e.PromotesFrom) > 0 {
		b, err := sluice.EncodeJSON(e.PromotesFrom)
		if err != nil {
			return err
		}
		from = string(b)
	}
	return tx.change(`INSERT INTO environments (org, fold, name, alias, parent, tracks, promotes_from, position, created_at, deleted, release, epoch, at, root, lived, keep_runs)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		ON CONFLICT (org, fold) DO UPDATE SET alias = excluded.alias, parent = excluded.parent, tracks = excluded.tracks,
			promotes_from = excluded.promotes_from, position = excluded.position, deleted = excluded.deleted, keep_runs = excluded.keep_runs`,
		tx.org, sluice.FoldName(e.Name), e.Name, e.Alias, e.Parent, e.Tracks, from, e.Position, e.CreatedAt, flag(e.Deleted),
		e.Release, e.Epoch, e.At, e.Root, flag(e.Lived), e.KeepRuns)
}

// Organization is what is known of one tenant.
type Organization struct {
	DefaultEnvironment string
	VerifiedAt         sluice.Time
}

// Organization returns the transaction's own.
func (tx *Tx) Organization() (Organization, bool, error) {
	return first(tx, func(s scanner) (Organization, error) {
		var o Organization
		err := s.Scan(&o.DefaultEnvironment, &o.VerifiedAt)
		return o, err
	}, "SELECT default_environment, verified_at FROM organizations WHERE org = $1", tx.org)
}

// AddOrganization makes the transaction's organization. It reports false when
// another node has made it meanwhile.
func (tx *Tx) AddOrganization(defaultEnvironment string) (bool, error) {
	tx.dirty = true
	result, err := tx.exec(`INSERT INTO organizations (org, seq, recorded_at, default_environment, verified_at) VALUES ($1, 0, 0, $2, 0)
		ON CONFLICT DO NOTHING`, tx.org, defaultEnvironment)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// SetVerified records when an audit last held.
func (tx *Tx) SetVerified(at sluice.Time) error {
	return tx.change("UPDATE organizations SET verified_at = $1 WHERE org = $2", at, tx.org)
}

// Meta reads one value of the ledger's own; "" when it was never set.
func (tx *Tx) Meta(name string) (string, error) {
	v, _, err := first(tx, plain[string], "SELECT value FROM meta WHERE name = $1", name)
	return v, err
}

// SetMeta writes one value of the ledger's own unless it is set already.
func (tx *Tx) SetMeta(name, value string) error {
	return tx.change("INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", name, value)
}
