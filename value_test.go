package sluice_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice"
)

func pin(version int, label string) sluice.Pin {
	return sluice.Pin{Version: version, Label: sluice.Label(label), Digest: sha(fmt.Sprint(version))}
}

func share(version int, weight sluice.Weight) sluice.Share {
	return sluice.Share{Pin: pin(version, ""), Weight: weight}
}

func TestAllocate(t *testing.T) {
	for name, c := range map[string]struct {
		base   int
		shares []sluice.Share
		want   []int // versions in their order; none when it is refused
	}{
		"the base is last":         {1, []sluice.Share{share(1, 9000), share(2, 1000)}, []int{2, 1}},
		"others by number":         {2, []sluice.Share{share(3, 1), share(2, 9998), share(1, 1)}, []int{1, 3, 2}},
		"the base has no share":    {9, []sluice.Share{share(2, 5000), share(1, 5000)}, []int{1, 2}},
		"without a base the first": {0, []sluice.Share{share(1, 1), share(2, 9999)}, []int{2, 1}},
		"one version":              {1, []sluice.Share{share(1, 10000)}, nil},
		"none":                     {1, nil, nil},
		"too little":               {1, []sluice.Share{share(1, 5000), share(2, 4999)}, nil},
		"too much":                 {1, []sluice.Share{share(1, 5000), share(2, 5001)}, nil},
		"twice":                    {1, []sluice.Share{share(1, 5000), share(1, 5000)}, nil},
		"nothing for one":          {1, []sluice.Share{share(1, 10000), share(2, 0)}, nil},
		"less than nothing":        {1, []sluice.Share{share(1, 10001), share(2, -1)}, nil},
		"more than may be":         {1, manyShares(sluice.MaxShares + 1), nil},
		"as many as may be":        {1, manyShares(sluice.MaxShares), []int{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1}},
		"a weight beyond integers": {1, []sluice.Share{share(1, math.MaxInt), share(2, math.MaxInt), share(3, 2)}, nil},
	} {
		base := sluice.Pin{}
		if c.base > 0 {
			base = pin(c.base, "")
		}
		v, err := sluice.Allocate(base, c.shares)
		if c.want == nil {
			if sluice.CodeOf(err) != sluice.Invalid {
				t.Errorf("%s: %v, %v; want invalid", name, v, err)
			}
			continue
		}
		var got []int
		for _, s := range v.Split {
			got = append(got, s.Version)
		}
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
	}
}

func manyShares(n int) (out []sluice.Share) {
	rest := sluice.Whole
	for i := range n - 1 {
		out = append(out, share(i+2, 100))
		rest -= 100
	}
	return append(out, share(1, rest))
}

func TestValueText(t *testing.T) {
	split, err := sluice.Allocate(pin(1, "v1.0.0"), []sluice.Share{{Pin: pin(1, "v1.0.0"), Weight: 8750}, {Pin: pin(2, ""), Weight: 1250}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		value                 sluice.Value
		text                  string
		zero, live, isSettled bool
		pins                  int
	}{
		{sluice.Value{}, "", true, false, false, 0},
		{sluice.Value{None: true}, "none", false, false, false, 0},
		{sluice.Settle(pin(3, "v1.0.0")), "v1.0.0", false, true, true, 1},
		{sluice.Settle(pin(3, "")), "3", false, true, true, 1},
		{split, "2 12.5% / v1.0.0 87.5%", false, true, false, 2},
	} {
		v := c.value
		if v.String() != c.text || v.IsZero() != c.zero || v.Live() != c.live || v.Settled() != c.isSettled || len(v.Pins()) != c.pins {
			t.Errorf("%+v is %q, zero %t, live %t, settled %t, %d pins", v, v, v.IsZero(), v.Live(), v.Settled(), len(v.Pins()))
		}
		back, err := sluice.DecodeValue(v.Encode())
		if err != nil || !back.Equal(v) {
			t.Errorf("%q is stored as %q and read as %+v, %v", v, v.Encode(), back, err)
		}
		var fromJSON sluice.Value
		if body, err := json.Marshal(v); err != nil || json.Unmarshal(body, &fromJSON) != nil || !fromJSON.Equal(v) {
			t.Errorf("%q does not survive JSON: %+v, %v", v, fromJSON, err)
		}
	}
	for _, damaged := range []string{"x", "0 sha256:ab v1", "-1  ", "{", "{}x", "99999999999999999999 a b"} {
		if v, err := sluice.DecodeValue(damaged); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%q is read as %+v, %v", damaged, v, err)
		}
	}
}

// TestPickIsTheSameEverywhere holds values that other implementations of the
// assignment must give too.
func TestPickIsTheSameEverywhere(t *testing.T) {
	v := sluice.Value{Pin: pin(1, ""), Split: []sluice.Share{share(2, 1000), share(3, 2000), share(1, 7000)}}
	for key, want := range map[string]int{"": 1, "alice": 1, "bob": 1, "user-4": 3, "user-27": 2, "user-28": 3, "Ünï": 2} {
		if got := v.Pick("my-prompt", key).Version; got != want {
			t.Errorf("%q gets version %d, want %d", key, got, want)
		}
	}
	if got := sluice.Settle(pin(4, "")).Pick("my-prompt", "alice").Version; got != 4 {
		t.Errorf("a settled slot gives version %d", got)
	}
}

// TestPickShares counts. With 200,000 keys a share's standard deviation is at
// most 0.11 %; six of them happen by chance once in 500 million.
func TestPickShares(t *testing.T) {
	const keys = 200_000
	for _, shares := range [][]sluice.Share{
		{share(2, 5000), share(1, 5000)}, {share(2, 100), share(1, 9900)}, {share(2, 1), share(3, 3333), share(1, 6666)},
	} {
		v, count := sluice.Value{Pin: pin(1, ""), Split: shares}, map[int]int{}
		for i := range keys {
			count[v.Pick("my-prompt", fmt.Sprintf("user-%d", i)).Version]++
		}
		for _, s := range shares {
			p := float64(s.Weight) / float64(sluice.Whole)
			if off := math.Abs(float64(count[s.Version]) - keys*p); off > 6*math.Sqrt(keys*p*(1-p)) {
				t.Errorf("%s: version %d has %d of %d keys", v, s.Version, count[s.Version], keys)
			}
		}
	}
}

// TestPickIsSticky: while a challenger's weight grows, keys move to it and no
// key moves away, and two components do not move the same keys.
func TestPickIsSticky(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := sluice.Weight(rapid.IntRange(1, 9998).Draw(t, "weight"))
		large := sluice.Weight(rapid.IntRange(int(small)+1, 9999).Draw(t, "later"))
		key := rapid.StringN(1, 40, -1).Draw(t, "key")
		at := func(w sluice.Weight) int {
			v, err := sluice.Allocate(pin(1, ""), []sluice.Share{share(1, sluice.Whole-w), share(2, w)})
			if err != nil {
				t.Fatal(err)
			}
			return v.Pick("my-prompt", key).Version
		}
		if at(small) == 2 && at(large) == 1 {
			t.Fatalf("%q moved back when the share grew from %s to %s", key, small, large)
		}
	})
	half, both := sluice.Value{Pin: pin(1, ""), Split: []sluice.Share{share(2, 5000), share(1, 5000)}}, 0
	for i := range 10_000 {
		if key := fmt.Sprint(i); half.Pick("a", key) == half.Pick("b", key) {
			both++
		}
	}
	if both < 4700 || both > 5300 {
		t.Errorf("two components give %d of 10000 keys the same version; independent ones give half", both)
	}
}
