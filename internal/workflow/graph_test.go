package workflow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// edge is one way in which a block can wait for another.
type edge int

const (
	byNeeds edge = iota
	byTemplate
	byCondition // the other chooses it
	byScript
	byWhen
	ways
)

// TestGraphs writes random graphs as files, with edges of all sorts: they come
// back as they are, and any edge that closes a circle is refused.
func TestGraphs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 12).Draw(t, "blocks")
		order := rapid.Permutation(indexes(n)).Draw(t, "order") // the file is in any order
		edges := map[[2]int]edge{}                              // from a block to one that it waits for
		for i := range n {
			for j := range i {
				if rapid.IntRange(0, 3).Draw(t, "edge") == 0 {
					edges[[2]int{order[i], order[j]}] = edge(rapid.IntRange(0, int(ways)-1).Draw(t, "way"))
				}
			}
		}
		text := written(n, edges)
		w, err := workflow.Read(t.Context(), expr.Direct{}, sluice.KindWorkflow, []sluice.File{{Path: "w.yaml", Text: text}})
		if err != nil {
			t.Fatalf("got %s\nof\n%s", told(err), text)
		}
		for i, b := range w.Blocks {
			var want []int
			for e := range edges {
				if e[0] == i {
					want = append(want, e[1])
				}
			}
			slices.Sort(want)
			if !slices.Equal(b.Needs, want) {
				t.Fatalf("block %d: got the needs %v, want %v of\n%s", i, b.Needs, want, text)
			}
		}
		if len(edges) == 0 {
			return
		}
		closeCircle(t, order, edges)
		text = written(n, edges)
		_, err = workflow.Read(t.Context(), expr.Direct{}, sluice.KindWorkflow, []sluice.File{{Path: "w.yaml", Text: text}})
		if err == nil || !strings.Contains(err.Error(), "wait for each other in a circle: b") {
			t.Fatalf("got %v, want that it is a circle:\n%s", err, text)
		}
	})
}

// closeCircle adds an edge back from a block to one that waits for it.
func closeCircle(t *rapid.T, order []int, edges map[[2]int]edge) {
	var all [][2]int
	for e := range edges {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	e := rapid.SampledFrom(all).Draw(t, "closed")
	edges[[2]int{e[1], e[0]}] = edge(rapid.IntRange(0, int(ways)-1).Draw(t, "way back"))
}

func indexes(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// written is a workflow whose block i waits for j where there is an edge. Each
// block is a condition, which can wait in all ways and choose others.
func written(n int, edges map[[2]int]edge) string {
	var b strings.Builder
	b.WriteString("blocks:\n")
	for i := range n {
		needs, template, when, chooses, script := []string{}, "true", "true", []string{}, "1"
		for j := range n {
			if way, waits := edges[[2]int{i, j}]; waits {
				switch way {
				case byNeeds:
					needs = append(needs, fmt.Sprintf("b%d", j))
				case byTemplate:
					template += fmt.Sprintf(" and b%d.output.x[0]", j)
				case byWhen:
					when += fmt.Sprintf(" && b%d.output", j)
				case byScript:
					script += fmt.Sprintf(" + b%d.output", j)
				}
			}
			if way, chosen := edges[[2]int{j, i}]; chosen && way == byCondition {
				chooses = append(chooses, fmt.Sprintf("b%d", j))
			}
		}
		fmt.Fprintf(&b, "  - id: b%d\n    block: condition\n    needs: [%s]\n    block_on_true: [%s]\n", i, strings.Join(needs, ", "), strings.Join(chooses, ", "))
		fmt.Fprintf(&b, "    condition: \"{{ %s }}\"\n    when: \"${%s}\"\n    on_error: {fallback: \"${%s}\"}\n", template, when, script)
	}
	return b.String()
}
