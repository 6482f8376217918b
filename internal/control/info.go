package control

import (
	"context"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// Info describes the installation.
func (c *Control) Info(ctx context.Context) (sluice.Info, error) {
	out := sluice.Info{
		Version: c.version, Engine: c.db.Engine(), Ledger: c.db.Ledger(), Organization: c.org, Push: c.db.Push(), Actor: sluice.ActorOf(ctx),
	}
	if out.Actor.May(sluice.MayAdminister, "") == nil {
		out.MasterKey = c.keys.master.Place()
	}
	if err := c.db.Check(ctx); err != nil { // what it would tell is of what is gone
		return out, err
	}
	err := c.view(ctx, func(tx *store.Tx) error {
		org, _, err := tx.Organization()
		if err != nil {
			return err
		}
		out.DefaultEnvironment, out.VerifiedAt, out.Now = org.DefaultEnvironment, org.VerifiedAt, tx.WallClock()
		if out.Epoch, out.RecordedAt, err = tx.Position(); err != nil {
			return err
		}
		out.Schema, err = tx.Schema()
		return err
	})
	return out, err
}
