package control

import (
	"context"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// scrubTries bounds how long a shredding waits for those who read the past.
const scrubTries = 5

// shredded is what the ledger keeps of a shredding.
type shredded struct {
	Environment  string      `json:"environment"`
	Slot         sluice.Slot `json:"slot"`
	Before       sluice.Time `json:"before"`
	Fingerprints []string    `json:"fingerprints"`
	Reason       string      `json:"reason,omitempty"`
	Ticket       string      `json:"ticket,omitempty"`
}

// ShredVariable makes past values of one variable unrecoverable. That they were
// there stays known; what is live somewhere is kept.
func (c *Control) ShredVariable(ctx context.Context, req sluice.ShredRequest) (sluice.ShredReport, error) {
	actor, err := c.may(ctx, sluice.MayAdminister, "")
	if err != nil {
		return sluice.ShredReport{}, err
	}
	if err := sluice.CheckKey(req.Key); err != nil {
		return sluice.ShredReport{}, err
	}
	out, err := update(ctx, c, "shred "+req.Environment+" "+req.Key, req, req.Change, func(tx *store.Tx) (sluice.ShredReport, error) {
		return shred(tx, actor.Name, req)
	})
	if err != nil || req.DryRun {
		return out, err
	}
	return out, c.scrub(ctx) // also when an earlier run could not
}

func shred(tx *store.Tx, actor string, req sluice.ShredRequest) (sluice.ShredReport, error) {
	out := sluice.ShredReport{Key: req.Key, Shredded: []string{}, DryRun: req.DryRun}
	e, found, err := tx.FindEnvironment(req.Environment)
	if err == nil && !found {
		_, err = findEnvironment(tx, req.Environment)
	}
	if err != nil {
		return out, err
	}
	if out.Environment = e.Name; req.Component != "" {
		component, err := findComponent(tx, req.Component)
		if err != nil {
			return out, err
		}
		out.Component = component.Name
	}
	before := req.Before
	if before == 0 || before > tx.LedgerTime() {
		before = tx.LedgerTime()
	}
	slot := sluice.VariableSlot(req.Key, out.Component)
	past, err := tx.Intervals(e.Name, slot)
	if err != nil {
		return out, err
	}
	if len(past) == 0 {
		return out, sluice.Errorf(sluice.NotFound, "%s was never set in %s", slot.Name(), e.Name).Do(sluice.ListVariables(e.Name), "see {}")
	}
	if err := shredPast(tx, slot, past, before, &out); err != nil || len(out.Shredded) == 0 {
		return out, err
	}
	_, err = tx.Append(actor, sluice.EntryVariableShred, e.Name, shredded{
		Environment: e.Name, Slot: slot, Before: before, Fingerprints: out.Shredded, Reason: req.Reason, Ticket: req.Ticket,
	})
	return out, err
}

// shredPast removes the values of intervals that ended by a time, unless they are
// live.
func shredPast(tx *store.Tx, slot sluice.Slot, past []store.Interval, before sluice.Time, out *sluice.ShredReport) error {
	key, _, _ := slot.Variable()
	later := map[string]bool{} // values that were live here after the time
	for _, i := range past {
		if i.Until == 0 || i.Until > before {
			later[i.Value.Fingerprint] = true
		}
	}
	seen := map[string]bool{"": true}
	for _, i := range past {
		fingerprint := i.Value.Fingerprint
		if seen[fingerprint] {
			continue
		}
		seen[fingerprint] = true
		there, err := tx.Sealed(fingerprint)
		if err != nil {
			return err
		}
		if !there {
			continue
		}
		holding, err := tx.Holding(sluice.VariableSlot(key, ""), fingerprint)
		if err != nil {
			return err
		}
		name := i.Value.Sealed.String()
		switch {
		case len(holding) > 0:
			out.Kept = append(out.Kept, sluice.Kept{Slot: slot, Reason: sluice.Advise("%s is live in %s", name, sluice.Listing(holding, 8))})
		case later[fingerprint]:
			out.Kept = append(out.Kept, sluice.Kept{Slot: slot, Reason: sluice.Advise("%s was live after %s", name, before)})
		default:
			if err := tx.Shred(fingerprint); err != nil {
				return err
			}
			out.Shredded = append(out.Shredded, fingerprint)
		}
	}
	return nil
}

// scrub removes what is left of values in the engine's files. The rows are gone
// already, so a failure is one of this last step alone.
func (c *Control) scrub(ctx context.Context) error {
	for range scrubTries {
		done, err := c.db.Scrub(ctx)
		if err != nil {
			return sluice.Errorf(sluice.Unavailable, "the values are removed, but the database's log could not be overwritten: %w", err).
				Fix("restart the server, which does it")
		}
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return sluice.Errorf(sluice.Unavailable, "the values are removed, but a long reading, such as a backup, keeps the database's log from being overwritten").
		Fix("wait for it to end, then run the command again, or restart the server")
}
