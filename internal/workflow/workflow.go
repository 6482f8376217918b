// Package workflow reads what can run: workflow files in three forms, prompt
// files and scripts. All become one graph of blocks, checked as a whole, so that
// whoever runs it need not ask how it was written. It runs nothing; templates and
// scripts are parsed by the evaluator that it is given.
package workflow

import (
	"encoding/json"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
)

// Bounds on one workflow.
const (
	MaxBlocks      = 500 // bodies of foreach included
	MaxConcurrency = 64  // of a foreach
	MaxAttempts    = 20
)

// Workflow is what runs.
type Workflow struct {
	Name        string
	Description string
	// Inputs is the JSON Schema of the input, of type object; nil takes anything.
	Inputs json.RawMessage
	// Blocks are in the order of the file, which is that of their paths.
	Blocks []*Block
	// Output is what the run answers with. Without one it is the output of
	// OutputBlock, or with Each that of all blocks that ran, by id.
	Output      *Template
	OutputBlock string
	Each        bool
	// Choices are the mappings of an ensemble's output that has several. The run answers
	// with the first whose condition holds, and with null where none does.
	Choices []Choice
	// Needs are what the file asks for and Sluice does not have, each with its place, such
	// as an operation that sends mail. What needs anything is kept, and does not run.
	Needs []sluice.Mistake
	// Notes say what of the file is kept and has no effect here.
	Notes []sluice.Mistake
	// Ensemble says that templates see what ensembles do: the answer of an agent by the
	// name of its field, and what a request brings, which here is the input.
	Ensemble bool
	// InputName is what templates call the input: inputs, and in an ensemble input.
	InputName string
	// Spread says that templates see the fields of the input by name as well, where
	// nothing else has it: in a prompt or a script that runs by itself.
	Spread bool

	variables []string // see Variables
	input     *ValueSchema
	file      string // that it was read from
	words     words  // of the form that its author used
}

// Choice is one mapping of an output, with the condition under which it counts.
type Choice struct {
	When  *Template // nil for always
	Value *Template
}

// Template is a tree whose strings may be templates.
type Template struct {
	Tree    any
	Dialect expr.Dialect
	// Plain says that no string of it is a template.
	Plain bool
	// Roots are the names that it refers to, sorted: all that its scope must hold. Of
	// the variables, Env are those that it names, and AllEnv says that it takes others.
	Roots  []string
	Env    []string
	AllEnv bool
	// Truthy says that a condition holds by JavaScript's rules: any value is true or false.
	Truthy bool
}

// Kind is the kind of a block.
type Kind string

// The kinds of blocks.
const (
	HTTP       Kind = "http"
	LLM        Kind = "llm"
	Prompt     Kind = "prompt" // renders, and where a model is named has it answer
	Text       Kind = "template"
	Script     Kind = "script"
	Condition  Kind = "condition"
	ContinueIf Kind = "continue_if"
	StopIf     Kind = "stop_if"
	Foreach    Kind = "foreach"
	Reduce     Kind = "reduce"
	Call       Kind = "workflow"
	Delay      Kind = "delay"
	Ask        Kind = "ask"
	Echo       Kind = "echo"
	Fail       Kind = "fail"
)

// Block is one node of the graph.
type Block struct {
	ID   string
	Kind Kind
	// Name is what people call it, where that is not its ID.
	Name string
	// Index is its place in its list, from 0.
	Index int
	// Needs are the blocks of the same list that it waits for, by index, sorted:
	// those it names, those its templates refer to, and a condition that may choose it.
	Needs []int
	// Asks says that it asks of one of them whether it was executed or skipped, and so
	// runs also where all of them were skipped.
	Asks bool
	// When is a template that must be true, nil for always.
	When    *Template
	Retry   Retry
	Timeout time.Duration // 0 for the kind's own
	OnError OnError
	// Settings are the kind's own, a tree whose top is a map of their names.
	Settings Template
	// Raw are settings that are never templates: code, schemas.
	Raw map[string]any
	// OnTrue and OnFalse are the blocks, by index, that a condition chooses.
	OnTrue, OnFalse []int
	// Body are the blocks of a foreach, and Result what an iteration gives, which
	// without one is the output of the body's last block that ran. Of a reduce, Result
	// is the next accumulator.
	Body   []*Block
	Result *Template
	// Calls is the component that it runs, as the file refers to it; a template of
	// inputs and env alone.
	Calls *Template
	// Answer is the field of an agent's output that holds its answer, where that is a text.
	Answer string

	Line, Column int // where it begins, from 1
}

// Retry says how often a failed block is tried.
type Retry struct {
	Attempts int           // in all; 1 for once
	Backoff  time.Duration // before the second, doubled for each further one
	// On are the failures worth another try: timeout, connection, rate_limit, server,
	// error (any), or an HTTP status. Empty: timeout, connection, rate_limit, server.
	On []string
}

// Mode is what becomes of a block's last failure.
type Mode string

// The modes.
const (
	FailRun  Mode = "fail"     // the run fails
	Ignore   Mode = "ignore"   // the run goes on without an output
	Pause    Mode = "pause"    // the run waits for a person
	Fallback Mode = "fallback" // the run goes on with another output
)

// OnError is what becomes of a block's last failure.
type OnError struct {
	Mode     Mode // FailRun unless said otherwise
	Fallback Template
}
