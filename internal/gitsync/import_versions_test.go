package gitsync

import (
	"testing"

	"github.com/sluice-dev/sluice"
)

// TestHolding chooses among versions with the same content.
func TestHolding(t *testing.T) {
	t.Parallel()
	s := &onShelf{content: map[sluice.Digest][]*entry{}, labels: map[sluice.Label]*entry{}}
	for i, e := range []entry{{commit: "a", at: 10}, {commit: "b", at: 20}, {commit: "c", at: 30, gone: true}, {commit: "d", at: 40}} {
		e.Version, e.Digest = i+1, "same"
		s.put(&e)
	}
	for _, test := range []struct {
		digest sluice.Digest
		commit sluice.Commit
		at     sluice.Time
		want   int
	}{
		{"same", "b", 100, 2}, // of the same commit
		{"same", "x", 100, 4}, // the last by then
		{"same", "x", 35, 2},  // which could be recorded
		{"same", "x", 5, 1},   // else the first
		{"same", "", 15, 1},
		{"other", "a", 15, 0},
	} {
		got := s.holding(test.digest, test.commit, test.at)
		if got == nil && test.want == 0 {
			continue
		}
		if got == nil || got.Version != test.want {
			t.Errorf("%+v: got %+v", test, got)
		}
	}
}
