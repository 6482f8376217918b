package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/sluice-dev/sluice/client"
)

// measureHTTP asks one server which version runs, from 8 connections at once.
func measureHTTP(ctx context.Context, _ Config) ([]Row, error) {
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
	var rate float64
	var alone percentiles
	err = served(ctx, s, func(*client.Client) error {
		address := "http://" + s.Addr() + "/v1/environments/production/resolve/" + name(7) + "?key=user-1"
		get := getter(address, s.FirstToken())
		if alone, err = sampled(2000, func(int) error { return get() }); err != nil {
			return err
		}
		rate, err = flood(get)
		return err
	})
	return []Row{
		{"resolve over HTTP, one caller", "–", alone.String(), "with a token"},
		{"resolve over HTTP, 8 callers", "–", fmt.Sprintf("%.0f/s", rate), "callers and server share the cores"},
	}, err
}

func getter(address, token string) func() error {
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	return func() error {
		req, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("the server answered %s", resp.Status)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
}

// flood calls get from 8 goroutines for three seconds.
func flood(get func() error) (float64, error) {
	var n atomic.Int64
	start := time.Now()
	err := parallelFor(8, func() error {
		for time.Since(start) < 3*time.Second {
			if err := get(); err != nil {
				return err
			}
			n.Add(1)
		}
		return nil
	})
	return float64(n.Load()) / time.Since(start).Seconds(), err
}

func parallelFor(workers int, fn func() error) error {
	errs := make(chan error, workers)
	for range workers {
		go func() { errs <- fn() }()
	}
	var first error
	for range workers {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}
