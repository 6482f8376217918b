package crashtest

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// TestRunKilled kills the process that carries a run out at every boundary of its
// journal, and inside of every request, and has another go on.
func TestRunKilled(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*killing){
		"not at all": (*killing).unharmed, "before a call": func(k *killing) { k.atBoundaries(false) },
		"after a call": func(k *killing) { k.atBoundaries(true) }, "inside a request": (*killing).inside,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEngines(t, func(t *testing.T, cfg store.Config) {
				k := &killing{T: t, cfg: cfg, n: openWorking(t, cfg), s: newSite(t)}
				publishFlows(t, k.n, map[string]string{"invoice": invoice, "orders": orders})
				test(k)
			})
		})
	}
}

// killing is one series of kills. The runs are all finished together, since each
// has a lease that must end first.
type killing struct {
	*testing.T
	cfg  store.Config
	n    *node
	s    *site
	runs []*wounded
}

// wounded is a run whose worker was killed.
type wounded struct {
	id, how string
	ended   int      // how often its worker said so
	open    []string // the steps of which nobody knows whether they happened
}

func (k *killing) unharmed() {
	run := begins(k.T, k.n, "orders", k.s)
	w, _ := carries(k.T, k.n, workOrder{})
	follows(k.T, k.n, run.ID)
	ordered.check(k.T, k.n, k.s, run.ID, 0, nil)
	if w.ended[run.ID] != 1 {
		k.Errorf("it ended %d times", w.ended[run.ID])
	}
}

// atBoundaries kills one run at each boundary, until one gets to its end.
func (k *killing) atBoundaries(after bool) {
	for at := 1; ; at++ {
		run := begins(k.T, k.n, "orders", k.s)
		w := sends(k.T, k.cfg, workOrder{Run: run.ID, N: at, After: after})
		ended := w.until("ended")
		k.leaves(run.ID, fmt.Sprintf("at boundary %d", at), w)
		if ended {
			break
		}
	}
	if len(k.runs) < len(ordered.steps) {
		k.Errorf("only %d boundaries", len(k.runs))
	}
	k.finishAll()
}

// inside kills while the site holds a request, which has acted on it or has not,
// and while it holds one that takes longer than a lease.
func (k *killing) inside() {
	for _, path := range slices.Sorted(maps.Keys(ordered.steps)) {
		name := ordered.steps[path].name
		if name == "" {
			continue
		}
		for _, acts := range []bool{false, true} {
			run := begins(k.T, k.n, "orders", k.s)
			held := k.s.holdNext("/"+run.ID+"/"+name, acts)
			w := sends(k.T, k.cfg, workOrder{Run: run.ID})
			held.arrives(k.T)
			k.leaves(run.ID, fmt.Sprintf("inside %s, acts %t", name, acts), w)
		}
	}
	for _, after := range []bool{false, true} {
		run := begins(k.T, k.n, "orders", k.s)
		path := "/" + run.ID + "/store"
		k.s.holdNext(path, true)
		w := sends(k.T, k.cfg, workOrder{Run: run.ID, Call: "ExtendRuns", N: 1, After: after})
		if w.until("never") {
			k.Error("it outlived its end")
		}
		k.s.holdNoLonger(path) // on a busy machine its end comes before the request
		k.leaves(run.ID, fmt.Sprintf("extending, after %t", after), w)
	}
	k.finishAll()
}

// leaves ends a child and notes how it left its run.
func (k *killing) leaves(id, how string, w *working) {
	x := &wounded{id: id, how: how}
	w.end()
	for _, line := range w.said {
		if line == "ended "+id {
			x.ended++
		}
	}
	if k.s.settle(k.T); w.errs.Len() > 0 {
		k.Errorf("%s: the worker complains: %s", how, w.errs.String())
	}
	for _, step := range must[[]sluice.RunStep](k.T)(sluice.Collect(k.n.Steps(as("bob"), sluice.StepQuery{Run: id}))) {
		if step.Status == sluice.StepRunning && ordered.steps[step.Path].once {
			x.open = append(x.open, step.Path)
		}
	}
	k.runs = append(k.runs, x)
}

// finishAll has another worker go on with all runs, and a person where it asks.
func (k *killing) finishAll() {
	w, stop := carries(k.T, k.n, workOrder{Lease: 10_000})
	paused, told := 0, map[string]map[string]string{}
	for _, x := range k.runs {
		told[x.id] = k.finish(x)
		paused += len(told[x.id])
	}
	stop()
	for _, x := range k.runs {
		ordered.check(k.T, k.n, k.s, x.id, 1, told[x.id])
		if ended := x.ended + w.ended[x.id]; ended != 1 {
			k.Errorf("it ended %d times", ended)
		}
		if k.Failed() {
			k.Fatalf("run %s was killed %s; open were %q, and a person said %v", x.id, x.how, x.open, told[x.id])
		}
	}
	k.Logf("%d kills, and %d questions to a person", len(k.runs), paused)
}

// finish answers for a run until it has ended. Each step of which nobody could
// know is asked for once, and no other.
func (k *killing) finish(x *wounded) map[string]string {
	told := answers(k.T, k.n, k.s, ordered, x.id)
	if asked := slices.Sorted(maps.Keys(told)); !slices.Equal(asked, slices.Sorted(slices.Values(x.open))) {
		k.Errorf("run %s was killed %s: a person was asked for %v, and open were %q", x.id, x.how, told, x.open)
	}
	return told
}

// answers waits until a run has ended, and answers what it asks.
func answers(t *testing.T, n *node, s *site, p plan, id string) map[string]string {
	t.Helper()
	told := map[string]string{}
	run := follows(t, n, id)
	for ; run.Status == sluice.RunPaused; run = follows(t, n, id) {
		p.answer(t, n, s, run, told)
	}
	return told
}

// answer says for the step of which a run does not know whether it happened what
// the site knows. No step is asked for again unless it was tried again.
func (p plan) answer(t *testing.T, n *node, s *site, run sluice.Run, told map[string]string) {
	t.Helper()
	path := run.Waiting.Step
	step := must[[]sluice.RunStep](t)(sluice.Collect(n.Steps(as("bob"), sluice.StepQuery{Run: run.ID, Path: path})))[0]
	want := p.steps[path]
	if run.Waiting.Reason != sluice.WaitUnknown || !want.once || told[path] != "" && told[path] != "retry" || step.Status != sluice.StepUnknown || step.Reason == "" {
		t.Fatalf("run %s waits: %+v, and the step is %+v; said was %v", run.ID, run.Waiting, step, told)
	}
	req := sluice.ResumeRunRequest{Run: run.ID, Step: path}
	happened := slices.ContainsFunc(s.to("/"+run.ID+"/"+want.name), func(r arrival) bool { return r.acted })
	switch {
	case !happened:
		req.Retry, told[path] = true, "retry"
	case want.name == "patch": // whose output nobody needs
		req.Skip, told[path] = true, "skip"
	default:
		req.Result, told[path] = answerTo(want.name), "result"
	}
	must[sluice.Run](t)(n.ResumeRun(as("bob"), req))
}
