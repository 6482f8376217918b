package runner_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/control"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/live"
	"github.com/sluice-dev/sluice/internal/runner"
	"github.com/sluice-dev/sluice/internal/runner/outbound"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/store"
)

// house is an installation with one worker over a real database.
type house struct {
	*testing.T
	*control.Control
	ctx    context.Context
	clock  *clock
	worker *runner.Runner
}

// clock stands still until a test moves it on, so that nobody waits.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time {
	return time.Date(2024, 11, 12, 14, 0, 0, 0, time.UTC).Add(time.Duration(c.ahead.Load()))
}

func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// build opens an installation whose worker has not begun.
func build(t *testing.T, bounds sluice.RunBounds) *house {
	t.Helper()
	h := &house{T: t, clock: &clock{}}
	h.ctx = sluice.WithActor(t.Context(), sluice.Actor{Name: "alice", Org: "default", Roles: []sluice.Role{sluice.RoleAdmin}})
	db, err := store.Open(h.ctx, store.Config{Dir: t.TempDir(), Now: h.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	state := live.Open(live.Config{Source: db.Source(control.DefaultOrganization)})
	t.Cleanup(func() {
		if err := errors.Join(state.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
	h.Control = control.New(db, state, control.Config{
		Version: "test", Master: seal.Config{File: filepath.Join(t.TempDir(), "master.key"), Make: true}, Eval: expr.Direct{}, Runs: bounds,
	})
	if _, err := h.Bootstrap(h.ctx); err != nil {
		t.Fatal(err)
	}
	h.worker = h.hire(runner.Config{Concurrency: bounds.Concurrency, Bytes: bounds.Bytes, Memory: bounds.Memory})
	h.OnRun(h.worker.Wake, h.worker.Stop)
	return h
}

// open opens an installation whose worker takes runs.
func open(t *testing.T) *house {
	t.Helper()
	h := build(t, sluice.RunBounds{})
	h.worker.Start()
	return h
}

// hire returns another worker of the installation.
func (h *house) hire(cfg runner.Config) *runner.Runner {
	h.Helper()
	client, err := outbound.New(outbound.Config{})
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(client.CloseIdleConnections)
	if cfg.Journal == nil {
		cfg.Journal = h.Control
	}
	cfg.Eval, cfg.Client, cfg.Now = expr.Direct{}, client, h.clock.now
	cfg.Poll, cfg.Park = 5*time.Millisecond, 50*time.Millisecond
	cfg.Log = slog.New(slog.NewTextHandler(h.Output(), nil))
	worker := runner.New(cfg)
	h.Cleanup(worker.Close)
	return worker
}

// publish makes a version of a component.
func (h *house) publish(name, kind, text string) sluice.Version {
	h.Helper()
	extension := map[string]string{sluice.KindWorkflow: ".yaml", sluice.KindEnsemble: ".yaml", sluice.KindAgent: ".yaml", sluice.KindPrompt: ".md", sluice.KindScript: ".js"}[kind]
	out, err := h.Publish(h.ctx, sluice.PublishRequest{Component: name, Kind: kind, Files: []sluice.File{{Path: name + extension, Text: text}}})
	if err != nil {
		h.Fatalf("publish %s: %v %v", name, err, sluice.AsError(err).Fixes)
	}
	return out.Version
}

// deploy changes an environment.
func (h *house) deploy(environment string, changes ...sluice.ChangeRequest) sluice.Release {
	h.Helper()
	out, err := h.Deploy(h.ctx, sluice.DeployRequest{Environment: environment, Changes: changes})
	if err != nil {
		h.Fatalf("deploy to %s: %v %v", environment, err, sluice.AsError(err).Fixes)
	}
	return *out.Release
}

func setVersion(component, version string) sluice.ChangeRequest {
	return sluice.ChangeRequest{Component: component, Version: version}
}

func setVariable(key, value string, secret bool) sluice.ChangeRequest {
	c := sluice.ChangeRequest{Variable: key, Value: &value}
	if secret {
		c.Secret = &secret
	}
	return c
}

// release publishes a workflow and makes it live in production.
func (h *house) release(name, text string) {
	h.Helper()
	h.publish(name, sluice.KindWorkflow, text)
	h.deploy("production", setVersion(name, "latest"))
}

// start starts a run that must begin.
func (h *house) start(req sluice.StartRunRequest) sluice.Run {
	h.Helper()
	run, err := h.StartRun(h.ctx, req)
	if err != nil {
		h.Fatalf("start %+v: %v %v", req, err, sluice.AsError(err).Fixes)
	}
	return run
}

// do starts a component with an input and returns how it comes to rest.
func (h *house) do(component, input string) sluice.Run {
	h.Helper()
	return h.rest(h.start(sluice.StartRunRequest{Component: component, Input: json.RawMessage(input)}))
}

// rest follows a run until it ends, or waits for a person or for a later time.
func (h *house) rest(run sluice.Run) sluice.Run {
	h.Helper()
	return h.until(run, func(r sluice.Run) bool {
		return r.Status.Ended() || r.Change > run.Change && (r.Status == sluice.RunPaused || r.Status == sluice.RunPending)
	})
}

// ended follows a run to its end.
func (h *house) ended(run sluice.Run) sluice.Run {
	h.Helper()
	return h.until(run, func(r sluice.Run) bool { return r.Status.Ended() })
}

// until follows a run until it is as asked.
func (h *house) until(run sluice.Run, is func(sluice.Run) bool) sluice.Run {
	h.Helper()
	ctx, cancel := context.WithTimeout(h.ctx, 5*time.Minute)
	defer cancel()
	last := run
	for e, err := range h.WatchRun(ctx, sluice.WatchRunRequest{Run: run.ID}) {
		if err != nil {
			h.Fatalf("watching run %s: %v", run.ID, err)
		}
		if e.Run != nil {
			if last = *e.Run; is(last) {
				whole, err := h.Control.Run(h.ctx, run.ID)
				if err != nil {
					h.Fatal(err)
				}
				return whole
			}
		}
	}
	h.Fatalf("run %s does not come to rest: it is %s %+v\n%s", run.ID, last.Status, last.Error, h.steps(run.ID))
	return last
}

// resume lets a run go on and returns how it comes to rest.
func (h *house) resume(run sluice.Run, req sluice.ResumeRunRequest) sluice.Run {
	h.Helper()
	req.Run = run.ID
	out, err := h.ResumeRun(h.ctx, req)
	if err != nil {
		h.Fatalf("resume %+v: %v %v", req, err, sluice.AsError(err).Fixes)
	}
	return h.rest(out)
}

// goOn lets a run go on and does not wait for it.
func (h *house) goOn(run sluice.Run) {
	h.Helper()
	if _, err := h.ResumeRun(h.ctx, sluice.ResumeRunRequest{Run: run.ID}); err != nil {
		h.Fatal(err)
	}
}

// listed are the steps of a run.
func (h *house) listed(run string) []sluice.RunStep {
	h.Helper()
	all, err := sluice.Collect(h.Steps(h.ctx, sluice.StepQuery{Run: run, Detail: true}))
	if err != nil {
		h.Fatal(err)
	}
	return all
}

// steps are the steps of a run, a line for each.
func (h *house) steps(run string) string {
	h.Helper()
	var b strings.Builder
	for i, s := range h.listed(run) {
		if i == 100 {
			b.WriteString("…\n")
			break
		}
		b.WriteString(stepLine(s) + "\n")
	}
	return b.String()
}

// want demands how a run stands, as [told] tells it.
func (h *house) want(run sluice.Run, want string) {
	h.Helper()
	if got := told(run); got != want {
		h.Errorf("run %s: got\n%s\nwant\n%s\nsteps\n%s", run.Ref(), got, want, h.steps(run.ID))
	}
}

// refused demands an error with a code and words.
func refused(t *testing.T, what string, err error, code sluice.Code, words ...string) {
	t.Helper()
	e := sluice.AsError(err)
	if sluice.CodeOf(err) != code {
		t.Errorf("%s: got the error %v, want %s", what, err, code)
		return
	}
	for _, word := range words {
		if said := e.Message + " " + strings.Join(sluice.Texts(e.Fixes), " "); !strings.Contains(said, word) {
			t.Errorf("%s: got %q, want it to say %q", what, said, word)
		}
	}
}
