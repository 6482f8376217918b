package control

import (
	"context"
	"strconv"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// Quarantine keeps a version's content from going live, or lifts that.
func (c *Control) Quarantine(ctx context.Context, req sluice.QuarantineRequest) (sluice.QuarantineReport, error) {
	need := sluice.MayQuarantine
	if req.Lift {
		need = sluice.MayAdminister
	}
	actor, err := c.mayAnywhere(ctx, need)
	if err != nil {
		return sluice.QuarantineReport{}, err
	}
	if req.Reason == "" {
		return sluice.QuarantineReport{}, needReason()
	}
	out, err := update(ctx, c, "quarantine "+req.Component+"@"+req.Version, req, req.Change, func(tx *store.Tx) (sluice.QuarantineReport, error) {
		v, err := versionOf(tx, req.Component, req.Version)
		if err != nil {
			return sluice.QuarantineReport{}, err
		}
		if req.Lift {
			return lift(tx, actor.Name, v, req.Reason)
		}
		return quarantine(tx, actor, v, req.Reason)
	})
	out.DryRun = req.DryRun && err == nil
	return out, err
}

func needReason() error {
	return sluice.Errorf(sluice.Invalid, "a reason is required").Ask(`say why: {reason=…}`)
}

func quarantine(tx *store.Tx, actor sluice.Actor, v sluice.Version, reason string) (sluice.QuarantineReport, error) {
	out := sluice.QuarantineReport{Version: v}
	var err error
	if out.LiveIn, err = tx.LiveIn(v.Component, func(p sluice.Pin) bool { return p.Digest == v.Digest }); err != nil {
		return out, err
	}
	if v.Quarantine != nil {
		return out, nil
	}
	for _, environment := range out.LiveIn { // whose rollbacks could not bring it back
		if err := actor.May(sluice.MayQuarantine, environment); err != nil {
			return out, err
		}
	}
	q := sluice.Quarantine{Reason: reason, By: actor.Name, At: tx.LedgerTime()}
	out.Version.Quarantine, out.Changed = &q, true
	if _, err := tx.Append(actor.Name, sluice.EntryVersionQuarantine, v.Component+"@"+strconv.Itoa(v.Number), out.Version); err != nil {
		return out, err
	}
	return out, tx.Quarantine(v.Component, v.Digest, q)
}

func lift(tx *store.Tx, actor string, v sluice.Version, reason string) (sluice.QuarantineReport, error) {
	out := sluice.QuarantineReport{Version: v, LiveIn: []string{}}
	if v.Quarantine == nil {
		return out, nil
	}
	out.Version.Quarantine, out.Changed = nil, true
	if _, err := tx.Append(actor, sluice.EntryVersionLift, v.Component+"@"+strconv.Itoa(v.Number), map[string]any{"version": out.Version, "reason": reason}); err != nil {
		return out, err
	}
	return out, tx.Lift(v.Component, v.Digest)
}

// Purge removes the bytes of a version's content; digest and history remain.
// Other components that have the same content lose it too, so it may be live
// nowhere, and each of them gets an entry that says so.
func (c *Control) Purge(ctx context.Context, req sluice.PurgeRequest) (sluice.Version, error) {
	actor, err := c.may(ctx, sluice.MayAdminister, "")
	if err != nil {
		return sluice.Version{}, err
	}
	if req.Reason == "" {
		return sluice.Version{}, needReason()
	}
	return update(ctx, c, "purge "+req.Component+"@"+req.Version, req, req.Change, func(tx *store.Tx) (sluice.Version, error) {
		v, err := versionOf(tx, req.Component, req.Version)
		if err != nil || v.Purged {
			return v, err
		}
		holders, err := tx.Holders(v.Digest)
		if err != nil {
			return v, err
		}
		for _, h := range holders {
			if err := purgeable(tx, v, h); err != nil {
				return v, err
			}
		}
		for _, h := range holders {
			if h.Component == v.Component {
				h = v
			}
			h.Purged = true
			payload := map[string]any{"version": h, "reason": req.Reason}
			if _, err := tx.Append(actor.Name, sluice.EntryVersionPurge, h.Component+"@"+strconv.Itoa(h.Number), payload); err != nil {
				return v, err
			}
		}
		v.Purged = true
		return v, tx.Purge(v.Digest)
	})
}

// purgeable refuses to purge a version while its content is live as holder.
func purgeable(tx *store.Tx, v, holder sluice.Version) error {
	live, err := tx.LiveIn(holder.Component, func(p sluice.Pin) bool { return p.Digest == v.Digest })
	if err != nil || len(live) == 0 {
		return err
	}
	refused := sluice.Errorf(sluice.Conflict, "%s is live in %s and cannot be purged", v.Ref(), sluice.Listing(live, 8))
	if holder.Component != v.Component {
		refused = sluice.Errorf(sluice.Conflict, "%s is the content of %s too, which is live in %s, and cannot be purged", v.Ref(), holder.Ref(), sluice.Listing(live, 8))
	}
	return refused.Do(sluice.RollbackTo(holder.Component, live[0], "", ""), "roll back first")
}
