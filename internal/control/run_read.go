package control

import (
	"context"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/budget"
	"github.com/sluice-dev/sluice/internal/store"
)

// Run returns one run.
func (c *Control) Run(ctx context.Context, id string) (sluice.Run, error) {
	var out sluice.Run
	err := c.view(ctx, func(tx *store.Tx) error {
		row, err := findRun(tx, id)
		out = asShown(tx, row)
		return err
	})
	if err != nil {
		return sluice.Run{}, err
	}
	share, err := c.fill(ctx, &out)
	budget.Keep(ctx, share)
	return out, err
}

// runWith is a run with its input and output.
func runWith(tx *store.Tx, id string) (sluice.Run, error) {
	row, err := findRun(tx, id)
	if err != nil {
		return row.Run, err
	}
	run := asShown(tx, row)
	err = tx.Bodies(&run)
	return run, err
}

func findRun(tx *store.Tx, id string) (store.RunRow, error) {
	row, found, err := tx.Run(id)
	if err == nil && !found {
		err = sluice.Errorf(sluice.NotFound, "run %s does not exist", shortly(id)).
			Do(sluice.ListRuns(""), "see {}").Do(sluice.GetEnvironment(""), "records are kept for a time")
	}
	return row, err
}

func shortly(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}

// asShown is a run as it is told: one whose worker is gone is interrupted.
func asShown(tx *store.Tx, row store.RunRow) sluice.Run {
	if row.Status == sluice.RunRunning && !row.Held(tx.WallClock()) {
		row.Status = sluice.RunInterrupted
	}
	return row.Run
}

// Runs lists runs, newest first.
func (c *Control) Runs(ctx context.Context, q sluice.RunQuery) (sluice.Page[sluice.Run], error) {
	var out sluice.Page[sluice.Run]
	limit, before, err := page(q.Paging)
	if err != nil {
		return out, err
	}
	if before != "" && uuid.Validate(before) != nil {
		return out, badCursor(shortly(before))
	}
	err = c.view(ctx, func(tx *store.Tx) error {
		version, err := runFilter(tx, &q)
		if err != nil {
			return err
		}
		rows, err := tx.Runs(q, version, before, limit)
		if err != nil {
			return err
		}
		runs := store.Rows[sluice.Run]{Items: make([]sluice.Run, len(rows.Items)), More: rows.More}
		for i, row := range rows.Items {
			runs.Items[i] = asShown(tx, row)
			runs.Items[i].Variables, runs.Items[i].Components = nil, nil
		}
		out = pageOf(runs, func(r sluice.Run) string { return r.ID })
		return nil
	})
	return out, err
}

// runFilter gives what a query names its own names, and finds its version.
func runFilter(tx *store.Tx, q *sluice.RunQuery) (version int, err error) {
	if err := sluice.CheckText("text", q.Text, sluice.MaxTicketBytes); err != nil {
		return 0, err
	}
	if q.Environment != "" {
		e, found, err := tx.FindEnvironment(q.Environment)
		if err != nil {
			return 0, err
		}
		if !found {
			return 0, errorOf(findEnvironment(tx, q.Environment))
		}
		q.Environment = e.Name
	} else if q.Release > 0 {
		return 0, sluice.Errorf(sluice.Invalid, "release %d is of no environment", q.Release).Fix("name the environment too")
	}
	if q.Component == "" {
		if q.Version != "" {
			return 0, sluice.Errorf(sluice.Invalid, "version %s is of no component", q.Version).Fix("name the component too")
		}
		return 0, nil
	}
	found, err := findComponent(tx, q.Component)
	if err != nil {
		return 0, err
	}
	q.Component = found.Name
	if q.Version == "" {
		return 0, nil
	}
	v, err := findVersion(tx, found, q.Version)
	return v.Number, err
}

// pollRuns is how often a run that may be elsewhere is looked at.
const pollRuns = 500 * time.Millisecond

// WatchRun follows one run until it has ended.
func (c *Control) WatchRun(ctx context.Context, req sluice.WatchRunRequest) iter.Seq2[sluice.RunEvent, error] {
	return func(yield func(sluice.RunEvent, error) bool) {
		f, leave, err := c.runs.follow(req.Run)
		if err != nil {
			yield(sluice.RunEvent{}, err)
			return
		}
		defer leave()
		after, fresh := req.After, true
		for {
			for _, p := range f.take() {
				if !yield(sluice.RunEvent{Type: sluice.RunEventPartial, Partial: &p}, nil) {
					return
				}
			}
			run, changed, err := c.runSince(ctx, req.Run, after)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				yield(sluice.RunEvent{}, err)
				return
			}
			// What changed since then comes in its turn, so that the order stays that of the changes.
			if !c.eachStep(ctx, portions{run: req.Run, until: run.Change, detail: true}, changed, func(s sluice.RunStep, err error) bool {
				if err != nil {
					return yield(sluice.RunEvent{}, err)
				}
				return yield(sluice.RunEvent{Type: sluice.RunEventStep, Step: &s}, nil)
			}) {
				return
			}
			// An interrupted run has not changed, and who watches is to know.
			if (run.Change > after || fresh) && !c.tellRun(ctx, run, yield) {
				return
			}
			after, fresh = max(after, run.Change), false
			if run.Status.Ended() || !c.runs.wait(ctx, f) {
				return
			}
		}
	}
}

// tellRun yields a run; one that has ended has its input and output.
func (c *Control) tellRun(ctx context.Context, run sluice.Run, yield func(sluice.RunEvent, error) bool) bool {
	if run.Status.Ended() {
		share, err := c.fill(ctx, &run)
		defer share.Release()
		if err != nil {
			yield(sluice.RunEvent{}, err)
			return false
		}
	}
	return yield(sluice.RunEvent{Type: sluice.RunEventRun, Run: &run}, nil)
}

// fill reads a run's input and output, and returns the memory that they take.
func (c *Control) fill(ctx context.Context, run *sluice.Run) (share *budget.Share, err error) {
	var size int64
	if err = c.view(ctx, func(tx *store.Tx) (err error) {
		size, err = tx.BodiesSize(run.ID)
		return err
	}); err != nil {
		return nil, err
	}
	if share, err = c.memory.Take(ctx, sluice.ActorOf(ctx).Name, weight(size)); err != nil {
		return nil, err
	}
	return share, c.view(ctx, func(tx *store.Tx) error { return tx.Bodies(run) })
}

// runSince is a run, and which of its steps changed after a change, in the order
// in which they did.
func (c *Control) runSince(ctx context.Context, id string, after int64) (sluice.Run, []store.StepSize, error) {
	var run sluice.Run
	var changed []store.StepSize
	err := c.view(ctx, func(tx *store.Tx) error {
		row, err := findRun(tx, id)
		if err != nil {
			return err
		}
		run = asShown(tx, row)
		if row.Change > after {
			changed, err = tx.StepSizes(id, after, true)
			byChange(changed)
		}
		return err
	})
	return run, changed, err
}
