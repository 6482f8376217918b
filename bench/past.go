package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/sluice-dev/sluice"
)

// measurePast asks about the past of an environment with so many releases.
func measurePast(ctx context.Context, cfg Config) ([]Row, error) {
	dir, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := seeded(ctx, dir, cfg.Releases)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	ctx = sluice.WithActor(ctx, bench)
	services := s.Services()
	head, err := services.State(ctx, sluice.EnvironmentRef{Name: "production"})
	if err != nil {
		return nil, err
	}
	first, err := services.State(ctx, sluice.EnvironmentRef{Name: "production", Release: 1, Exact: true})
	if err != nil {
		return nil, err
	}
	moment := func() sluice.EnvironmentRef {
		return sluice.EnvironmentRef{Name: "production", At: first.At + sluice.Time(rand.Int64N(int64(head.At-first.At)))}
	}
	state, err := sampled(300, func(int) error {
		m, err := services.State(ctx, moment())
		if err == nil && len(m.Slots) != components {
			err = fmt.Errorf("%d slots instead of %d", len(m.Slots), components)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	one, err := sampled(300, func(i int) error {
		s, err := services.Setting(ctx, moment(), name(i))
		if err == nil && !s.Value.Live() {
			err = fmt.Errorf("%s was not live", name(i))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	restore, err := restores(ctx, services, moment)
	if err != nil {
		return nil, err
	}
	history, err := sampled(300, func(i int) error {
		_, err := services.Releases(ctx, sluice.ReleaseQuery{Component: name(i), Paging: sluice.Paging{Limit: 20}})
		return err
	})
	behind := fmt.Sprintf(", %d releases behind", head.Release)
	return []Row{
		{"state at T, 1,000 components" + behind, "< 5 ms", state.String(), ""},
		{"one component at T" + behind, "< 1 ms", one.String(), ""},
		{"restore 1,000 components as one release" + behind, "< 100 ms", restore.String(), "into a new environment each time"},
		{"history of one component, 20 lines" + behind, "–", history.String(), ""},
	}, err
}

func restores(ctx context.Context, s sluice.Services, moment func() sluice.EnvironmentRef) (percentiles, error) {
	return sampled(10, func(i int) error {
		out, err := s.Restore(ctx, sluice.RestoreRequest{
			Environment: fmt.Sprintf("debug-%d", i), From: moment().String(), Create: sluice.CreateAlways,
		})
		if err == nil && len(out.Release.Changes) != components {
			err = fmt.Errorf("%d changes instead of %d", len(out.Release.Changes), components)
		}
		return err
	})
}
