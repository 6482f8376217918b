package crashtest

import (
	"fmt"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// BenchmarkVerify measures a check of a long ledger: one environment of 1,000
// slots, and as many releases of one slot each as b.N says.
func BenchmarkVerify(b *testing.B) {
	n := open(b, store.Config{Dir: b.TempDir()})
	slots(b, n, 1000)
	alternate(b, n, 1000, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	holds(b, n, sluice.VerifyRequest{})
}

// slots publishes two versions of many components and deploys the first ones.
func slots(tb testing.TB, n *node, count int) {
	tb.Helper()
	var changes []sluice.ChangeRequest
	for i := range count {
		name := fmt.Sprintf("component-%04d", i)
		publish(tb, n, name, 0)
		publish(tb, n, name, 1)
		changes = append(changes, sluice.ChangeRequest{Component: name, Version: "1"})
	}
	must[sluice.Outcome](tb)(n.Deploy(as("bob"), sluice.DeployRequest{Environment: "production", Changes: changes}))
}

// alternate makes releases, eight at a time, as many callers do.
func alternate(tb testing.TB, n *node, count, releases int) {
	tb.Helper()
	const callers = 8
	done := make(chan error, callers)
	for caller := range callers {
		go func() {
			for i := caller; i < releases; i += callers {
				change := sluice.ChangeRequest{Component: fmt.Sprintf("component-%04d", i%count), Version: fmt.Sprint(2 - i/count%2)}
				if _, err := n.Deploy(as("bob"), sluice.DeployRequest{Environment: "production", Changes: []sluice.ChangeRequest{change}}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range callers {
		if err := <-done; err != nil {
			tb.Error(err)
		}
	}
}
