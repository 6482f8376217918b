package gitrepo

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// putBlobs writes a blob for each path, which holds the path.
func putBlobs(t testing.TB, r *Repo, paths ...string) map[string]OID {
	t.Helper()
	files := map[string]OID{}
	for _, path := range paths {
		id, err := r.Put("blob", []byte(path))
		if err != nil {
			t.Fatal(err)
		}
		files[path] = id
	}
	return files
}

// byGit has git itself make the tree of files, through an index of its own.
func byGit(t testing.TB, r *Repo, files map[string]OID) OID {
	t.Helper()
	var lines strings.Builder
	for _, path := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&lines, "100644 %s\t%s\x00", files[path], path)
	}
	git(t, r.Top, "read-tree", "--empty")
	gitWith(t, r.Top, []byte(lines.String()), "update-index", "-z", "--index-info")
	return OID(git(t, r.Top, "write-tree"))
}

func TestPutTreeIsWhatGitWrites(t *testing.T) {
	t.Parallel()
	for name, format := range formats {
		for _, paths := range [][]string{
			{},
			{"a"},
			{"a/b", "a.b", "a-b", "a0", "ab/c", "a/c/d"}, // Git sorts directories as if they ended with a slash
			{"components/prompts/bot.md", "components/prompts/bot/x", "components/scripts/é 日本.js", "sluice.manifest.json"},
			{".gitignore", ".gitattributes", "git", "a.git/x", "..a", "a..", ".github/x"},
		} {
			t.Run(fmt.Sprint(name, paths), func(t *testing.T) {
				t.Parallel()
				r := initRepo(t, format)
				files := putBlobs(t, r, paths...)
				got, err := r.PutTree(files)
				if want := byGit(t, r, files); err != nil || got != want {
					t.Errorf("got %s and %v, want %s", got, err, want)
				}
				git(t, r.Top, "fsck", "--strict", "--no-dangling")
			})
		}
	}
}

// objectsIn counts the loose objects.
func objectsIn(t testing.TB, r *Repo) int {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(r.Common, "objects", "[0-9a-f][0-9a-f]", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(paths)
}

func TestTreeWritesOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	var paths []string
	for i := range 1000 {
		paths = append(paths, fmt.Sprintf("components/prompts/p%d.md", i))
	}
	for i := range 50 {
		paths = append(paths, fmt.Sprintf("components/scripts/s%d/x.js", i))
	}
	files := putBlobs(t, r, paths...)
	tree, err := NewTree(files)
	if err != nil {
		t.Fatal(err)
	}
	first, err := tree.Put(r)
	if err != nil || first != byGit(t, r, files) {
		t.Fatalf("got %s and %v", first, err)
	}
	changed := putBlobs(t, r, "new content")["new content"]
	before := objectsIn(t, r)
	if err := tree.Set("components/prompts/p7.md", changed); err != nil {
		t.Fatal(err)
	}
	second, err := tree.Put(r)
	files["components/prompts/p7.md"] = changed
	if err != nil || objectsIn(t, r)-before != 3 {
		t.Errorf("%d trees were written for one file two directories deep, want 3 (%v)", objectsIn(t, r)-before, err)
	}
	if want := byGit(t, r, files); second != want {
		t.Errorf("got %s, want %s", second, want)
	}
	if again, err := tree.Put(r); again != second || err != nil {
		t.Errorf("unchanged: got %s and %v, want %s", again, err, second)
	}
	if !tree.Remove("components/scripts/s3/x.js") || tree.Remove("components/scripts/s3/x.js") || tree.Remove("components/none/x") || tree.Remove("components") {
		t.Error("removed something else than the one file that was there")
	}
	delete(files, "components/scripts/s3/x.js")
	if got, err := tree.Put(r); err != nil || got != byGit(t, r, files) {
		t.Errorf("after removing: got %s and %v, want %s", got, err, byGit(t, r, files))
	}
}

