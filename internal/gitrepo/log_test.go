package gitrepo

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

// imported fills a repository with `git fast-import`.
func imported(t testing.TB, r *Repo, stream string) {
	t.Helper()
	gitWith(t, r.at, []byte(stream), "fast-import", "--quiet", "--force", "--done")
}

// logOf returns what a log goes through.
func logOf(t testing.TB, r *Repo, options LogOptions) []LogEntry {
	t.Helper()
	var entries []LogEntry
	for entry, err := range r.Log(t.Context(), options) {
		if err != nil {
			t.Fatalf("log %+v: %v", options, err)
		}
		entries = append(entries, entry)
	}
	return entries
}

// written is a history with a merge, odd paths, odd messages and all kinds of
// changes. Marks: 1 root, 2 and 3 on main, 4 on side, 5 merge.
const written = `commit refs/heads/main
mark :1
author alice <alice@example.com> 1700000000 +0130
committer bob <bob@example.com> 1700000001 -0800
data 4
root
M 100644 inline a/one.md
data 2
1

M 100755 inline run.sh
data 2
1

commit refs/heads/main
mark :2
committer alice <alice@example.com> 1700000010 +0000
data 0
from :1
M 100644 inline "a/sp ace\n:100644\t\303\274.md"
data 2
2

D run.sh

commit refs/heads/side
mark :4
committer alice <alice@example.com> 1700000030 +0000
data 38
side

:100644 100644 0 0 M
Trailer: x
from :1
M 120000 inline link
data 1
x
commit refs/heads/main
mark :3
committer alice <alice@example.com> 1700000020 +0000
data 8
renamed
from :2
D a/one.md
M 100644 inline b/one.md
data 2
1

commit refs/heads/main
mark :5
committer alice <alice@example.com> 1700000040 +0000
data 6
merge
from :3
merge :4
M 120000 inline link
data 1
x
done
`

// brief writes entries as short texts: subject and changed paths.
func brief(entries []LogEntry) string {
	var all []string
	for _, e := range entries {
		subject, _, _ := strings.Cut(e.Message, "\n")
		text := subject
		for _, c := range e.Changes {
			sign := map[bool]string{true: "+", false: "-"}[c.New != ""]
			text += " " + sign + c.Path
		}
		all = append(all, text)
	}
	return strings.Join(all, " | ")
}

func TestLog(t *testing.T) {
	t.Parallel()
	const odd = "a/sp ace\n:100644\tü.md"
	for _, format := range []string{"sha1", "sha256"} {
		r := initRepo(t, "--object-format="+format)
		imported(t, r, written)
		// What a user may have set up must not show.
		for key, value := range map[string]string{"log.showSignature": "true", "log.showRoot": "false", "log.follow": "true", "log.diffMerges": "combined", "diff.renames": "copies", "diff.relative": "true", "core.quotePath": "true", "log.date": "relative", "format.pretty": "oneline", "log.decorate": "full", "diff.orderFile": "order"} {
			git(t, r.at, "config", key, value)
		}
		write(t, filepath.Join(r.Top, "order"), "run.sh\n")
		for _, test := range []struct {
			name    string
			options LogOptions
			want    string
		}{
			{"all", LogOptions{From: []string{"refs/heads/main"}}, "merge | side +link | renamed -a/one.md +b/one.md |  +" + odd + " -run.sh | root +a/one.md +run.sh"},
			{"of HEAD", LogOptions{Limit: 2}, "merge | side +link"},
			{"first parents", LogOptions{FirstParent: true}, "merge +link | renamed -a/one.md +b/one.md |  +" + odd + " -run.sh | root +a/one.md +run.sh"},
			{"oldest first", LogOptions{FirstParent: true, Reverse: true}, "root +a/one.md +run.sh |  +" + odd + " -run.sh | renamed -a/one.md +b/one.md | merge +link"},
			{"the newest of it, oldest first", LogOptions{FirstParent: true, Reverse: true, Limit: 2}, "renamed -a/one.md +b/one.md | merge +link"},
			{"a file", LogOptions{Paths: []string{"a/one.md"}}, "renamed -a/one.md | root +a/one.md"},
			{"a file, not what it was called before", LogOptions{Paths: []string{"b/one.md"}}, "renamed +b/one.md"},
			{"a directory", LogOptions{Paths: []string{"a/"}}, "renamed -a/one.md |  +" + odd + " | root +a/one.md"},
			{"an odd file", LogOptions{Paths: []string{odd}}, " +" + odd},
			{"no pattern", LogOptions{Paths: []string{"*"}}, ""},
			{"an option as a path", LogOptions{Paths: []string{"--all"}}, ""},
			{"from two, without both", LogOptions{From: []string{"refs/heads/main", "refs/heads/side"}, Not: []string{"refs/heads/main"}}, ""},
			{"without side", LogOptions{FirstParent: true, Not: []string{"refs/heads/side"}}, "merge +link | renamed -a/one.md +b/one.md |  +" + odd + " -run.sh"},
			{"by date", LogOptions{ByDate: true, Limit: 3}, "merge | side +link | renamed -a/one.md +b/one.md"},
		} {
			if got := brief(logOf(t, r, test.options)); got != test.want {
				t.Errorf("%s, %s: got %q, want %q", format, test.name, got, test.want)
			}
		}
	}
}

