package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

// lookAgain is how often a log that is followed is read.
const lookAgain = time.Second

// logReader prints runs as they end, each once.
type logReader struct {
	e       *env
	query   sluice.RunQuery
	told    map[string]bool
	open    map[string]bool  // seen, and not ended
	release map[string]int64 // of the last run, by environment
}

// followLogs prints the newest runs, oldest first, then each as it ends.
func (e *env) followLogs(ctx context.Context, q sluice.RunQuery, limit int) error {
	found, _, err := e.listRuns(ctx, q, limit)
	if err != nil {
		return err
	}
	r := &logReader{e: e, query: q, told: map[string]bool{}, open: map[string]bool{}, release: map[string]int64{}}
	since := sluice.TimeOf(e.Now())
	if len(found) > 0 {
		since = found[0].CreatedAt
	}
	ticks := time.NewTicker(lookAgain)
	defer ticks.Stop()
	for {
		slices.Reverse(found)
		if err := r.tell(ctx, found); err != nil || e.out.err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil // interrupting is how a person ends it
		case <-ticks.C:
		}
		if found, err = r.look(ctx, since); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

// look reads the runs since the newest that was there at first, and those that
// had not ended when they were seen last.
func (r *logReader) look(ctx context.Context, since sluice.Time) ([]sluice.Run, error) {
	q := r.query
	q.Since = max(q.Since, since)
	found, _, err := r.e.listRuns(ctx, q, sluice.MaxPage)
	if err != nil {
		return nil, err
	}
	runs, err := r.e.runs(ctx)
	if err != nil {
		return nil, err
	}
	for id := range r.open {
		if slices.ContainsFunc(found, func(f sluice.Run) bool { return f.ID == id }) {
			continue
		}
		run, err := runs.Run(ctx, id)
		if err != nil {
			return nil, err
		}
		run.Input, run.Output = nil, nil // as in a list
		found = append(found, run)
	}
	return found, nil
}

// tell prints what has ended and was not printed before.
func (r *logReader) tell(ctx context.Context, runs []sluice.Run) error {
	for _, run := range runs {
		if r.told[run.ID] {
			continue
		}
		if !run.Status.Ended() {
			r.open[run.ID] = true
			continue
		}
		r.told[run.ID] = true
		delete(r.open, run.ID)
		if err := r.print(ctx, run); err != nil {
			return err
		}
	}
	return nil
}

func (r *logReader) print(ctx context.Context, run sluice.Run) error {
	if r.e.structured() {
		return writeLine(r.e.Stdout, run)
	}
	last, seen := r.release[run.Environment]
	r.release[run.Environment] = max(last, run.Release)
	if seen && run.Release > last {
		releases, err := r.e.releasesBetween(ctx, run.Environment, last+1, run.Release)
		if err != nil {
			return err
		}
		slices.Reverse(releases)
		for _, release := range releases {
			fmt.Fprintln(r.e.Stdout, r.e.style(bold, "── "+r.e.releaseWords(release)+" ──"))
		}
	}
	cells := slices.DeleteFunc(r.e.logCells(run), func(s string) bool { return s == "" })
	_, err := fmt.Fprintln(r.e.Stdout, strings.Join(cells, "  "))
	return err
}
