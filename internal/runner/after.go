package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
)

// How what comes after runs is looked for.
const (
	callbackEvery = 2 * time.Second
	callbackLimit = 30 * time.Second // for one answer
	sweepEvery    = 10 * time.Minute
)

// callbackLoop tells those who asked that their runs have ended.
func (r *Runner) callbackLoop() {
	t := time.NewTicker(callbackEvery)
	defer t.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-t.C:
		}
		runs, err := r.cfg.Journal.DueCallbacks(r.ctx)
		if err != nil && r.ctx.Err() == nil {
			r.cfg.Log.Warn("cannot read the callbacks of runs", "error", err)
		}
		r.tellAll(runs)
	}
}

// tellAll tells of several runs at once, so that nobody waits for who does not
// answer, and returns when that is done.
func (r *Runner) tellAll(runs []sluice.Run) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, run := range runs {
		all.Go(func() {
			err := r.tell(run)
			if err != nil {
				r.cfg.Log.Info("a callback was not heard", "run", run.ID, "error", withoutURL(err))
			}
			if err := r.cfg.Journal.ToldCallback(r.ctx, run.ID, err == nil); err != nil && r.ctx.Err() == nil {
				r.cfg.Log.Warn("cannot note that a callback was heard", "run", run.ID, "error", err)
			}
		})
	}
}

// withoutURL is an error without the address, which may hold a secret.
func withoutURL(err error) error {
	if from := (*url.Error)(nil); errors.As(err, &from) {
		return from.Err
	}
	return err
}

// tell posts an ended run.
func (r *Runner) tell(run sluice.Run) error {
	ctx, cancel := context.WithTimeout(r.ctx, callbackLimit)
	defer cancel()
	body, err := json.Marshal(run)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, run.Callback, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", run.ID)
	resp, err := r.cfg.Client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
	if resp.StatusCode >= 300 {
		return sluice.Errorf(sluice.Unavailable, "the callback was answered with status %d", resp.StatusCode)
	}
	return nil
}

// sweepLoop removes records that need not be kept.
func (r *Runner) sweepLoop() {
	for wait := time.Minute; ; wait = sweepEvery {
		t := time.NewTimer(wait)
		select {
		case <-r.ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		for {
			more, err := r.cfg.Journal.SweepRuns(r.ctx)
			if err != nil && r.ctx.Err() == nil {
				r.cfg.Log.Warn("cannot remove old runs", "error", err)
			}
			if err != nil || !more {
				break
			}
		}
	}
}
