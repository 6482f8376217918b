package gitrepo

import (
	"fmt"
	"strconv"
	"testing"
)

// BenchmarkDeploy writes what one deploy writes: a file in a tree of a thousand,
// a commit, a tag, and moves two refs.
func BenchmarkDeploy(b *testing.B) {
	r := initRepo(b)
	files := map[string]OID{}
	for i := range 1000 {
		files[fmt.Sprintf("components/prompts/p%d.md", i)] = r.Hash("blob", nil)
	}
	tree, err := NewTree(files)
	if err != nil {
		b.Fatal(err)
	}
	put := func(kind string, content []byte) OID {
		id, err := r.Put(kind, content)
		if err != nil {
			b.Fatal(err)
		}
		return id
	}
	put("blob", nil)
	n := 0
	for b.Loop() {
		n++
		if err := tree.Set("components/prompts/p7.md", put("blob", []byte(strconv.Itoa(n)))); err != nil {
			b.Fatal(err)
		}
		root, err := tree.Put(r)
		if err != nil {
			b.Fatal(err)
		}
		commit := put("commit", Commit{Tree: root, Author: alice, Committer: alice, Message: strconv.Itoa(n)}.Encode())
		tag := put("tag", Tag{Object: commit, Kind: "commit", Name: "x", Tagger: alice}.Encode())
		if err := r.Update(b.Context(), []Update{{Ref: "refs/tags/x", New: tag, Any: true}, {Ref: "refs/sluice/x", New: commit, Any: true}}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUpdate makes a thousand refs at once.
func BenchmarkUpdate(b *testing.B) {
	r := initRepo(b)
	commit := commitIn(b, r.Top)
	n := 0
	for b.Loop() {
		n++
		var updates []Update
		for i := range 1000 {
			updates = append(updates, Update{Ref: fmt.Sprintf("refs/x/%d/%d", n, i), New: commit})
		}
		if err := r.Update(b.Context(), updates); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReader reads one commit after the other.
func BenchmarkReader(b *testing.B) {
	r := initRepo(b)
	commit := commitIn(b, r.Top)
	rd := r.Reader(b.Context())
	defer func() { _ = rd.Close() }()
	for b.Loop() {
		if _, _, err := rd.Object(string(commit)); err != nil {
			b.Fatal(err)
		}
	}
}
