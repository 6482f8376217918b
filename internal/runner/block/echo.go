package block

import "context"

// runEcho answers with its value, or message, as some files call it.
func runEcho(_ context.Context, call Call) (Result, error) {
	if v, set := call.Settings.Find("value"); set {
		return Result{Output: v}, nil
	}
	return Result{Output: call.setting("message")}, nil
}
