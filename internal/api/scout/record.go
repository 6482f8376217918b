package scout

import (
	"encoding/json"
	"time"

	"github.com/sluice-dev/sluice"
)

// runLog is the record of one run, without its blocks.
type runLog struct {
	DisplayName string           `json:"workflow_display_name"`
	Run         string           `json:"workflow_run_id"`
	Workflow    string           `json:"workflow_id"`
	Status      sluice.RunStatus `json:"status"`
	Session     string           `json:"session_id"`
	Environment string           `json:"environment"`
	Revision    string           `json:"revision_id"`
	Cost        float64          `json:"cost"`
	Output      json.RawMessage  `json:"output,omitempty"`
	Elapsed     float64          `json:"elapsed_time_ms"`
	Start       sluice.Time      `json:"timestamp_start,omitzero"`
	End         sluice.Time      `json:"timestamp_end,omitzero"`
	Message     string           `json:"message,omitempty"`

	// What Scout does not tell.
	Inputs   json.RawMessage `json:"inputs,omitempty"`
	Release  int64           `json:"release"`
	Actor    string          `json:"actor"`
	Warnings []string        `json:"warnings,omitempty"`
}

// summary is the record of a run without what its blocks did.
type summary struct {
	runLog
	Blocks map[string]blockRun `json:"blocks"`
}

// blockRun is the record of one block.
type blockRun struct {
	Archetype   string          `json:"block_archetype_id"`
	Type        string          `json:"block_type"`
	Block       string          `json:"block_id"`
	DisplayName string          `json:"block_display_name"`
	Inputs      json.RawMessage `json:"block_inputs"`
	Output      json.RawMessage `json:"block_output,omitempty"`
	Config      struct{}        `json:"config"`
	Elapsed     float64         `json:"elapsed_time_ms"`
	Cost        float64         `json:"cost"`
	Message     string          `json:"message,omitempty"`
	Status      string          `json:"status"`
	Start       sluice.Time     `json:"timestamp_start,omitzero"`
	End         sluice.Time     `json:"timestamp_end,omitzero"`
	Warnings    []string        `json:"warnings,omitempty"` // which Scout does not tell
}

// logOf is the record of a run without its blocks.
func logOf(r sluice.Run, name string) runLog {
	as := running{r, workflowOf(r)}
	if name == "" {
		name = as.workflow
	}
	out := runLog{
		DisplayName: name, Run: r.ID, Workflow: as.workflow, Status: r.Status, Session: as.session(), Environment: r.Environment,
		Revision: as.revision(), Cost: r.Usage.Cost, Output: r.Output, Start: r.CreatedAt, End: r.EndedAt,
		Elapsed: float64(r.Duration(sluice.TimeOf(time.Now()))) / 1000, Inputs: r.Input, Release: r.Release, Actor: r.Actor,
		Warnings: sluice.WarningTexts(r.Warnings, speech),
	}
	if errs := errorsOf(r); len(errs) > 0 {
		out.Message = errs[0]
	}
	return out
}

// blockOf is the record of a step.
func blockOf(s sluice.RunStep) blockRun {
	out := blockRun{
		Archetype: s.Kind, Type: s.Kind, Block: s.Block, DisplayName: s.Block, Inputs: orObject(s.Settings), Output: s.Output,
		Cost: s.Usage.Cost, Status: string(s.Status), Start: s.StartedAt, End: s.EndedAt,
		Warnings: sluice.WarningTexts(s.Warnings, speech),
	}
	if s.EndedAt > 0 && s.StartedAt > 0 {
		out.Elapsed = float64(s.EndedAt-s.StartedAt) / 1000
	}
	if s.Status == sluice.StepCompleted {
		out.Status = "success" // as Scout calls it
	}
	if s.Error != nil {
		out.Message = because(*s.Error)
	}
	return out
}

// workflowOf is the workflow that a run was asked of, also where it ran a draft.
func workflowOf(r sluice.Run) string {
	if r.Component == "" {
		return r.Metadata[workflowKey]
	}
	return r.Component
}
