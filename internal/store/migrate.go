package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/pressly/goose/v3"

	"github.com/sluice-dev/sluice"
)

//go:embed migrations/*.sql
var migrations embed.FS

const versionTable = "schema_migrations"

// migrate makes or updates the schema, forward only. Guarded runs its argument
// while this process alone may change the schema.
func (db *DB) migrate(ctx context.Context, guarded func(func() error) error) error {
	steps, newest, err := db.steps()
	if err != nil {
		return err
	}
	have, err := db.schema(ctx)
	if err != nil {
		return err
	}
	switch {
	case have == newest:
		return nil
	case have > newest:
		return sluice.Errorf(sluice.Unavailable, "the database has schema %d; this program knows up to %d", have, newest).
			Fix("use a newer sluice, or restore a backup that was made by this one")
	}
	return guarded(func() error { return db.apply(ctx, steps) })
}

// current reports whether the schema needs nothing of this program.
func (db *DB) current(ctx context.Context) (bool, error) {
	_, newest, err := db.steps()
	if err != nil {
		return false, err
	}
	have, err := db.schema(ctx)
	return have == newest, err
}

func (db *DB) apply(ctx context.Context, steps []*goose.Migration) error {
	options := []goose.ProviderOption{
		goose.WithGoMigrations(steps...), goose.WithDisableGlobalRegistry(true), goose.WithTableName(versionTable),
	}
	dialect := goose.DialectSQLite3
	if db.dialect.name == "postgres" {
		dialect = goose.DialectPostgres
	}
	provider, err := goose.NewProvider(dialect, db.write, nil, options...)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return db.mapped(fmt.Errorf("migrate: %w", err))
	}
	return nil
}

// steps are the embedded migrations in this engine's words.
func (db *DB) steps() ([]*goose.Migration, int64, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, 0, err
	}
	var steps []*goose.Migration
	newest := int64(0)
	for _, file := range files {
		text, err := migrations.ReadFile(file)
		if err != nil {
			return nil, 0, err
		}
		number, _, _ := strings.Cut(path.Base(file), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, 0, fmt.Errorf("migration %s has no number: %w", file, err)
		}
		sqlText := db.dialect.rewrite(string(text))
		steps = append(steps, goose.NewGoMigration(version, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, sqlText); err != nil {
				return err
			}
			return seed(ctx, tx, version)
		}}, nil))
		newest = max(newest, version)
	}
	return steps, newest, nil
}

// seed writes what the first schema starts with: the ledger's name.
func seed(ctx context.Context, tx *sql.Tx, version int64) error {
	if version != 1 {
		return nil
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO meta (name, value) VALUES ('ledger', $1)", newLedgerID())
	return err
}

// schema is the number of the last migration, 0 for an empty database.
func (db *DB) schema(ctx context.Context) (int64, error) {
	var exists int64
	ask := "SELECT count(*) FROM sqlite_master WHERE name = $1"
	if db.dialect.name == "postgres" {
		ask = "SELECT count(*) FROM pg_catalog.pg_class WHERE relname = $1 AND relkind = 'r' AND pg_table_is_visible(oid)"
	}
	if err := db.write.QueryRowContext(ctx, ask, versionTable).Scan(&exists); err != nil || exists == 0 {
		return 0, db.mapped(err)
	}
	var version sql.NullInt64
	err := db.write.QueryRowContext(ctx, "SELECT max(version_id) FROM "+versionTable).Scan(&version)
	return version.Int64, db.mapped(err)
}

// pushState is how other nodes' changes arrive; it is read while it is set.
type pushState struct{ v atomic.Pointer[string] }

func (p *pushState) set(s string) { p.v.Store(&s) }

// Push says how other processes' changes arrive: "direct" while nobody follows
// or by SQLite's own counter, "notify", or "poll" when notifications fail.
func (db *DB) Push() string {
	if s := db.push.v.Load(); s != nil {
		return *s
	}
	return "direct"
}

// Schema is the number of the last migration.
func (tx *Tx) Schema() (int64, error) {
	return one[int64](tx, "SELECT max(version_id) FROM "+versionTable)
}
