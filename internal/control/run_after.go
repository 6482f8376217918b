package control

import (
	"context"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// How callbacks are tried: after a pause that doubles, up to a day in all.
const (
	maxCallbacks   = 64 // at once
	callbackPause  = 5 * time.Second
	maxPause       = 2 * time.Hour
	callbackTries  = 20
	sweptAtOnce    = 200
	microsecondDay = 24 * 3600 * 1_000_000
)

// DueCallbacks are ended runs that someone is to be told about now. Each is not
// due again for a while, so that another node does not tell it too.
func (c *Control) DueCallbacks(ctx context.Context) ([]sluice.Run, error) {
	var due []store.Callback
	find := func(tx *store.Tx) (err error) {
		now := tx.WallClock()
		due, err = tx.Callbacks(now, now+sluice.Time(maxPause.Microseconds()), maxCallbacks)
		return err
	}
	if err := c.db.View(ctx, c.org, find); err != nil || len(due) == 0 {
		return nil, err
	}
	var out []sluice.Run
	err := c.db.Update(ctx, c.org, func(tx *store.Tx) error {
		out = nil
		if err := find(tx); err != nil {
			return err
		}
		for _, cb := range due {
			run, err := runWith(tx, cb.Run)
			if err != nil {
				return err
			}
			cb.Attempts++
			pause := callbackPause << min(cb.Attempts, 20)
			cb.DueAt = tx.WallClock() + sluice.Time(min(pause, maxPause).Microseconds())
			if err := tx.PutCallback(cb); err != nil {
				return err
			}
			if cb.Attempts > callbackTries {
				if err := tx.DropCallback(cb.Run); err != nil {
					return err
				}
				continue
			}
			out = append(out, run)
		}
		return nil
	})
	return out, err
}

// ToldCallback notes that a callback was heard. One that was not is due again.
func (c *Control) ToldCallback(ctx context.Context, run string, heard bool) error {
	if !heard {
		return nil
	}
	return c.db.Update(ctx, c.org, func(tx *store.Tx) error { return tx.DropCallback(run) })
}

// SweepRuns removes records of runs that their environments need not keep, some
// at a time, and reports whether there may be more.
func (c *Control) SweepRuns(ctx context.Context) (bool, error) {
	var all []sluice.Environment
	err := c.db.View(ctx, c.org, func(tx *store.Tx) (err error) {
		all, err = tx.Environments(true)
		return err
	})
	more := false
	for _, e := range all {
		if err != nil {
			return false, err
		}
		days := e.KeepRuns
		if days == 0 {
			days = sluice.DefaultKeepRuns
		}
		err = c.db.Update(ctx, c.org, func(tx *store.Tx) error {
			n, err := tx.DeleteRuns(e.Name, tx.WallClock()-sluice.Time(days*microsecondDay), sweptAtOnce)
			more = more || n == sweptAtOnce
			return err
		})
	}
	return more, err
}
