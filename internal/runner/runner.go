// Package runner carries runs out. It takes runs that wait, walks the graph of
// their blocks, and puts each block's result on disk before what depends on it
// begins, so that another process can go on wherever one stops. What is stored,
// who may run and what is pinned is not its business: it speaks to a [Journal].
package runner

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/runner/block"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// Journal is the queue and the step log. A commit whose turn is over is a
// Conflict, and changes nothing.
type Journal interface {
	// ClaimRuns takes runs that wait for a worker: any, or only the one named.
	ClaimRuns(ctx context.Context, worker, only string, limit int, lease time.Duration) ([]sluice.RunClaim, error)
	LoadRun(context.Context, sluice.RunClaim) (sluice.RunWork, error)
	ExtendRuns(ctx context.Context, claims []sluice.RunClaim, lease time.Duration) (lost []string, err error)
	CommitRun(ctx context.Context, done sluice.RunCommit, lease time.Duration) error
	PartialRun(run string, p sluice.Partial)
	// DueCallbacks are ended runs that someone is to be told about, and ToldCallback
	// says how that went: it is tried again unless it was heard.
	DueCallbacks(context.Context) ([]sluice.Run, error)
	ToldCallback(ctx context.Context, run string, heard bool) error
	// SweepRuns removes records that need not be kept, and reports whether there may
	// be more of them.
	SweepRuns(context.Context) (more bool, err error)
}

// Config says how to run.
type Config struct {
	Journal Journal
	Eval    expr.Evaluator
	// Client carries requests out.
	Client *http.Client
	// Concurrency is how many runs are carried out at once, Bytes what each may collect
	// and Memory what they may hold together. See [sluice.RunBounds], also for the
	// defaults.
	Concurrency   int
	Bytes, Memory int64
	// Lease is how long a run is held without a sign of life. Defaults to 15 s.
	Lease time.Duration
	// Poll is how often others' runs are looked for. Defaults to 1 s.
	Poll time.Duration
	// Park is the length from which a delay gives its worker free. Defaults to 30 s.
	Park time.Duration
	// Embedded carries out the runs that [Runner.Carry] names and no others.
	Embedded bool
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Log defaults to discarding.
	Log *slog.Logger
}

