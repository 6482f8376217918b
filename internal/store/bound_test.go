package store

import (
	"math"
	"slices"
	"testing"

	"github.com/sluice-dev/sluice"
)

// TestStepsAt holds both engines to one answer: steps come in the order that was
// asked for, and without those that changed later than was asked for.
func TestStepsAt(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg Config) {
		db := open(t, cfg)
		update(t, db, func(tx *Tx) error {
			if err := tx.AddRun(sluice.Run{ID: "r1", Status: sluice.RunRunning}, nil); err != nil {
				return err
			}
			for i, path := range []string{"0", "2", "2.0", "1"} {
				if err := tx.PutStep("r1", sluice.RunStep{Path: path, Change: int64(i + 1)}); err != nil {
					return err
				}
			}
			return nil
		})
		for _, test := range []struct {
			until int64
			want  []string
		}{
			{math.MaxInt64, []string{"2.0", "0", "1"}},
			{3, []string{"2.0", "0"}},
			{1, []string{"0"}},
		} {
			err := db.View(t.Context(), org, func(tx *Tx) error {
				steps, err := tx.StepsAt("r1", []string{"2.0", "0", "9", "1"}, test.until, true)
				var paths []string
				for _, s := range steps {
					paths = append(paths, s.Path)
				}
				if !slices.Equal(paths, test.want) {
					t.Errorf("until change %d: got %v, want %v", test.until, paths, test.want)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
}
