// Package block holds the kinds of blocks that do something by themselves, one
// kind in each file. A block is given rendered settings and answers with an
// output; what it does to the outside it puts on the tape. Graphs, iterations,
// pauses and nested workflows are the runner's business, not that of a block.
package block

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
)

// Call is one attempt at one step.
type Call struct {
	// Settings are the kind's, rendered, and Raw those that are never templates.
	Settings *value.Object
	Raw      map[string]any
	// Scope is what templates see: for prompts and scripts, which bring their own.
	Scope *value.Object
	// Env are the environment's variables by key; empty when none were loaded.
	Env map[string]string
	// Environment is the name of the environment, for what is said to people.
	Environment string
	// Prompt is the prompt component that the block names, nil without one.
	Prompt *Prompt
	// Attempt counts from 1. Key is the same for all attempts at this step of this
	// run, and no other: it is sent as the idempotency key.
	Attempt int
	Key     string
	// Now and Seed are the clock and the random source of templates and scripts.
	Now  sluice.Time
	Seed int64
	// Client carries requests out; it refuses forbidden addresses.
	Client *http.Client
	Eval   expr.Evaluator
	// Hide takes secrets out of a text that is going to be cut short, since a part of
	// one is not recognised. Nil hides nothing.
	Hide func(text string) string
	// Take takes memory before an answer is put into it; the attempt has it until its
	// end. An error ends the attempt and the run. Nil takes any.
	Take func(bytes int64) error
	// Record puts an effect on the tape, and Partial shows a piece of the output that
	// is still being written. Neither is nil.
	Record  func(sluice.Effect)
	Partial func(text string)
}

func (c Call) hidden(text string) string {
	if c.Hide == nil {
		return text
	}
	return c.Hide(text)
}

func (c Call) take(bytes int64) error {
	if c.Take == nil {
		return nil
	}
	return c.Take(bytes)
}

// Prompt is a prompt component as a block uses it.
type Prompt struct {
	Ref string // as component@version
	// Model and Parameters are what its front matter names, such as temperature.
	Model      string
	Parameters *value.Object
	// Messages are role and content; contents are templates.
	Messages []Message
	Schema   *value.Object // of the answer, nil for text
}

// Message is one message of a conversation.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Result is what an attempt gave.
type Result struct {
	Output any
	// Extra are further fields beside the output, such as an HTTP status.
	Extra *value.Object
	Usage sluice.Usage
	// Warnings are what is wrong with the output, without a step.
	Warnings []sluice.RunWarning
}

// Error is a failed attempt.
type Error struct {
	Code    sluice.Code
	Message string
	Fixes   []sluice.Advice
	// Class is what [workflow.Retry.On] calls it: timeout, connection, rate_limit,
	// server, or error.
	Class string
	// Status is the HTTP status, 0 without one.
	Status int
	// RetryAfter is how long the other side asked to wait.
	RetryAfter time.Duration
	// Sent says that the other side may have acted on it.
	Sent bool
}

// Error is the message alone.
func (e *Error) Error() string { return e.Message }

// Failf returns an Error of class error.
func Failf(code sluice.Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Class: "error"}
}

// Fix adds a sentence that tells what to do next.
func (e *Error) Fix(format string, args ...any) *Error {
	e.Fixes = append(e.Fixes, sluice.Advise(format, args...))
	return e
}

// Do adds an operation that helps; see [sluice.Do].
func (e *Error) Do(op sluice.Operation, format string, args ...any) *Error {
	e.Fixes = append(e.Fixes, sluice.Do(op, format, args...))
	return e
}

// Effects says what may be repeated.
type Effects int

// What may be repeated.
const (
	None       Effects = iota // it touches nothing outside: repeat it at will
	Repeatable                // doing it twice is as doing it once, or costs money alone
	Once                      // whether it happened must be known before it is done again
)

// Kind is one kind of block.
type Kind struct {
	// Run makes one attempt.
	Run func(context.Context, Call) (Result, error)
	// Effects says what may be repeated, from the rendered settings.
	Effects func(settings *value.Object) Effects
	// Timeout is how long an attempt may take unless the block says otherwise.
	Timeout time.Duration
}
