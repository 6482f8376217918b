package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/live"
)

// measureWatch measures how long a release takes from its commit until watching
// clients have applied it, beside a bare loop that writes the same bytes to the
// same sockets, turn by turn.
//
// What limits both is the kernel: a write to a loopback socket carries the bytes
// through the whole network stack to the receiver, and more than four fifths of
// the hub's processor time is spent in there. The rest of the time to p99 is the
// watchers' own reading and decoding on the same processors.
func measureWatch(ctx context.Context, _ Config) ([]Row, error) {
	program, err := buildWatchers(ctx)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(filepath.Dir(program))
	var rows []Row
	for _, size := range []struct{ watchers, rounds int }{{100, 300}, {1000, 60}, {10_000, 31}} {
		row, err := watchRow(ctx, program, size.watchers, size.rounds)
		if err != nil {
			return rows, fmt.Errorf("%d watchers: %w", size.watchers, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func watchRow(ctx context.Context, program string, watchers, rounds int) (Row, error) {
	most := openFiles() - 200
	row := Row{Name: fmt.Sprintf("commit to applied, %d watchers", watchers), Target: "p99 within 1.3 x of the floor"}
	if watchers > most {
		row.Note = fmt.Sprintf("the limit of open files allows %d watchers only", most)
		watchers = most
	}
	f, err := openFanout(ctx, program, watchers)
	if err != nil {
		return row, err
	}
	defer f.close()
	hub, floor := make([]times, rounds), make([]times, rounds)
	for i := range rounds {
		if hub[i], floor[i], err = f.pair(i%2 == 0); err != nil {
			return row, err
		}
	}
	h, b := middle(hub), middle(floor)
	row.Result = fmt.Sprintf("p50 %s, p99 %s; floor p50 %s, p99 %s; ratio %.2f",
		short(h.p50), short(h.p99), short(b.p50), short(b.p99), ratio(hub, floor))
	return row, nil
}

// times are when half and 99 of 100 watchers had a release applied.
type times struct{ p50, p99 time.Duration }

// middle is the median of rounds, each of which has its own percentiles, so that
// one disturbance by another program does not decide.
func middle(rounds []times) times {
	return times{
		p50: median(rounds, func(t times) time.Duration { return t.p50 }),
		p99: median(rounds, func(t times) time.Duration { return t.p99 }),
	}
}

func median(rounds []times, of func(times) time.Duration) time.Duration {
	all := make([]time.Duration, len(rounds))
	for i, r := range rounds {
		all[i] = of(r)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// ratio is the median of each round's own ratio: what else the machine does
// meanwhile is on both sides of it.
func ratio(hub, floor []times) float64 {
	all := make([]float64, len(hub))
	for i := range hub {
		all[i] = float64(hub[i].p99) / float64(floor[i].p99)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func short(d time.Duration) string { return d.Round(d / 100).String() }

// fanout is a hub, its sockets, and the program that watches through them.
type fanout struct {
	state    *live.State
	server   *http.Server
	ledger   *fixedLedger
	watchers *watchers

	mu    sync.Mutex
	conns []net.Conn
	n     int // rounds so far
}

func openFanout(ctx context.Context, program string, count int) (f *fanout, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f = &fanout{ledger: newFixedLedger()}
	// Heartbeats would be noise on one side only.
	f.state = live.Open(live.Config{Source: f.ledger, Heartbeat: time.Hour})
	f.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := f.state.Stream(w, r, sluice.WatchRequest{Environment: "production"}); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		}),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.conns = append(f.conns, c)
			return ctx
		},
	}
	go func() { _ = f.server.Serve(listener) }()
	if f.watchers, err = startWatchers(ctx, program, listener.Addr().String(), count); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *fanout) close() {
	f.watchers.stop()
	_ = f.server.Close()
	_ = f.state.Close()
}

// pair measures the hub and the floor, one right after the other.
func (f *fanout) pair(hubFirst bool) (hub, floor times, err error) {
	if !hubFirst {
		if floor, err = f.round(f.bare); err != nil {
			return hub, floor, err
		}
	}
	if hub, err = f.round(f.commit); err == nil && hubFirst {
		floor, err = f.round(f.bare)
	}
	return hub, floor, err
}

// round sends one release and returns when it was applied.
func (f *fanout) round(send func(sluice.Entry) error) (times, error) {
	f.n++
	entry := f.ledger.release(f.n)
	start := time.Now()
	if err := send(entry); err != nil {
		return times{}, err
	}
	p50, p99, err := f.watchers.applied(f.n)
	if err != nil {
		return times{}, err
	}
	return times{time.Duration(p50 - start.UnixNano()), time.Duration(p99 - start.UnixNano())}, nil
}

func (f *fanout) commit(e sluice.Entry) error {
	f.state.Committed([]sluice.Entry{f.ledger.append(e)})
	return nil
}

// bare writes the bytes that the hub would.
func (f *fanout) bare(e sluice.Entry) error {
	b := fmt.Appendf(nil, "id: %s-%d\nevent: release\ndata: %s\n\n", f.ledger.id, e.Seq, e.Payload)
	for _, c := range f.conns {
		if _, err := c.Write(b); err != nil {
			return err
		}
	}
	return nil
}
