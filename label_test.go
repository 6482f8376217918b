package sluice_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// TestLabelOrder holds the order that Semantic Versioning 2.0.0 gives in item 11
// as its example, with neighbours.
func TestLabelOrder(t *testing.T) {
	ordered := []sluice.Label{
		"v0.0.1", "v0.1.0", "v0.9.0", "v0.10.0",
		"v1.0.0-0", "v1.0.0-2", "v1.0.0-10", "v1.0.0--", "v1.0.0-alpha", "v1.0.0-alpha.1", "v1.0.0-alpha.1.0", "v1.0.0-alpha.beta",
		"v1.0.0-beta", "v1.0.0-beta.2", "v1.0.0-beta.11", "v1.0.0-rc.1", "v1.0.0",
		"v1.9.0", "v1.10.0-rc.1", "v1.10.0", "v1.11.0", "v2.0.0", "v2.1.0", "v2.1.1", "v10.0.0",
		"v99999999999999999999.0.0", "v100000000000000000000.0.0",
	}
	for i, a := range ordered {
		for j, b := range ordered {
			if got, want := a.Compare(b), min(1, max(-1, i-j)); got != want {
				t.Errorf("%s against %s is %d, want %d", a, b, got, want)
			}
		}
	}
	mixed := slices.Clone(ordered)
	slices.Reverse(mixed)
	slices.SortFunc(mixed, sluice.Label.Compare)
	if !slices.Equal(mixed, ordered) {
		t.Errorf("sorted as %v", mixed)
	}
}

func TestParseLabel(t *testing.T) {
	for in, want := range map[string]sluice.Label{
		"v1.2.3": "v1.2.3", "1.2.3": "v1.2.3", "0.0.0": "v0.0.0", "v1.0.0-x-y-z.--": "v1.0.0-x-y-z.--", "1.0.0-0.3.7": "v1.0.0-0.3.7",
	} {
		if got, err := sluice.ParseLabel(in); err != nil || got != want {
			t.Errorf("%q is %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "v", "v1", "v1.2", "1.2.3.4", "v01.0.0", "v1.00.0", "v1.0.0-", "v1.0.0-01", "v1.0.0-a..b", "v1.0.0+build", "vv1.0.0", "V1.0.0", "v1.0.0 ", "v1.0.0\n",
		"v1.0.0-ü", "v-1.0.0", "v1.0.0-" + strings.Repeat("a", 130),
	} {
		if got, err := sluice.ParseLabel(in); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%q is %s, %v; want invalid", in, got, err)
		}
	}
}

// TestNextLabel proposes what comes after a label, and never what comes before it.
func TestNextLabel(t *testing.T) {
	for l, want := range map[sluice.Label][3]sluice.Label{
		"":                          {"v1.0.0", "v1.0.0", "v1.0.0"},
		"v1.9.3":                    {"v1.9.4", "v1.10.0", "v2.0.0"},
		"v0.0.9":                    {"v0.0.10", "v0.1.0", "v1.0.0"},
		"v2.0.0-rc.1":               {"v2.0.0", "v2.0.0", "v2.0.0"},
		"v2.1.0-rc.1":               {"v2.1.0", "v2.1.0", "v3.0.0"},
		"v2.1.3-rc.1":               {"v2.1.3", "v2.2.0", "v3.0.0"},
		"v99999999999999999999.0.0": {"v99999999999999999999.0.1", "v99999999999999999999.1.0", "v100000000000000000000.0.0"},
	} {
		for i, by := range sluice.Bumps {
			if got := l.Next(by); got != want[i] || l != "" && got.Compare(l) <= 0 {
				t.Errorf("the next %s after %q is %s, want %s", by, l, got, want[i])
			}
		}
	}
}
