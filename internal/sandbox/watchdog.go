package sandbox

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/sluice-dev/sluice/internal/expr"
)

// watchEvery is how often the watchdog looks while a job runs. Jobs that are done
// sooner never see it.
const watchEvery = 5 * time.Millisecond

// watchdog ends this process when a job holds more memory than it may, or when
// the parent is gone. The kernel's limits, where there are any, are above it and
// for allocations that are too large to wait for it.
type watchdog struct {
	parent int
	sample []metrics.Sample
	base   uint64 // bytes in use before any job
	mapped int64  // bytes of address space before any job

	mu      sync.Mutex
	timer   *time.Timer
	running bool
	long    bool // the job has been seen running
	limit   uint64
	bounded time.Time     // when the processor time was last bounded,
	forTime time.Duration // and for jobs of what time
}

func newWatchdog() *watchdog {
	w := &watchdog{parent: os.Getppid(), sample: []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}}
	runtime.GC()
	w.base, w.mapped = w.used(), mapped()
	w.timer = time.AfterFunc(time.Hour, w.look)
	w.timer.Stop()
	return w
}

// begin starts to watch over a job.
func (w *watchdog) begin(limits expr.Limits) {
	w.mu.Lock()
	defer w.mu.Unlock()
	limit := w.base + uint64(limits.Memory)
	if limit != w.limit {
		w.limit = limit
		debug.SetMemoryLimit(int64(limit))
		boundMemory(limits.Memory, w.mapped)
	}
	w.running, w.long = true, false
	w.boundCPU(limits.Time)
	w.timer.Reset(watchEvery)
}

// boundCPU leaves the job processor time, once in a second, since a call of the
// system for each job is felt.
func (w *watchdog) boundCPU(limit time.Duration) {
	const often = time.Second
	if now := time.Now(); now.Sub(w.bounded) > often || limit > w.forTime {
		w.bounded, w.forTime = now, limit
		boundCPU(limit + often)
	}
}

// end stops watching. After a long job its garbage is collected, so that the next
// starts with all of its memory.
func (w *watchdog) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.running = false
	if w.long {
		runtime.GC()
	}
}

// look runs on the timer.
func (w *watchdog) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.running {
		return
	}
	w.long = true
	if os.Getppid() != w.parent {
		os.Exit(exitDone)
	}
	if w.used() > w.limit {
		runtime.GC() // what is over the limit may be garbage
		if w.used() > w.limit {
			os.Exit(exitMemory)
		}
	}
	w.timer.Reset(watchEvery)
}

// used is how many bytes objects and stacks take.
func (w *watchdog) used() (n uint64) {
	metrics.Read(w.sample)
	for _, s := range w.sample {
		if s.Value.Kind() == metrics.KindUint64 {
			n += s.Value.Uint64()
		}
	}
	return n
}
