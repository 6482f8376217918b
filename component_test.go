package sluice_test

import (
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

func TestKindsAreAnyWordButASlip(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"workflow": "", "Workflow": "", "ensemble": "", "prompt": "", "agent": "", // with behaviour
		"event": "", "context": "", "policy": "", "tool": "", "scorecard": "", // words of their own
		"wokflow": "workflow", "workflows": "workflow", "promt": "prompt", "Prompt": "prompt", "scirpt": "script", "configs": "config",
	} {
		err := sluice.CheckKind(kind)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: got %v, want none", kind, err)
		case want != "" && (sluice.CodeOf(err) != sluice.Invalid || !strings.HasSuffix(err.Error(), "a slip for "+want)):
			t.Errorf("%s: got %v, want a slip for %s", kind, err, want)
		}
	}
	if err := sluice.CheckKind(""); sluice.CodeOf(err) != sluice.Invalid {
		t.Errorf("no kind: got %v", err)
	}
}