func (cfg Config) withDefaults() Config {
	bounds := sluice.RunBounds{Concurrency: cfg.Concurrency, Bytes: cfg.Bytes, Memory: cfg.Memory}.WithDefaults()
	cfg.Concurrency, cfg.Bytes, cfg.Memory = bounds.Concurrency, bounds.Bytes, bounds.Memory
	if cfg.Lease <= 0 {
		cfg.Lease = 15 * time.Second
	}
	if cfg.Poll <= 0 {
		cfg.Poll = time.Second
	}
	if cfg.Park <= 0 {
		cfg.Park = 30 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// Runner is one worker. Start begins, Close gives back what it holds and waits.
type Runner struct {
	cfg    Config
	id     string
	kinds  map[string]block.Kind
	flows  workflow.Cache
	memory memory
	// loading is held while a run is read that was begun before, so that what is on
	// disk of several is not read into the same memory.
	loading sync.Mutex
	wake    chan struct{} // capacity 1
	ctx     context.Context
	cancel  context.CancelFunc
	begin   sync.Once
	tasks   sync.WaitGroup

	mu     sync.Mutex
	held   map[string]*holding // by run
	busy   int
	wanted []string // of an embedded one
}

// holding is a run that this worker carries out.
type holding struct {
	claim  sluice.RunClaim
	cancel context.CancelCauseFunc
}

// New returns a worker that has not begun.
func New(cfg Config) *Runner {
	r := &Runner{
		cfg: cfg.withDefaults(), id: uuid.NewString()[:8], kinds: block.Table(),
		wake: make(chan struct{}, 1), held: map[string]*holding{},
	}
	r.memory.most = r.cfg.Memory
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// Start begins to take runs. It is safe to repeat.
func (r *Runner) Start() {
	r.begin.Do(func() {
		r.tasks.Go(r.takeLoop)
		r.tasks.Go(r.holdLoop)
		if !r.cfg.Embedded {
			r.tasks.Go(r.callbackLoop)
			r.tasks.Go(r.sweepLoop)
		}
		r.Wake()
	})
}

// Carry has an embedded worker carry a run out.
func (r *Runner) Carry(run string) {
	r.mu.Lock()
	if !slices.Contains(r.wanted, run) {
		r.wanted = append(r.wanted, run)
	}
	r.mu.Unlock()
	r.Start()
	r.Wake()
}

// Wake says that a run waits.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Stop ends what is done here for a run in turns before the one with this fence:
// they are over, and a later one may have begun here already.
func (r *Runner) Stop(run string, fence int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.held[run]; h != nil && h.claim.Fence < fence {
		h.cancel(errTurnOver)
	}
}

// errTurnOver says that a run has another worker, or none.
var errTurnOver = errors.New("the turn is over")

// errClosing says that this worker ends.
var errClosing = errors.New("the worker is stopping")

// Close stops what runs, gives it back and waits. It is safe to repeat.
func (r *Runner) Close() {
	r.mu.Lock()
	for _, h := range r.held {
		h.cancel(errClosing)
	}
	r.mu.Unlock()
	r.cancel()
	r.tasks.Wait()
}

// takeLoop takes runs that wait for a worker.
func (r *Runner) takeLoop() {
	t := time.NewTicker(r.cfg.Poll)
	defer t.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-r.wake:
		case <-t.C:
		}
		for r.take() {
		}
	}
}

// take takes as many runs as there is room for, and reports whether there may be
// more.
func (r *Runner) take() bool {
	r.mu.Lock()
	room := r.cfg.Concurrency - r.busy
	r.mu.Unlock()
	if room <= 0 || r.ctx.Err() != nil || r.memory.crowded() {
		return false
	}
	claims, err := r.claim(min(room, 64))
	if err != nil {
		if r.ctx.Err() == nil {
			r.cfg.Log.Warn("cannot take runs", "error", err)
		}
		return false
	}
	for _, claim := range claims {
		ctx, cancel := context.WithCancelCause(r.ctx)
		r.mu.Lock()
		r.held[claim.Run] = &holding{claim: claim, cancel: cancel}
		r.busy++
		r.mu.Unlock()
		r.tasks.Go(func() {
			defer cancel(nil)
			r.carry(ctx, claim)
			r.mu.Lock()
			if h := r.held[claim.Run]; h != nil && h.claim == claim {
				delete(r.held, claim.Run)
			}
			r.busy--
			r.mu.Unlock()
			r.Wake()
		})
	}
	return len(claims) > 0
}

func (r *Runner) claim(room int) ([]sluice.RunClaim, error) {
	if !r.cfg.Embedded {
		return r.cfg.Journal.ClaimRuns(r.ctx, r.id, "", room, r.cfg.Lease)
	}
	r.mu.Lock()
	wanted := slices.Clone(r.wanted)
	r.mu.Unlock()
	var out []sluice.RunClaim
	for _, run := range wanted {
		claims, err := r.cfg.Journal.ClaimRuns(r.ctx, r.id, run, 1, r.cfg.Lease)
		if err != nil {
			return out, err
		}
		out = append(out, claims...)
	}
	return out, nil
}

// holdLoop extends the leases.
func (r *Runner) holdLoop() {
	t := time.NewTicker(r.cfg.Lease / 3)
	defer t.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-t.C:
		}
		r.mu.Lock()
		claims := make([]sluice.RunClaim, 0, len(r.held))
		for _, h := range r.held {
			claims = append(claims, h.claim)
		}
		r.mu.Unlock()
		if len(claims) == 0 {
			continue
		}
		lost, err := r.cfg.Journal.ExtendRuns(r.ctx, claims, r.cfg.Lease)
		if err != nil && r.ctx.Err() == nil {
			r.cfg.Log.Warn("cannot extend the leases of runs", "error", err)
		}
		for _, claim := range claims {
			if slices.Contains(lost, claim.Run) {
				r.Stop(claim.Run, claim.Fence+1)
			}
		}
	}
}
