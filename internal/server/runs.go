package server

import (
	"context"
	"iter"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/control"
	"github.com/sluice-dev/sluice/internal/runner"
	"github.com/sluice-dev/sluice/internal/runner/outbound"
	"github.com/sluice-dev/sluice/internal/sandbox"
)

// embeddedLease is short, since a command line that was killed is to be followed
// by another soon.
const embeddedLease = 4 * time.Second

// runs builds the use cases and the worker that carries runs out.
func (s *Server) runs() error {
	eval := s.cfg.Sandbox
	if eval == nil {
		pool := sandbox.New(sandbox.Config{Jobs: 10_000})
		eval, s.sandbox = pool, pool
	}
	client, err := outbound.New(outbound.Config{Allow: s.cfg.AllowOutbound, Version: s.cfg.Version})
	if err != nil {
		return err
	}
	s.control = control.New(s.db, s.state, control.Config{Version: s.cfg.Version, Master: s.cfg.master(), Eval: eval, Runs: s.cfg.Runs, Memory: s.memory})
	lease := time.Duration(0)
	if s.cfg.Embedded {
		lease = embeddedLease
	}
	s.runner = runner.New(runner.Config{
		Lease:   lease,
		Journal: s.control, Eval: eval, Client: client, Concurrency: s.cfg.Runs.Concurrency,
		Bytes: s.cfg.Runs.Bytes, Memory: s.cfg.Runs.Memory, Embedded: s.cfg.Embedded, Now: s.cfg.Now, Log: s.cfg.Log,
	})
	s.control.OnRun(s.runner.Wake, s.runner.Stop)
	return nil
}

// services are the use cases. In an embedded server, whose process has no other
// work, who follows a run has it carried out here.
func (s *Server) services() sluice.Services {
	if !s.cfg.Embedded {
		return s.control
	}
	return embedded{s.control, s.runner}
}

type embedded struct {
	*control.Control
	runner *runner.Runner
}

// WatchRun carries out what it follows.
func (e embedded) WatchRun(ctx context.Context, req sluice.WatchRunRequest) iter.Seq2[sluice.RunEvent, error] {
	e.runner.Carry(req.Run)
	return e.Control.WatchRun(ctx, req)
}
