package crashtest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// TestRunTakenOver stops a worker inside a step until another has taken its run
// and is inside a later one, or has finished. What the late one then does changes
// nothing, and it sends nothing more.
func TestRunTakenOver(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		x := &overtaken{cfg: cfg, n: openWorking(t, cfg), s: newSite(t)}
		publishFlows(t, x.n, map[string]string{"invoice": invoice, "orders": orders})
		// The worker must not be stopped inside of a transaction, which others would
		// wait for: so there are the blocks that run beside the one it is stopped in.
		for name, beside := range map[string][]string{"look": {"1"}, "charge": {"5", "15"}, "store": {"15"}, "flaky": {"15", "16", "17"}, "remove": {"15", "16"}} {
			t.Run(name, func(t *testing.T) { x.test(t, name, beside) })
		}
	})
}

type overtaken struct {
	cfg store.Config
	n   *node
	s   *site
}

func (x *overtaken) test(t *testing.T, name string, beside []string) {
	id := begins(t, x.n, "orders", x.s).ID
	held := x.s.holdNext("/"+id+"/"+name, true)
	late := sends(t, x.cfg, workOrder{Run: id, Lease: 1500, Lapse: true})
	held.arrives(t)
	haveEnded(t, x.n, id, beside...)
	late.signal(t, syscall.SIGSTOP)
	var further *hold // where the other worker is meanwhile; after charge it asks a person, since nobody knows
	if name != "remove" && name != "charge" {
		further = x.s.holdNext("/"+id+"/remove", true)
	}
	_, stop := carries(t, x.n, workOrder{Lease: 10_000})
	if further != nil {
		further.arrives(t)
		haveEnded(t, x.n, id, "14", "15", "16", "17")
	} else {
		follows(t, x.n, id)
		stop()
	}
	before, sent := recordOf(t, x.n, id), x.s.of(id)
	late.signal(t, syscall.SIGCONT)
	close(held.release)
	if !late.until("refused "+id+" conflict") || !late.until("idle") {
		t.Errorf("the late worker said %q", late.said)
	}
	late.end()
	if after := recordOf(t, x.n, id); after != before {
		t.Errorf("the late worker changed\n%s\nto\n%s", before, after)
	}
	if then := x.s.of(id); len(then) != len(sent) {
		t.Errorf("the late worker sent %+v", then[len(sent):])
	}
	if further == nil {
		_, stop = carries(t, x.n, workOrder{Lease: 10_000})
	} else {
		close(further.release)
	}
	said := answers(t, x.n, x.s, ordered, id)
	stop()
	ordered.check(t, x.n, x.s, id, 1, said)
}

// haveEnded waits until steps of a run have ended.
func haveEnded(t *testing.T, n *node, run string, paths ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(as("bob"), patience)
	defer cancel()
	left := map[string]bool{}
	for _, path := range paths {
		left[path] = true
	}
	for e, err := range n.WatchRun(ctx, sluice.WatchRunRequest{Run: run}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Step != nil && e.Step.Status.Ended() {
			delete(left, e.Step.Path)
		}
		if len(left) == 0 {
			return
		}
	}
	t.Fatalf("run %s: there is no end of %v", run, left)
}

// signal sends one to a child.
func (w *working) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := w.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// recordOf is all that there is of a run, as one text.
func recordOf(t *testing.T, n *node, id string) string {
	t.Helper()
	run := must[sluice.Run](t)(n.Run(as("bob"), id))
	steps := must[[]sluice.RunStep](t)(sluice.Collect(n.Steps(as("bob"), sluice.StepQuery{Run: id, Detail: true})))
	var out strings.Builder
	for _, part := range append([]any{run}, anys(steps)...) {
		fmt.Fprintf(&out, "%s\n", must[[]byte](t)(json.Marshal(part)))
	}
	return out.String()
}

func anys[T any](list []T) (out []any) {
	for _, v := range list {
		out = append(out, v)
	}
	return out
}
