package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/control"
	"github.com/sluice-dev/sluice/internal/server"
	"github.com/sluice-dev/sluice/internal/store"
)

// loggedReleases is how many releases the runs are spread over.
const loggedReleases = 20

// measureLogs times the questions of `sluice logs` with many runs recorded, over
// HTTP.
func measureLogs(ctx context.Context, cfg Config) ([]Row, error) {
	dir, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	open := func(fn func(*client.Client) error) error {
		s, err := server.Open(ctx, server.Config{Data: dir, Listen: "127.0.0.1:0"})
		if err != nil {
			return err
		}
		defer s.Close()
		return served(ctx, s, fn)
	}
	token := ""
	if err := open(func(c *client.Client) error {
		made, err := c.CreateToken(ctx, sluice.CreateTokenRequest{Name: "bench", Roles: []sluice.Role{sluice.RoleAdmin}})
		token = made.Secret
		if err != nil {
			return err
		}
		return loggedVersions(ctx, c)
	}); err != nil {
		return nil, err
	}
	runs := cfg.Releases
	if err := recordRuns(ctx, dir, runs); err != nil {
		return nil, err
	}
	s, err := server.Open(ctx, server.Config{Data: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var rows []Row
	serving, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- s.Serve(serving) }()
	c, err := client.New(client.Config{Server: "http://" + s.Addr(), Token: token})
	if err == nil {
		rows, err = logRows(ctx, c, runs)
	}
	stop()
	<-done
	return rows, err
}

// loggedVersions publishes and deploys one version for each release.
func loggedVersions(ctx context.Context, c *client.Client) error {
	for i := range loggedReleases {
		file := sluice.NewFile("workflow.yaml", fmt.Appendf(nil, "blocks:\n  - {block: echo, id: a, value: %d}\n", i))
		if _, err := c.Publish(ctx, sluice.PublishRequest{Component: "logged", Kind: sluice.KindWorkflow, Files: []sluice.File{file}}); err != nil {
			return err
		}
		if _, err := c.Deploy(ctx, sluice.DeployRequest{
			Environment: "production", Changes: []sluice.ChangeRequest{{Component: "logged", Version: fmt.Sprint(i + 1)}},
		}); err != nil {
			return err
		}
	}
	return nil
}

// recordRuns writes ended runs of the last 30 days, oldest first.
func recordRuns(ctx context.Context, dir string, n int) error {
	db, err := store.Open(ctx, store.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer db.Close()
	random := rand.New(rand.NewPCG(1, 2))
	month := 30 * 24 * time.Hour
	begin := time.Now().Add(-month)
	for i := 0; i < n; i += 1000 {
		if err := db.Update(ctx, control.DefaultOrganization, func(tx *store.Tx) error {
			for j := i; j < min(i+1000, n); j++ {
				if err := tx.AddRun(recorded(random, begin.Add(month/time.Duration(n)*time.Duration(j)), 1+j*loggedReleases/n), nil); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func recorded(random *rand.Rand, at time.Time, release int) sluice.Run {
	took := time.Duration(50+random.IntN(2000)) * time.Millisecond
	r := sluice.Run{
		ID: uuid.Must(uuid.NewV7()).String(), Component: "logged", Kind: sluice.KindWorkflow, Pin: sluice.Pin{Version: release},
		Environment: "production", Release: int64(release), Status: sluice.RunCompleted, Actor: "alice", CreatedAt: sluice.TimeOf(at),
		StartedAt: sluice.TimeOf(at), EndedAt: sluice.TimeOf(at.Add(took)), Steps: 1, Input: json.RawMessage(`{"ticket":"T-1"}`),
	}
	if random.IntN(100) < 10 {
		r.Status, r.Error = sluice.RunFailed, &sluice.RunError{Code: sluice.Unavailable, Message: "api.example.com answered with 503"}
	}
	return r
}

func logRows(ctx context.Context, c *client.Client, runs int) ([]Row, error) {
	list := func(q sluice.RunQuery) func(int) error {
		q.Paging.Limit = 50
		return func(int) error {
			page, err := c.Runs(ctx, q)
			if err == nil && len(page.Items) == 0 {
				err = fmt.Errorf("no runs for %+v", q)
			}
			return err
		}
	}
	week := sluice.TimeOf(time.Now().Add(-7 * 24 * time.Hour))
	day := sluice.TimeOf(time.Now().Add(-24 * time.Hour))
	var rows []Row
	for _, q := range []struct {
		name string
		ask  func(int) error
	}{
		{"logs: the last 50", list(sluice.RunQuery{})},
		{"logs: the last 50 failures of one release", list(sluice.RunQuery{Environment: "production", Release: 3, Status: []sluice.RunStatus{sluice.RunFailed}})},
		{"logs: the last 50 with a text that one in ten has", list(sluice.RunQuery{Text: "503"})},
		{"logs: a text that none has, in the last day", func(int) error {
			page, err := c.Runs(ctx, sluice.RunQuery{Text: "nowhere", Since: day})
			if err == nil && len(page.Items) > 0 {
				err = fmt.Errorf("%d runs with a text that none has", len(page.Items))
			}
			return err
		}},
		{"logs: sums by version and release, all", func(int) error {
			s, err := c.RunStats(ctx, sluice.RunQuery{})
			if err == nil && (s.Total.Runs != int64(runs) || len(s.Groups) != loggedReleases) {
				err = fmt.Errorf("%d runs in %d groups", s.Total.Runs, len(s.Groups))
			}
			return err
		}},
		{"logs: the same, of the last week", func(int) error {
			s, err := c.RunStats(ctx, sluice.RunQuery{Since: week})
			if err == nil && (s.Total.Runs < int64(runs)/5 || s.Total.Runs > int64(runs)/3) {
				err = fmt.Errorf("%d runs in a week of %d in a month", s.Total.Runs, runs)
			}
			return err
		}},
	} {
		p, err := sampled(5, q.ask)
		if err != nil {
			return nil, err
		}
		rows = append(rows, Row{fmt.Sprintf("%s, of %d runs", q.name, runs), "", fmt.Sprintf("p50 %s", p.p50.Round(100*time.Microsecond)), "over HTTP"})
	}
	return rows, nil
}
