package server

import (
	"runtime"
	"testing"
)

// TestHeapBound: little in use leaves the least, much in use twice as much.
func TestHeapBound(t *testing.T) {
	t.Parallel()
	runtime.GC()
	for inUse, want := range map[int64]int64{0: leastHeap, leastHeap / 2: leastHeap, leastHeap: 2 * leastHeap} {
		if got := heapBound(inUse); got != want {
			t.Errorf("with %d in use: %d, want %d", inUse, got, want)
		}
	}
	if got := heapInUse(); got <= 0 {
		t.Errorf("%d bytes are in use", got)
	}
}