func TestLogFields(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	imported(t, r, written)
	entries := logOf(t, r, LogOptions{})
	rd := r.Reader(t.Context())
	defer func() { _ = rd.Close() }()
	for _, got := range entries {
		object, _, err := rd.Object(string(got.ID))
		if err != nil {
			t.Fatal(err)
		}
		want, err := ParseCommit(got.ID, object.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if !sameCommit(got.Commit, want) {
			t.Errorf("got %+v, want what stands in the commit, %+v", got.Commit, want)
		}
	}
	one, two := r.Hash("blob", []byte("1\n")), r.Hash("blob", []byte("2\n"))
	want := []PathChange{{Path: "a/sp ace\n:100644\tü.md", New: two, NewMode: ModeFile}, {Path: "run.sh", Old: one, OldMode: ModeExecutable}}
	if got := entries[3].Changes; !reflect.DeepEqual(got, want) {
		t.Errorf("changes: got %+v, want %+v", got, want)
	}
	if got := entries[1].Changes; len(got) != 1 || got[0].NewMode != ModeLink {
		t.Errorf("changes: got %+v, want a link", got)
	}
	if _, offset := entries[4].Author.When.Zone(); offset != 90*60 {
		t.Errorf("author's zone: got %d seconds, want %d", offset, 90*60)
	}
}

func TestLogEnds(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	if got := logOf(t, r, LogOptions{}); got != nil {
		t.Errorf("before the first commit: got %v, want nothing", got)
	}
	imported(t, r, written)
	for _, test := range []struct {
		name    string
		options LogOptions
		code    sluice.Code
	}{
		{"a ref that is not there", LogOptions{From: []string{"refs/heads/none"}}, sluice.NotFound},
		{"a commit that is not here", LogOptions{From: []string{strings.Repeat("1", 40)}}, sluice.NotFound},
		{"what is left out is not there", LogOptions{Not: []string{"refs/heads/none"}}, sluice.NotFound},
		{"an option", LogOptions{From: []string{"--all"}}, sluice.Invalid},
		{"an expression", LogOptions{From: []string{"refs/heads/main~1"}}, sluice.Invalid},
		{"an expression to leave out", LogOptions{Not: []string{"^refs/heads/main"}}, sluice.Invalid},
	} {
		var last error
		for entry, err := range r.Log(t.Context(), test.options) {
			if last = err; err == nil {
				t.Errorf("%s: got %v, want no entry", test.name, entry.ID)
			}
		}
		if e := sluice.AsError(last); e == nil || e.Code != test.code || len(e.Fixes) == 0 {
			t.Errorf("%s: got %+v, want %s with a fix", test.name, e, test.code)
		}
	}
	count := 0
	for _, err := range r.Log(t.Context(), LogOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		count++
		break
	}
	if count != 1 {
		t.Errorf("stopped after %d entries, want 1", count)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range r.Log(ctx, LogOptions{}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("with an ended context: got %v, want %v", err, context.Canceled)
		}
	}
}

func TestLogOfSignedCommits(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	signsBySSH(t, r, newSSHKey(t))
	set(t, r, map[string]string{"log.showSignature": "true"})
	id, err := r.SignCommit(t.Context(), Commit{Tree: OID(gitWith(t, r.at, nil, "mktree")), Message: "signed\n"})
	if err != nil {
		t.Fatal(err)
	}
	if got := logOf(t, r, LogOptions{From: []string{string(id)}}); len(got) != 1 || got[0].ID != id || got[0].Message != "signed\n" {
		t.Errorf("got %+v, want %s alone", got, id)
	}
}

func TestLogOfAShallowClone(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	imported(t, r, written)
	dir := filepath.Join(t.TempDir(), "shallow")
	git(t, r.at, "clone", "--quiet", "--depth=2", "file://"+r.at, dir)
	got := brief(logOf(t, opened(t, dir), LogOptions{FirstParent: true}))
	want := "merge +link | renamed +a/sp ace\n:100644\tü.md +b/one.md"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLogBounds(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	var stream strings.Builder
	long := strings.Repeat("m", maxLogField+5)
	fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter alice <a@example.com> 1 +0000\ndata %d\n%s\n", len(long), long)
	for i := range 20 {
		fmt.Fprintf(&stream, "M 100644 inline %d\ndata 0\n\n", i)
	}
	imported(t, r, stream.String()+"done\n")
	entries := logOf(t, r, LogOptions{})
	if len(entries) != 1 || !entries[0].Cut || len(entries[0].Message) != maxLogField || len(entries[0].Changes) != 20 {
		t.Fatalf("got %d entries, the first with %d bytes and %d changes", len(entries), len(entries[0].Message), len(entries[0].Changes))
	}
	const entry = "0123456789012345678901234567890123456789\x00t\x00\x00a <b> 1 +0000\x00a <b> 1 +0000\x00m\n\x00\x00\n"
	change := ":000000 100644 " + strings.Repeat("0", 40) + " " + strings.Repeat("1", 40) + " A\x00"
	var many bytes.Buffer
	many.WriteString(entry)
	for i := range maxLogChanges + 1 {
		fmt.Fprintf(&many, "%s%06d\x00", change, i)
	}
	wide := entry + strings.Repeat(change+strings.Repeat("p", maxLogField)+"\x00", 20)
	for _, out := range []string{many.String() + entry, wide + entry} {
		l := logReader{in: bufio.NewReaderSize(strings.NewReader(out), 16)}
		first, err := l.next()
		if err != nil || !first.Cut || len(first.Changes) > maxLogChanges {
			t.Errorf("got %d changes, cut %t and %v, want them cut", len(first.Changes), first.Cut, err)
		}
		second, err := l.next()
		if err != nil || second.Cut || second.Changes != nil {
			t.Errorf("what follows: got %+v and %v", second, err)
		}
	}
}

// TestLogIsReadAsItComes holds many commits against what a log keeps of them.
func TestLogIsReadAsItComes(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	const n = 20_000
	var stream bytes.Buffer
	began := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	for i := range n {
		fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter alice <a@example.com> %d +0000\ndata 3\n%03d\nM 100644 inline f%d\ndata 1\n%d\n", began+int64(i), i%1000, i%7, i%10)
	}
	stream.WriteString("done\n")
	imported(t, r, stream.String())
	before := r.Started()
	count, last := 0, OID("")
	for entry, err := range r.Log(t.Context(), LogOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if count > 0 && entry.ID != last {
			t.Fatalf("entry %d is %s, want the parent %s", count, entry.ID, last)
		}
		count++
		if len(entry.Parents) > 0 {
			last = entry.Parents[0]
		}
	}
	if got := r.Started() - before; count != n || got != 1 {
		t.Errorf("got %d entries with %d processes, want %d with 1", count, got, n)
	}
}

func FuzzLogReader(f *testing.F) {
	f.Add([]byte("0123456789012345678901234567890123456789\x00t\x00p p\x00a <b> 1 +0000\x00a <b> 1 +0000\x00m\n\x00\x00\n:000000 100644 0 1 A\x00x\x00"))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, out []byte) {
		l := logReader{in: bufio.NewReaderSize(bytes.NewReader(out), 16)}
		for range len(out) + 1 {
			_, err := l.next()
			if errors.Is(err, io.EOF) || errors.Is(err, errLog) {
				return
			}
			if err != nil {
				t.Fatalf("%q: got %v, want the end or that it is no log", out, err)
			}
		}
		t.Fatalf("%q: more entries than bytes", out)
	})
}

func BenchmarkLog(b *testing.B) {
	r := initRepo(b)
	var stream bytes.Buffer
	const n = 100_000
	for i := range n {
		fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter alice <a@example.com> %d +0000\ndata 3\n%03d\nM 100644 inline f%d\ndata 1\n%d\n", 1_700_000_000+i, i%1000, i%7, i%10)
	}
	stream.WriteString("done\n")
	imported(b, r, stream.String())
	b.ReportAllocs()
	for b.Loop() {
		count := 0
		for _, err := range r.Log(b.Context(), LogOptions{}) {
			if err != nil {
				b.Fatal(err)
			}
			count++
		}
		if count != n {
			b.Fatalf("got %d entries, want %d", count, n)
		}
	}
}
