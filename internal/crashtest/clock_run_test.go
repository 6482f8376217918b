package crashtest

import (
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

// TestRunsAfterAClockAhead: the lease of a worker that died while the clock was
// ahead ends, deadlines are kept, callbacks are told and old records go.
func TestRunsAfterAClockAhead(t *testing.T) {
	t.Parallel()
	clocked(t, func(t *testing.T, n *node, c *setClock) {
		w := clockedRuns{t, n}
		var dies sluice.Run
		c.ahead(func() {
			deploy(t, n, "bot", "2", "production")
			dies = w.start()
			if got := w.claim(); len(got) != 1 {
				t.Errorf("claimed %v", got)
			}
		})
		if got := w.status(dies); got != sluice.RunInterrupted {
			t.Errorf("the run of a worker that died ahead is %s", got)
		}
		// A worker that lives is given the time to extend its lease by the clock as it is.
		if got := w.claim(); len(got) != 0 {
			t.Errorf("at once: claimed %v", got)
		}
		if got := w.status(dies); got != sluice.RunRunning {
			t.Errorf("while its worker may live it is %s", got)
		}
		c.advance(clockedLease + time.Second)
		claims := w.claim()
		if len(claims) != 1 || claims[0].Run != dies.ID {
			t.Errorf("a lease later: claimed %v", claims)
		}
		w.end(claims)
		later := w.start()
		if want := sluice.TimeOf(c.now().Add(time.Hour)); later.Deadline != want {
			t.Errorf("the deadline is %s, not %s", later.Deadline, want)
		}
		w.end(w.claim())
		c.ahead(func() {
			if got := w.told(); got != 2 {
				t.Errorf("%d callbacks are due", got)
			}
		})
		if got := w.told(); got != 2 { // which were not heard
			t.Errorf("%d callbacks are due once the clock is back", got)
		}
		c.advance(366 * 24 * time.Hour)
		must[bool](t)(n.SweepRuns(t.Context()))
		if _, err := n.Run(as("bob"), later.ID); sluice.CodeOf(err) != sluice.NotFound {
			t.Errorf("a year later the record is there: %v", err)
		}
	})
}

// clockedLease is how long a worker below holds a run.
const clockedLease = 15 * time.Second

// clockedRuns are the runs of an installation, and a worker for them.
type clockedRuns struct {
	*testing.T
	n *node
}

func (w clockedRuns) start() sluice.Run {
	w.Helper()
	return must[sluice.Run](w.T)(w.n.StartRun(as("alice"), sluice.StartRunRequest{
		Environment: "production", Timeout: 3600, Callback: "http://127.0.0.1:1/", Content: &sluice.RunContent{
			Kind: sluice.KindWorkflow, Files: []sluice.File{sluice.NewFile("workflow.yaml", []byte("blocks: [{id: say, block: echo, value: hello}]\n"))},
		},
	}))
}

func (w clockedRuns) claim() []sluice.RunClaim {
	w.Helper()
	return must[[]sluice.RunClaim](w.T)(w.n.ClaimRuns(w.Context(), "worker", "", 10, clockedLease))
}

func (w clockedRuns) status(r sluice.Run) sluice.RunStatus {
	w.Helper()
	return must[sluice.Run](w.T)(w.n.Run(as("bob"), r.ID)).Status
}

func (w clockedRuns) end(claims []sluice.RunClaim) {
	w.Helper()
	for _, claim := range claims {
		if err := w.n.CommitRun(w.Context(), sluice.RunCommit{Run: claim.Run, Fence: claim.Fence, Status: sluice.RunCompleted}, clockedLease); err != nil {
			w.Error(err)
		}
	}
}

// told counts the callbacks that are due.
func (w clockedRuns) told() int {
	w.Helper()
	return len(must[[]sluice.Run](w.T)(w.n.DueCallbacks(w.Context())))
}
