package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/server"
)

// How much is run.
const (
	parallelRuns = 1000
	chainBlocks  = 10
	longChain    = 200
)

// chain is a workflow whose blocks each take the one before, by a template that
// the engine evaluates.
func chain(blocks int) sluice.File {
	var b strings.Builder
	b.WriteString("inputs: {n: integer}\nblocks:\n  - {block: echo, id: b0, value: \"{{ inputs.n + 1 }}\"}\n")
	for i := 1; i < blocks; i++ {
		fmt.Fprintf(&b, "  - {block: echo, id: b%d, value: \"{{ b%d.output + 1 }}\"}\n", i, i-1)
	}
	return sluice.NewFile("workflow.yaml", []byte(b.String()))
}

// measureRuns times what a block costs beside its own work, with each block's
// result on disk before the next begins.
func measureRuns(ctx context.Context, cfg Config) ([]Row, error) {
	dir, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := server.Open(ctx, server.Config{Data: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	floor, err := measureSync(dir)
	if err != nil {
		return nil, err
	}
	var rows []Row
	err = served(ctx, s, func(c *client.Client) error {
		for name, n := range map[string]int{"chain": chainBlocks, "long": longChain} {
			if _, err := c.Publish(ctx, sluice.PublishRequest{Component: name, Kind: sluice.KindWorkflow, Files: []sluice.File{chain(n)}}); err != nil {
				return err
			}
		}
		long, err := sampled(10, func(int) error { return runOnce(ctx, c, "long", longChain) })
		if err != nil {
			return err
		}
		short, err := sampled(50, func(int) error { return runOnce(ctx, c, "chain", chainBlocks) })
		if err != nil {
			return err
		}
		all, err := runAtOnce(ctx, c)
		if err != nil {
			return err
		}
		rows = []Row{
			{
				"run of 200 blocks one after another, over HTTP: each block", "< 200 µs beyond the disk", perBlock(long.p50, longChain),
				fmt.Sprintf("%s beyond the disk, which synchronises once for each block (%s)", round(long.p50/longChain-floor.p50), round(floor.p50)),
			},
			{"run of 10 blocks over HTTP, start to end", "", fmt.Sprintf("p50 %s, p99 %s", short.p50.Round(10*time.Microsecond), short.p99.Round(10*time.Microsecond)), ""},
			{"1,000 runs of 10 blocks at once: each block", "< 200 µs", perBlock(all, parallelRuns*chainBlocks), fmt.Sprintf("%s in all, durable", all.Round(time.Millisecond))},
		}
		return nil
	})
	return rows, err
}

func perBlock(d time.Duration, blocks int) string {
	return (d / time.Duration(blocks)).Round(time.Microsecond).String()
}

func runOnce(ctx context.Context, c *client.Client, name string, blocks int) error {
	run, err := c.StartRun(ctx, sluice.StartRunRequest{Component: name, Version: "1", Input: json.RawMessage(`{"n": 1}`)})
	if err != nil {
		return err
	}
	return awaited(ctx, c, run.ID, blocks)
}

// awaited follows a run to its end and checks its output.
func awaited(ctx context.Context, c *client.Client, id string, blocks int) error {
	var last sluice.Run
	for e, err := range c.WatchRun(ctx, sluice.WatchRunRequest{Run: id}) {
		if err != nil {
			return err
		}
		if e.Run != nil {
			last = *e.Run
		}
	}
	if last.Status != sluice.RunCompleted || string(last.Output) != fmt.Sprint(1+blocks) {
		return fmt.Errorf("run %s is %s with the output %s, not %d: %v", id, last.Status, last.Output, 1+blocks, last.Error)
	}
	return nil
}

// runAtOnce starts many runs and waits for all of them.
func runAtOnce(ctx context.Context, c *client.Client) (time.Duration, error) {
	began := time.Now()
	ids := make([]string, parallelRuns)
	errs := make([]error, parallelRuns)
	var group sync.WaitGroup
	room := make(chan struct{}, 32)
	for i := range ids {
		room <- struct{}{}
		group.Go(func() {
			defer func() { <-room }()
			run, err := c.StartRun(ctx, sluice.StartRunRequest{Component: "chain", Version: "1", Input: json.RawMessage(`{"n": 1}`)})
			ids[i], errs[i] = run.ID, err
		})
	}
	group.Wait()
	for i, id := range ids {
		if errs[i] != nil {
			return 0, errs[i]
		}
		if err := awaited(ctx, c, id, chainBlocks); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}
