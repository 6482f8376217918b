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
	Elapsed     int64            `json:"elapsed_time_ms"`
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
	Config      json.RawMessage `json:"config"`
	Metadata    eventData       `json:"metadata"`
	Elapsed     int64           `json:"elapsed_time_ms"`
	Cost        float64         `json:"cost"`
	Message     string          `json:"message,omitempty"`
	Status      string          `json:"status"`
	Start       sluice.Time     `json:"timestamp_start,omitzero"`
	End         sluice.Time     `json:"timestamp_end,omitzero"`
	Warnings    []string        `json:"warnings,omitempty"` // which Scout does not tell
}

// logOf is the record of a run without its blocks.
func logOf(r sluice.Run, name string) runLog {
	as := running{Run: r, workflow: workflowOf(r)}
	if name == "" {
		name = as.workflow
	}
	out := runLog{
		DisplayName: name, Run: r.ID, Workflow: as.workflow, Status: r.Status, Session: as.session(), Environment: r.Environment,
		Revision: as.revision(), Cost: r.Usage.Cost, Output: r.Output, Start: r.CreatedAt, End: r.EndedAt,
		Elapsed: milliseconds(r.Duration(sluice.TimeOf(time.Now()))), Inputs: r.Input, Release: r.Release, Actor: r.Actor,
		Warnings: sluice.WarningTexts(r.Warnings, speech),
	}
	if errs := errorsOf(r); len(errs) > 0 {
		out.Message = errs[0]
	}
	return out
}

// blockOf is the record of a step, and of its block as its author wrote it.
func blockOf(s sluice.RunStep, wrote authored) blockRun {
	out := blockRun{
		Archetype: wrote.Archetype, Type: s.Kind, Block: s.Block, DisplayName: wrote.DisplayName, Inputs: orObject(s.Settings), Output: s.Output,
		Config: wrote.whole, Metadata: metadataOf(s),
		Cost: s.Usage.Cost, Status: string(s.Status), Start: s.StartedAt, End: s.EndedAt,
		Warnings: sluice.WarningTexts(s.Warnings, speech),
	}
	if s.EndedAt > 0 && s.StartedAt > 0 {
		out.Elapsed = milliseconds(int64(s.EndedAt - s.StartedAt))
	}
	if s.Status == sluice.StepCompleted {
		out.Status = "success" // as Scout calls it
	}
	if s.Error != nil {
		out.Message = because(*s.Error)
	}
	return out
}

// milliseconds are a time as Scout counts it: whole, and never rounded down to nothing.
func milliseconds(microseconds int64) int64 { return (microseconds + 999) / 1000 }

// metadataOf is what is known of a step besides its output; of a model, the tokens too.
func metadataOf(s sluice.RunStep) eventData {
	out := eventData{"status": s.Status, "attempts": s.Attempts}
	if tokens := s.Usage.InputTokens + s.Usage.OutputTokens; tokens > 0 {
		out["input_tokens"], out["output_tokens"], out["total_tokens"] = s.Usage.InputTokens, s.Usage.OutputTokens, tokens
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
