package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// execution is one turn at one run.
type execution struct {
	r    *Runner
	work sluice.RunWork
	eval expr.Evaluator
	*account
	masker *sluice.Masker
	// secrets are those that the masker hides, in each of their spellings.
	secrets []sluice.Variable
	// before are the steps of earlier turns, by path.
	before map[string]sluice.RunStep

	mu    sync.Mutex
	begun int
	usage sluice.Usage
	// warnings are those of steps, in no order.
	warnings []sluice.RunWarning
	open     map[string]sluice.RunStep // on disk, and not ended
}

// carry carries a run out as far as it goes.
func (r *Runner) carry(ctx context.Context, claim sluice.RunClaim) {
	defer func() {
		if p := recover(); p != nil {
			// A defect here must not end the server, nor be met again and again.
			r.cfg.Log.Error("panic while carrying out a run", "run", claim.Run, "panic", fmt.Sprint(p))
			_ = r.commit(ctx, sluice.RunCommit{ // which notes its failure
				Run: claim.Run, Fence: claim.Fence, Status: sluice.RunFailed,
				Error: &sluice.RunError{Code: sluice.Internal, Message: "something went wrong inside Sluice"},
			})
		}
	}()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	account := r.memory.open(r.cfg.Bytes, end)
	defer account.close()
	work, room, err := r.load(ctx, claim, account)
	if err != nil {
		if ctx.Err() == nil {
			r.cfg.Log.Warn("cannot read a run", "run", claim.Run, "error", err)
			if mayPass(err) {
				return // until the lease is over
			}
			_ = r.commit(ctx, sluice.RunCommit{Run: claim.Run, Fence: claim.Fence, Status: sluice.RunFailed, Error: failureOf(err)})
		}
		return
	}
	x := &execution{r: r, work: work, eval: r.cfg.Eval.For(claim.Run), account: account, before: map[string]sluice.RunStep{}, open: map[string]sluice.RunStep{}}
	variables := append(slices.Clone(work.Variables), work.Former...)
	for _, part := range work.Parts {
		variables = append(variables, part.Variables...)
	}
	variables = append(variables, spellings(variables)...)
	x.masker = sluice.NewMasker(variables)
	x.secrets = slices.DeleteFunc(variables, func(v sluice.Variable) bool { return !v.Secret || v.Value == nil })
	for _, s := range work.Steps {
		x.before[s.Path] = s
		x.usage.Add(s.Usage)
		x.warnings = append(x.warnings, s.Warnings...)
		if s.Status != sluice.StepSkipped {
			x.begun++
		}
	}
	x.noteOpen(work.Steps)
	if !room {
		x.finish(ctx, x.later())
		return
	}
	if at := work.Run.Deadline; at > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, at.Std().Sub(r.cfg.Now()), errDeadline)
		defer cancel()
	}
	x.finish(ctx, x.root(ctx))
}

// load reads a run, and reports whether there is room for what it has collected.
func (r *Runner) load(ctx context.Context, claim sluice.RunClaim, a *account) (work sluice.RunWork, room bool, err error) {
	r.loading.Lock()
	defer r.loading.Unlock()
	if work, err = r.cfg.Journal.LoadRun(ctx, claim); err != nil {
		return work, false, err
	}
	a.collected = work.Bytes
	n := work.Bytes + value.WeighJSON(work.Run.Input)
	if n > r.cfg.Memory { // it would never fit
		return work, a.hold(sluice.RunStep{}, n), nil
	}
	return work, a.tryHold(n), nil
}

// errDeadline says that the run took too long.
var errDeadline = errors.New("the run took longer than it may")

// ending is how a turn, or a part of one, ends.
type ending struct {
	output  any
	block   string           // whose output it is
	failure *sluice.RunError // it failed
	waiting []sluice.Waiting // it waits for people
	wakeAt  sluice.Time      // it waits for a time
	err     error            // the turn is over, or the worker is stopping
}

func failed(err *sluice.RunError) ending { return ending{failure: err} }

// stopped says that there is no output, and there will be none in this turn.
func (e ending) stopped() bool {
	return e.failure != nil || len(e.waiting) > 0 || e.wakeAt > 0 || e.err != nil
}

// root carries out the workflow itself.
func (x *execution) root(ctx context.Context) ending {
	flow, err := x.r.flows.Read(ctx, x.eval, x.work.Content.Kind, x.work.Content.Files)
	if err != nil {
		return x.broken(ctx, err)
	}
	var input *value.Object
	if input, err = flow.CheckInput(x.work.Run.Input); err != nil {
		return x.broken(ctx, err)
	}
	return x.flow(ctx, flow, "", &frame{x: x, input: input, env: envOf(x.work.Variables)})
}

