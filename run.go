package sluice

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Bounds on runs.
const (
	MaxInputBytes  = 4 << 20  // of a run's input, and of a typed answer
	MaxOutputBytes = 16 << 20 // of one step's output, and of a run's
	MaxSteps       = 10_000   // of one run, iterations and nested workflows included
	MaxDepth       = 8        // of workflows that call workflows
)

// RunStatus says where a run stands.
type RunStatus string

// The statuses of runs.
const (
	RunPending   RunStatus = "pending"   // nobody has begun it
	RunRunning   RunStatus = "running"   // a worker carries it out
	RunPaused    RunStatus = "paused"    // it waits for a person: see [Run.Waiting]
	RunCompleted RunStatus = "completed" // it ended, with an output
	RunFailed    RunStatus = "failed"    // it ended, with an error
	RunCancelled RunStatus = "cancelled" // someone ended it
	// RunInterrupted is a run whose worker is gone. A server goes on with it by
	// itself, and without one `sluice thread resume` does.
	RunInterrupted RunStatus = "interrupted"
)

// RunStatuses are all statuses.
func RunStatuses() []RunStatus {
	return []RunStatus{RunPending, RunRunning, RunPaused, RunCompleted, RunFailed, RunCancelled, RunInterrupted}
}

// ParseRunStatus reads the name of a status. Invalid, with all of them.
func ParseRunStatus(s string) (RunStatus, error) {
	if status := RunStatus(s); slices.Contains(RunStatuses(), status) {
		return status, nil
	}
	return "", Errorf(Invalid, "%q is not the status of a run", s).Fix("choose one of %s", Listing(words(RunStatuses()), 10))
}

func words[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return out
}

// Ended says that nothing will change any more.
func (s RunStatus) Ended() bool {
	return s == RunCompleted || s == RunFailed || s == RunCancelled
}

