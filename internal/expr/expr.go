// Package expr evaluates what workflows hold: Jinja templates, JavaScript
// expressions inside text, and scripts. It says which names a text refers to,
// fills in whole trees of strings, and runs script bodies, all over JSON values
// and with a clock and random numbers that the caller sets, so that an
// evaluation can be repeated.
//
// Evaluation happens in whatever process it is called in. A text may come from
// anyone who can publish, and no engine in the same process can be kept from
// looping or from filling the memory: servers therefore evaluate, and check, in
// the processes of package sandbox, which call [Direct] in turn. This package
// never reads files, the network, the clock or the environment.
package expr

import (
	"context"
	"time"

	"github.com/sluice-dev/sluice/internal/value"
)

// Dialect says how a text is read.
type Dialect string

// The dialects.
const (
	// Jinja has {{ expression }} and {% statement %} in any string.
	Jinja Dialect = "jinja"
	// JavaScript has ${ expression } in any string; \${ stands for ${ itself.
	JavaScript Dialect = "javascript"
	// ScriptBody is the body of a JavaScript function, which returns a value. It
	// can be checked and run, and is no dialect to render a tree in.
	ScriptBody Dialect = "script"
)

// Text is one string to check.
type Text struct {
	Text    string  `json:"text"`
	Dialect Dialect `json:"dialect"`
}

// Reference is a name that a text uses and does not bind itself, by a loop, a
// set, a parameter or a declaration. Of `classify.output.tier`, the root is
// classify and the path output, tier. A path ends before the first index that
// is only known when it runs, and before a call: of `name.trim()`, it is empty.
type Reference struct {
	Root string   `json:"root"`
	Path []string `json:"path,omitempty"`
	// Shared says that every text has something of that name, such as datetime, which
	// counts where the scope has nothing.
	Shared bool `json:"shared,omitempty"`
}

// Checked is what can be said of a text before it runs.
type Checked struct {
	// References are sorted and without repeats. Names that every text has, such
	// as now in Jinja and Math in JavaScript, are left out.
	References []Reference `json:"references,omitempty"`
	// Static is true of a text without any template in it, which is its own value.
	Static bool `json:"static,omitempty"`
	// Problem is why the text cannot be read: a syntax error. Nil when it can.
	Problem *Problem `json:"problem,omitempty"`
}

// Limits bound one evaluation. Zero values mean the defaults.
type Limits struct {
	// Time is how long a sandbox lets it take. Defaults to 1 s. [Direct] does not
	// watch the time.
	Time time.Duration `json:"time,omitempty"`
	// Memory is how many bytes a sandbox lets it use. Defaults to 128 MiB. [Direct]
	// does not watch the memory.
	Memory int64 `json:"memory,omitempty"`
	// Output is how many bytes the JSON of the result may have. Defaults to 4 MiB.
	Output int `json:"output,omitempty"`
}

// The limits of evaluations that set none.
const (
	DefaultTime   = time.Second
	DefaultMemory = 128 << 20 // bytes
	DefaultOutput = 4 << 20   // bytes
)

// WithDefaults fills in what is not set.
func (l Limits) WithDefaults() Limits {
	if l.Time <= 0 {
		l.Time = DefaultTime
	}
	if l.Memory <= 0 {
		l.Memory = DefaultMemory
	}
	if l.Output <= 0 {
		l.Output = DefaultOutput
	}
	return l
}

// Render asks for a tree with every string in it filled in. Keys of maps stay
// as they are.
//
// Trees and scopes are values as package value has them; anything else is a [Type]
// problem. What a tree or scope holds and nothing works on comes back as it is:
// objects in their order, and numbers with their digits.
type Render struct {
	Tree    any           `json:"-"`
	Dialect Dialect       `json:"dialect"` // Jinja or JavaScript
	Scope   *value.Object `json:"-"`
	Now     int64         `json:"now,omitempty"`  // microseconds since 1970 UTC: what clocks show
	Seed    int64         `json:"seed,omitempty"` // of random numbers
	Limits  Limits        `json:"limits"`
}

// Rendered is a filled-in tree.
type Rendered struct {
	Tree any  `json:"-"`
	Uses Uses `json:"uses"`
}

// Uses says what of the outside an evaluation used. With the same scope, Now and
// Seed, and without these also with any other Now and Seed, it gives the same.
type Uses struct {
	Clock  bool `json:"clock,omitempty"`  // the clock was read
	Random int  `json:"random,omitempty"` // how many random numbers were drawn
}

// Script asks for a script to be run. The entries of the scope are its variables.
type Script struct {
	Code   string        `json:"code"`
	Scope  *value.Object `json:"-"`
	Now    int64         `json:"now,omitempty"` // as in Render
	Seed   int64         `json:"seed,omitempty"`
	Limits Limits        `json:"limits"`
}

// Result is what a script returned and logged.
type Result struct {
	Value any `json:"-"`
	// Logs are the lines of console.log and its kin: at most [MaxLogs], each of at
	// most [MaxLogLine] bytes.
	Logs []string `json:"logs,omitempty"`
	Uses Uses     `json:"uses"`
}

// The bounds of what a script can log. More lines are dropped, and longer ones cut.
const (
	MaxLogs    = 100
	MaxLogLine = 1000 // bytes
)

// Evaluator checks and evaluates. [Direct] does so in this process and
// sandbox.Pool in processes that can be stopped. What is wrong with the text or
// its values is a *[Problem]; other errors are of the evaluator itself, such as
// the end of the context.
type Evaluator interface {
	// Check gives one answer for each text, in order; what is wrong with a text is
	// in its answer. A Problem as the error means that several texts could not be
	// read within time and memory.
	Check(ctx context.Context, texts []Text) ([]Checked, error)
	// Render fills in every string of a tree. The Problem's path says which failed;
	// lists and objects are filled in in their order.
	Render(ctx context.Context, render Render) (Rendered, error)
	// Run runs a script.
	Run(ctx context.Context, script Script) (Result, error)
	// For returns the evaluator for one run. Where evaluations have to wait, those of
	// several runs take turns, and none that is asked for without a run waits for them.
	For(run string) Evaluator
}
