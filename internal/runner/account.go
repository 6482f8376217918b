package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/sluice-dev/sluice"
)

// memory is what the values of all runs take that one worker carries out. A run may
// take what is left; once nothing is, it may take no more than its share, so that
// one run cannot end others by what it holds.
type memory struct {
	most int64

	mu      sync.Mutex
	used    int64
	holders int // runs under way
	pressed bool
}

// account is what one run has collected and what it holds during a turn.
type account struct {
	memory *memory
	total  int64 // the most that the run may collect
	end    context.CancelCauseFunc

	mu        sync.Mutex
	collected int64 // bytes of its record: settings, outputs and effects of its steps
	held      int64 // bytes of memory
	spent     *sluice.RunError
}

// errSpent says that a run asked for more than it may have.
var errSpent = errors.New("the run is larger than it may be")

// open opens the account of a run for a turn. End is called when it asks for more
// than it may have. Close must follow.
func (m *memory) open(total int64, end context.CancelCauseFunc) *account {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.holders++
	return &account{memory: m, total: total, end: end}
}

// fewRuns go on at once however much they hold, so that none keeps all others from
// beginning.
const fewRuns = 8

// crowded reports whether no further run should begin before one has ended.
func (m *memory) crowded() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.holders >= fewRuns && m.used > m.most/2
}

// change notes what is taken or given back. While much is held, garbage is collected
// before it is as much again, and once little is, the system gets back what was
// taken. The caller holds mu.
func (m *memory) change(n int64) {
	m.used += n
	switch {
	case !m.pressed && m.used > m.most/4:
		m.pressed = true
		collector.hurry()
	case m.pressed && m.used < m.most/8:
		m.pressed = false
		collector.relax()
	}
}

// close gives back all that the run holds.
func (a *account) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.memory.mu.Lock()
	defer a.memory.mu.Unlock()
	a.memory.change(-a.held)
	a.memory.holders--
	a.held = 0
}

// hold takes memory before it is used. False says that there is none for this run,
// and the run ends.
func (a *account) hold(at sluice.RunStep, n int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.spent != nil {
		return false
	}
	if a.take(n) {
		return true
	}
	a.overdrawn(at, fmt.Sprintf("the values that runs hold in memory would take more than %d bytes, of which this run holds %d", a.memory.most, a.held),
		sluice.Advise("let it work on less at once, or on its input in parts"), sluice.Do(sluice.StartServer("run-memory"), "raise it"))
	return false
}

// tryHold is hold, but that a run which cannot have the memory now goes on later.
func (a *account) tryHold(n int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.take(n)
}

// take takes memory when there is some for this run.
func (a *account) take(n int64) bool {
	m := a.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used+n > m.most && a.held+n > m.most/int64(max(m.holders, 1)) {
		return false
	}
	m.change(n)
	a.held += n
	return true
}

// release gives memory back.
func (a *account) release(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.memory.mu.Lock()
	defer a.memory.mu.Unlock()
	a.held -= n
	a.memory.change(-n)
}

// collect counts bytes that are about to be written to the run's record. False says
// that they are too many, and the run ends.
func (a *account) collect(at sluice.RunStep, n int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.spent != nil {
		return false
	}
	if a.collected+int64(n) > a.total {
		a.overdrawn(at, fmt.Sprintf("what the run has collected would have more than %d bytes, which is the limit of a run", a.total),
			sluice.Advise("keep large content elsewhere, and pass on where it is"), sluice.Do(sluice.StartServer("run-bytes"), "raise it"))
		return false
	}
	a.collected += int64(n)
	return true
}

// overdrawn notes why the run ends, and ends it.
func (a *account) overdrawn(at sluice.RunStep, message string, fixes ...sluice.Advice) {
	if at.Path != "" {
		message = fmt.Sprintf("with step %s (%s), %s", at.Path, at.Block, message)
	}
	a.spent = &sluice.RunError{Code: sluice.LimitExceeded, Message: message, Step: at.Path, Block: at.Block, Fixes: fixes}
	a.end(errSpent)
}

// failure is why the run ends, nil unless it asked for too much.
func (a *account) failure() *sluice.RunError {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.spent
}