// Run is one execution of one version, and the record of it. Secrets stand in no
// part of it: where one was, its name stands in «».
type Run struct {
	ID        string `json:"id"`
	Component string `json:"component,omitempty"` // empty when the content was not stored
	Kind      string `json:"kind"`
	Pin
	// Environment is where it ran, and Release the release whose versions and plain
	// variables it took.
	Environment string `json:"environment"`
	Release     int64  `json:"release"`
	Epoch       int64  `json:"epoch"`
	Root        Digest `json:"root"`
	// Configured says that the environment's variables were loaded.
	Configured bool `json:"configured"`
	// Components are the versions of all components that take part, by name.
	Components []RunPin `json:"components,omitempty"`
	// Variables are those that were loaded, without their values.
	Variables []RunVariable `json:"variables,omitempty"`

	Status RunStatus       `json:"status"`
	Input  json.RawMessage `json:"input,omitempty"`
	Output json.RawMessage `json:"output,omitempty"`
	Error  *RunError       `json:"error,omitempty"`
	// Waiting says what a paused run waits for.
	Waiting *Waiting `json:"waiting,omitempty"`
	// OutputBlock is the block whose output is the run's, where one is.
	OutputBlock string `json:"output_block,omitempty"`

	Actor     string `json:"actor"`
	CreatedAt Time   `json:"created_at"`
	StartedAt Time   `json:"started_at,omitzero"`
	EndedAt   Time   `json:"ended_at,omitzero"`
	// Deadline is when it fails unless it has ended.
	Deadline Time `json:"deadline,omitzero"`

	Steps  int   `json:"steps"` // that have begun
	Usage  Usage `json:"usage,omitzero"`
	Change int64 `json:"change"` // grows with each change of the run or of a step

	Session  string            `json:"session,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Callback string            `json:"callback_url,omitempty"`
	// Resumed are the times at which it went on after a pause.
	Resumed []Resumption `json:"resumed,omitempty"`
	// Warnings say what the reader should know, such as that no configuration was loaded.
	Warnings []RunWarning `json:"warnings,omitempty"`
	Replayed bool         `json:"replayed,omitempty"` // the answer to an earlier try
}

// Ref names the version that ran.
func (r Run) Ref() string {
	if r.Component == "" {
		return string(r.Kind) + " that is not stored"
	}
	return r.Component + "@" + r.Pin.String()
}

// RunPin is one component as a run takes it.
type RunPin struct {
	// Asked is how the file refers to it, such as my-prompt or my-prompt@v1.0.0.
	Asked     string `json:"asked"`
	Component string `json:"component"`
	Kind      string `json:"kind"`
	Pin
}

// RunVariable is a variable as a run takes it.
type RunVariable struct {
	Key         string `json:"key"`
	Component   string `json:"component,omitempty"` // whose overlay it is
	Fingerprint string `json:"fingerprint"`
	Secret      bool   `json:"secret,omitempty"`
}

// RunError says why a run or a step failed.
type RunError struct {
	Code    Code     `json:"code"`
	Message string   `json:"message"`
	Step    string   `json:"step,omitempty"`  // its path
	Block   string   `json:"block,omitempty"` // its id
	Fixes   []Advice `json:"fixes,omitempty"`
}

// Usage adds up what language models took.
type Usage struct {
	InputTokens  int64 `json:"input_tokens,omitempty"`
	OutputTokens int64 `json:"output_tokens,omitempty"`
	// Cost is in US dollars, as far as prices are known.
	Cost float64 `json:"cost,omitempty"`
}

// Add adds other usage.
func (u *Usage) Add(o Usage) {
	u.InputTokens += o.InputTokens
	u.OutputTokens += o.OutputTokens
	u.Cost += o.Cost
}

// WaitReason says why a run is paused.
type WaitReason string

// The reasons.
const (
	WaitAnswer  WaitReason = "answer"  // an ask block waits for a person
	WaitError   WaitReason = "error"   // a block failed whose author said to pause
	WaitUnknown WaitReason = "unknown" // whether a block's effect has happened is not known
)

// Waiting is what a paused run waits for.
type Waiting struct {
	Reason WaitReason `json:"reason"`
	Step   string     `json:"step"` // the path
	Block  string     `json:"block"`
	Since  Time       `json:"since"`
	// Prompt, Type and Options are an ask block's question. Type is text, number,
	// boolean, choice or json.
	Prompt  string          `json:"prompt,omitempty"`
	Type    string          `json:"type,omitempty"`
	Options []string        `json:"options,omitempty"`
	Default json.RawMessage `json:"default,omitempty"`
	Until   Time            `json:"until,omitzero"` // when it stops waiting
}

// Resumption is one time at which a run went on.
type Resumption struct {
	At    Time   `json:"at"`
	Actor string `json:"actor"`
	How   string `json:"how"` // answer, retry, skip, result or continue
	Step  string `json:"step,omitempty"`
	// Secrets are the keys of secrets that have another value than at the start.
	Secrets []string `json:"secrets,omitempty"`
}

// StepStatus says where a step stands.
type StepStatus string

// The statuses of steps.
const (
	StepRunning   StepStatus = "running"
	StepWaiting   StepStatus = "waiting"   // for a person, or for a time
	StepCompleted StepStatus = "completed" // with an output
	StepFailed    StepStatus = "failed"
	StepIgnored   StepStatus = "ignored" // failed, and the author said to go on
	StepSkipped   StepStatus = "skipped" // see [RunStep.Reason]
	StepCancelled StepStatus = "cancelled"
	StepUnknown   StepStatus = "unknown" // begun, and whether it took effect is not known
)

// Ended says that the step will not change unless someone resumes the run.
func (s StepStatus) Ended() bool {
	return s == StepCompleted || s == StepFailed || s == StepIgnored || s == StepSkipped || s == StepCancelled
}

// RunStep is one block as it ran.
type RunStep struct {
	// Path is where it stands: the block's place in its list, and in an iteration or
	// a nested workflow those of what it is in before it: 1.0.2.
	Path      string          `json:"path"`
	Block     string          `json:"block"`
	Kind      string          `json:"kind"`
	Component string          `json:"component,omitempty"` // as component@version, where it runs one
	Status    StepStatus      `json:"status"`
	Reason    string          `json:"reason,omitempty"` // why it was skipped, or goes on after an error
	Attempts  int             `json:"attempts"`
	StartedAt Time            `json:"started_at,omitzero"`
	EndedAt   Time            `json:"ended_at,omitzero"`
	WakeAt    Time            `json:"wake_at,omitzero"` // when a delay or the pause before a retry ends
	Settings  json.RawMessage `json:"settings,omitempty"`
	Output    json.RawMessage `json:"output,omitempty"`
	// Extra are fields beside the output, such as an HTTP status.
	Extra json.RawMessage `json:"extra,omitempty"`
	Error *RunError       `json:"error,omitempty"`
	Usage Usage           `json:"usage,omitzero"`
	// Warnings are what the reader should know of a step that completed, such as that
	// a model's answer was cut.
	Warnings []RunWarning `json:"warnings,omitempty"`
	Change   int64        `json:"change"` // the run's, when it last changed
	Effects  []Effect     `json:"effects,omitempty"`
}

// CompareStepPaths orders the paths of steps number by number, a step before those
// that are in it. It returns a negative number, 0 or a positive one.
func CompareStepPaths(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		m, _ := strconv.Atoi(x)
		n, _ := strconv.Atoi(y)
		return cmp.Compare(m, n)
	})
}

// EffectKind is the kind of an outside effect.
type EffectKind string

// The kinds of effects.
const (
	EffectHTTP   EffectKind = "http"
	EffectLLM    EffectKind = "llm"
	EffectClock  EffectKind = "clock"  // the time that templates and scripts saw
	EffectRandom EffectKind = "random" // the seed that they drew from
	EffectAnswer EffectKind = "answer" // a person's
)

// Effect is what a step read from the outside or did to it: the tape that a
// replay reads.
type Effect struct {
	N        int             `json:"n"` // grows within the step
	Attempt  int             `json:"attempt"`
	Kind     EffectKind      `json:"kind"`
	At       Time            `json:"at"`
	Duration int64           `json:"duration_us"`
	Request  json.RawMessage `json:"request,omitempty"`
	Response json.RawMessage `json:"response,omitempty"`
	Error    string          `json:"error,omitempty"`
}

// Duration is how long a run took, or has taken by now, in microseconds.
func (r Run) Duration(now Time) int64 {
	switch {
	case r.StartedAt == 0:
		return 0
	case r.EndedAt != 0:
		return int64(r.EndedAt - r.StartedAt)
	default:
		return int64(max(now-r.StartedAt, 0))
	}
}
