package live

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/sluice-dev/sluice"
)

// errMissed says that the stream does not lead on from what is known.
var errMissed = errors.New("the stream does not follow from what is known")

// follow keeps the stream open until the client is closed.
func (c *Client) follow() {
	at := follower{Client: c}
	if t := c.table.Load(); t != nil {
		at.after = t.id
	}
	pause := c.cfg.Retry
	for c.ctx.Err() == nil {
		fresh := at.after == ""
		heard, err := at.watch()
		if c.ctx.Err() != nil {
			return
		}
		missed := errors.Is(err, errMissed)
		if missed {
			at.after = ""
			if !fresh {
				c.cfg.Log.Warn("asking for a fresh snapshot", "error", err)
				continue
			}
		}
		select {
		case c.failed <- err:
		default:
		}
		if heard && !missed {
			pause = c.cfg.Retry
		}
		if !c.stale.Swap(true) || !heard {
			c.cfg.Log.Warn("the server cannot be heard; trying again", "pause", pause, "error", err)
		}
		select {
		case <-c.ctx.Done():
		// Many clients lose one server together and should not come back together.
		case <-time.After(pause/2 + rand.N(pause/2+1)):
		}
		pause = min(2*pause, 50*c.cfg.Retry)
	}
}

// follower is what the following goroutine knows.
type follower struct {
	*Client
	after string // where to go on, "" for a fresh snapshot
	// Roots of a server that reckons them in another way cannot be checked. That
	// shows in its snapshots, and must not keep a program from what is live.
	unchecked bool
}

// watch reads one stream. It reports whether an event was taken.
func (f *follower) watch() (heard bool, err error) {
	ctx, cancel := context.WithCancel(f.ctx)
	defer cancel()
	silence := time.AfterFunc(f.cfg.Silence, cancel)
	defer silence.Stop()
	req := sluice.WatchRequest{Environment: f.cfg.Environment, After: f.after, Once: true}
	for e, err := range f.cfg.Services.Watch(ctx, req) {
		if err != nil {
			return heard, err
		}
		silence.Reset(f.cfg.Silence)
		if err := f.take(e); err != nil {
			return heard, err
		}
		heard = true
		f.confirm()
	}
	if ctx.Err() != nil {
		return heard, sluice.Errorf(sluice.Unavailable, "the server said nothing for %s", f.cfg.Silence)
	}
	return heard, sluice.Errorf(sluice.Unavailable, "the stream ended")
}

func (f *follower) confirm() {
	f.confirmed.Store(time.Now().UnixNano())
	if f.lacking.Swap(false) {
		f.soil()
	}
	if f.stale.Swap(false) {
		select {
		case <-f.ready:
			f.cfg.Log.Info("the server is heard again", "release", f.Manifest().Release)
		default:
			close(f.ready)
		}
	}
}

// take brings the state to what an event says.
func (f *follower) take(e sluice.Event) error {
	var known *sluice.Manifest
	if t := f.table.Load(); t != nil {
		known = t.manifest
	}
	switch {
	case e.Type == sluice.EventSnapshot && e.Snapshot != nil:
		f.snapshot(e)
	case known == nil:
		return errMissed
	case e.Type == sluice.EventRelease && e.Release != nil:
		return f.release(known, e)
	case e.Type == sluice.EventHeartbeat && e.Heartbeat != nil:
		if e.Heartbeat.Release != known.Release || e.Heartbeat.Root != known.Root {
			return errMissed
		}
	}
	return nil
}

func (f *follower) snapshot(e sluice.Event) {
	m := e.Snapshot.Manifest
	if e.Snapshot.Reset && f.after != "" {
		f.cfg.Log.Warn("the server has another ledger now; taking what it says", "release", m.Release)
	}
	root := sluice.RootHash(m.Slots)
	f.unchecked = root != m.Root
	if f.unchecked {
		f.cfg.Log.Error("a snapshot does not have the root that it says; releases cannot be checked", "release", m.Release, "says", m.Root, "has", root)
	}
	f.put(&m, e.ID)
}

func (f *follower) release(known *sluice.Manifest, e sluice.Event) error {
	r := *e.Release
	switch {
	case r.Number <= known.Release:
		return nil
	case r.Number > known.Release+1:
		return errMissed
	}
	next := known.Apply(r)
	if root := sluice.RootHash(next.Slots); root != r.Root && !f.unchecked {
		f.cfg.Log.Error("a release does not have the root that it says", "release", r.Ref(), "says", r.Root, "has", root)
		return errMissed
	}
	f.put(next, e.ID)
	return nil
}

func (f *follower) put(m *sluice.Manifest, id string) {
	f.after = id
	f.install(m, id)
	f.soil()
}

// soil says that the copy on disk is old.
func (c *Client) soil() {
	select {
	case c.dirty <- struct{}{}:
	default:
	}
}
