package runner_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/control"
	"github.com/sluice-dev/sluice/internal/runner"
)

// spoiling is the journal of an installation, of which some commits hold what the
// database refuses, as a defect of a block would.
type spoiling struct {
	*control.Control
	spoil func(*sluice.RunCommit)
}

func (j *spoiling) CommitRun(ctx context.Context, done sluice.RunCommit, lease time.Duration) error {
	j.spoil(&done)
	return j.Control.CommitRun(ctx, done, lease)
}

// TestRunsEndWithWhatCanBeRecorded spoils a step's output, the run's output and what
// it waits for: each run fails at once with a record, and leaves no step open.
func TestRunsEndWithWhatCanBeRecorded(t *testing.T) {
	t.Parallel()
	const text = "blocks: [{id: a, block: echo, value: x}, {id: b, block: ask, needs: a, prompt: 'go?', wait: 1h, default: no}, {id: c, block: echo, needs: b, value: y}]\n"
	bad := json.RawMessage("\"\xff\"")
	for name, c := range map[string]struct {
		text  string
		spoil func(*sluice.RunCommit)
		want  string
	}{
		"a step": {text, func(done *sluice.RunCommit) {
			for i, s := range done.Steps {
				if s.Block == "a" && s.Status == sluice.StepCompleted {
					done.Steps[i].Output = bad
				}
			}
		}, "what a step did cannot be recorded: the value of run_steps.output is not text"},
		"the output": {"blocks: [{id: a, block: echo, value: x}]\n", func(done *sluice.RunCommit) {
			if done.Status == sluice.RunCompleted {
				done.Output = bad
			}
		}, "how the run stands cannot be recorded: the value of run_bodies.body is not text"},
		"the question": {text, func(done *sluice.RunCommit) {
			if done.Waiting != nil {
				w := *done.Waiting
				w.Prompt = "\xff"
				done.Waiting = &w
			}
		}, "how the run stands cannot be recorded: waiting.prompt is not text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t, sluice.RunBounds{})
			h.worker.Close()
			journal := &spoiling{Control: h.Control, spoil: c.spoil}
			worker := h.hire(runner.Config{Journal: journal})
			h.OnRun(worker.Wake, worker.Stop)
			worker.Start()
			h.release("main", c.text)
			run := h.ended(h.start(sluice.StartRunRequest{Component: "main", Environment: "production"}))
			if run.Status != sluice.RunFailed || run.Error == nil || !strings.HasPrefix(run.Error.Message, c.want) {
				t.Errorf("the run %s with %+v, want that it failed: %s", run.Status, run.Error, c.want)
			}
			steps, err := sluice.Collect(h.Steps(h.ctx, sluice.StepQuery{Run: run.ID}))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range steps {
				if !s.Status.Ended() {
					t.Errorf("step %s is %s, and its run has ended", s.Path, s.Status)
				}
			}
		})
	}
}
