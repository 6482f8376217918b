package server

import (
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// leastHeap is what the process may take before the garbage collector spares no
	// effort: what large answers leave behind goes before more is taken.
	leastHeap = 320 << 20
	// heapLook is how often the bound follows what is in use.
	heapLook = time.Second
)

// boundHeap bounds the memory of the process, garbage included, at leastHeap or
// twice what is in use, whichever is more: what a large ledger needs is never
// refused, and does not make the collector work without end. GOMEMLIMIT says
// otherwise.
func (s *Server) boundHeap() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	s.tasks.Go(func() {
		defer debug.SetMemoryLimit(math.MaxInt64)
		look := time.NewTicker(heapLook)
		defer look.Stop()
		for {
			debug.SetMemoryLimit(heapBound(heapInUse()))
			select {
			case <-s.stop:
				return
			case <-look.C:
			}
		}
	})
}

// heapInUse is what the last collection left, in bytes.
func heapInUse() int64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return int64(live[0].Value.Uint64())
}

func heapBound(inUse int64) int64 { return max(leastHeap, 2*inUse) }
