package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client/live"
)

// measureResolve measures the question that a program asks most: which version of
// this component runs, for this customer, among 1,000 components.
func measureResolve(ctx context.Context, _ Config) ([]Row, error) {
	m := &sluice.Manifest{Environment: "production"}
	for i := range 1000 {
		m.Slots = append(m.Slots, sluice.Setting{Slot: slotOf(i), Value: valueOf(i + 1)})
	}
	split, err := sluice.Allocate(valueOf(1).Pin, []sluice.Share{
		{Pin: valueOf(1).Pin, Weight: 9500}, {Pin: valueOf(2).Pin, Weight: 500},
	})
	if err != nil {
		return nil, err
	}
	m.Slots[500].Value = split
	m.Root = sluice.RootHash(m.Slots)
	c, err := live.Open(ctx, live.Config{Services: still{manifest: m}, Environment: "production", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return []Row{
		resolveRow(c, "resolve in process, settled", "component-250", "< 100 ns, 0 allocations"),
		resolveRow(c, "resolve in process, split with a sticky key", "component-500", "< 250 ns, 0 allocations"),
	}, nil
}

func resolveRow(c *live.Client, name, component, target string) Row {
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.Resolve(component, "customer-1234567")
		}
	})
	perOp := float64(result.T.Nanoseconds()) / float64(result.N)
	return Row{Name: name, Target: target, Result: fmt.Sprintf("%.0f ns, %d allocations", perOp, result.AllocsPerOp()), Note: "1,000 components"}
}

// still is a server where nothing happens after the snapshot.
type still struct {
	manifest *sluice.Manifest
}

var errStill = errors.New("there is nothing but a snapshot")

// Watch implements live.Services.
func (s still) Watch(ctx context.Context, _ sluice.WatchRequest) iter.Seq2[sluice.Event, error] {
	return func(yield func(sluice.Event, error) bool) {
		if yield(sluice.Event{ID: "ledger-1", Type: sluice.EventSnapshot, Snapshot: &sluice.Snapshot{Manifest: *s.manifest}}, nil) {
			<-ctx.Done()
		}
	}
}

// Version implements live.Services.
func (still) Version(context.Context, string, string) (sluice.Version, error) {
	return sluice.Version{}, errStill
}

// File implements live.Services.
func (still) File(context.Context, string, string, string) (sluice.File, error) {
	return sluice.File{}, errStill
}
