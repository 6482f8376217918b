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
	// Size is how many evaluations for runs can go on at once, each in a child of its
	// own, and how many checks. One more than that can go on in all, so that there is
	// always one that checks can have. Defaults to the number of processors.
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
// concurrent use; callers beyond its size wait for their turn, checks apart from
// runs and each run for itself: see [Pool.For].
type Pool struct {
	config Config
	line   line
	ending chan struct{} // closed when Close is called
	ended  chan struct{} // closed when all children have ended

	forking sync.Once // starts the thread that takes from forks
	forks   chan fork

	mu   sync.Mutex
	idle [classes][]*child // the one that was used last is last
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
		line:   line{most: config.Size},
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
	p.idle = [classes][]*child{}
	p.mu.Unlock()
	p.busy.Wait()
	if first {
		close(p.ended)
	}
	return nil
}

// take returns a child that is ready, for who has a turn. Give must follow.
func (p *Pool) take(ctx context.Context, c class) (*child, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, closedError()
	}
	p.busy.Add(1)
	if n := len(p.idle[c]); n > 0 {
		one := p.idle[c][n-1]
		p.idle[c] = p.idle[c][:n-1]
		p.mu.Unlock()
		one.retire.Stop()
		return one, nil
	}
	p.mu.Unlock()
	one, err := p.start(ctx, c)
	if err != nil {
		p.busy.Done()
		return nil, err
	}
	return one, nil
}

// give gives a child back. It stays for the next, unless it is worn out.
func (p *Pool) give(c *child, healthy bool) {
	c.jobs++
	p.mu.Lock()
	keep := healthy && c.jobs < p.config.Jobs && !p.closed
	if keep {
		p.idle[c.class] = append(p.idle[c.class], c)
		c.retire.Reset(p.config.IdleAfter)
	}
	p.mu.Unlock()
	if !keep {
		c.kill()
	}
	p.busy.Done()
}

// idled ends a child that had no work for long enough.
func (p *Pool) idled(c *child) {
	p.mu.Lock()
	i := slices.Index(p.idle[c.class], c)
	if i >= 0 {
		p.idle[c.class] = slices.Delete(p.idle[c.class], i, i+1)
	}
	p.mu.Unlock()
	if i >= 0 {
		c.kill()
	}
}

func closedError() error {
	return sluice.Errorf(sluice.Unavailable, "nothing can be evaluated: the sandbox is closed").Fix("try again once the server has started")
}
