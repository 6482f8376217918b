package crashtest

import (
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// errands is a workflow that is short, so that many of them run at once.
const errands = `
name: errands
inputs: {site: string, lines: array}
blocks:
  - {id: size, block: template, template: "{{ inputs.lines | length }}"}
  - {id: pay, block: http, method: POST, url: "{{ inputs.site }}/{{ run.id }}/pay", body: {size: "{{ size.output }}"}}
  - {id: mail, block: http, method: POST, idempotent: true, url: "{{ inputs.site }}/{{ run.id }}/mail", needs: pay}
  - {id: save, block: http, method: PUT, url: "{{ inputs.site }}/{{ run.id }}/save", body: {paid: "{{ pay.output.did }}"}, needs: mail}
  - {id: last, block: template, template: "{{ size.output }} {{ save.output.did }}"}
`

// errand is how errands ends.
var errand = plan{output: "3 save", steps: map[string]planned{
	"0": {status: sluice.StepCompleted}, "1": {sluice.StepCompleted, "POST", "pay", true}, "2": {sluice.StepCompleted, "POST", "mail", false},
	"3": {sluice.StepCompleted, "PUT", "save", false}, "4": {status: sluice.StepCompleted},
}}

// TestRunsKilledManyAtOnce kills the workers of many runs at moments that only the
// seed knows, again and again.
func TestRunsKilledManyAtOnce(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		const runs, rounds, seed = 50, 6, 20261121
		n, s, random := openWorking(t, cfg), newSite(t), rand.New(rand.NewPCG(seed, seed))
		publishFlows(t, n, map[string]string{"errands": errands})
		var ids []string
		told := map[string]map[string]string{} // of each run, what a person said
		for range runs {
			ids = append(ids, begins(t, n, "errands", s).ID)
			told[ids[len(ids)-1]] = map[string]string{}
		}
		nodes, ended := 1, map[string]int{}
		if cfg.Postgres != "" {
			nodes = 2
		}
		heard := func(w *working) {
			for _, line := range w.said {
				if id, is := strings.CutPrefix(line, "ended "); is {
					ended[id]++
				}
			}
		}
		for range rounds {
			var workers []*working
			for range nodes {
				workers = append(workers, sends(t, cfg, workOrder{Lease: 2000, AtOnce: runs / 3, N: 10 + random.IntN(2*runs), After: random.IntN(2) == 1}))
			}
			for _, w := range workers {
				if w.until("never") {
					t.Error("a worker lives on")
				}
				w.end()
				heard(w)
			}
			s.settle(t)
			for _, id := range ids {
				if run := must[sluice.Run](t)(n.Run(as("bob"), id)); run.Status == sluice.RunPaused {
					errand.answer(t, n, s, run, told[id])
				}
			}
		}
		workers := []*working{sends(t, cfg, workOrder{Lease: 10_000}), sends(t, cfg, workOrder{Lease: 10_000})}
		for _, id := range ids {
			maps.Copy(told[id], answers(t, n, s, errand, id))
		}
		asked := 0
		for _, w := range workers {
			w.end()
			heard(w)
		}
		for _, id := range ids {
			errand.check(t, n, s, id, nodes*rounds, told[id])
			asked += len(told[id])
			if ended[id] > 1 {
				t.Errorf("run %s ended %d times", id, ended[id])
			}
		}
		t.Logf("%d kills, %d questions to a person", nodes*rounds, asked)
	})
}
