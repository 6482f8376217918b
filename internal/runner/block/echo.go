package block

import "context"

// runEcho answers with its value, or message, as some files call it.
func runEcho(_ context.Context, call Call) (Result, error) {
	if value, set := call.Settings["value"]; set {
		return Result{Output: value}, nil
	}
	return Result{Output: call.setting("message")}, nil
}
