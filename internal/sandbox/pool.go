package sandbox

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
)

// Config says how many children a pool has and what they may use.
type Config struct {
	// Size is how many evaluations can run at once, each in a child of its own.
	// Defaults to the number of processors.
	Size int
	// Limits are the most that an evaluation may use, and what one gets that does
	// not say. Defaults to those of package expr.
	Limits expr.Limits
	// IdleAfter is how long a child without work is kept. Defaults to 30 s.
	IdleAfter time.Duration
	// Jobs is how many evaluations a child does before a new one takes its place.
	// Defaults to 1,000.
	Jobs int
	// StartWithin is how long a child may take from its start until it can work.
	// Defaults to 10 s.
	StartWithin time.Duration
}

// withDefaults fills in what is not set.
func (c Config) withDefaults() Config {
	if c.Size <= 0 {
		c.Size = runtime.NumCPU()
	}
	if c.IdleAfter <= 0 {
		c.IdleAfter = 30 * time.Second
	}
	if c.Jobs <= 0 {
		c.Jobs = 1000
	}
	if c.StartWithin <= 0 {
		c.StartWithin = 10 * time.Second
	}
	c.Limits = c.Limits.WithDefaults()
	return c
}

// Pool evaluates in child processes. It implements [expr.Evaluator]; what it
// returns in addition is sluice.Unavailable: when the program never called
// [Enter], when no child can be started, and after Close. It is safe for
// concurrent use; callers beyond its size wait for their turn.
type Pool struct {
	config Config
	turns  chan struct{} // holds one element for each evaluation under way
	ending chan struct{} // closed when Close is called
	ended  chan struct{} // closed when all children have ended

	forking sync.Once // starts the thread that takes from forks
	forks   chan fork

	mu   sync.Mutex
	idle []*child // the one that was used last is last
	all  map[*child]bool
	// busy counts the evaluations under way and the children to wait for. It
	// grows under mu, while closed is false.
	busy   sync.WaitGroup
	closed bool
}

var _ expr.Evaluator = (*Pool)(nil)

// New returns a pool without any child yet: the first evaluations start them.
func New(config Config) *Pool {
	config = config.withDefaults()
	return &Pool{
		config: config,
		turns:  make(chan struct{}, config.Size),
		ending: make(chan struct{}),
		ended:  make(chan struct{}),
		forks:  make(chan fork),
		all:    map[*child]bool{},
	}
}

// Close kills all children and waits until they and the evaluations under way,
// which fail, have ended. It is safe to repeat.
func (p *Pool) Close() error {
	p.mu.Lock()
	first := !p.closed
	if first {
		p.closed = true
		close(p.ending)
	}
	for c := range p.all {
		c.kill()
	}
	p.idle = nil
	p.mu.Unlock()
	p.busy.Wait()
	if first {
		close(p.ended)
	}
	return nil
}

// take waits for a turn and returns a child that is ready, or the error of the
// context. Give must follow.
func (p *Pool) take(ctx context.Context) (*child, error) {
	if !entered.Load() {
		return nil, sluice.Errorf(sluice.Unavailable, "nothing can be evaluated: this program cannot be started as a sandbox").
			Fix("call `sandbox.Enter()` first in main")
	}
	select {
	case p.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.ending:
		return nil, closedError()
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		<-p.turns
		return nil, closedError()
	}
	p.busy.Add(1)
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		c.retire.Stop()
		return c, nil
	}
	p.mu.Unlock()
	c, err := p.start(ctx)
	if err != nil {
		<-p.turns
		p.busy.Done()
		return nil, err
	}
	return c, nil
}

// give ends a turn. The child stays for the next, unless it is worn out.
func (p *Pool) give(c *child, healthy bool) {
	c.jobs++
	p.mu.Lock()
	keep := healthy && c.jobs < p.config.Jobs && !p.closed
	if keep {
		p.idle = append(p.idle, c)
		c.retire.Reset(p.config.IdleAfter)
	}
	p.mu.Unlock()
	if !keep {
		c.kill()
	}
	<-p.turns
	p.busy.Done()
}

// idled ends a child that had no work for long enough.
func (p *Pool) idled(c *child) {
	p.mu.Lock()
	i := slices.Index(p.idle, c)
	if i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
	}
	p.mu.Unlock()
	if i >= 0 {
		c.kill()
	}
}

func closedError() error {
	return sluice.Errorf(sluice.Unavailable, "nothing can be evaluated: the sandbox is closed").Fix("try again once the server has started")
}
