package control

import (
	"context"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// What follows is for the worker, which acts for no caller and is asked for no
// permission: what it does was allowed when the run was started.

// ClaimRuns takes runs that wait for a worker, for the duration of a lease: any,
// or the one that is named.
func (c *Control) ClaimRuns(ctx context.Context, worker, only string, limit int, lease time.Duration) ([]sluice.RunClaim, error) {
	waiting := false
	err := c.db.View(ctx, c.org, func(tx *store.Tx) error {
		rows, err := claimable(tx, only, 1)
		waiting = len(rows) > 0
		return err
	})
	if err != nil || !waiting {
		return nil, err
	}
	var out []sluice.RunClaim
	err = c.db.Update(ctx, c.org, func(tx *store.Tx) error {
		out = nil
		rows, err := claimable(tx, only, limit)
		if err != nil {
			return err
		}
		now := tx.WallClock()
		for _, row := range rows {
			if row.LeaseUntil > now { // of a clock that was ahead: a worker that lives will extend it
				if _, err := tx.Lease(row.ID, row.Fence, now+sluice.Time(lease.Microseconds())); err != nil {
					return err
				}
				continue
			}
			row.Fence++
			row.Change++
			row.Status, row.Worker, row.LeaseUntil, row.WakeAt, row.Waiting = sluice.RunRunning, worker, now+sluice.Time(lease.Microseconds()), 0, nil
			if row.StartedAt == 0 {
				row.StartedAt = now
			}
			if err := tx.PutRun(row); err != nil {
				return err
			}
			out = append(out, sluice.RunClaim{Run: row.ID, Fence: row.Fence})
		}
		return nil
	})
	for _, claim := range out {
		c.runs.changed(claim.Run, true)
	}
	return out, err
}

func claimable(tx *store.Tx, only string, limit int) ([]store.RunRow, error) {
	now := tx.WallClock()
	if only != "" {
		row, found, err := tx.Run(only)
		open := row.Status == sluice.RunPending || row.Status == sluice.RunRunning || row.Status == sluice.RunPaused && row.WakeAt > 0
		if err != nil || !found || !open || row.WakeAt > now || row.Held(now) {
			return nil, err
		}
		return []store.RunRow{row}, nil
	}
	rows, err := tx.Claimable(now, limit)
	if err != nil || len(rows) == limit {
		return rows, err
	}
	overdue, err := tx.Overdue(now, limit-len(rows))
	return append(rows, overdue...), err
}

// LoadRun reads everything that carrying a run out needs. Conflict when the turn
// is over.
func (c *Control) LoadRun(ctx context.Context, claim sluice.RunClaim) (sluice.RunWork, error) {
	w := sluice.RunWork{Fence: claim.Fence, Parts: map[string]sluice.RunPart{}}
	return w, c.db.View(ctx, c.org, func(tx *store.Tx) error {
		row, err := findRun(tx, claim.Run)
		if err != nil {
			return err
		}
		if row.Fence != claim.Fence {
			return turnOver(row.ID)
		}
		w.Run = row.Run
		if err := tx.Bodies(&w.Run); err != nil {
			return err
		}
		if w.Content, err = c.contentOfRun(tx, row.Run); err != nil {
			return err
		}
		if w.Run.Configured {
			if w.Variables, err = c.runVariables(tx, w.Run.Environment, w.Run.Release, w.Run.Component); err != nil {
				return err
			}
		}
		if w.Former, err = c.formerSecrets(tx, w.Run); err != nil {
			return err
		}
		for _, pin := range w.Run.Components {
			if w.Parts[pin.Asked], err = c.partOf(tx, w.Run, pin); err != nil {
				return err
			}
		}
		if w.Bytes, err = tx.RunBytes(row.ID); err != nil {
			return err
		}
		if most := 2 * c.bounds.Bytes; w.Bytes > most { // more than a run can collect, as an earlier version let it
			return sluice.Errorf(sluice.LimitExceeded, "run %s has collected %d bytes, and going on with it reads all of them; the limit is %d", row.ID, w.Bytes, most).
				Do(sluice.StartServer("run-bytes"), "raise it").Do(sluice.RunComponent(row.Component), "start another")
		}
		w.Steps, err = tx.RunSteps(row.ID, 0, true)
		return err
	})
}

func (c *Control) contentOfRun(tx *store.Tx, run sluice.Run) (sluice.RunContent, error) {
	if run.Component == "" {
		return tx.RunContent(run.ID)
	}
	content, _, err := contentOf(tx, sluice.RunPin{Component: run.Component, Kind: run.Kind, Pin: run.Pin})
	return content, err
}

func (c *Control) partOf(tx *store.Tx, run sluice.Run, pin sluice.RunPin) (sluice.RunPart, error) {
	part := sluice.RunPart{RunPin: pin}
	content, _, err := contentOf(tx, pin)
	if err != nil {
		return part, err
	}
	part.Files = content.Files
	if run.Configured {
		part.Variables, err = c.runVariables(tx, run.Environment, run.Release, pin.Component)
	}
	return part, err
}

func turnOver(id string) error {
	return sluice.Errorf(sluice.Conflict, "run %s has another worker", id)
}

// ExtendRuns holds runs for longer, and returns those that are not the worker's
// any more.
func (c *Control) ExtendRuns(ctx context.Context, claims []sluice.RunClaim, lease time.Duration) ([]string, error) {
	var lost []string
	err := c.db.Update(ctx, c.org, func(tx *store.Tx) error {
		lost = nil
		until := tx.WallClock() + sluice.Time(lease.Microseconds())
		for _, claim := range claims {
			held, err := tx.Lease(claim.Run, claim.Fence, until)
			if err != nil {
				return err
			}
			if !held {
				lost = append(lost, claim.Run)
			}
		}
		return nil
	})
	return lost, err
}

// CommitRun writes what a worker has done. Conflict, and nothing is written, when
// the turn is over. Messages are made recordable; data that is not is Invalid, and
// nothing is written either.
func (c *Control) CommitRun(ctx context.Context, done sluice.RunCommit, lease time.Duration) error {
	done = done.Recordable()
	err := c.db.Update(ctx, c.org, func(tx *store.Tx) error {
		now := tx.WallClock()
		change, steps, held, err := tx.Advance(done.Run, done.Fence, done.Begun, now+sluice.Time(lease.Microseconds()))
		switch {
		case err != nil:
			return err
		case !held:
			return turnOver(done.Run)
		}
		for _, s := range done.Steps {
			s.Change = change
			if err := tx.PutStep(done.Run, s); err != nil {
				return err
			}
		}
		if done.Status == "" {
			return nil
		}
		row, _, err := tx.Run(done.Run)
		if err != nil {
			return err
		}
		row.Change, row.Steps = change, steps
		return finishTurn(tx, row, done, now)
	})
	if err == nil {
		c.runs.changed(done.Run, done.Status != "")
	}
	return err
}

// finishTurn ends a worker's turn.
func finishTurn(tx *store.Tx, row store.RunRow, done sluice.RunCommit, now sluice.Time) error {
	row.Status, row.WakeAt, row.LeaseUntil, row.Worker = done.Status, done.WakeAt, 0, ""
	row.Waiting, row.Error = done.Waiting, done.Error
	row.Output, row.Usage = done.Output, done.Usage
	if done.OutputBlock != "" {
		row.OutputBlock = done.OutputBlock
	}
	row.Warnings = sluice.Warned(row.Warnings, done.Warnings)
	if done.Status.Ended() {
		row.EndedAt = max(now, row.StartedAt)
		if err := dueCallback(tx, &row); err != nil {
			return err
		}
	}
	return tx.PutRun(row)
}

// PartialRun shows a piece of an output that is still being written to those who
// follow the run here.
func (c *Control) PartialRun(run string, p sluice.Partial) { c.runs.partial(run, p) }
