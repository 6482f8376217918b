package block

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
)

func TestWhatEvaluatorsSayBecomesFailures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err   error
		code  sluice.Code
		class string
		want  string
		fixes []string
	}{
		{&expr.Problem{Kind: expr.Undefined, Line: 3, Column: 5, Message: "x does not exist", Fix: "write y"}, sluice.Invalid, "error", "the script: line 3, column 5: x does not exist", []string{"write y"}},
		{&expr.Problem{Kind: expr.Time, Message: "it took longer than 1s"}, sluice.TimedOut, "timeout", "the script: it took longer than 1s", nil},
		{&expr.Problem{Kind: expr.Memory, Message: "it used more than 128 MiB"}, sluice.LimitExceeded, "error", "128 MiB", nil},
		{&expr.Problem{Kind: expr.Output, Message: "the result is too large"}, sluice.LimitExceeded, "error", "too large", nil},
		{&expr.Problem{Kind: expr.Internal, Message: "a defect"}, sluice.Internal, "error", "a defect", nil},
		{context.DeadlineExceeded, sluice.TimedOut, "timeout", "the script took longer than it may", []string{"raise the block's timeout"}},
		{context.Canceled, sluice.TimedOut, "error", "the script was stopped with its run", nil},
		{sluice.Errorf(sluice.Unavailable, "no evaluator is free").Fix("wait"), sluice.Unavailable, "error", "the script: no evaluator is free", []string{"wait"}},
	} {
		got := evaluationError("the script", tt.err)
		if got.Code != tt.code || got.Class != tt.class || !strings.Contains(got.Message, tt.want) || !slices.Equal(sluice.Texts(got.Fixes), tt.fixes) || got.Sent {
			t.Errorf("%v became %+v\nwant %s, class %s, %q, fixes %q", tt.err, got, tt.code, tt.class, tt.want, tt.fixes)
		}
	}
}
