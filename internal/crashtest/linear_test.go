package crashtest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

const (
	callers = 16
	calls   = 30 // of each caller
	shared  = 3  // components that all fight for
)

// callInput is one operation on production: a read, a deploy that expects a version
// in its slot, or one that expects a release.
type callInput struct {
	read      bool
	slot      int
	version   int // to deploy
	expect    int // the version that must be live, 0 for none
	byRelease bool
	release   int64 // the release that must be the last
}

// callOutput is its answer.
type callOutput struct {
	conflict bool
	release  int64 // made or read; 0 for a deploy without effect
	live     [shared]int
}

// production is what the environment is in the model.
type production struct {
	release int64
	live    [shared]int
}

// model is an environment as one who reads the contract imagines it: one state,
// one change after the other.
var model = porcupine.Model{
	Init: func() any { return production{} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(production), input.(callInput), output.(callOutput)
		if in.read {
			return out.release == s.release && out.live == s.live, s
		}
		as := in.byRelease && in.release == s.release || !in.byRelease && in.expect == s.live[in.slot]
		switch {
		case out.conflict:
			return !as, s
		case !as:
			return false, s
		case s.live[in.slot] == in.version:
			return out.release == 0, s
		}
		s.live[in.slot] = in.version
		s.release++
		return out.release == s.release, s
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
}

// TestLinearizable lets many callers change one environment through several
// processes' worth of handles at once, and looks for one order that explains
// every answer.
func TestLinearizable(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		nodes := []*node{open(t, cfg), open(t, cfg)}
		for slot := range shared {
			for i := range 4 {
				publish(t, nodes[0], componentOf(slot), i)
			}
		}
		h := &recorder{start: time.Now()}
		var wait sync.WaitGroup
		for caller := range callers {
			wait.Go(func() {
				if caller == 0 && cfg.Dir != "" {
					h.direct(t, cfg, caller)
					return
				}
				h.work(t, nodes[caller%2], caller, calls)
			})
		}
		wait.Wait()
		if result := porcupine.CheckOperationsTimeout(model, h.operations, time.Minute); result != porcupine.Ok {
			t.Errorf("%d operations: %s", len(h.operations), result)
		}
		holds(t, nodes[0], sluice.VerifyRequest{})
		t.Logf("%d operations, %d of them conflicts", len(h.operations), h.conflicts)
	})
}

// recorder notes when each operation was called and when it returned.
type recorder struct {
	start      time.Time
	mu         sync.Mutex
	operations []porcupine.Operation
	conflicts  int
}

// direct opens the files anew for each operation, as a command line does beside
// a server.
func (h *recorder) direct(t *testing.T, cfg store.Config, caller int) {
	for range calls / 3 {
		n, err := start(as("alice"), cfg)
		if err != nil {
			t.Error(err)
			return
		}
		h.work(t, n, caller, 1)
		if err := n.close(); err != nil {
			t.Error(err)
		}
	}
}

func (h *recorder) work(t *testing.T, n *node, caller, count int) {
	last := production{}
	for range count {
		in := callInput{read: rand.IntN(4) == 0, slot: rand.IntN(shared), version: 1 + rand.IntN(4), byRelease: rand.IntN(2) == 0}
		in.expect, in.release = last.live[in.slot], last.release
		called := time.Since(h.start)
		out, err := ask(n, in)
		returned := time.Since(h.start)
		if err != nil {
			t.Error(err)
			return
		}
		h.mu.Lock()
		h.operations = append(h.operations, porcupine.Operation{
			ClientId: caller, Input: in, Call: called.Nanoseconds(), Output: out, Return: returned.Nanoseconds(),
		})
		if out.conflict {
			h.conflicts++
		}
		h.mu.Unlock()
		switch {
		case in.read:
			last = production{out.release, out.live}
		case out.conflict: // look again: what the caller knew is old
			if m, err := read(n); err == nil {
				last = production{m.release, m.live}
			}
		case out.release > 0:
			last.release, last.live[in.slot] = out.release, in.version
		}
	}
}

func ask(n *node, in callInput) (callOutput, error) {
	if in.read {
		return read(n)
	}
	change := sluice.ChangeRequest{Component: componentOf(in.slot), Version: fmt.Sprint(in.version)}
	req := sluice.DeployRequest{Environment: "production"}
	if in.byRelease {
		req.ExpectedRelease = &in.release
	} else if change.Expect = "none"; in.expect > 0 {
		change.Expect = fmt.Sprint(in.expect)
	}
	req.Changes = []sluice.ChangeRequest{change}
	out, err := n.Deploy(as("alice"), req)
	if sluice.CodeOf(err) == sluice.Conflict {
		return callOutput{conflict: true}, nil
	}
	if err != nil || out.Release == nil {
		return callOutput{}, err
	}
	return callOutput{release: out.Release.Number}, nil
}

func read(n *node) (callOutput, error) {
	m, err := n.State(as("alice"), sluice.EnvironmentRef{Name: "production"})
	out := callOutput{release: m.Release}
	for slot := range shared {
		s, _ := m.Find(sluice.ComponentSlot(componentOf(slot)))
		out.live[slot] = s.Value.Version
	}
	return out, err
}

// TestImportBeside shows that a rollback need not wait for an import to end: it
// lands between its batches.
func TestImportBeside(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		n := open(t, cfg)
		for i := range 2 {
			publish(t, n, "my-prompt", i)
			deploy(t, n, "my-prompt", fmt.Sprint(1+i), "production")
		}
		imported := make(chan error, 1)
		go func() { imported <- importing(n, 60) }()
		var between, first, last int64
		for done := false; !done; {
			select {
			case err := <-imported:
				if err != nil {
					t.Fatal(err)
				}
				done = true
			default:
				back := must[sluice.Outcome](t)(n.Rollback(as("bob"), sluice.RollbackRequest{Environment: "production", Components: []string{"my-prompt"}, To: "1"}))
				deploy(t, n, "my-prompt", "2", "production")
				if between++; first == 0 {
					first = back.Release.Epoch
				}
				last = back.Release.Epoch
			}
		}
		if between < 10 {
			t.Errorf("%d rollbacks landed during an import of 60 versions, from epoch %d to %d", between, first, last)
		}
		holds(t, n, sluice.VerifyRequest{})
	})
}

// importing publishes and deploys a past, a version at a time.
func importing(n *node, count int) error {
	ctx := as("alice")
	for i := range count {
		at := sluice.Time(1_600_000_000_000_000 + int64(i)*1_000_000)
		_, err := n.Publish(ctx, sluice.PublishRequest{
			Component: "old-prompt", Kind: sluice.KindPrompt, Author: "bob", At: at,
			Files: []sluice.File{sluice.NewFile("prompt.md", fmt.Append(nil, "take ", i))},
		})
		if err != nil {
			return err
		}
		_, err = n.Deploy(ctx, sluice.DeployRequest{
			Environment: "archive", Create: sluice.CreateAlways, Author: "bob", At: at,
			Changes: []sluice.ChangeRequest{{Component: "old-prompt", Version: fmt.Sprint(i + 1)}},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
