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

// BackupReport says what a check of a backup found.
type BackupReport struct {
	sluice.VerifyReport
	// Digests says that each byte was compared with the digests that were written with
	// it. A backup that was made before there were digests has none.
	Digests bool `json:"digests"`
	// MasterKey says where the master key is looked for. It is never in the backup.
	MasterKey string `json:"master_key,omitempty"`
}

// VerifyBackup checks a backup file as an audit does, without changing it. Where
// the master key of cfg can be read, each sealed value is opened.
func VerifyBackup(ctx context.Context, cfg Config, file string) (BackupReport, error) {
	db, err := store.OpenBackup(ctx, file, store.Config{})
	if err != nil {
		return BackupReport{}, err
	}
	report, err := verify(ctx, cfg, db)
	return report, errors.Join(err, db.Close())
}

func verify(ctx context.Context, cfg Config, db *store.DB) (BackupReport, error) {
	state := live.Open(live.Config{Source: db.Source(control.DefaultOrganization)})
	defer state.Close()
	c := control.New(db, state, control.Config{Master: cfg.master()})
	report, err := c.Verify(sluice.WithActor(ctx, auditor), sluice.VerifyRequest{})
	return BackupReport{VerifyReport: report, Digests: db.Digested(), MasterKey: cfg.master().Place()}, err
}

// Restore fills the empty data directory or database of cfg from a backup that
// holds. The ledger goes on under a new id. Prepare makes the directory, once the
// backup was found to hold.
func Restore(ctx context.Context, cfg Config, file string, prepare func() error) (BackupReport, error) {
	from, err := store.OpenBackup(ctx, file, store.Config{})
	if err != nil {
		return BackupReport{}, err
	}
	report, err := restore(ctx, cfg, from, prepare)
	return report, errors.Join(err, from.Close())
}

func restore(ctx context.Context, cfg Config, from *store.DB, prepare func() error) (BackupReport, error) {
	report, err := verify(ctx, cfg, from)
	if err != nil {
		return report, err
	}
	if !report.Holds {
		return report, sluice.Errorf(sluice.Invalid, "the backup does not hold: %s", report.Problem).
			Fix("restore another one; when it is the master key that is another one, give the right one, or none, which restores without opening what is sealed")
	}
	if err := prepare(); err != nil {
		return report, err
	}
	db, err := store.Open(ctx, store.Config{Dir: cfg.Data, Postgres: cfg.Postgres, Hold: true, Log: cfg.Log})
	if err != nil {
		return report, err
	}
	actor := sluice.ActorOf(ctx).Name
	if actor == "" {
		actor = auditor.Name
	}
	return report, errors.Join(db.RestoreFrom(ctx, from, actor), db.Close())
}
