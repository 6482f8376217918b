package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// old has git refuse what came with 2.36, as an older one does.
const old = `case "$*" in *--batch-command*) echo "error: unknown option" >&2; exit 129;; esac
exec git "$@"`

func TestReader(t *testing.T) {
	t.Parallel()
	for name, format := range formats {
		for _, git236 := range []bool{true, false} {
			t.Run(fmt.Sprint(name, git236), func(t *testing.T) {
				t.Parallel()
				r := initRepo(t, format)
				if !git236 {
					standIn(t, r, old)
				}
				readAll(t, r)
			})
		}
	}
}

// readAll asks a reader for what is there and what is not.
func readAll(t *testing.T, r *Repo) {
	t.Helper()
	files := putBlobs(t, r, "a.md", "dir/b c.md", "dir/\u00e9")
	tree, err := r.PutTree(files)
	if err != nil {
		t.Fatal(err)
	}
	commit := putCommit(t, r, Commit{Tree: tree, Author: alice, Committer: alice, Message: "m\n"})
	tag, err := r.Put("tag", Tag{Object: commit, Kind: "commit", Name: "v1", Tagger: alice}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	git(t, r.Top, "update-ref", "refs/tags/components/bot/v1", string(tag))
	large, err := r.Put("blob", make([]byte, maxObject+1))
	if err != nil {
		t.Fatal(err)
	}
	most, err := r.Put("blob", make([]byte, maxObject))
	if err != nil {
		t.Fatal(err)
	}
	rd := r.Reader(t.Context())
	for range 2 { // an answer must not be taken for that of the next question
		for _, test := range []struct {
			rev  string
			id   OID
			kind string
			code sluice.Code
		}{
			{string(commit), commit, "commit", ""},
			{"refs/tags/components/bot/v1", tag, "tag", ""},
			{"refs/tags/components/bot/v1^{}", commit, "commit", ""},
			{string(commit) + ":a.md", files["a.md"], "blob", ""},
			{string(commit) + ":dir/b c.md", files["dir/b c.md"], "blob", ""},
			{string(commit) + ":dir/\u00e9", files["dir/\u00e9"], "blob", ""},
			{string(commit) + ":", tree, "tree", ""},
			{string(commit) + ":none", "", "", ""},
			{"refs/tags/none", "", "", ""},
			{"no such thing at all", "", "", ""},
			{r.zero(), "", "", ""},
			{r.zero() + " blob 12", "", "", ""},
			{" ", "", "", ""},
			{"--help", "", "", ""},
			{"x missing", "", "", ""},
			{string(large), "", "", sluice.LimitExceeded},
			{string(most), most, "blob", ""},
			{"", "", "", sluice.Invalid},
			{"a\nb", "", "", sluice.Invalid},
			{string(commit) + "\n" + string(tag), "", "", sluice.Invalid},
			{"a\x00", "", "", sluice.Invalid},
			{strings.Repeat("x", maxRev+1), "", "", sluice.Invalid},
		} {
			o, found, err := rd.Object(test.rev)
			if o.ID != test.id || o.Kind != test.kind || found != (test.id != "") || sluice.CodeOf(err) != test.code {
				t.Errorf("%.60q: got %s %s, %t and %v, want %s %s and code %q", test.rev, o.Kind, o.ID, found, err, test.kind, test.id, test.code)
			}
			if found && r.Hash(o.Kind, o.Bytes) != test.id {
				t.Errorf("%.60q: its content has the id %s, want %s", test.rev, r.Hash(o.Kind, o.Bytes), test.id)
			}
		}
		if id, kind, size, found, err := rd.Info(string(large)); id != large || kind != "blob" || size != maxObject+1 || !found || err != nil {
			t.Errorf("info: got %s %s %d, %t and %v", kind, id, size, found, err)
		}
		if _, _, _, found, err := rd.Info("none"); found || err != nil {
			t.Errorf("info of nothing: got %t and %v", found, err)
		}
	}
	if err := errors.Join(rd.Close(), rd.Close()); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, _, err := rd.Object("HEAD"); err == nil {
		t.Error("a closed reader still reads")
	}
}

func TestReaderStartsOneProcess(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	commit := commitIn(t, r.Top)
	rd := r.Reader(t.Context())
	if r.Started() != 0 {
		t.Errorf("%d processes before the first use, want none", r.Started())
	}
	for range 100 {
		if _, found, err := rd.Object(string(commit)); !found || err != nil {
			t.Fatalf("got %t and %v", found, err)
		}
	}
	if err := rd.Close(); err != nil || r.Started() != 1 {
		t.Errorf("%d processes for 100 objects (%v), want 1", r.Started(), err)
	}
}

func TestReaderGetsOverTrouble(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	commit := commitIn(t, r.Top)
	rd := r.Reader(t.Context())
	defer func() { _ = rd.Close() }()
	broken, err := r.Put("blob", bytes.Repeat([]byte("text "), 1000))
	if err != nil {
		t.Fatal(err)
	}
	damage(t, r.loose(broken))
	if o, found, err := rd.Object(string(broken)); err == nil && found {
		t.Errorf("a damaged object: got %d bytes, want an error", len(o.Bytes))
	}
	if _, found, err := rd.Object(string(commit)); !found || err != nil {
		t.Errorf("after a damaged object: got %t and %v", found, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := r.Reader(ctx)
	if _, _, err := ended.Object("HEAD"); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, _, err := ended.Object("HEAD"); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context: got %v, want %v", err, context.Canceled)
	}
	_ = ended.Close()
	for _, script := range []string{"exit 0", "exit 3", "echo nonsense; cat", "head -c 1000000 /dev/zero; cat", "echo " + id1 + " blob 100; exit 0"} {
		standIn(t, r, script)
		odd := r.Reader(t.Context())
		if o, found, err := odd.Object("HEAD"); err == nil {
			t.Errorf("git is %q: got %v and %t, want an error", script, o, found)
		}
		_ = odd.Close()
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	files := putBlobs(t, r, "a", "d/b", "d/e/c", "d.x", "dd/z")
	tree, err := r.PutTree(files)
	if err != nil {
		t.Fatal(err)
	}
	commit := putCommit(t, r, Commit{Tree: tree, Author: alice, Committer: alice})
	rd := r.Reader(t.Context())
	defer func() { _ = rd.Close() }()
	for path, want := range map[string][]string{
		"":      {"a", "d.x", "d/b", "d/e/c", "dd/z"},
		"a":     {"a"},
		"a/":    nil,
		"a/b":   nil,
		"d":     {"d/b", "d/e/c"},
		"d/":    {"d/b", "d/e/c"},
		"d/e":   {"d/e/c"},
		"d/e/c": {"d/e/c"},
		"none":  nil,
		"D":     nil,
		"..":    nil,
		"d//b":  nil,
		"a\nb":  nil,
		"/a":    nil,
		"*":     nil,
	} {
		got, err := rd.Files(commit, path)
		var paths []string
		for _, f := range got {
			paths = append(paths, f.Path)
			if f.ID != files[f.Path] || f.Mode != ModeFile {
				t.Errorf("%q: got %+v, want id %s", path, f, files[f.Path])
			}
		}
		if err != nil || !slices.Equal(paths, want) {
			t.Errorf("%q: got %q and %v, want %q", path, paths, err, want)
		}
	}
	if got, err := rd.Files(OID(r.zero()), "a"); len(got) > 0 || err != nil {
		t.Errorf("of no commit: got %v and %v", got, err)
	}
}

// TestFilesOfEndlessTrees reads directories that few objects make enormous.
func TestFilesOfEndlessTrees(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	put := func(entries ...TreeEntry) OID {
		content, err := encodeTree(entries)
		if err != nil {
			t.Fatal(err)
		}
		id, err := r.Put("tree", content)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	wide, deep := put(), put(TreeEntry{"file", ModeFile, id1})
	for range 12 {
		var entries []TreeEntry
		for i := range 10 {
			entries = append(entries, TreeEntry{fmt.Sprint(i), ModeTree, wide})
		}
		wide = put(entries...)
	}
	for range maxDepth + 1 {
		deep = put(TreeEntry{"d", ModeTree, deep})
	}
	odd := put(TreeEntry{"up", ModeTree, put(TreeEntry{"..", ModeFile, id1})})
	blob, err := r.Put("blob", []byte("not a tree"))
	if err != nil {
		t.Fatal(err)
	}
	lie := put(TreeEntry{"d", ModeTree, blob})
	rd := r.Reader(t.Context())
	defer func() { _ = rd.Close() }()
	for tree, want := range map[OID]sluice.Code{wide: sluice.LimitExceeded, deep: sluice.LimitExceeded, odd: sluice.Invalid, lie: sluice.Invalid} {
		commit := putCommit(t, r, Commit{Tree: tree, Author: alice, Committer: alice})
		if files, err := rd.Files(commit, ""); sluice.CodeOf(err) != want {
			t.Errorf("got %d files and %v, want %s", len(files), err, want)
		}
	}
}
