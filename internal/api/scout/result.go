package scout

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/budget"
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
}

// result is its member "run", without the state that each block left behind.
type result struct {
	ID         string   `json:"workflow_run_id"`
	Session    string   `json:"session_id"`
	StopReason string   `json:"stop_reason"`
	Errors     []string `json:"errors,omitempty"`

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
	Output   json.RawMessage   `json:"output,omitempty"`
	Status   sluice.StepStatus `json:"status"`
	Error    string            `json:"error,omitempty"`
	Warnings []string          `json:"warnings,omitempty"` // which Scout does not tell
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
	run.Input, run.Output = nil, nil // not held while the blocks are told
	return answerPieces(w, func(write func(string) error) error { return a.writeResult(r.Context(), run, replayed, write) })
}

// writeResult writes how a run ended: block by block, and then what is of the run.
func (a *Adapter) writeResult(ctx context.Context, run running, replayed bool, write func(string) error) error {
	if err := a.writeBlocks(ctx, run.ID, `{"run":{"state":{`, write, stateOf); err != nil {
		return err
	}
	ctx, held := budget.WithScope(ctx)
	defer held.Release()
	now, err := a.Services.Run(ctx, run.ID)
	if err != nil {
		return err
	}
	out := result{
		ID: run.ID, Session: run.session(), StopReason: stopReason(run.Status), Errors: errorsOf(run.Run),
		Environment: run.Environment, Revision: run.revision(), Release: run.Release, Output: now.Output, Status: run.Status,
		Waiting: run.Waiting, Warnings: sluice.WarningTexts(run.Warnings, speech), Replayed: replayed,
	}
	rest, err := encode(out)
	if err != nil {
		return err
	}
	tail, err := encode(executed{Workflow: run.workflow, OutputBlock: run.OutputBlock})
	if err != nil {
		return err
	}
	return write("," + rest[1:] + "," + tail[1:])
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

// stateOf is what a block of a workflow left behind, by its id. Blocks within a loop
// or a nested workflow are part of the one that they are in.
func stateOf(s sluice.RunStep) (string, any) {
	if strings.Contains(s.Path, ".") || s.Status == sluice.StepSkipped {
		return "", nil
	}
	b := blockState{Output: s.Output, Status: s.Status, Warnings: sluice.WarningTexts(s.Warnings, speech)}
	if s.Error != nil {
		b.Error = s.Error.Message
	}
	return s.Block, b
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
	goOn := sluice.Do(sluice.GoOn(r.ID, ""), "")
	return text + " (fix: " + said(&goOn) + ")"
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
