package gitsync

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// past is a history that a test makes up, as people leave it behind: with merges,
// dates that go back, files that move, and names that are none.
type past struct {
	*rand.Rand
	stream  bytes.Buffer // for git fast-import
	marks   int
	date    int64
	tree    pastTree
	main    []pastCommit
	written []string // contents so far, to go back to
}

// pastTree is the files of a commit by their paths.
type pastTree map[string]pastFile

type pastFile struct{ mode, content string }

// pastCommit is a commit of the main branch.
type pastCommit struct {
	mark int
	date int64
	tree pastTree
}

// The words that histories are made up of.
var (
	pastDirs  = []string{"components/prompts", "components/prompts", "prompts", "docs", "components/scripts"}
	pastNames = []string{
		"bot.md", "triage.md", "Triage.md", "summary.prompt.md", "a b.md", "ünïcode.md", "quo\"te.md", "tab\there.md", "line\nend.md", "latin-\xe9.md",
		"back\\slash.md", ".hidden.md", "README", "no-ending", "UPPER.MD", "-dash.md", "x.lock", "very." + strings.Repeat("long", 40) + ".md",
	}
	pastTexts = []string{
		"", "one\n", "two\r\nlines\r\n", "\x00\x01\xff binary", "no end", "caf\xe9\n", "🚀\n", "---\nrequires: [A_KEY\n---\n",
		"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", strings.Repeat("large ", 200_000),
	}
	pastAuthors = []string{"alice <alice@example.com>", "bob <bob@example.com>", "Zo\xeb <zoe@example.com>", " <nobody@example.com>", "夏目 <n@example.com>"}
)

func newPast(seed uint64) *past {
	return &past{Rand: rand.New(rand.NewPCG(seed, 7)), date: time.Date(2023, 3, 1, 9, 0, 0, 0, time.UTC).Unix(), tree: pastTree{}}
}

func pickOf[T any](p *past, from []T) T { return from[p.IntN(len(from))] }

// grow makes so many commits on the main branch.
func (p *past) grow(commits int) {
	for len(p.main) < commits {
		if len(p.main) > 2 && p.IntN(8) == 0 {
			p.mergeSide()
			continue
		}
		for range 1 + p.IntN(3) {
			p.edit(p.tree)
		}
		p.commit()
	}
}

// edit does something to a tree.
func (p *past) edit(tree pastTree) {
	paths := slices.Sorted(maps.Keys(tree))
	if len(paths) == 0 || p.IntN(4) == 0 {
		p.write(tree, pickOf(p, pastDirs)+"/"+pickOf(p, pastNames))
		return
	}
	at := pickOf(p, paths)
	switch f := tree[at]; p.IntN(7) {
	case 0:
		delete(tree, at)
	case 1: // it moves
		delete(tree, at)
		p.put(tree, pickOf(p, pastDirs)+"/"+path.Base(at), f)
	case 2:
		f.mode = pickOf(p, []string{"100644", "100755"})
		p.put(tree, at, f)
	case 3:
		p.put(tree, at, pastFile{"120000", "elsewhere"})
	default:
		p.write(tree, at)
	}
}

func (p *past) write(tree pastTree, at string) {
	content := fmt.Sprintf("text %d\n", p.IntN(1000))
	switch {
	case p.IntN(4) == 0:
		content = pickOf(p, pastTexts)
	case len(p.written) > 0 && p.IntN(3) == 0:
		content = pickOf(p, p.written)
	}
	p.written = append(p.written, content)
	p.put(tree, at, pastFile{"100644", content})
}

func (p *past) put(tree pastTree, at string, f pastFile) { tree[at] = f }

