package sluice_test

import (
	"slices"
	"testing"

	"github.com/sluice-dev/sluice"
)

func TestStepPathsAreOrderedByNumber(t *testing.T) {
	t.Parallel()
	want := []string{"0", "0.0.0", "0.0.1", "0.2.0", "0.10.0", "2", "2.0", "10"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, sluice.CompareStepPaths)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