// broken is the ending for an error that is no block's.
func (x *execution) broken(ctx context.Context, err error) ending {
	if ctx.Err() != nil {
		return ending{err: context.Cause(ctx)}
	}
	if mayPass(err) {
		return x.later()
	}
	return failed(x.masked(runError(err)))
}

// masked is a failure without secrets.
func (x *execution) masked(e *sluice.RunError) *sluice.RunError {
	out := *e
	out.Message, out.Fixes = x.text(e.Message), slices.Clone(e.Fixes)
	for i, fix := range out.Fixes {
		out.Fixes[i] = fix.Mapped(x.text)
	}
	return &out
}

// mayPass says that an error is of no run: it may go better a little later.
func mayPass(err error) bool {
	code := sluice.CodeOf(err)
	return code == sluice.Unavailable || code == sluice.TimedOut
}

// pauseAfterTrouble is how long a run waits for what was not available.
const pauseAfterTrouble = 5 * time.Second

func (x *execution) later() ending {
	return ending{wakeAt: sluice.TimeOf(x.r.cfg.Now().Add(pauseAfterTrouble))}
}

func failureOf(err error) *sluice.RunError {
	e := sluice.AsError(err)
	return &sluice.RunError{Code: e.Code, Message: e.Message, Fixes: e.Fixes}
}

// flow carries out one workflow: the run's own, or one that a block calls. The
// frame says with what.
func (x *execution) flow(ctx context.Context, flow *workflow.Workflow, prefix string, f *frame) ending {
	if lacking := flow.Lacking(flow.Needs); lacking != nil { // which is refused before a run is made
		return failed(x.masked(runError(lacking)))
	}
	f.spread, f.ensemble = flow.Spread, flow.Ensemble
	l := newLevel(x, flow.Blocks, prefix, f)
	defer l.free()
	if end := l.run(ctx); end.stopped() {
		return end
	}
	switch {
	case flow.Output != nil:
		return x.output(ctx, l, flow.Output)
	case len(flow.Choices) > 0:
		for _, one := range flow.Choices {
			if holds, err := l.holding(ctx, one.When, prefix+"output"); err != nil {
				return x.noOutput(ctx, err)
			} else if holds {
				return x.output(ctx, l, one.Value)
			}
		}
		return ending{}
	case flow.Each:
		return ending{output: l.outputs()}
	case flow.OutputBlock != "":
		for i, b := range flow.Blocks {
			if b.ID == flow.OutputBlock {
				return ending{output: l.results[i].output, block: b.ID}
			}
		}
	}
	out, id := l.last()
	return ending{output: out, block: id}
}

// output fills in what a workflow answers with.
func (x *execution) output(ctx context.Context, l *level, t *workflow.Template) ending {
	out, _, err := l.render(ctx, *t, nil, l.prefix+"output")
	if err != nil {
		return x.noOutput(ctx, err)
	}
	return ending{output: x.hidden(out)}
}

func (x *execution) noOutput(ctx context.Context, err error) ending {
	end := x.broken(ctx, err)
	if end.failure != nil {
		end.failure.Message = "the output: " + end.failure.Message
	}
	return end
}

// finish writes how the turn ended.
func (x *execution) finish(ctx context.Context, end ending) {
	done := sluice.RunCommit{Run: x.work.Run.ID, Fence: x.work.Fence, Begun: x.begun, Usage: x.usage, Warnings: x.warnings, OutputBlock: end.block}
	switch spent := x.failure(); {
	case spent != nil:
		done.Status, done.Error = sluice.RunFailed, x.masked(spent)
	case errors.Is(end.err, errDeadline) || end.stopped() && errors.Is(context.Cause(ctx), errDeadline):
		done.Status, done.Error = sluice.RunFailed, &sluice.RunError{
			Code: sluice.TimedOut, Message: "the run did not end by its deadline, " + x.work.Run.Deadline.String(),
			Fixes: []sluice.Advice{sluice.Ask("give it more time with {timeout}")},
		}
	case errors.Is(end.err, errClosing) || errors.Is(end.err, context.Canceled):
		done.Status = sluice.RunPending // another worker, or this one when it is back, goes on
	case end.err != nil && (errors.Is(end.err, errTurnOver) || mayPass(end.err)):
		return // whatever is to be written, another turn writes
	case end.err != nil:
		x.unrecorded(ctx, "what a step did", end.err)
		return
	case end.failure != nil:
		done.Status, done.Error = sluice.RunFailed, end.failure
	case len(end.waiting) > 0:
		first := slices.MinFunc(end.waiting, func(a, b sluice.Waiting) int { return sluice.CompareStepPaths(a.Step, b.Step) })
		done.Status, done.Waiting, done.WakeAt = sluice.RunPaused, &first, x.wakeAt(end)
	case end.wakeAt > 0:
		done.Status, done.WakeAt = sluice.RunPending, x.wakeAt(end)
	default:
		done.Status = sluice.RunCompleted
		output, err := value.Encode(end.output)
		if err != nil || len(output) > sluice.MaxOutputBytes {
			done.Status, done.Error = sluice.RunFailed, tooLarge("the output of the run", len(output))
			break
		}
		done.Output = output
	}
	if done.Status.Ended() {
		// Of which nobody knows whether it happened, that is to be seen.
		done.Steps = x.leftOver("", sluice.StepWaiting, sluice.StepRunning)
	}
	if err := x.r.commit(ctx, done); err != nil {
		x.unrecorded(ctx, "how the run stands", err)
	}
}

