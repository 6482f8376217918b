package cli

import (
	"fmt"
	"io"
	"slices"

	"github.com/sluice-dev/sluice"
)

// comparisonText is a table of the cases, the differences, and the sum.
func (e *env) comparisonText(w io.Writer, c *comparison) {
	a, b := c.Sides[0].Ref, c.Sides[1].Ref
	t := table{header: []string{"CASE", "OUTPUT", a, b, "TOKENS", "", "COST", ""}}
	for _, v := range c.Cases {
		left, right := v.Sides[0], v.Sides[1]
		t.add(v.Case, e.resultWord(v.Result), sideCell(left), sideCell(right),
			tokens(left.Usage), tokens(right.Usage), dollars(left.Usage.Cost), dollars(right.Usage.Cost))
	}
	t.write(w)
	for _, v := range c.Cases {
		e.caseText(w, c, v)
	}
	fmt.Fprintf(w, "%s: %d equal, %d different, %d failed\n", counted(len(c.Cases), "case"), c.Equal, c.Different, c.Failed)
	e.sidesText(w, c)
}

// caseText is what a row of the table has no room for.
func (e *env) caseText(w io.Writer, c *comparison, v comparedCase) {
	if v.Unified != "" {
		e.fileDiff(w, sluice.FileDiff{Unified: v.Unified})
	}
	for i, s := range v.Sides {
		if s.Status != sluice.RunCompleted {
			fmt.Fprintf(w, "%s %s %s: %s (run %s)\n", v.Case, c.Sides[i].Ref, s.Status, plain(valueOr(s.Error, "no output")), shortID(s.Run))
		}
	}
}

// sidesText compares what the sides took, over all cases.
func (e *env) sidesText(w io.Writer, c *comparison) {
	var t table
	for i, s := range c.Sides {
		var usage sluice.Usage
		var times []int64
		for _, v := range c.Cases {
			usage.Add(v.Sides[i].Usage)
			if v.Sides[i].Status == sluice.RunCompleted {
				times = append(times, v.Sides[i].Duration)
			}
		}
		middle := ""
		if slices.Sort(times); len(times) > 0 {
			middle = "median " + valueOr(took(times[(len(times)-1)/2]), "<1 ms")
		}
		t.add(s.Ref, c.Cases[0].Sides[i].What+" in "+c.Cases[0].Sides[i].where(s),
			middle, tokens(usage), dollars(usage.Cost))
	}
	t.write(w)
}

func (s comparedSide) where(of side) string {
	ref, err := sluice.ParseEnvironmentRef(of.Environment)
	if err != nil {
		return of.Environment
	}
	return fmt.Sprintf("%s#%d", ref.Name, s.Release)
}

// sideCell is how long a run took, or how else it ended.
func sideCell(s comparedSide) string {
	if s.Status != sluice.RunCompleted {
		return string(s.Status)
	}
	return valueOr(took(s.Duration), "<1 ms")
}

func (e *env) resultWord(result string) string {
	switch result {
	case "different":
		return e.style(yellow, result)
	case "failed":
		return e.style(red, result)
	}
	return result
}
