package block

import (
	"context"
	"strings"

	"github.com/sluice-dev/sluice"
)

// runFail fails with its message, behind its code where the author gave one.
func runFail(_ context.Context, call Call) (Result, error) {
	message := strings.TrimSpace(call.text("message"))
	if message == "" {
		message = "the workflow failed here"
	}
	if code := call.text("code"); code != "" {
		message = code + ": " + message
	}
	return Result{}, Failf(sluice.Refused, "%s", message)
}
