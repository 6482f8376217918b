package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/server"
)

// served runs fn with a client that speaks to a server over TCP with a token.
func served(ctx context.Context, s *server.Server, fn func(*client.Client) error) error {
	serving, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Serve(serving) }()
	c, err := client.New(client.Config{Server: "http://" + s.Addr(), Token: s.FirstToken()})
	if err == nil {
		err = fn(c)
	}
	stop()
	<-done
	return err
}

// measureCommit times durable rollbacks over HTTP, one at a time and with 64
// callers at once, and beside them what the disk takes to synchronise a write.
func measureCommit(ctx context.Context, _ Config) ([]Row, error) {
	dir, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := seeded(ctx, dir, 0)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	floor, err := measureSync(dir)
	if err != nil {
		return nil, err
	}
	var alone percentiles
	var rate float64
	err = served(ctx, s, func(c *client.Client) error {
		if alone, err = rollbacks(ctx, c); err != nil {
			return err
		}
		rate, err = changesAtOnce(ctx, c)
		return err
	})
	beyond := percentiles{p50: alone.p50 - floor.p50, p99: alone.p99}
	return []Row{
		{"disk: 8 KiB written and synchronised", "–", floor.String(), "the floor of every durable change"},
		{
			"rollback over HTTP, durable, 1,000 components", "p50 < 2 ms beyond the disk, p99 < 10 ms", alone.String(),
			fmt.Sprintf("p50 %s beyond the disk", round(beyond.p50)),
		},
		{"changes with 64 callers over HTTP, durable", "–", fmt.Sprintf("%.0f/s", rate), "callers and server share the cores"},
	}, err
}

func measureSync(dir string) (percentiles, error) {
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return percentiles{}, err
	}
	defer f.Close()
	page := make([]byte, 8<<10)
	return sampled(500, func(int) error {
		if _, err := f.Write(page); err != nil {
			return err
		}
		return syscall.Fdatasync(int(f.Fd()))
	})
}

// rollbacks deploys version 2 and times the way back.
func rollbacks(ctx context.Context, c *client.Client) (percentiles, error) {
	sample := make([]time.Duration, 1000)
	for i := range sample {
		component := name(i % components)
		if _, err := c.Deploy(ctx, sluice.DeployRequest{
			Environment: "production", Changes: []sluice.ChangeRequest{{Component: component, Version: "2"}},
		}); err != nil {
			return percentiles{}, err
		}
		start := time.Now()
		if _, err := c.Rollback(ctx, sluice.RollbackRequest{Environment: "production", Components: []string{component}}); err != nil {
			return percentiles{}, err
		}
		sample[i] = time.Since(start)
	}
	return summarize(sample), nil
}

func changesAtOnce(ctx context.Context, c *client.Client) (float64, error) {
	const n = 20_000
	start := time.Now()
	var made atomic.Int64
	err := parallel(n, func(i int) error {
		made.Add(1)
		_, err := c.Deploy(ctx, sluice.DeployRequest{
			Environment: "production",
			Changes:     []sluice.ChangeRequest{{Component: name(i % components), Version: []string{"2", "1"}[i/components%2]}},
		})
		return err
	})
	return float64(made.Load()) / time.Since(start).Seconds(), err
}
