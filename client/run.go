package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/sluice-dev/sluice"
)

// StartRun queues a run.
func (c *Client) StartRun(ctx context.Context, req sluice.StartRunRequest) (out sluice.Run, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: []string{"v1", "runs"}, body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, err
}

// Run returns one run.
func (c *Client) Run(ctx context.Context, id string) (out sluice.Run, err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: []string{"v1", "runs", id}}, &out)
	return out, err
}

func runQuery(q sluice.RunQuery) url.Values {
	out := values("component", q.Component, "environment", q.Environment, "version", q.Version, "release", q.Release,
		"session", q.Session, "since", q.Since, "until", q.Until, "text", q.Text, "limit", q.Limit, "cursor", q.Cursor)
	for i, s := range q.Status {
		if i == 0 {
			out.Set("status", string(s))
		} else {
			out.Set("status", out.Get("status")+","+string(s))
		}
	}
	return out
}

// Runs lists runs, newest first.
func (c *Client) Runs(ctx context.Context, q sluice.RunQuery) (out sluice.Page[sluice.Run], err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: []string{"v1", "runs"}, query: runQuery(q)}, &out)
	return out, err
}

// RunStats sums runs up by version and release.
func (c *Client) RunStats(ctx context.Context, q sluice.RunQuery) (out sluice.RunStats, err error) {
	q.Paging = sluice.Paging{}
	err = c.call(ctx, request{method: http.MethodGet, path: []string{"v1", "runs", "stats"}, query: runQuery(q)}, &out)
	return out, err
}

// Steps yields the steps of a run by path. It asks for a page when the one before
// was taken.
func (c *Client) Steps(ctx context.Context, q sluice.StepQuery) iter.Seq2[sluice.RunStep, error] {
	return func(yield func(sluice.RunStep, error) bool) {
		for {
			var page sluice.Page[sluice.RunStep]
			query := values("path", q.Path, "detail", q.Detail, "cursor", q.After)
			err := c.call(ctx, request{method: http.MethodGet, path: []string{"v1", "runs", q.Run, "steps"}, query: query}, &page)
			if err != nil {
				yield(sluice.RunStep{}, err)
				return
			}
			for _, s := range page.Items {
				if !yield(s, nil) {
					return
				}
			}
			if q.After = page.Next; q.After == "" {
				return
			}
		}
	}
}

// CancelRun ends a run.
func (c *Client) CancelRun(ctx context.Context, req sluice.CancelRunRequest) (out sluice.Run, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: []string{"v1", "runs", req.Run, "cancel"}, body: req}, &out)
	return out, err
}

// ResumeRun lets a paused or interrupted run go on.
func (c *Client) ResumeRun(ctx context.Context, req sluice.ResumeRunRequest) (out sluice.Run, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: []string{"v1", "runs", req.Run, "resume"}, body: req}, &out)
	return out, err
}

// WatchRun follows one run until it has ended. A stream that breaks is taken up
// again after the last change that was seen.
func (c *Client) WatchRun(ctx context.Context, req sluice.WatchRunRequest) iter.Seq2[sluice.RunEvent, error] {
	return func(yield func(sluice.RunEvent, error) bool) {
		for pause := 50 * time.Millisecond; ; pause = min(2*pause, longestPause) {
			stopped, err := c.followRun(ctx, &req, func(e sluice.RunEvent) bool {
				pause = 50 * time.Millisecond
				return yield(e, nil)
			})
			switch {
			case stopped || ctx.Err() != nil:
				return
			case err != nil && !again(err):
				yield(sluice.RunEvent{}, err)
				return
			}
			c.lost(err, pause)
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
		}
	}
}

// followRun reads one connection's events. It reports whether there is nothing
// more to see, or the reader had enough.
func (c *Client) followRun(ctx context.Context, req *sluice.WatchRunRequest, yield func(sluice.RunEvent) bool) (stopped bool, err error) {
	resp, err := c.send(ctx, request{method: http.MethodGet, path: []string{"v1", "runs", req.Run, "events"}, query: values("after", req.After)}, nil)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return false, readProblem(resp)
	}
	var bad error
	err = messages(resp.Body, maxRunEvent, func(m message) bool {
		e := sluice.RunEvent{Type: sluice.RunEventType(m.event)}
		var into any
		switch e.Type {
		case sluice.RunEventRun:
			e.Run = &sluice.Run{}
			into = e.Run
		case sluice.RunEventStep:
			e.Step = &sluice.RunStep{}
			into = e.Step
		case sluice.RunEventPartial:
			e.Partial = &sluice.Partial{}
			into = e.Partial
		default:
			return true
		}
		if bad = json.Unmarshal(m.data, into); bad != nil {
			return false
		}
		sluice.ReplaceAdvice(into, sluice.Advice.Plain)
		if e.Run != nil {
			req.After = e.Run.Change
		}
		stopped = !yield(e) || e.Run != nil && e.Run.Status.Ended()
		return !stopped
	})
	if bad != nil {
		return false, sluice.Errorf(sluice.Unavailable, "an event of the run cannot be read: %w", bad)
	}
	if err != nil && sluice.CodeOf(err) == sluice.Internal {
		err = sluice.Errorf(sluice.Unavailable, "the stream broke").Because(err)
	}
	return stopped, err
}

// maxRunEvent bounds one event: an output, its settings, and what is around them.
const maxRunEvent = 2*sluice.MaxOutputBytes + 1<<20
