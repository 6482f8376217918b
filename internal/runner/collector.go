package runner

import (
	"runtime/debug"
	"sync"
)

// collector is the garbage collector of this process, which all workers in it share.
var collector haste

// haste has garbage collected more often while some worker holds much.
type haste struct {
	mu     sync.Mutex
	asked  int // workers who hold much
	before int // the percentage that was set before the first of them
}

// hastyPercent is how much garbage there may be, in hundredths of what is in use.
const hastyPercent = 30

// hurry begins to collect more often. Relax must follow.
func (h *haste) hurry() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.asked++; h.asked == 1 {
		if h.before = debug.SetGCPercent(hastyPercent); h.before >= 0 && h.before < hastyPercent {
			debug.SetGCPercent(h.before) // somebody wants even less
		}
	}
}

// relax collects as before, and gives back to the system what is free by then.
func (h *haste) relax() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.asked--; h.asked == 0 {
		debug.SetGCPercent(h.before)
		go debug.FreeOSMemory()
	}
}
