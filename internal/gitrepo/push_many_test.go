package gitrepo

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

func TestPushThousands(t *testing.T) {
	t.Parallel()
	pushMany(t, 1500, 500)
}

// pushMany pushes new tags, new refs that are no tags, and one that moves, in
// one step.
func pushMany(t testing.TB, labelled, numbered int) {
	t.Helper()
	r := initRepo(t)
	bare := remoteOf(t, r)
	c := commits(t, r, 2)
	if err := r.Push(t.Context(), "origin", []PushRef{{Ref: chain, New: c[0]}}); err != nil {
		t.Fatal(err)
	}
	var refs []PushRef
	for i := range labelled {
		refs = append(refs, PushRef{Ref: fmt.Sprintf("refs/tags/components/component-%05d/v1.0.0", i), New: c[0]})
	}
	for i := range numbered {
		refs = append(refs, PushRef{Ref: fmt.Sprintf("refs/sluice/versions/component-%05d/1", i), New: c[0]})
	}
	refs = append(refs, PushRef{Ref: chain, New: c[1], Expected: c[0]})
	before := r.Started()
	if err := r.Push(t.Context(), "origin", refs); err != nil {
		t.Fatal(err)
	}
	if got := r.Started() - before; got > 5 { // settings, the outbox seen, filled and emptied, and the push
		t.Errorf("started %d processes, want 5", got)
	}
	for name := range refsOf(t, r) {
		if strings.HasPrefix(name, outbox) {
			t.Errorf("%s is left over", name)
		}
	}
	got := refsOf(t, bare)
	if len(got) != len(refs) || got[chain] != c[1] {
		t.Errorf("got %d refs and the chain at %s, want %d and %s", len(got), got[chain], len(refs), c[1])
	}
}

// TestPushInParts holds the room so small that not all fits.
func TestPushInParts(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	c := commits(t, r, 2)
	tag := func(i int) PushRef { return PushRef{Ref: fmt.Sprintf("refs/tags/components/bot/v%d", i), New: c[1]} }
	number := func(i int) PushRef { return PushRef{Ref: fmt.Sprintf("refs/sluice/versions/bot/%d", i), New: c[1]} }
	move := func(name string) PushRef { return PushRef{Ref: "refs/sluice/" + name, New: c[1], Expected: c[0]} }
	all := []PushRef{tag(1), move("a"), tag(2), number(1), tag(3), move("b"), number(2)}
	size := func(refs ...PushRef) (sum int) {
		for _, ref := range refs {
			sum += ref.size()
		}
		return sum
	}
	for _, test := range []struct {
		name string
		room int
		want string
	}{
		{"all fits", size(all...), "tag1 a tag2 1 tag3 b 2"},
		{"all but one", size(all...) - 1, "tag1 | a tag2 1 tag3 b 2"},
		{"two are too many", size(all...) - size(tag(1)) - 1, "tag1 tag2 | a 1 tag3 b 2"},
		{"only what moves fits, and little ahead at a time", size(move("a"), move("b")), "tag1 tag2 1 | tag3 2 | a b"},
		{"what moves does not fit", size(move("a"), move("b")) - 1, "too many refs of origin"},
	} {
		p := pusher{repo: r, remote: "origin", room: test.room, leases: manyLeases, specs: manySpecs}
		parts, err := p.divide(all)
		var got []string
		for _, part := range parts {
			var names []string
			for _, ref := range part {
				at := strings.LastIndexByte(ref.Ref, '/') + 1
				names = append(names, strings.Replace(ref.Ref[at:], "v", "tag", 1))
			}
			got = append(got, strings.Join(names, " "))
			if size(part...) > test.room {
				t.Errorf("%s: %q takes %d bytes of %d", test.name, names, size(part...), test.room)
			}
		}
		text := strings.Join(got, " | ")
		if err != nil {
			text = err.Error()
		}
		if !strings.HasPrefix(text, test.want) || err != nil && sluice.CodeOf(err) != sluice.LimitExceeded {
			t.Errorf("%s, in %d bytes: got %q (%v), want %q", test.name, test.room, text, sluice.CodeOf(err), test.want)
		}
	}
}

func TestPushInPartsMovesTogether(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	bare := remoteOf(t, r)
	c := commits(t, r, 2)
	if err := r.Push(t.Context(), "origin", []PushRef{{Ref: prod, New: c[0]}, {Ref: chain, New: c[0]}}); err != nil {
		t.Fatal(err)
	}
	refs := []PushRef{{Ref: version, New: c[1]}, {Ref: prod, New: c[1], Expected: c[0]}, {Ref: chain, New: c[1], Expected: c[1]}}
	p := pusher{repo: r, remote: "origin", room: refs[1].size() + refs[2].size(), leases: manyLeases, specs: manySpecs}
	if err := p.push(t.Context(), refs); sluice.CodeOf(err) != sluice.Conflict {
		t.Fatalf("got %v, want a conflict", err)
	}
	want := map[string]OID{version: c[1], prod: c[0], chain: c[0]}
	if got := refsOf(t, bare); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("after the conflict: got %v, want the new tag alone, %v", got, want)
	}
	refs[2].Expected = c[0]
	if err := p.push(t.Context(), refs); err != nil {
		t.Fatal(err)
	}
	if got := refsOf(t, bare); got[prod] != c[1] || got[chain] != c[1] {
		t.Errorf("in the end: got %v, want all at %s", got, c[1])
	}
}

func BenchmarkPushNew(b *testing.B) {
	for b.Loop() {
		pushMany(b, 10_000, 0)
	}
}

func BenchmarkPushMoves(b *testing.B) {
	r := initRepo(b)
	remoteOf(b, r)
	c := commits(b, r, 2)
	const n = 1000
	refs := make([]PushRef, n)
	for i := range refs {
		refs[i] = PushRef{Ref: fmt.Sprintf("refs/tags/components/component-%05d/prod", i), New: c[0]}
	}
	if err := r.Push(b.Context(), "origin", refs); err != nil {
		b.Fatal(err)
	}
	at := 0
	for b.Loop() {
		for i := range refs {
			refs[i].Expected, refs[i].New = c[at], c[1-at]
		}
		at = 1 - at
		if err := r.Push(b.Context(), "origin", refs); err != nil {
			b.Fatal(err)
		}
	}
}
