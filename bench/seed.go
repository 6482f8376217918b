package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/server"
)

// components is how many components the measured installations have.
const components = 1_000

// bench is who makes the changes.
var bench = sluice.Actor{Name: "bench", Roles: []sluice.Role{sluice.RoleAdmin}}

func name(i int) string { return fmt.Sprintf("component-%04d", i) }

// seeded opens a server over a directory and fills it: every component with two
// versions, all live in production, then releases until there are so many.
func seeded(ctx context.Context, dir string, releases int) (*server.Server, error) {
	s, err := server.Open(ctx, server.Config{Data: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		return nil, err
	}
	ctx = sluice.WithActor(ctx, bench)
	if err := publishAll(ctx, s.Services()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := releaseMany(ctx, s.Services(), releases); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func publishAll(ctx context.Context, s sluice.Services) error {
	none := "none"
	if _, err := s.EditEnvironment(ctx, sluice.EditEnvironmentRequest{Name: "development", Tracks: &none}); err != nil {
		return err
	}
	err := parallel(components, func(i int) error {
		for v := 1; v <= 2; v++ {
			_, err := s.Publish(ctx, sluice.PublishRequest{
				Component: name(i), Kind: sluice.KindPrompt, Label: fmt.Sprintf("v1.%d.0", v),
				Files: []sluice.File{sluice.NewFile("prompt.md", fmt.Appendf(nil, "Answer as component %d, version %d.", i, v))},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var all []sluice.ChangeRequest
	for i := range components {
		all = append(all, sluice.ChangeRequest{Component: name(i), Version: "1"})
	}
	_, err = s.Deploy(ctx, sluice.DeployRequest{Environment: "production", Changes: all})
	return err
}

// releaseMany appends releases of one component each, back and forth between
// its versions.
func releaseMany(ctx context.Context, s sluice.Services, n int) error {
	return parallel(n, func(i int) error {
		_, err := s.Deploy(ctx, sluice.DeployRequest{
			Environment: "production",
			Changes:     []sluice.ChangeRequest{{Component: name(i % components), Version: []string{"2", "1"}[i/components%2]}},
		})
		return err
	})
}

// parallel runs fn for 0 to n-1 on 64 goroutines, so that the changes share
// commits, in steps that keep the order of one component's changes.
func parallel(n int, fn func(int) error) error {
	const workers = 64
	var group sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		group.Go(func() {
			for i := w; i < n && errs[w] == nil; i += workers {
				errs[w] = fn(i)
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// percentiles are of a sample of durations.
type percentiles struct{ p50, p99, max time.Duration }

func summarize(sample []time.Duration) percentiles {
	slices.Sort(sample)
	at := func(p float64) time.Duration { return sample[min(len(sample)-1, int(p*float64(len(sample))))] }
	return percentiles{at(.50), at(.99), sample[len(sample)-1]}
}

func (p percentiles) String() string {
	return fmt.Sprintf("p50 %s, p99 %s", round(p.p50), round(p.p99))
}

func round(d time.Duration) time.Duration {
	switch {
	case d > 100*time.Millisecond:
		return d.Round(time.Millisecond)
	case d > time.Millisecond:
		return d.Round(10 * time.Microsecond)
	case d > 10*time.Microsecond:
		return d.Round(100 * time.Nanosecond)
	}
	return d
}

// sampled times fn n times.
func sampled(n int, fn func(int) error) (percentiles, error) {
	sample := make([]time.Duration, n)
	for i := range sample {
		start := time.Now()
		if err := fn(i); err != nil {
			return percentiles{}, err
		}
		sample[i] = time.Since(start)
	}
	return summarize(sample), nil
}
