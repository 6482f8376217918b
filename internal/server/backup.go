package server

import (
	"context"
	"errors"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/control"
	"github.com/sluice-dev/sluice/internal/live"
	"github.com/sluice-dev/sluice/internal/store"
)

// auditor is who looks at a backup: the file's owner.
var auditor = sluice.Actor{Name: "backup", Roles: []sluice.Role{sluice.RoleAdmin}}

// VerifyBackup checks a backup file as an audit does, without changing it.
func VerifyBackup(ctx context.Context, file string) (sluice.VerifyReport, error) {
	db, err := store.OpenBackup(ctx, file, store.Config{})
	if err != nil {
		return sluice.VerifyReport{}, err
	}
	report, err := verify(ctx, db)
	return report, errors.Join(err, db.Close())
}

func verify(ctx context.Context, db *store.DB) (sluice.VerifyReport, error) {
	state := live.Open(live.Config{Source: db.Source(control.DefaultOrganization)})
	defer state.Close()
	return control.New(db, state, control.Config{}).Verify(sluice.WithActor(ctx, auditor), sluice.VerifyRequest{})
}

// Restore fills the empty data directory or database of cfg from a backup that
// holds. The ledger goes on under a new id.
func Restore(ctx context.Context, cfg Config, file string) error {
	from, err := store.OpenBackup(ctx, file, store.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	report, err := verify(ctx, from)
	if err != nil {
		return err
	}
	if !report.Holds {
		return sluice.Errorf(sluice.Invalid, "the backup does not hold: %s", report.Problem).Fix("restore another one")
	}
	db, err := store.Open(ctx, store.Config{Dir: cfg.Data, Postgres: cfg.Postgres, Hold: true, Log: cfg.Log})
	if err != nil {
		return err
	}
	actor := sluice.ActorOf(ctx).Name
	if actor == "" {
		actor = auditor.Name
	}
	return errors.Join(db.RestoreFrom(ctx, from, actor), db.Close())
}
