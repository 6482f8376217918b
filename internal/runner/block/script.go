package block

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
)

// maxScriptMemory is the most that a script can ask for, in MiB.
const maxScriptMemory = 1024

// runScript runs the code over its input, or over the whole scope without one.
// Extra holds logs, the lines that it wrote.
func runScript(ctx context.Context, call Call) (Result, error) {
	code, is := call.Raw["code"].(string)
	if !is {
		return Result{}, Failf(sluice.Invalid, "the script has no code").Fix("give the block code, or the component of a script")
	}
	scope := call.Scope
	if call.Settings.Get("input") != nil {
		input, err := call.pairs("input")
		if err != nil {
			return Result{}, err
		}
		scope = input
	}
	limits := expr.Limits{}
	if deadline, set := ctx.Deadline(); set {
		limits.Time = max(time.Until(deadline), time.Millisecond)
	}
	if memory, set, err := call.integer("memory_mb"); err != nil {
		return Result{}, err
	} else if set {
		limits.Memory = min(max(memory, 1), maxScriptMemory) << 20
	}
	ran, err := call.Eval.Run(ctx, expr.Script{Code: code, Scope: scope, Now: int64(call.Now), Seed: call.Seed, Limits: limits})
	if err != nil {
		return Result{}, evaluationError("the script", err)
	}
	logs := make([]any, len(ran.Logs))
	for i, line := range ran.Logs {
		logs[i] = line
	}
	return Result{Output: ran.Value, Extra: value.Pairs("logs", logs)}, nil
}

// evaluationError says what is wrong with a text or a script that belongs to what.
func evaluationError(what string, err error) *Error {
	var problem *expr.Problem
	switch {
	case errors.As(err, &problem):
	case errors.Is(err, context.DeadlineExceeded):
		failed := Failf(sluice.TimedOut, "%s took longer than it may", what).Fix("raise the block's timeout")
		failed.Class = "timeout"
		return failed
	case errors.Is(err, context.Canceled):
		return Failf(sluice.TimedOut, "%s was stopped with its run", what)
	default:
		known := sluice.AsError(err)
		return &Error{Code: known.Code, Message: what + ": " + known.Message, Fixes: known.Fixes, Class: "error"}
	}
	failed := Failf(sluice.Invalid, "%s: %s", what, problem.Error())
	switch problem.Kind {
	case expr.Time:
		failed.Code, failed.Class = sluice.TimedOut, "timeout"
	case expr.Memory, expr.Output:
		failed.Code = sluice.LimitExceeded
	case expr.Internal:
		failed.Code = sluice.Internal
	}
	if problem.Fix != "" {
		failed.Fixes = append(failed.Fixes, sluice.Advise("%s", problem.Fix))
	}
	return failed
}
