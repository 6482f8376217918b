package store

import "context"

// Lock waits until no other process over the same database holds the lock of this
// name, and holds it until unlock. A SQLite directory has one server anyway, so
// there is nothing to wait for. The lock also ends with the connection that holds
// it: what is done under it must do no harm when it is done twice.
func (db *DB) Lock(ctx context.Context, name string) (unlock func(), err error) {
	if db.Engine() != "postgres" {
		return func() {}, nil
	}
	// One of a transaction, which poolers keep on one connection.
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return nil, db.mapped(err)
	}
	unlock = func() { _ = tx.Rollback() } // nothing to keep
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/' || $1, 0))", name); err != nil {
		unlock()
		return nil, db.mapped(err)
	}
	return unlock, nil
}
