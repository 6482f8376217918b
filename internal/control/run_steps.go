package control

import (
	"cmp"
	"context"
	"iter"
	"math"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// Bounds on what is read at once of the steps of a run. A step that has more bytes
// is read alone.
const (
	portionSteps = 256
	portionBytes = 1 << 20
)

// smallRead is up to how many bytes a read takes no share of the memory: there are
// many, and each is soon over. Others take several times what they read, for the
// forms that it has on its way from the database to the wire.
const (
	smallRead = 256 << 10
	copies    = 4
)

// weight is what a read of so many bytes takes of the memory.
func weight(bytes int64) int64 {
	if bytes <= smallRead {
		return 0
	}
	return copies * bytes
}

// Steps yields the steps of a run by path. No more of them is in memory than a
// portion, for as long as its reader takes.
func (c *Control) Steps(ctx context.Context, q sluice.StepQuery) iter.Seq2[sluice.RunStep, error] {
	return func(yield func(sluice.RunStep, error) bool) {
		var sizes []store.StepSize
		err := c.view(ctx, func(tx *store.Tx) error {
			if _, err := findRun(tx, q.Run); err != nil {
				return err
			}
			var err error
			sizes, err = tx.StepSizes(q.Run, 0, q.Detail)
			return err
		})
		if err == nil {
			sizes = slices.DeleteFunc(sizes, func(s store.StepSize) bool {
				return q.Path != "" && s.Path != q.Path || q.After != "" && sluice.CompareStepPaths(s.Path, q.After) <= 0
			})
			if q.Path != "" && q.After == "" && len(sizes) == 0 {
				err = sluice.Errorf(sluice.NotFound, "run %s has no step %s", q.Run, shortly(q.Path)).Do(sluice.ListSteps(q.Run), "see them all")
			}
		}
		if err != nil {
			yield(sluice.RunStep{}, err)
			return
		}
		slices.SortFunc(sizes, func(a, b store.StepSize) int { return sluice.CompareStepPaths(a.Path, b.Path) })
		c.eachStep(ctx, portions{run: q.Run, until: math.MaxInt64, detail: q.Detail}, sizes, yield)
	}
}

// portions says which steps are read, and what of them.
type portions struct {
	run    string
	until  int64 // without those that changed after this change
	detail bool
}

// eachStep yields steps in the order of their sizes, portion by portion. It reports
// whether there is a use in going on.
func (c *Control) eachStep(ctx context.Context, of portions, sizes []store.StepSize, yield func(sluice.RunStep, error) bool) bool {
	for len(sizes) > 0 {
		paths, bytes := portion(sizes)
		sizes = sizes[len(paths):]
		if !c.somePortion(ctx, of, paths, bytes, yield) {
			return false
		}
	}
	return true
}

func (c *Control) somePortion(ctx context.Context, of portions, paths []string, bytes int64, yield func(sluice.RunStep, error) bool) bool {
	share, err := c.memory.Take(ctx, sluice.ActorOf(ctx).Name, weight(bytes))
	defer share.Release()
	var steps []sluice.RunStep
	if err == nil {
		err = c.view(ctx, func(tx *store.Tx) (err error) {
			steps, err = tx.StepsAt(of.run, paths, of.until, of.detail)
			return err
		})
	}
	if err != nil {
		yield(sluice.RunStep{}, err)
		return false
	}
	for _, s := range steps {
		if !yield(s, nil) {
			return false
		}
	}
	return true
}

// portion is as many steps as are read at once, which is one at least.
func portion(sizes []store.StepSize) (paths []string, bytes int64) {
	for _, s := range sizes {
		if n := len(paths); n > 0 && (n == portionSteps || bytes+s.Bytes > portionBytes) {
			break
		}
		paths, bytes = append(paths, s.Path), bytes+s.Bytes
	}
	return paths, bytes
}

// byChange orders steps as they changed.
func byChange(sizes []store.StepSize) {
	slices.SortFunc(sizes, func(a, b store.StepSize) int {
		return cmp.Or(cmp.Compare(a.Change, b.Change), sluice.CompareStepPaths(a.Path, b.Path))
	})
}