// unrecorded ends a run of which something cannot be recorded: it would be tried
// again for ever. What is open on disk was recorded, so this can be.
func (x *execution) unrecorded(ctx context.Context, what string, err error) {
	failure := failureOf(err)
	failure.Message = what + " cannot be recorded: " + failure.Message
	_ = x.r.commit(ctx, sluice.RunCommit{ // which notes its failure
		Run: x.work.Run.ID, Fence: x.work.Fence, Begun: x.begun, Usage: x.usage, Status: sluice.RunFailed, Error: failure,
		Steps: x.leftOver("", sluice.StepWaiting, sluice.StepRunning),
	})
}

// wakeAt is when the run is looked at again, at its deadline at the latest; 0 for
// never.
func (x *execution) wakeAt(end ending) sluice.Time {
	if at := x.work.Run.Deadline; at > 0 && (end.wakeAt == 0 || end.wakeAt > at) {
		return at
	}
	return end.wakeAt
}

// noteOpen notes which steps on disk have not ended.
func (x *execution) noteOpen(steps []sluice.RunStep) {
	for _, s := range steps {
		if s.Status.Ended() {
			delete(x.open, s.Path)
		} else {
			s.Effects = nil
			x.open[s.Path] = s
		}
	}
}

// leftOver are the steps below a path that stand so and will not go on, since what
// they are in has ended otherwise.
func (x *execution) leftOver(prefix string, stand ...sluice.StepStatus) []sluice.RunStep {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []sluice.RunStep
	for _, s := range x.open {
		if strings.HasPrefix(s.Path, prefix) && slices.Contains(stand, s.Status) {
			s.Status, s.EndedAt, s.WakeAt = sluice.StepCancelled, sluice.TimeOf(x.r.cfg.Now()), 0
			out = append(out, s)
		}
	}
	return out
}

func tooLarge(what string, n int) *sluice.RunError {
	return &sluice.RunError{
		Code: sluice.LimitExceeded, Message: fmt.Sprintf("%s is %d bytes; the limit is %d", what, n, sluice.MaxOutputBytes),
		Fixes: []sluice.Advice{sluice.Advise("keep large content elsewhere, and pass on where it is")},
	}
}

// commit writes the last commit of a turn, also when the turn's context is over. An
// error is one that another try would meet again.
func (r *Runner) commit(ctx context.Context, done sluice.RunCommit) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.Lease)
	defer cancel()
	err := r.cfg.Journal.CommitRun(ctx, done, r.cfg.Lease)
	if err == nil || sluice.CodeOf(err) == sluice.Conflict {
		return nil
	}
	r.cfg.Log.Warn("cannot write how a run stands", "run", done.Run, "error", err)
	if mayPass(err) {
		return nil // after the lease
	}
	return err
}

// write puts steps on disk. It fails when the turn is over.
func (x *execution) write(ctx context.Context, steps ...sluice.RunStep) error {
	if len(steps) == 0 {
		return nil
	}
	x.mu.Lock()
	begun := x.begun
	x.mu.Unlock()
	err := x.r.cfg.Journal.CommitRun(context.WithoutCancel(ctx), sluice.RunCommit{Run: x.work.Run.ID, Fence: x.work.Fence, Steps: steps, Begun: begun}, x.r.cfg.Lease)
	switch {
	case sluice.CodeOf(err) == sluice.Conflict:
		return errTurnOver
	case err != nil:
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.noteOpen(steps)
	return nil
}

// beginStep counts a step that begins.
func (x *execution) beginStep() *sluice.RunError {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.begun >= sluice.MaxSteps {
		return &sluice.RunError{
			Code: sluice.LimitExceeded, Message: fmt.Sprintf("the run has begun %d steps, which is the limit", x.begun),
			Fixes: []sluice.Advice{sluice.Advise("split the input, and run each part")},
		}
	}
	x.begun++
	return nil
}

// warn notes warnings of a step, which are the run's too. It keeps no more of them
// than a run does.
func (x *execution) warn(warnings []sluice.RunWarning) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.warnings = sluice.Warned(x.warnings, warnings)
}

func (x *execution) used(u sluice.Usage) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.usage.Add(u)
}
