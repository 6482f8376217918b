package block

import (
	"context"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
)

// runCondition answers with {evaluated_condition: bool}. What follows from it,
// which blocks are taken or that the run stops, is done by whoever asked.
func runCondition(_ context.Context, call Call) (Result, error) {
	holds, err := Truth(call.setting("condition"))
	if err != nil {
		return Result{}, err
	}
	return Result{Output: value.Pairs("evaluated_condition", holds)}, nil
}

// Truthy reads what a condition of an ensemble gave, which any value may be, as in
// JavaScript. The texts true and false are what they say.
func Truthy(v any) bool {
	if b, err := Truth(v); err == nil {
		return b
	}
	if f, ok := value.Float(v); ok && value.IsNumber(v) {
		return f != 0
	}
	return v != nil && v != ""
}

// Truth reads what a condition rendered to. Nothing but true and false is taken:
// a text such as "no" would count as true by its length, and a number by luck.
func Truth(value any) (bool, error) {
	switch value := value.(type) {
	case bool:
		return value, nil
	case string:
		switch strings.TrimSpace(value) {
		case "true", "True":
			return true, nil
		case "false", "False":
			return false, nil
		}
	}
	return false, Failf(sluice.Invalid, "the condition gave %s, which is neither true nor false", brief(value)).
		Fix("compare it with something, such as `{{ score > 0.5 }}`")
}
