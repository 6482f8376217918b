package scriptum

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sluice-dev/sluice"
	pb "github.com/sluice-dev/sluice/internal/api/scriptum/scriptumv1"
)

// TestChunks puts chunks of all sizes together again.
func TestChunks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		bytes  int
		size   int32
		chunks int
		first  int // bytes of the first
	}{
		{0, 0, 1, 0},
		{1, 0, 1, 1},
		{defaultChunk, 0, 1, defaultChunk},
		{defaultChunk + 1, 0, 2, defaultChunk},
		{minChunk, 1, 1, minChunk},
		{minChunk * 3, 1, 3, minChunk},
		{minChunk*3 + 1, -5, 4, minChunk},
		{sluice.MaxOutputBytes, 1 << 30, 1, maxChunk},
		{sluice.MaxOutputBytes, 1 << 20, 16, 1 << 20},
	} {
		data := bytes.Repeat([]byte("0123456789abcde"), c.bytes/15+1)[:c.bytes]
		var all []byte
		var got []*pb.OutputChunk
		if err := chunks(data, c.size, func(o *pb.OutputChunk) error {
			all, got = append(all, o.GetData()...), append(got, o)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(all, data) || len(got) != c.chunks || len(got[0].GetData()) != c.first {
			t.Errorf("%d bytes by %d: got %d chunks, the first of %d, want %d of %d", c.bytes, c.size, len(got), len(got[0].GetData()), c.chunks, c.first)
		}
		for i, o := range got {
			if o.GetChunkIndex() != int32(i) || o.GetIsFinal() != (i == len(got)-1) {
				t.Errorf("%d bytes by %d: chunk %d has the index %d and final %v", c.bytes, c.size, i, o.GetChunkIndex(), o.GetIsFinal())
			}
		}
	}
	gone := errors.New("gone")
	if err := chunks(make([]byte, maxChunk), 0, func(*pb.OutputChunk) error { return gone }); !errors.Is(err, gone) {
		t.Errorf("got %v, want %v", err, gone)
	}
}

// TestCurrent finds the step that a run is at.
func TestCurrent(t *testing.T) {
	t.Parallel()
	steps := []sluice.RunStep{
		{Path: "0", Status: sluice.StepCompleted, StartedAt: 9},
		{Path: "1", Status: sluice.StepRunning, StartedAt: 2},
		{Path: "1.0", Status: sluice.StepWaiting, StartedAt: 3},
		{Path: "2", Status: sluice.StepRunning, StartedAt: 1},
	}
	if got := current(steps); got == nil || got.Path != "1.0" {
		t.Errorf("got %v, want 1.0", got)
	}
	if got := current(steps[:1]); got != nil {
		t.Errorf("got %v, want none", got)
	}
}

// TestStatuses gives every status a name here.
func TestStatuses(t *testing.T) {
	t.Parallel()
	for _, s := range sluice.RunStatuses() {
		if threadStatuses[s] == pb.ThreadStatus_THREAD_STATUS_UNSPECIFIED {
			t.Errorf("%s has no status of a thread", s)
		}
	}
	lost := thread(sluice.Run{Status: sluice.RunInterrupted, Warnings: []sluice.RunWarning{{Code: sluice.WarnNotConfigured, Message: "no configuration was loaded"}}})
	if lost.GetStatus() != pb.ThreadStatus_THREAD_STATUS_RUNNING || len(lost.GetNotes()) != 2 {
		t.Errorf("one whose worker was lost is %v", lost)
	}
	if len(stepStatuses) != len(pb.StepStatus_name)-1 {
		t.Errorf("%d statuses of steps for %d names", len(stepStatuses), len(pb.StepStatus_name)-1)
	}
}
