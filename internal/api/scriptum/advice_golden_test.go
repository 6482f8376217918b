package scriptum

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestAdviceReadsNaturally holds every operation as this surface says it: with what it
// is about, with nothing behind an introduction, and as something to look at.
func TestAdviceReadsNaturally(t *testing.T) {
	t.Parallel()
	known := sluice.Arguments{
		sluice.ArgComponent: "bot", sluice.ArgEnvironment: "production", sluice.ArgVersion: "3", sluice.ArgKeys: "MODEL", sluice.ArgFrom: "production#41",
		sluice.ArgTo: "2", sluice.ArgExpect: "3", sluice.ArgChange: "alias", sluice.ArgRun: "r1", sluice.ArgHow: "retry", sluice.ArgStatus: "failed",
		sluice.ArgRole: "deployer", sluice.ArgToken: "ci", sluice.ArgSetting: "runs",
	}
	var b strings.Builder
	for _, name := range sluice.Operations() {
		fmt.Fprintf(&b, "%s\n", name)
		for _, a := range []sluice.Advice{
			sluice.Do(sluice.Operation{Name: name, Arguments: known}, ""), sluice.Do(sluice.Operation{Name: name}, "do it first"),
			sluice.Do(sluice.Operation{Name: name, Arguments: known}, "see it"),
		} {
			text, _ := a.In(speech)
			fmt.Fprintf(&b, "  %s\n", text)
		}
	}
	const golden = "testdata/advice.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("got\n%s\nwant\n%s\nrun go test -update to accept it", got, want)
	}
}