// mergeSide lets a branch begin at an earlier commit, and merges what it did.
func (p *past) mergeSide() {
	base := p.main[p.IntN(len(p.main))]
	side, last := maps.Clone(base.tree), base.mark
	for range 1 + p.IntN(2) {
		p.edit(side)
		p.date += p.Int64N(50)
		last = p.emit("refs/heads/side", side, p.date, last, 0)
	}
	for at, f := range side {
		if base.tree[at] != f {
			p.put(p.tree, at, f)
		}
	}
	for at := range base.tree {
		if _, there := side[at]; !there {
			delete(p.tree, at)
		}
	}
	p.add(last)
}

func (p *past) commit() { p.add(0) }

// add puts a commit on the main branch, at a date that mostly is a later one.
func (p *past) add(merged int) {
	date := p.date
	switch p.IntN(8) {
	case 0, 1, 2: // in the same second
	case 3:
		date -= p.Int64N(500)
	case 4:
		if p.IntN(5) == 0 {
			date = time.Now().Add(24 * time.Hour).Unix()
		}
	default:
		p.date += 1 + p.Int64N(1000)
		date = p.date
	}
	parent := 0
	if len(p.main) > 0 {
		parent = p.main[len(p.main)-1].mark
	}
	p.main = append(p.main, pastCommit{p.emit("refs/heads/main", p.tree, date, parent, merged), date, maps.Clone(p.tree)})
}

// emit writes one commit.
func (p *past) emit(ref string, tree pastTree, date int64, parent, merged int) int {
	p.marks++
	who := pickOf(p, pastAuthors)
	fmt.Fprintf(&p.stream, "commit %s\nmark :%d\nauthor %s %d +0100\ncommitter %s %d -0330\n", ref, p.marks, who, date-p.Int64N(100), pickOf(p, pastAuthors), date)
	message := fmt.Sprintf("Change %d\n\nbecause\n", p.marks)
	fmt.Fprintf(&p.stream, "data %d\n%s", len(message), message)
	if parent > 0 {
		fmt.Fprintf(&p.stream, "from :%d\n", parent)
	}
	if merged > 0 {
		fmt.Fprintf(&p.stream, "merge :%d\n", merged)
	}
	p.stream.WriteString("deleteall\n")
	for _, at := range slices.Sorted(maps.Keys(tree)) {
		f := tree[at]
		fmt.Fprintf(&p.stream, "M %s inline %s\ndata %d\n%s\n", f.mode, quotedPath(at), len(f.content), f.content)
	}
	return p.marks
}

// quotedPath is a path as fast-import reads any bytes.
func quotedPath(at string) string {
	var b strings.Builder
	for i := range len(at) {
		fmt.Fprintf(&b, "\\%03o", at[i])
	}
	return `"` + b.String() + `"`
}

// tagMain puts a tag of a version on some commits of the main branch, and returns on
// how many.
func (p *past) tagMain(name, file string) (n int) {
	for _, c := range p.main {
		if f, there := c.tree[file]; there && f.mode != "120000" && p.IntN(2) == 0 {
			n++
			fmt.Fprintf(&p.stream, "tag components/%s/v1.%d.0\nfrom :%d\ntagger carol <carol@example.com> %d +0000\ndata 5\nnote\n\n", name, n, c.mark, c.date)
		}
	}
	return n
}

// in makes the repository, without a work tree.
func (p *past) in(t *testing.T) *gitrepo.Repo {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "past.git")
	gitAs(t, ".", "alice", "init", "--quiet", "--bare", "--initial-branch=main", dir)
	cmd := exec.Command("git", "-C", dir, "fast-import", "--quiet", "--date-format=raw-permissive")
	cmd.Stdin = bytes.NewReader(p.stream.Bytes())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git fast-import: %v\n%s", err, out)
	}
	repo, err := gitrepo.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

// moments are the commits whose date says one thing, by that date: no later one has
// it too, and it does not go back.
func (p *past) moments() map[int64]pastCommit {
	out := map[int64]pastCommit{}
	last := int64(0)
	for _, c := range p.main {
		if c.date >= last && c.date <= time.Now().Unix() {
			last = c.date
			out[c.date] = c
		}
	}
	return out
}
