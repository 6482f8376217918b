package sluice

import (
	"context"
	"encoding/json"
	"iter"
)

// RunService executes versions and keeps the record. Running needs the run
// permission in the environment.
type RunService interface {
	// StartRun queues a run and returns it. NotFound; LimitExceeded when the queue is
	// full; Invalid when the input is not what the version takes.
	StartRun(context.Context, StartRunRequest) (Run, error)
	// Run returns one. NotFound.
	Run(ctx context.Context, id string) (Run, error)
	// Runs lists runs, newest first, without inputs and outputs.
	Runs(context.Context, RunQuery) (Page[Run], error)
	// Steps yields the steps of a run by path; an error is the last that it yields.
	// They are read as they are taken, since together they may be large: see
	// [Collect]. NotFound.
	Steps(context.Context, StepQuery) iter.Seq2[RunStep, error]
	// WatchRun follows one run until it has ended: what changed since, then each
	// change. It ends with the context.
	WatchRun(context.Context, WatchRunRequest) iter.Seq2[RunEvent, error]
	// CancelRun ends a run. Conflict when it has ended.
	CancelRun(context.Context, CancelRunRequest) (Run, error)
	// ResumeRun lets a paused or interrupted run go on. Conflict when it is neither;
	// Invalid when the answer is not what was asked for.
	ResumeRun(context.Context, ResumeRunRequest) (Run, error)
	// RunStats sums runs up by version and release.
	RunStats(context.Context, RunQuery) (RunStats, error)
}

// StartRunRequest asks for one run.
type StartRunRequest struct {
	// Component is what runs. Without one Content does, which is not stored as a
	// version; that needs the publish permission besides.
	Component string      `json:"component,omitempty"`
	Content   *RunContent `json:"content,omitempty"`
	// Version is what to run instead of what is live, as [ParseVersionRef] reads it.
	Version string `json:"version,omitempty"`
	// Environment is a name, production#42 or production@TIME. Defaults to the
	// organization's default environment.
	Environment string `json:"environment,omitempty"`
	// Configured loads the environment's variables.
	Configured bool            `json:"configured,omitempty"`
	Input      json.RawMessage `json:"input,omitempty"` // a JSON object
	// Key picks one version of a split, always the same.
	Key string `json:"key,omitempty"`
	// Timeout is in seconds; the run fails when it has not ended by then.
	Timeout  int64             `json:"timeout,omitempty"`
	Callback string            `json:"callback_url,omitempty"` // gets the ended run, by POST
	Session  string            `json:"session,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	// IdempotencyKey makes a retry of the same request return the first run.
	IdempotencyKey string `json:"-"`
}

// RunContent is a version that is not stored.
type RunContent struct {
	Kind  string `json:"kind"`
	Files []File `json:"files"`
}

// RunQuery selects runs.
type RunQuery struct {
	Component   string
	Environment string
	Version     string // as [ParseVersionRef] reads it; needs Component
	Release     int64  // needs Environment
	Status      []RunStatus
	Session     string
	Since       Time // created at or after
	Until       Time // created before
	Text        string
	Paging
}

// StepQuery selects steps of one run.
type StepQuery struct {
	Run  string
	Path string // this step alone
	// After is the path of the last step that is known: only those behind it.
	After string
	// Detail adds settings, outputs and effects.
	Detail bool
}

// WatchRunRequest asks for the changes of one run.
type WatchRunRequest struct {
	Run   string
	After int64 // the [Run.Change] that was seen last
}

// RunEventType is the type of a run's event.
type RunEventType string

// The types of events.
const (
	RunEventRun     RunEventType = "run"     // the run changed
	RunEventStep    RunEventType = "step"    // a step changed
	RunEventPartial RunEventType = "partial" // a step's output grew; seen only where it runs
)

// RunEvent is one change of a run; the field that its type names is set.
type RunEvent struct {
	Type    RunEventType `json:"-"`
	Run     *Run         `json:"run,omitempty"`
	Step    *RunStep     `json:"step,omitempty"`
	Partial *Partial     `json:"partial,omitempty"`
}

// Partial is a piece of an output that is still being written.
type Partial struct {
	Path  string `json:"path"`
	Block string `json:"block"`
	Text  string `json:"text"`
}

// CancelRunRequest ends a run.
type CancelRunRequest struct {
	Run    string `json:"-"`
	Reason string `json:"reason,omitempty"`
}

// ResumeRunRequest lets a run go on. At most one of the fields besides Run and
// Step is set; with none, an interrupted run goes on.
type ResumeRunRequest struct {
	Run string `json:"-"`
	// Step is the path of what waits, where more than one step does.
	Step   string          `json:"step,omitempty"`
	Answer json.RawMessage `json:"answer,omitempty"` // to an ask block
	Retry  bool            `json:"retry,omitempty"`  // do the step again
	Skip   bool            `json:"skip,omitempty"`   // go on without its output
	Result json.RawMessage `json:"result,omitempty"` // go on as if this were its output
}

// RunStats sums runs up.
type RunStats struct {
	Total RunGroup `json:"total"`
	// Groups are one for each version in each release, latest first.
	Groups []RunGroup `json:"groups"`
}

// RunGroup sums up the runs of one version in one release.
type RunGroup struct {
	Component   string `json:"component,omitempty"`
	Version     int    `json:"version,omitempty"`
	Label       Label  `json:"label,omitempty"`
	Environment string `json:"environment,omitempty"`
	Release     int64  `json:"release,omitempty"`
	ReleasedAt  Time   `json:"released_at,omitzero"`
	First       Time   `json:"first,omitzero"`
	Last        Time   `json:"last,omitzero"`
	Runs        int64  `json:"runs"`
	Completed   int64  `json:"completed"`
	Failed      int64  `json:"failed"`
	// ErrorRate is Failed among those that completed or failed, 0 to 1.
	ErrorRate float64 `json:"error_rate"`
	// P50 and P95 are of the durations of ended runs, in microseconds.
	P50   int64 `json:"p50_us"`
	P95   int64 `json:"p95_us"`
	Usage Usage `json:"usage,omitzero"`
}
