package cli

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

// TestBothSidesOfAComparison reads the two words behind --between wherever they
// stand.
func TestBothSidesOfAComparison(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ line, rest, sides string }{
		{"compare bot --between staging production", "bot", "staging production"},
		{"compare --between staging production bot", "bot", "staging production"},
		{"compare --between=staging production bot", "bot", "staging production"},
		{"compare bot --between staging,production", "bot", "staging production"},
		{"compare bot --between staging --between production", "bot", "staging production"},
		{"compare bot --between bot@4 bot@5", "bot", "bot@4 bot@5"},
		{"compare --between staging bot", "", "staging bot"},
		{"compare bot --between staging", "", "fails"},
		{"compare bot --between staging --exit-code production", "", "fails"},
		{"compare bot --between a,b,c", "", "fails"},
		{"compare bot", "", "fails"},
	} {
		e, _, _ := printing("")
		e.Args = strings.Fields(tt.line)
		cmd := compareCommand(e)
		var rest, sides []string
		var err error
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			between, flagErr := cmd.Flags().GetStringArray("between")
			rest, sides, err = e.bothSides(cmd, args, between)
			return flagErr
		}
		cmd.SetArgs(e.Args[1:])
		if err := cmd.Execute(); err != nil {
			t.Fatalf("%s: %v", tt.line, err)
		}
		got := strings.Join(sides, " ")
		if err != nil {
			got = "fails"
		}
		if got != tt.sides || strings.Join(rest, " ") != tt.rest {
			t.Errorf("%s: got %q for %q (%v), want %q for %q", tt.line, got, strings.Join(rest, " "), err, tt.sides, tt.rest)
		}
	}
}

func TestComparisonIsJudged(t *testing.T) {
	t.Parallel()
	done := func(output string) comparedSide {
		return comparedSide{Status: sluice.RunCompleted, Output: json.RawMessage(output)}
	}
	c := comparison{Sides: [2]side{{Ref: "staging"}, {Ref: "production"}}, Cases: []comparedCase{
		{Case: "1", Sides: [2]comparedSide{done(`{"a": 1, "b": 2}`), done(`{"b": 2, "a": 1}`)}},
		{Case: "2", Sides: [2]comparedSide{done(`{"a": 1}`), done(`{"a": 2}`)}},
		{Case: "3", Sides: [2]comparedSide{done(`null`), {Status: sluice.RunFailed}}},
	}}
	c.judge()
	var results []string
	for _, v := range c.Cases {
		results = append(results, v.Result)
	}
	if want := []string{"equal", "different", "failed"}; !slices.Equal(results, want) {
		t.Errorf("got %v, want %v", results, want)
	}
	same(t, c.Cases[1].Unified, `
--- 2 staging
+++ 2 production
@@ -1,3 +1,3 @@
 {
-  "a": 1
+  "a": 2
 }
`)
	for _, tt := range []struct {
		failed, different int
		exitCode          bool
		want              error
	}{
		{0, 0, true, nil}, {0, 1, false, nil}, {0, 1, true, failed{1}}, {1, 1, true, failed{runFailed}}, {1, 0, false, failed{runFailed}},
	} {
		got := (&comparison{Failed: tt.failed, Different: tt.different}).verdict(tt.exitCode)
		if !errors.Is(got, tt.want) {
			t.Errorf("%d failed, %d different, --exit-code=%v: got %v, want %v", tt.failed, tt.different, tt.exitCode, got, tt.want)
		}
	}
}
