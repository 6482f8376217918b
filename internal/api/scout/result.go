package scout

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/sluice-dev/sluice"
)

// The reasons for which a run stops. Scout has no runs that wait for a person:
// the third is Sluice's own.
const (
	stopCompleted = "workflow_run_completed"
	stopFailed    = "workflow_run_failed"
	stopPaused    = "workflow_run_paused"
)

// executed is the answer to a run that is not streamed. A run that failed is one
// too: the request did what it was to do.
type executed struct {
	Workflow    string `json:"workflow_id"`
	OutputBlock string `json:"output_block_id,omitempty"`
	Run         result `json:"run"`
}

type result struct {
	ID         string                `json:"workflow_run_id"`
	Session    string                `json:"session_id"`
	StopReason string                `json:"stop_reason"`
	State      map[string]blockState `json:"state"`
	Errors     []string              `json:"errors,omitempty"`

	// What Scout does not tell.
	Environment string           `json:"environment"`
	Revision    string           `json:"revision_id"`
	Release     int64            `json:"release"`
	Output      json.RawMessage  `json:"output,omitempty"`
	Status      sluice.RunStatus `json:"status"`
	Waiting     *sluice.Waiting  `json:"waiting,omitempty"`
	Warnings    []string         `json:"warnings,omitempty"`
	Replayed    bool             `json:"replayed,omitempty"` // the answer to an earlier try
}

// blockState is what one block left behind.
type blockState struct {
	Output json.RawMessage   `json:"output,omitempty"`
	Status sluice.StepStatus `json:"status"`
	Error  string            `json:"error,omitempty"`
}

// finish waits until a run has stopped, and answers. When the client goes away
// the waiting ends, and the run goes on.
func (a *Adapter) finish(w http.ResponseWriter, r *http.Request, run running) error {
	replayed := run.Replayed
	for e, err := range a.follow(r.Context(), run.ID) {
		if err != nil {
			return err
		}
		if e.Run != nil && stopped(e.Run.Status) {
			run.Run = *e.Run
			break
		}
	}
	switch {
	case r.Context().Err() != nil:
		return nil // nobody is there to be answered
	case !stopped(run.Status):
		return sluice.Errorf(sluice.Unavailable, "run %s goes on, and this server cannot follow it", run.ID).
			Fix("see how it ends: GET /v2/run_logs/details?workflow_id=%s&workflow_run_id=%s", run.workflow, run.ID)
	}
	steps, err := a.Services.Steps(r.Context(), sluice.StepQuery{Run: run.ID, Detail: true})
	if err != nil {
		return err
	}
	out := executed{Workflow: run.workflow, OutputBlock: run.OutputBlock, Run: result{
		ID: run.ID, Session: run.session(), StopReason: stopReason(run.Status), State: stateOf(steps), Errors: errorsOf(run.Run),
		Environment: run.Environment, Revision: run.revision(), Release: run.Release, Output: run.Output, Status: run.Status,
		Waiting: run.Waiting, Warnings: run.Warnings, Replayed: replayed,
	}}
	answer(w, http.StatusOK, out)
	return nil
}

// stopped reports whether a run does nothing more by itself.
func stopped(s sluice.RunStatus) bool { return s.Ended() || s == sluice.RunPaused }

func stopReason(s sluice.RunStatus) string {
	switch s {
	case sluice.RunCompleted:
		return stopCompleted
	case sluice.RunPaused:
		return stopPaused
	}
	return stopFailed
}

// stateOf is what the blocks of a workflow left behind, by their ids. Blocks
// within a loop or a nested workflow are part of the one that they are in.
func stateOf(steps []sluice.RunStep) map[string]blockState {
	state := map[string]blockState{}
	for _, s := range steps {
		if strings.Contains(s.Path, ".") || s.Status == sluice.StepSkipped {
			continue
		}
		b := blockState{Output: s.Output, Status: s.Status}
		if s.Error != nil {
			b.Error = s.Error.Message
		}
		state[s.Block] = b
	}
	return state
}

// errorsOf says why a run did not complete.
func errorsOf(r sluice.Run) []string {
	switch {
	case r.Status == sluice.RunPaused && r.Waiting != nil:
		return []string{waits(r)}
	case r.Error != nil:
		return []string{because(*r.Error)}
	}
	return nil
}

// waits says what a paused run waits for.
func waits(r sluice.Run) string {
	text := "the run is paused at block " + r.Waiting.Block
	if r.Waiting.Prompt != "" {
		text += ": " + r.Waiting.Prompt
	}
	return text + " (fix: let it go on with `sluice thread resume " + r.ID + "`)"
}

// because is an error of a run or a step for people.
func because(e sluice.RunError) string {
	return sentence(&sluice.Error{Message: e.Message, Fixes: e.Fixes})
}

// follow is the course of a run. It ends with the token that asked for it.
func (a *Adapter) follow(ctx context.Context, run string) func(func(sluice.RunEvent, error) bool) {
	return func(yield func(sluice.RunEvent, error) bool) {
		limited := ctx
		if expires := sluice.ActorOf(ctx).ExpiresAt; expires != 0 {
			var cancel context.CancelFunc
			limited, cancel = context.WithDeadline(ctx, expires.Std())
			defer cancel()
		}
		for e, err := range a.Services.WatchRun(limited, sluice.WatchRunRequest{Run: run}) {
			if !yield(e, err) || err != nil {
				return
			}
		}
		if ctx.Err() == nil && limited.Err() != nil {
			yield(sluice.RunEvent{}, sluice.Errorf(sluice.Unauthenticated, "the token has expired, and the run goes on").Fix("ask again with a new one"))
		}
	}
}
