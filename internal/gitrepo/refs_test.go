package gitrepo

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

func TestRefs(t *testing.T) {
	t.Parallel()
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := initRepo(t, format)
			commit := commitIn(t, r.Top)
			tree := OID(git(t, r.Top, "rev-parse", "HEAD^{tree}"))
			git(t, r.Top, "tag", "-a", "-m", "x", "components/bot/v1")
			tag := OID(git(t, r.Top, "rev-parse", "components/bot/v1"))
			git(t, r.Top, "tag", "-a", "-m", "x", "components/bot/prod", string(tag))
			nested := OID(git(t, r.Top, "rev-parse", "components/bot/prod"))
			git(t, r.Top, "tag", "componentsx", string(tree))
			git(t, r.Top, "tag", "components/\u00e9", string(commit))
			wantTags := []Ref{
				{"refs/tags/components/bot/prod", nested, "tag", commit},
				{"refs/tags/components/bot/v1", tag, "tag", commit},
				{"refs/tags/components/\u00e9", commit, "commit", commit},
			}
			other := Ref{"refs/tags/componentsx", tree, "tree", tree}
			main := Ref{"refs/heads/main", commit, "commit", commit}
			for _, packed := range []bool{false, true} {
				if packed {
					git(t, r.Top, "pack-refs", "--all")
				}
				for _, test := range []struct {
					prefixes []string
					want     []Ref
				}{
					{[]string{"refs/tags/components"}, wantTags},
					{[]string{"refs/tags/components/"}, wantTags},
					{[]string{"refs/tags/components/bot/v1"}, wantTags[1:2]},
					{[]string{"refs/tags/components/b"}, nil},
					{[]string{"refs/tags", "refs/heads"}, append([]Ref{main}, append(slices.Clone(wantTags), other)...)},
					{nil, append([]Ref{main}, append(slices.Clone(wantTags), other)...)},
				} {
					got, err := r.Refs(t.Context(), test.prefixes...)
					if err != nil || !slices.Equal(got, test.want) {
						t.Errorf("%q: got %v and %v, want %v", test.prefixes, got, err, test.want)
					}
				}
			}
			for _, prefix := range []string{"", "--all", "heads", "refs/*", "refs/tags/a b", "refs/../x", "refs//"} {
				if got, err := r.Refs(t.Context(), prefix); sluice.CodeOf(err) != sluice.Invalid {
					t.Errorf("%q: got %v and %v, want invalid", prefix, got, err)
				}
			}
		})
	}
}

// packTags packs many annotated tags of a few objects.
func packTags(t testing.TB, r *Repo, n int) {
	t.Helper()
	commit := commitIn(t, r.Top)
	tag, err := r.Put("tag", Tag{Object: commit, Kind: "commit", Name: "x", Tagger: alice}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	var packed strings.Builder
	packed.WriteString("# pack-refs with: peeled fully-peeled sorted \n")
	for i := range n {
		fmt.Fprintf(&packed, "%s refs/tags/components/c%06d/v1\n^%s\n", tag, i, commit)
	}
	if err := os.WriteFile(filepath.Join(r.Common, "packed-refs"), []byte(packed.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	git(t, r.Top, "repack", "-adq")
}

func TestRefsOfManyTags(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	const n = 100_000
	packTags(t, r, n)
	refs, err := r.Refs(t.Context(), "refs/tags/components")
	if err != nil || len(refs) != n || r.Started() != 1 {
		t.Fatalf("got %d refs with %d processes and %v, want %d with one", len(refs), r.Started(), err, n)
	}
	sorted := slices.IsSortedFunc(refs, func(a, b Ref) int { return strings.Compare(a.Name, b.Name) })
	if last := refs[n-1]; !sorted || last.Kind != "tag" || last.Peeled == last.ID || last.Peeled == "" {
		t.Errorf("got %+v last, sorted %t", last, sorted)
	}
	one, err := r.Refs(t.Context(), "refs/tags/components/c050000")
	if err != nil || len(one) != 1 {
		t.Errorf("one of many: got %v and %v", one, err)
	}
}

func BenchmarkRefs(b *testing.B) {
	r := initRepo(b)
	packTags(b, r, 100_000)
	for b.Loop() {
		if _, err := r.Refs(b.Context(), "refs/tags/components"); err != nil {
			b.Fatal(err)
		}
	}
}

// TestCheckRefAgreesWithGit has `git check-ref-format` judge the same names. Sluice
// is stricter about their length alone.
func TestCheckRefAgreesWithGit(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	for _, name := range []string{
		"refs/heads/main", "refs/tags/components/bot/v1.0.0", "refs/x/\u00e9", "refs/x/a@b", "refs/x/@", "refs/x/-a", "refs/x/{", "refs/x/a.b.c", "refs/x/a.lock.b", "refs/x/HEAD",
		"refs/x/.a", "refs/x/a.", "refs/x/a..b", "refs/x/a.lock", "refs/x/a.lock/b", "refs/x//a", "refs/x/", "refs//x", "refs/x/a@{b", "refs/x/a b", "refs/x/a\tb", "refs/x/a\x7f",
		"refs/x/~", "refs/x/^", "refs/x/:", "refs/x/?", "refs/x/*", "refs/x/[", `refs/x/\`, "refs/", "", "/refs/x", "refs/x/a\nb",
	} {
		_, err := r.Run(t.Context(), nil, "check-ref-format", name)
		if git, got := err == nil, CheckRef(name) == nil; got != git {
			t.Errorf("%q: got %t, git says %t", name, got, git)
		}
	}
	for _, name := range []string{"HEAD", "heads/main", "refs", "refs/x/" + strings.Repeat("x", maxRefPart+1), "refs" + strings.Repeat("/x", maxRef)} {
		if err := CheckRef(name); sluice.CodeOf(err) != sluice.Invalid || len(sluice.AsError(err).Fixes) == 0 {
			t.Errorf("%.50q: got %v, want invalid with a fix", name, err)
		}
	}
}
