package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sluice-dev/sluice"
)

// noOutput says why a run gave no output, and ends the command.
func (e *env) noOutput(ctx context.Context, r sluice.Run) error {
	why, err := e.explain(ctx, r)
	if err != nil {
		return err
	}
	e.printError(why)
	return failed{runFailed}
}

// explain is whyNot with what happened to the step that a paused run waits at.
func (e *env) explain(ctx context.Context, r sluice.Run) (*sluice.Error, error) {
	if r.Status == sluice.RunPaused && r.Waiting != nil && r.Waiting.Reason != sluice.WaitAnswer && r.Error == nil {
		runs, err := e.runs(ctx)
		if err != nil {
			return nil, err
		}
		steps, err := sluice.Collect(runs.Steps(ctx, sluice.StepQuery{Run: r.ID, Path: r.Waiting.Step}))
		if err != nil {
			return nil, err
		}
		switch {
		case len(steps) == 0:
		case r.Waiting.Reason == sluice.WaitUnknown:
			r.Error = &sluice.RunError{Message: steps[0].Reason}
		default:
			r.Error = steps[0].Error
		}
	}
	return whyNot(r), nil
}

// whyNot says why a run gave no output, and the commands that go on from there.
func whyNot(r sluice.Run) *sluice.Error {
	switch r.Status {
	case sluice.RunPaused:
		return waitsFor(r)
	case sluice.RunInterrupted:
		return sluice.Errorf(sluice.Unavailable, "%s was interrupted: what carried it out is gone", r.Ref()).
			Fix("go on with it: `sluice thread resume %s`", r.ID)
	case sluice.RunCancelled:
		out := sluice.Errorf(sluice.Conflict, "%s was cancelled", r.Ref())
		if r.Error != nil { // who did, and why
			out.Message = r.Ref() + " was " + plain(r.Error.Message)
		}
		return out
	case sluice.RunPending, sluice.RunRunning:
		return sluice.Errorf(sluice.Conflict, "%s has not ended: it is %s", r.Ref(), r.Status).
			Fix("follow it: `sluice thread watch %s`", r.ID)
	}
	return runFault(r)
}

// runFault is the error of a run that failed.
func runFault(r sluice.Run) *sluice.Error {
	if r.Error == nil {
		return sluice.Errorf(sluice.Internal, "%s failed", r.Ref()).Fix("see `sluice thread steps %s`", r.ID)
	}
	code := r.Error.Code
	at := ""
	if r.Error.Step != "" {
		at = fmt.Sprintf(" at step %s (%s)", r.Error.Step, r.Error.Block)
	}
	out := sluice.Errorf(code, "%s failed%s: %s", r.Ref(), at, plain(r.Error.Message))
	for _, fix := range r.Error.Fixes {
		out = out.Advise(fix.Mapped(plain))
	}
	if r.Error.Step != "" {
		out = out.Fix("see what it was given: `sluice thread steps %s --step %s --detail`", r.ID, r.Error.Step)
	}
	return out
}

// waitsFor says what a paused run waits for, with the exact commands that let it
// go on.
func waitsFor(r sluice.Run) *sluice.Error {
	w := r.Waiting
	if w == nil {
		return sluice.Errorf(sluice.Conflict, "%s is paused", r.Ref()).Fix("go on with it: `sluice thread resume %s`", r.ID)
	}
	at := fmt.Sprintf("%s is paused at step %s (%s)", r.Ref(), w.Step, w.Block)
	resume := "sluice thread resume " + r.ID
	switch w.Reason {
	case sluice.WaitAnswer:
		out := sluice.Errorf(sluice.Conflict, "%s, which asks: %s", at, plain(w.Prompt))
		if len(w.Options) > 0 {
			out.Message += " (" + plain(strings.Join(w.Options, ", ")) + ")"
		}
		return out.Fix("answer: `%s --answer %s`", resume, exampleAnswer(*w))
	case sluice.WaitError:
		out := sluice.Errorf(sluice.Conflict, "%s, which failed", at)
		if r.Error != nil {
			out.Message += ": " + plain(r.Error.Message)
		}
		return out.Fix("do it again: `%s --retry`", resume).
			Fix("go on without it: `%s --skip`, or with an output of yours: `%s --result JSON`", resume, resume)
	}
	if r.Error != nil && r.Error.Message != "" {
		at += ": " + plain(r.Error.Message)
	}
	return sluice.Errorf(sluice.Conflict, "%s; whether its effect has happened is not known", at).
		Fix("see what it was about to do: `sluice thread steps %s --step %s --detail`", r.ID, w.Step).
		Fix("if it has not happened: `%s --retry`; if it has: `%s --skip`, or with its output: `%s --result JSON`", resume, resume, resume)
}

// exampleAnswer is an answer of the kind that is asked for, as it is typed.
func exampleAnswer(w sluice.Waiting) string {
	switch {
	case len(w.Options) > 0:
		return quoted(w.Options[0])
	case len(w.Default) > 0 && string(w.Default) != "null":
		var text string
		if json.Unmarshal(w.Default, &text) == nil {
			return quoted(text)
		}
		return quoted(string(w.Default))
	}
	switch w.Type {
	case "number":
		return "1"
	case "boolean":
		return "true"
	case "json":
		return "'{}'"
	}
	return `"TEXT"`
}

// quoted is a word for the shell.
func quoted(s string) string {
	s = plain(s)
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:+,@%") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
