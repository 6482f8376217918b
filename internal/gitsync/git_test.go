package gitsync

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// A plain git, to see what others see of what is written here.
type git struct {
	t   *testing.T
	dir string
}

func newGit(t *testing.T) git {
	t.Helper()
	g := git{t, t.TempDir()}
	g.run("", "init", "--quiet", "--initial-branch", "main")
	return g
}

func (g git) run(stdin string, args ...string) string {
	g.t.Helper()
	out, err := g.try(stdin, args...)
	if err != nil {
		g.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSuffix(out, "\n")
}

func (g git) try(stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(g.t.Context(), "git", args...)
	cmd.Dir = g.dir
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(
		os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C", "GIT_AUTHOR_NAME=alice", "GIT_AUTHOR_EMAIL=alice",
		"GIT_COMMITTER_NAME=alice", "GIT_COMMITTER_EMAIL=alice",
	)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	return out.String() + stderr.String(), err
}

// keys are the names of the trailers that git found.
func keys(parsed string) (out []string) {
	for line := range strings.SplitSeq(parsed, "\n") {
		if key, _, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, " ") {
			out = append(out, key)
		}
	}
	return out
}

// TestGitReadsTheTrailersOfReleases: git finds the trailers that were written, each
// once and no other, whatever people wrote, and keeps the message as it is.
func TestGitReadsTheTrailersOfReleases(t *testing.T) {
	t.Parallel()
	g := newGit(t)
	tree := g.run("", "mktree")
	texts := append([]string{strings.Repeat("long 🚀 ", 400), "one\n\ntwo\n\nEntry: x-1\n"}, nasty...)
	for _, text := range texts {
		if text == "" {
			continue
		}
		r := someRelease()
		r.Reason, r.Ticket, r.Actor = text, text, text
		who := IdentOf(r.Actor, r.At, "", "")
		message := ReleaseMessage(r, "prod", "abcd1234")
		want := "Reason Ticket Action Release Root Entry Time Source"
		if who.Name != r.Actor {
			want += " Actor"
		}

		// By git itself.
		id := g.run(message, "commit-tree", tree)
		// By what writes releases.
		raw := gitrepo.Commit{Tree: gitrepo.OID(tree), Author: who, Committer: who, Message: message}.Encode()
		own := g.run(string(raw), "hash-object", "-t", "commit", "-w", "--stdin")
		for _, id := range []string{id, own} {
			parsed := g.run("", "log", "--no-walk", "--format=%(trailers)", id)
			if got := strings.Join(keys(parsed), " "); got != want {
				t.Errorf("%q: git log has %s, want %s\n%s", text, got, want, message)
			}
			if got := g.run("", "log", "--no-walk", "--format=%(trailers:key=Entry,valueonly)", id); strings.TrimSpace(got) != "abcd1234-17" {
				t.Errorf("%q: Entry is %q\n%s", text, got, message)
			}
			content := g.run("", "cat-file", "commit", id) + "\n"
			commit, err := gitrepo.ParseCommit(gitrepo.OID(id), []byte(content))
			if err != nil || commit.Message != message {
				t.Errorf("%q: the message is\n%s, %v\nwant\n%s", text, commit.Message, err, message)
			}
			if id != own {
				continue
			}
			if head, err := ParseReleaseMessage(commit); err != nil || head.Reason != text || head.Ticket != text || head.Actor != text {
				t.Errorf("%q: got %+v, %v", text, head, err)
			}
			if name := g.run("", "log", "--no-walk", "--format=%an|%cn", id); name != who.Name+"|"+who.Name {
				t.Errorf("%q: git says %q made it, want %q", text, name, who.Name)
			}
		}
		if got := strings.Join(keys(g.run(message, "interpret-trailers", "--parse")), " "); got != want {
			t.Errorf("%q: interpret-trailers has %s, want %s\n%s", text, got, want, message)
		}
	}
	if out, err := g.try("", "fsck", "--strict", "--no-dangling"); err != nil || strings.Contains(out, "error") || strings.Contains(out, "warning") {
		t.Errorf("git fsck: %v\n%s", err, out)
	}
}

