package block

import "context"

// runTemplate answers with its template, which was rendered before.
func runTemplate(_ context.Context, call Call) (Result, error) {
	return Result{Output: call.setting("template")}, nil
}
