package scout

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// TestAdviceNamesRequests checks what callers of this adapter are advised: requests
// that they can make, their own fields, and nothing of the command line.
func TestAdviceNamesRequests(t *testing.T) {
	t.Parallel()
	ofCommandLine := regexp.MustCompile("`|--[a-z]")
	for _, name := range sluice.Operations() {
		text, ok := speech.Operation(sluice.Operation{Name: name})
		if !ok || text == "" || ofCommandLine.MatchString(text) {
			t.Errorf("%s: %q", name, text)
		}
	}
	e := sluice.Errorf(sluice.NotFound, "no").Do(sluice.ListVersions("bot"), "see {}").
		Fix("or wait").Ask("add {further}").Do(sluice.ReviveComponent("bot"), "")
	const want = "no (fix: see the versions of bot with GET /v2/workflows/bot/revisions; or wait; or create bot again with " +
		"POST /v2/workflows?workflow_key=bot)"
	if got := sentence(e); got != want || strings.Contains(got, "or or") {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
