package control

import (
	"context"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/store"
)

// resealBatch is how many values are sealed anew in one transaction, so that a
// rollback never waits for a rotation.
const resealBatch = 256

// rotated is what the ledger keeps of a rotation.
type rotated struct {
	Key    int64  `json:"key"`
	Reason string `json:"reason,omitempty"`
	Ticket string `json:"ticket,omitempty"`
}

// RotateKey makes a new data key, seals all values with it and drops the old
// ones. Work goes on meanwhile: until a value has been resealed its old key is
// there. A rotation that was broken off is finished by the next.
func (c *Control) RotateKey(ctx context.Context, req sluice.RotateKeyRequest) (sluice.KeyReport, error) {
	actor, err := c.may(ctx, sluice.MayAdminister, "")
	if err != nil {
		return sluice.KeyReport{}, err
	}
	if req.Master {
		if m := c.keys.master; m.Key != "" || m.Command != "" || m.File == "" {
			return sluice.KeyReport{}, sluice.Errorf(sluice.Invalid, "the master key is not in a file that Sluice may write").
				Do(sluice.MakeMasterKey(), "make a new one ({}), put it before the old one where it is kept, then rotate without {master}")
		}
	}
	out, ring, err := c.nextKey(ctx, actor.Name, req)
	if err != nil || ring == nil {
		return out, err
	}
	for {
		began := time.Now()
		n, err := c.reseal(ctx, ring)
		if err != nil {
			return out, err
		}
		if out.Resealed += n; n == 0 {
			return out, c.dropKeys(ctx, ring.Current())
		}
		if err := pause(ctx, time.Since(began)); err != nil {
			return out, err
		}
	}
}

// pause leaves the database to others for as long as a batch took: SQLite has no
// queue of writers, and who writes again at once can keep another program out until
// it gives up.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return sluice.AsError(ctx.Err())
	case <-time.After(d):
		return nil
	}
}

// nextKey stores a new data key, and the others wrapped anew, since the master
// key may be another one by now. There is no ring when nothing is left to do: for
// a dry run, and for a request that was carried out before.
func (c *Control) nextKey(ctx context.Context, actor string, req sluice.RotateKeyRequest) (sluice.KeyReport, *seal.Ring, error) {
	if err := c.anyKey(ctx); err != nil {
		return sluice.KeyReport{}, nil, err
	}
	existing := c.keys.master
	existing.Make = false
	master, err := seal.Read(ctx, existing)
	if err != nil {
		return sluice.KeyReport{}, nil, err
	}
	var ring *seal.Ring
	out, err := update(ctx, c, "key.rotate", req, req.Change, func(tx *store.Tx) (sluice.KeyReport, error) {
		out := sluice.KeyReport{Master: master.Source(), DryRun: req.DryRun}
		if req.Master && !req.DryRun {
			if err := seal.AddIdentity(existing.File); err != nil {
				return out, err
			}
			out.NewMaster = true
			if master, err = seal.Read(ctx, existing); err != nil {
				return out, err
			}
		}
		ring, err = wrapNext(tx, master)
		if err != nil {
			return out, err
		}
		out.Key = ring.Current()
		_, err = tx.Append(actor, sluice.EntryKeyRotate, "data key", rotated{Key: out.Key, Reason: req.Reason, Ticket: req.Ticket})
		return out, err
	})
	if err != nil || req.DryRun {
		ring = nil
	}
	return out, ring, err
}

// wrapNext makes the next data key, and stores all of them under a master key.
func wrapNext(tx *store.Tx, master *seal.Master) (*seal.Ring, error) {
	stored, err := tx.DataKeys()
	if err != nil {
		return nil, err
	}
	ring, err := master.Unwrap(wrappedOf(stored))
	if err != nil {
		return nil, err
	}
	again, err := ring.Rewrap(master)
	if err != nil {
		return nil, err
	}
	for _, w := range again {
		if err := tx.RewrapDataKey(store.DataKey{Number: w.Number, Wrapped: w.Bytes}); err != nil {
			return nil, err
		}
	}
	next, err := ring.Rotate(master)
	if err != nil {
		return nil, err
	}
	return ring, tx.AddDataKey(store.DataKey{Number: next.Number, Wrapped: next.Bytes})
}

// anyKey refuses to rotate what is not there, before a master key is asked for.
func (c *Control) anyKey(ctx context.Context) error {
	return c.db.View(ctx, c.org, func(tx *store.Tx) error {
		stored, err := tx.DataKeys()
		if err == nil && len(stored) == 0 {
			err = sluice.Errorf(sluice.NotFound, "there is no data key yet: no variable was ever set").Do(sluice.SetVariables("", ""), "set one")
		}
		return err
	})
}

// reseal seals one batch of values anew.
func (c *Control) reseal(ctx context.Context, ring *seal.Ring) (int64, error) {
	n := int64(0)
	err := c.db.Update(ctx, c.org, func(tx *store.Tx) error {
		n = 0
		rows, err := tx.SealedBefore(ring.Current(), resealBatch)
		if err != nil {
			return err
		}
		for _, row := range rows {
			value, err := ring.Open(c.org, row.Fingerprint, row.Key, row.Bytes)
			if err != nil {
				return err
			}
			if row.Key, row.Bytes, err = ring.Seal(c.org, row.Fingerprint, value); err != nil {
				return err
			}
			if err := tx.Reseal(row); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

func (c *Control) dropKeys(ctx context.Context, current int64) error {
	return c.db.Update(ctx, c.org, func(tx *store.Tx) error {
		stored, err := tx.DataKeys()
		if err != nil {
			return err
		}
		for _, k := range stored {
			if k.Number >= current {
				continue
			}
			if err := tx.DropDataKey(k.Number); err != nil {
				return err
			}
		}
		return nil
	})
}