func TestTreeRefuses(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", ".git", ".GIT/config", "a/.Git/hooks/x", ".git.", ".git ", ".git::$INDEX_ALLOCATION/x",
		"git~1", "GIT~1/x", ".g\u200cit/x", ".git\u2060x/../y", "a\\.git\\x", ".gitmodules", ".GitModules", "a\nb", "a\x00b", "a\tb", "\x7f", "\xff", "a\u0085b",
		strings.Repeat("a/", maxDepth) + "b", strings.Repeat("x", maxPath+1),
	} {
		err := CheckPath(path)
		if sluice.CodeOf(err) != sluice.Invalid || len(sluice.AsError(err).Fixes) == 0 || len(err.Error()) > 500 {
			t.Errorf("%.50q: got %v, want invalid with a fix", path, err)
		}
		if _, err := NewTree(map[string]OID{path: id1}); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("tree with %.50q: got %v, want invalid", path, err)
		}
	}
	for _, paths := range [][2]string{{"a", "a/b"}, {"a/b", "a"}, {"a/b", "a/b/c"}} {
		tree, err := NewTree(map[string]OID{paths[0]: id1, "z": id1})
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Set(paths[1], id1); sluice.CodeOf(err) != sluice.Invalid || !strings.Contains(err.Error(), "both a file and a directory") {
			t.Errorf("%q: got %v, want that it cannot be both", paths, err)
		}
	}
	r := initRepo(t)
	if id, err := r.PutTree(map[string]OID{"a": "none"}); err == nil {
		t.Errorf("a file without an id: got %s, want an error", id)
	}
}

// TestCheckPathAgreesWithGit has git judge every path that is allowed, and a few
// that are not.
func TestCheckPathAgreesWithGit(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	for path, want := range map[string]bool{"a/.gitignore": true, "x.git/y": true, ".git2": true, "git~10": true, ".GIT": false, "git~1": false, ".g\u200cit": false, ".git ": false} {
		content, err := encodeTree([]TreeEntry{{path[strings.LastIndex(path, "/")+1:], ModeFile, r.Hash("blob", nil)}})
		if err != nil {
			t.Fatal(err)
		}
		id, err := r.Put("tree", content)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Put("blob", nil); err != nil {
			t.Fatal(err)
		}
		_, err = r.Run(t.Context(), nil, "fsck", "--strict", string(id))
		if err := os.Remove(r.loose(id)); err != nil {
			t.Fatal(err)
		}
		if git := err == nil; git != want || (CheckPath(path) == nil) != want {
			t.Errorf("%q: git says %t, CheckPath says %v, want %t", path, git, CheckPath(path), want)
		}
	}
}

func TestParseTree(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	id := strings.Repeat("\x11", 20)
	entries, err := r.ParseTree([]byte("100755 run\x00" + id + "40000 d\x00" + id + "120000 link\x00" + id + "160000 sub\x00" + id + "100664 old\x00" + id))
	want := []TreeEntry{{"run", ModeExecutable, id1}, {"d", ModeTree, id1}, {"link", ModeLink, id1}, {"sub", ModeModule, id1}, {"old", 0o100664, id1}}
	if err != nil || !slices.Equal(entries, want) {
		t.Errorf("got %v and %v, want %v", entries, err, want)
	}
	if !Mode(0o100664).Regular() || ModeLink.Regular() || ModeTree.Regular() || ModeModule.Regular() {
		t.Error("regular files are 100644, 100755 and old forms of these alone")
	}
	for _, raw := range []string{
		"100644", "100644 a", "100644 a\x00", "100644 a\x00" + id[1:], "x a\x00" + id, "100644a\x00" + id, "777777777777 a\x00" + id,
		"100644 \x00" + id, "100644 ..\x00" + id, "100644 .\x00" + id, "100644 a/b\x00" + id, "40000 .GIT\x00" + id,
	} {
		if entries, err := r.ParseTree([]byte(raw)); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%q: got %v and %v, want invalid", raw, entries, err)
		}
	}
}

func FuzzParseTree(f *testing.F) {
	f.Add([]byte("100644 a\x00"+strings.Repeat("\x11", 20)), true)
	f.Add([]byte("40000 a\x00"+strings.Repeat("\x11", 32)), false)
	f.Fuzz(func(t *testing.T, raw []byte, short bool) {
		size := 32
		if short {
			size = 20
		}
		entries, err := parseTree(raw, size)
		if err != nil {
			return
		}
		content, err := encodeTree(slices.Clone(entries))
		if err != nil {
			t.Fatalf("cannot encode %v: %v", entries, err)
		}
		again, err := parseTree(content, size)
		if err != nil || len(again) != len(entries) {
			t.Errorf("got %v and %v, want %v", again, err, entries)
		}
	})
}