// TestGitReadsTheTrailersOfTags does the same for notes, in the tags that git makes of
// a file.
func TestGitReadsTheTrailersOfTags(t *testing.T) {
	t.Parallel()
	g := newGit(t)
	commit := g.run("x\n", "commit-tree", g.run("", "mktree"))
	for i, note := range append([]string{"", "plain", "one\n\ntwo", "one\n\n---\n\ntwo"}, nasty...) {
		m := someVersion
		m.Note = note
		message := m.Format()
		name := "components/my-prompt/v1.0." + string(rune('a'+i/26)) + string(rune('a'+i%26))
		g.run(message, "tag", "-a", "--cleanup=verbatim", "-F", "-", name, commit)
		want := "Path Kind Version Digest Entry Time"
		if note != "" && !paragraph(note) {
			want = "Note " + want
		}
		if got := strings.Join(keys(g.run("", "for-each-ref", "--format=%(contents:trailers)", "refs/tags/"+name)), " "); got != want {
			t.Errorf("%q: git has the trailers %s, want %s\n%s", note, got, want, message)
		}
		if got := strings.Join(keys(g.run(message, "interpret-trailers", "--parse")), " "); got != want {
			t.Errorf("%q: interpret-trailers has %s, want %s\n%s", note, got, want, message)
		}
		tag, err := gitrepo.ParseTag("", []byte(g.run("", "cat-file", "tag", name)+"\n"))
		if err != nil || tag.Signed {
			t.Errorf("%q: the tag is read as %+v, %v", note, tag, err)
		}
		if got, err := ParseVersionMessage(tag.Message); err != nil || got != m {
			t.Errorf("%q: got %+v, %v\nfrom\n%s", note, got, err, tag.Message)
		}
		// Also when git tidies the message up, as it does unless it is told not to.
		g.run(message, "tag", "-f", "-a", "-F", "-", name, commit)
		tag, err = gitrepo.ParseTag("", []byte(g.run("", "cat-file", "tag", name)+"\n"))
		if got, failed := ParseVersionMessage(tag.Message); err != nil || failed != nil || got != m {
			t.Errorf("%q, tidied up: got %+v, %v %v\nfrom\n%s", note, got, err, failed, tag.Message)
		}
	}
}

// TestGitFindsTheReleasesOfAComponent as the documentation tells people to look for them.
func TestGitFindsTheReleasesOfAComponent(t *testing.T) {
	t.Parallel()
	g := newGit(t)
	tree := g.run("", "mktree")
	names := []string{"my-prompt", "other", "third"}
	parent, want := "", map[string]int{}
	for mask := range 8 {
		r := someRelease()
		one := r.Changes[0]
		r.Changes = nil
		for i, name := range names {
			if mask>>i&1 == 1 {
				one.Slot = sluice.ComponentSlot(name)
				r.Changes = append(r.Changes, one)
				want[name]++
			}
		}
		args := []string{"commit-tree", tree}
		if parent != "" {
			args = append(args, "-p", parent)
		}
		parent = g.run(ReleaseMessage(r, "prod", "abcd1234"), args...)
	}
	g.run("", "update-ref", EnvironmentRef("prod"), parent)
	for _, name := range names {
		found := g.run("", "log", "--format=%H", "--grep=components/"+name, EnvironmentRef("prod"))
		if got := len(strings.Fields(found)); got != want[name] {
			t.Errorf("%s: found %d releases, want %d", name, got, want[name])
		}
	}
	subject := g.run("", "log", "-1", "--format=%s", EnvironmentRef("prod"))
	if subject != "rollback 3 changes → prod" {
		t.Errorf("the subject is %q", subject)
	}
}

// TestGitTakesTheRefs: each name that is made can be the name of a ref.
func TestGitTakesTheRefs(t *testing.T) {
	t.Parallel()
	g := newGit(t)
	commit := g.run("x\n", "commit-tree", g.run("", "mktree"))
	var commands strings.Builder
	seen := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		name, display, label := aName(t, "name"), aWord(t, "display"), aLabel(t, "label")
		refs := []string{
			VersionTag(name, label), EnvironmentTag(name, display), VersionRef(name, aDigest(t, "digest")), EnvironmentRef(display), SupersededRef(display, someCommit),
		}
		if !Taggable(label) {
			t.Fatalf("%s has no tag", label)
		}
		for _, ref := range refs[:4] {
			tracking, _ := RemoteRef(gitrepo.Remote(aText(t, "remote")), ref)
			refs = append(refs, tracking)
		}
		for _, ref := range refs {
			if !seen[ref] {
				seen[ref] = true
				commands.WriteString("create " + ref + " " + commit + "\n")
			}
		}
	})
	g.run(commands.String(), "update-ref", "--stdin")
}
