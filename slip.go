package sluice

import (
	"slices"
	"strings"
)

// Slip returns the existing name that a new one looks like a slip of the pen
// for, or "". Names of one series are alike on purpose and no slips: those that
// have one word more, and those that differ in numbers or in the first letter of
// a word, such as ab-test-a and ab-test-b, or prod-us-west and prod-us-east.
func Slip(name string, existing []string) string {
	return Suggest(name, slices.DeleteFunc(slices.Clone(existing), func(e string) bool {
		return inSeries(FoldName(name), FoldName(e))
	}))
}

// inSeries reports whether two different names are alike on purpose.
func inSeries(a, b string) bool {
	x, y := nameWords(a), nameWords(b)
	if len(x) != len(y) {
		n := min(len(x), len(y))
		return slices.Equal(x[:n], y[:n])
	}
	for i := range x {
		one, other := withoutDigits(x[i]), withoutDigits(y[i])
		if one == other {
			continue
		}
		if len(x) == 1 || one != "" && other != "" && one[0] == other[0] {
			return false
		}
	}
	return a != b
}

func nameWords(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' || r == '.' })
}

func withoutDigits(word string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return -1
		}
		return r
	}, word)
}
