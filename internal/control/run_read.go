package control

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// Run returns one run.
func (c *Control) Run(ctx context.Context, id string) (sluice.Run, error) {
	var out sluice.Run
	err := c.view(ctx, func(tx *store.Tx) (err error) {
		out, err = runWith(tx, id)
		return err
	})
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
			Fix("see `sluice thread list`").Fix("records are kept for a time: `sluice environment show NAME`")
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
	if row.Status == sluice.RunRunning && row.LeaseUntil <= tx.Clock() {
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
		rows, err := tx.Runs(q, version, before, limit+1)
		if err != nil {
			return err
		}
		runs := make([]sluice.Run, len(rows))
		for i, row := range rows {
			runs[i] = asShown(tx, row)
			runs[i].Variables, runs[i].Components = nil, nil
		}
		out = cut(runs, limit, func(r sluice.Run) string { return r.ID })
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

// Steps returns the steps of a run.
func (c *Control) Steps(ctx context.Context, q sluice.StepQuery) ([]sluice.RunStep, error) {
	var out []sluice.RunStep
	err := c.view(ctx, func(tx *store.Tx) error {
		if _, err := findRun(tx, q.Run); err != nil {
			return err
		}
		var err error
		if q.Path != "" {
			out, err = oneStep(tx, q)
		} else {
			out, err = tx.RunSteps(q.Run, 0, q.Detail)
			sortSteps(out)
		}
		if err != nil || !q.Detail {
			return err
		}
		effects, err := tx.Effects(q.Run, q.Path)
		for i := range out {
			out[i].Effects = effects[out[i].Path]
		}
		return err
	})
	return out, err
}

func oneStep(tx *store.Tx, q sluice.StepQuery) ([]sluice.RunStep, error) {
	step, found, err := tx.RunStep(q.Run, q.Path)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, sluice.Errorf(sluice.NotFound, "run %s has no step %s", q.Run, shortly(q.Path)).Fix("see them all: `sluice thread steps %s`", q.Run)
	}
	if !q.Detail {
		step.Settings, step.Output = nil, nil
	}
	return []sluice.RunStep{step}, nil
}

// sortSteps orders steps by path.
func sortSteps(steps []sluice.RunStep) {
	slices.SortFunc(steps, func(a, b sluice.RunStep) int { return sluice.CompareStepPaths(a.Path, b.Path) })
}

// pollRuns is how often a run that may be elsewhere is looked at.
const pollRuns = 500 * time.Millisecond

// WatchRun follows one run until it has ended.
func (c *Control) WatchRun(ctx context.Context, req sluice.WatchRunRequest) iter.Seq2[sluice.RunEvent, error] {
	return func(yield func(sluice.RunEvent, error) bool) {
		f, leave := c.runs.follow(req.Run)
		defer leave()
		after, fresh := req.After, true
		for {
			for _, p := range f.take() {
				if !yield(sluice.RunEvent{Type: sluice.RunEventPartial, Partial: &p}, nil) {
					return
				}
			}
			run, steps, err := c.runSince(ctx, req.Run, after)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				yield(sluice.RunEvent{}, err)
				return
			}
			for i := range steps {
				if !yield(sluice.RunEvent{Type: sluice.RunEventStep, Step: &steps[i]}, nil) {
					return
				}
			}
			// An interrupted run has not changed, and who watches is to know.
			if run.Change > after || fresh {
				if !yield(sluice.RunEvent{Type: sluice.RunEventRun, Run: &run}, nil) {
					return
				}
			}
			after, fresh = max(after, run.Change), false
			if run.Status.Ended() || !c.runs.wait(ctx, f) {
				return
			}
		}
	}
}

// runSince is a run with the steps that changed after a change, in the order in
// which they changed. A run that has ended has its output.
func (c *Control) runSince(ctx context.Context, id string, after int64) (sluice.Run, []sluice.RunStep, error) {
	var run sluice.Run
	var steps []sluice.RunStep
	err := c.view(ctx, func(tx *store.Tx) error {
		row, err := findRun(tx, id)
		if err != nil {
			return err
		}
		run = asShown(tx, row)
		if row.Change > after {
			if steps, err = tx.RunSteps(id, after, true); err != nil {
				return err
			}
			sortSteps(steps)
			slices.SortStableFunc(steps, func(a, b sluice.RunStep) int { return int(a.Change - b.Change) })
		}
		if run.Status.Ended() {
			return tx.Bodies(&run)
		}
		return nil
	})
	return run, steps, err
}
