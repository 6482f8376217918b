package gitrepo

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

func TestChain(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	tree, err := r.PutTree(nil)
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, parents ...OID) OID {
		return putCommit(t, r, Commit{Tree: tree, Parents: parents, Author: alice, Committer: alice, Message: name})
	}
	a := put("a")
	b := put("b", a)
	side := put("side", a)
	merge := put("merge", b, side)
	last := put("last", merge)
	alone := put("alone")
	blob, err := r.Put("blob", nil)
	if err != nil {
		t.Fatal(err)
	}
	gone := OID(strings.Repeat("1", 40))
	for _, test := range []struct {
		name     string
		from, to OID
		want     []OID
		code     sluice.Code
	}{
		{"all", "", last, []OID{a, b, merge, last}, ""},
		{"after one", a, last, []OID{b, merge, last}, ""},
		{"after the one before", merge, last, []OID{last}, ""},
		{"nothing after it", last, last, nil, ""},
		{"the first", "", a, []OID{a}, ""},
		{"one on a side branch", side, last, nil, sluice.Conflict},
		{"backwards", last, a, nil, sluice.Conflict},
		{"unrelated", alone, last, nil, sluice.Conflict},
		{"a commit that is not there", gone, last, nil, sluice.NotFound},
		{"up to one that is not there", "", gone, nil, sluice.NotFound},
		{"no id", "--all", last, nil, sluice.Invalid},
		{"up to nothing", "", "", nil, sluice.Invalid},
	} {
		got, err := r.Chain(t.Context(), test.from, test.to)
		if !slices.Equal(got, test.want) || sluice.CodeOf(err) != test.code {
			t.Errorf("%s: got %v and %v, want %v and code %q", test.name, got, err, test.want, test.code)
		}
	}
	for _, test := range []struct {
		ancestor, of OID
		want         bool
		code         sluice.Code
	}{
		{a, last, true, ""},
		{side, last, true, ""},
		{last, last, true, ""},
		{last, a, false, ""},
		{alone, last, false, ""},
		{gone, last, false, sluice.NotFound},
		{last, gone, false, sluice.NotFound},
		{blob, last, false, sluice.NotFound},
		{"HEAD", last, false, sluice.Invalid},
		{"", last, false, sluice.Invalid},
	} {
		if got, err := r.HasAncestor(t.Context(), test.ancestor, test.of); got != test.want || sluice.CodeOf(err) != test.code {
			t.Errorf("%s before %s: got %t and %v, want %t and code %q", test.ancestor, test.of, got, err, test.want, test.code)
		}
	}
}

func TestChainIsLong(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	var stream strings.Builder
	const n = 5000
	for i := range n {
		fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter a <a> %d +0000\ndata 1\nx\n", i)
	}
	gitWith(t, r.Top, []byte(stream.String()), "fast-import", "--quiet")
	to := OID(git(t, r.Top, "rev-parse", "main"))
	chain, err := r.Chain(t.Context(), "", to)
	if err != nil || len(chain) != n || chain[n-1] != to || r.Started() != 1 {
		t.Errorf("got %d commits with %d processes and %v, want %d with one", len(chain), r.Started(), err, n)
	}
	dir := t.TempDir()
	git(t, dir, "clone", "--quiet", "--depth=3", "file://"+r.Top, "cut")
	cut := opened(t, filepath.Join(dir, "cut"))
	if got, err := cut.Chain(t.Context(), "", to); err != nil || !slices.Equal(got, chain[n-3:]) {
		t.Errorf("a shallow clone: got %v and %v, want %v", got, err, chain[n-3:])
	}
}
