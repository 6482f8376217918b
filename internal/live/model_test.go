package live_test

import (
	"context"
	"iter"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/live"
	"pgregory.net/rapid"
)

// TestNobodyMissesAnything lets this node and others commit, damage arrive,
// subscribers come, stop reading, go and come back, all at the same time, and
// folds what each subscriber got: no gap, nothing twice, and the source's own
// manifest in the end.
func TestNobodyMissesAnything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		own := rapid.SliceOfN(rapid.SampledFrom([]string{"commit", "foreign", "burst", "big", "big", "big", "catch up", "damage", "publish"}), 1, 40).Draw(rt, "ledger")
		subscribers := rapid.SliceOfN(rapid.Custom(drawPlan), 1, 6).Draw(rt, "subscribers")
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()

		l := newLedger("production", "staging")
		cfg := live.Config{Source: l, Queue: rapid.IntRange(1, 8).Draw(rt, "queue"), Retain: rapid.IntRange(1, 20).Draw(rt, "retain")}
		cfg.ResumeLimit = rapid.IntRange(1, 50).Draw(rt, "resume limit")
		cfg.Heartbeat = 64 * time.Millisecond
		s := open(t, cfg)
		defer s.Close()
		server := serve(t, s)

		written := make(chan struct{})
		var all sync.WaitGroup
		for _, p := range subscribers {
			all.Go(func() {
				if err := p.follow(ctx, s, server.URL, l, written); err != nil {
					rt.Errorf("%+v: %v", p, err)
				}
			})
		}
		for i, step := range own {
			write(ctx, s, l, step, i)
		}
		s.Committed([]sluice.Entry{l.deploy("production", "last", 1)})
		close(written)
		all.Wait()
	})
}

func write(ctx context.Context, s *live.State, l *ledger, step string, i int) {
	switch step {
	case "commit":
		s.Committed([]sluice.Entry{l.deploy("production", "bot", i+1)})
	case "big":
		s.Committed([]sluice.Entry{l.deployBig("production", "bot", i+1)})
	case "publish":
		s.Committed([]sluice.Entry{l.publish(), l.deploy("staging", "bot", i+1)})
	case "foreign":
		l.deploy("production", "foreign", i+1)
	case "burst":
		entries := make([]sluice.Entry, 30)
		for n := range entries {
			entries[n] = l.deployBig("production", "bot", i+n+1)
		}
		s.Committed(entries)
	case "catch up":
		_ = s.CatchUp(ctx)
	case "damage":
		e := l.deploy("production", "bot", i+1)
		e.Payload = e.Payload[:len(e.Payload)/2]
		s.Committed([]sluice.Entry{e})
	}
}

// plan is what one subscriber does: after each number of events it goes away
// and comes back, or waits until all is written and only then reads on.
type plan struct {
	Socket bool
	Legs   []int
	Stall  bool
}

func drawPlan(t *rapid.T) plan {
	return plan{
		Socket: rapid.Bool().Draw(t, "socket"),
		Legs:   rapid.SliceOfN(rapid.IntRange(1, 15), 0, 4).Draw(t, "legs"),
		Stall:  rapid.Bool().Draw(t, "stall"),
	}
}

func (p plan) follow(ctx context.Context, s *live.State, url string, l *ledger, written <-chan struct{}) error {
	var r reader
	for _, events := range p.Legs {
		if err := p.leg(ctx, s, url, &r, func(n int) bool { return n == events || finished(&r, l, written) }); err != nil {
			return err
		}
	}
	stalled := !p.Stall
	return p.leg(ctx, s, url, &r, func(int) bool {
		if !stalled {
			stalled = true
			<-written
		}
		return finished(&r, l, written)
	})
}

func finished(r *reader, l *ledger, written <-chan struct{}) bool {
	select {
	case <-written:
		want := l.now("production")
		return r.manifest != nil && r.manifest.Release == want.Release && r.manifest.Root == want.Root
	default:
		return false
	}
}

// leg reads one stream until it is enough.
func (p plan) leg(ctx context.Context, s *live.State, url string, r *reader, enough func(n int) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var events iter.Seq2[sluice.Event, error]
	if p.Socket {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		events = dial(ctx, client, url, r.last)
	} else {
		events = s.Watch(ctx, sluice.WatchRequest{Environment: "production", After: r.last})
	}
	n := 0
	for e, err := range events {
		if err == nil {
			err = r.read(e)
		}
		if err != nil {
			return err
		}
		if n++; enough(n) {
			return nil
		}
	}
	return ctx.Err()
}
