package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"

	"github.com/sluice-dev/sluice"
)

// longestPause bounds the wait between two attempts to connect, and worthTelling is
// how long it is once the server is not only starting again.
const (
	longestPause = 5 * time.Second
	worthTelling = 200 * time.Millisecond
)

// Watch follows one environment. A stream that breaks is taken up again after
// the last event that was yielded; only an error of the request itself, such as
// a missing permission, or the end of the context ends it. A request for one
// stream alone ends with that stream, as unavailable.
func (c *Client) Watch(ctx context.Context, req sluice.WatchRequest) iter.Seq2[sluice.Event, error] {
	return func(yield func(sluice.Event, error) bool) {
		pause := 50 * time.Millisecond
		for {
			stopped, got, err := c.follow(ctx, &req, yield)
			switch {
			case stopped || ctx.Err() != nil:
				return
			case err == nil && req.Once:
				yield(sluice.Event{}, sluice.Errorf(sluice.Unavailable, "the server ended the stream").Fix("watch again after the last event"))
				return
			case err != nil && (req.Once || !again(err)):
				yield(sluice.Event{}, err)
				return
			case got:
				pause = 50 * time.Millisecond
			default:
				c.lost(err, pause)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, longestPause)
		}
	}
}

// lost tells of an attempt that failed, before a pause of this length.
func (c *Client) lost(err error, pause time.Duration) {
	if err != nil && c.cfg.Lost != nil && pause >= worthTelling {
		c.cfg.Lost(err)
	}
}

// again reports whether another attempt may go better.
func again(err error) bool {
	switch sluice.CodeOf(err) {
	case sluice.Unavailable, sluice.TimedOut, sluice.Internal:
		return true
	}
	return false
}

// follow reads one connection's events. It reports whether the reader had
// enough, and whether anything came.
func (c *Client) follow(ctx context.Context, req *sluice.WatchRequest, yield func(sluice.Event, error) bool) (stopped, got bool, err error) {
	resp, err := c.send(ctx, request{
		method: http.MethodGet, path: []string{"v1", "watch"}, query: values("environment", req.Environment, "after", req.After),
	}, nil)
	if err != nil {
		return false, false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return false, false, readProblem(resp)
	}
	var bad error
	err = messages(resp.Body, maxEvent, func(m message) bool {
		event, ok, parseErr := parseEvent(m)
		if parseErr != nil {
			bad = parseErr
			return false
		}
		if !ok {
			return true
		}
		got = true
		if m.id != "" {
			req.After = m.id
		}
		stopped = !yield(event, nil)
		return !stopped
	})
	if bad != nil {
		return false, false, bad
	}
	if err != nil && sluice.CodeOf(err) == sluice.Internal {
		err = sluice.Errorf(sluice.Unavailable, "the stream broke").Because(err)
	}
	return stopped, got, err
}

// parseEvent reads an event; false is one of a type that this client does not know.
func parseEvent(m message) (sluice.Event, bool, error) {
	e := sluice.Event{ID: m.id, Type: sluice.EventType(m.event)}
	var into any
	switch e.Type {
	case sluice.EventSnapshot:
		e.Snapshot = &sluice.Snapshot{}
		into = e.Snapshot
	case sluice.EventRelease:
		e.Release = &sluice.Release{}
		into = e.Release
	case sluice.EventHeartbeat:
		e.Heartbeat = &sluice.Heartbeat{}
		into = e.Heartbeat
	default:
		return e, false, nil
	}
	if err := json.Unmarshal(m.data, into); err != nil {
		return e, false, sluice.Errorf(sluice.Unavailable, "an event of the stream cannot be read: %w", err).
			Fix("check what stands between this program and the server")
	}
	return e, true, nil
}
