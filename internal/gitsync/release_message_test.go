package gitsync

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

const releaseText = `rollback 3 changes → prod

components/my-prompt v1.1.0 → v1.0.0
components/other none → 7
var/LLM_MODEL changed

Reason: wrong answers
 since 14:47
Ticket: OPS-7
Action: rollback
Release: production#42
Root: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
Entry: abcd1234-17
Time: 2024-11-12T14:47:00.123456Z
Source: production#40
`

func someRelease() sluice.Release {
	pin := func(n int, l sluice.Label) sluice.Value {
		return sluice.Settle(sluice.Pin{Version: n, Label: l, Digest: someDigest})
	}
	sealed := func(f string) sluice.Value { return sluice.Value{Sealed: sluice.Sealed{Fingerprint: f, Secret: true}} }
	return sluice.Release{
		Environment: "production", Number: 42, Epoch: 17, At: someTime, Action: sluice.ActionRollback, Actor: "alice", Source: "production#40",
		Reason: "wrong answers\nsince 14:47", Ticket: "OPS-7", Root: someDigest,
		Changes: []sluice.SlotChange{
			{Slot: "component/my-prompt", From: pin(4, "v1.1.0"), To: pin(3, "v1.0.0")},
			{Slot: "component/other", To: pin(7, "")},
			{Slot: "var/LLM_MODEL", From: sealed("00000000"), To: sealed("11111111")},
		},
	}
}

func TestReleaseMessage(t *testing.T) {
	t.Parallel()
	got := ReleaseMessage(someRelease(), "prod", "abcd1234")
	if got != releaseText {
		t.Errorf("got\n%s\nwant\n%s", got, releaseText)
	}
	want := ReleaseHead{
		Environment: "production", Number: 42, Action: sluice.ActionRollback, Actor: "alice", Reason: "wrong answers\nsince 14:47", Ticket: "OPS-7",
		Source: "production#40", Root: someDigest, Entry: sluice.Position{Ledger: "abcd1234", Seq: 17}, Time: someTime,
	}
	head, err := ParseReleaseMessage(gitrepo.Commit{Author: IdentOf("alice", someTime, "", ""), Message: releaseText})
	if err != nil || head != want {
		t.Errorf("got\n%+v, %v\nwant\n%+v", head, err, want)
	}
}

func TestSubjectsAndLinesOfReleases(t *testing.T) {
	t.Parallel()
	one, two := sluice.Settle(sluice.Pin{Version: 1, Label: "v1.0.0"}), sluice.Settle(sluice.Pin{Version: 2})
	split := sluice.Value{Pin: one.Pin, Split: []sluice.Share{{Pin: two.Pin, Weight: 1000}, {Pin: one.Pin, Weight: 9000}}}
	plain := sluice.Value{Sealed: sluice.Sealed{Fingerprint: "0123456789abcdef"}}
	for _, tt := range []struct {
		action        sluice.Action
		change        sluice.SlotChange
		subject, line string
	}{
		{"deploy", sluice.SlotChange{Slot: "component/x", To: one}, "deploy components/x v1.0.0 → prod", "components/x none → v1.0.0"},
		{"deploy", sluice.SlotChange{Slot: "component/x", From: one, To: split}, "deploy components/x 2 10% / v1.0.0 90% → prod", "components/x v1.0.0 → 2 10% / v1.0.0 90%"},
		{"unset", sluice.SlotChange{Slot: "component/x", From: two}, "unset components/x → prod", "components/x 2 → none"},
		{"unset", sluice.SlotChange{Slot: "component/x", From: two, To: sluice.Value{None: true}}, "unset components/x → prod", "components/x 2 → none"},
		{"reparent", sluice.SlotChange{Slot: "component/x", From: two, To: two, Origin: "base"}, "reparent components/x 2 → prod", "components/x 2 is from base"},
		{"deploy", sluice.SlotChange{Slot: "component/x", From: two, To: two}, "deploy components/x 2 → prod", "components/x 2 stays"},
		{"configure", sluice.SlotChange{Slot: "var/KEY", To: plain}, "configure var/KEY → prod", "var/KEY set"},
		{"configure", sluice.SlotChange{Slot: "var/KEY", From: plain}, "configure var/KEY → prod", "var/KEY removed"},
		{"configure", sluice.SlotChange{Slot: "var/KEY@x", From: plain, To: sluice.Value{Sealed: sluice.Sealed{Hidden: true}}}, "configure var/KEY@x → prod", "var/KEY@x hidden"},
		{"restore", sluice.SlotChange{Slot: "var/KEY", From: plain, To: sluice.Value{Sealed: sluice.Sealed{Stub: true}}}, "restore var/KEY → prod", "var/KEY has no value yet"},
		{"reparent", sluice.SlotChange{Slot: "var/KEY", From: plain, To: plain}, "reparent var/KEY → prod", "var/KEY stays"},
	} {
		r := someRelease()
		r.Action, r.Changes = tt.action, []sluice.SlotChange{tt.change}
		if got, want := ReleaseMessage(r, "prod", "l"), tt.subject+"\n\n"+tt.line+"\n\nReason: "; !strings.HasPrefix(got, want) {
			t.Errorf("%+v: got\n%s\nwant\n%s", tt.change, got, want)
		}
		if got := ReleaseMessage(r, "prod", "l"); strings.Contains(got, "0123456789abcdef") {
			t.Errorf("a fingerprint is in\n%s", got)
		}
	}
	r := someRelease()
	r.Action, r.Changes = sluice.ActionDelete, nil
	if got := ReleaseMessage(r, "prod", "l"); !strings.HasPrefix(got, "delete → prod\n\nReason: ") {
		t.Errorf("got\n%s", got)
	}
}

// TestReleaseMessageIsReadBack: whatever people wrote comes back exactly through a
// commit object, and none of it is taken for what Sluice says.
func TestReleaseMessageIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := someRelease()
		r.Environment, r.Number, r.Epoch, r.At, r.Root = aWord(t, "environment"), rapid.Int64Range(1, 1<<62).Draw(t, "number"), rapid.Int64Range(1, 1<<62).Draw(t, "epoch"), aTime(t, "time"), aDigest(t, "root")
		r.Actor, r.Reason, r.Ticket, r.Cause, r.Source = aText(t, "actor"), aText(t, "reason"), aText(t, "ticket"), aText(t, "cause"), aText(t, "source")
		r.Changes = r.Changes[:rapid.IntRange(0, 3).Draw(t, "changes")]
		who := IdentOf(r.Actor, r.At, aText(t, "name"), aText(t, "email"))
		commit := throughCommit(t, who, ReleaseMessage(r, aWord(t, "display"), "abcd1234"))
		want := ReleaseHead{
			Environment: r.Environment, Number: r.Number, Action: r.Action, Actor: r.Actor, Reason: r.Reason, Ticket: r.Ticket, Cause: r.Cause, Source: r.Source,
			Root: r.Root, Entry: sluice.Position{Ledger: "abcd1234", Seq: r.Epoch}, Time: r.At,
		}
		got, err := ParseReleaseMessage(commit)
		if err != nil || got != want {
			t.Fatalf("got\n%+v, %v\nwant\n%+v\nfrom\n%s", got, err, want, commit.Message)
		}
		if commit.Author != commit.Committer || !commit.Author.When.Equal(r.At.Std().Truncate(1e9)) {
			t.Fatalf("the author is %v, the committer %v", commit.Author, commit.Committer)
		}
	})
}

func throughCommit(t *rapid.T, who gitrepo.Signature, message string) gitrepo.Commit {
	c, err := gitrepo.ParseCommit("", gitrepo.Commit{Tree: someCommit, Author: who, Committer: who, Message: message}.Encode())
	if err != nil {
		t.Fatalf("%q: %v", message, err)
	}
	return c
}

func TestIdentOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ actor, name, email, want string }{
		{"alice", "", "", "alice <alice> 1731422820 +0000"},
		{"alice", "", "alice@example.com", "alice <alice@example.com> 1731422820 +0000"},
		{"alice", "alice", "alice@example.com", "alice <alice@example.com> 1731422820 +0000"},
		{"alice", "bob", "bob@example.com", "alice <alice> 1731422820 +0000"},
		{"Alice Ångström 🚀", "", "", "Alice Ångström 🚀 <Alice Ångström 🚀> 1731422820 +0000"},
		{"mallory <root@example.com>", "", "", "mallory root@example.com <mallory root@example.com> 1731422820 +0000"},
		{"a\nparent 0123", "", "a>\nb", "a parent 0123 <a b> 1731422820 +0000"},
		{" .,:;<>\"\\' ", "", "", "nobody <nobody> 1731422820 +0000"},
		{"\x00\xff\u202e", "", "", "\uFFFD <\uFFFD> 1731422820 +0000"},
		{"", "", "", "nobody <nobody> 1731422820 +0000"},
	} {
		if got := IdentOf(tt.actor, someTime, tt.name, tt.email).String(); got != tt.want {
			t.Errorf("%q %q %q: got %s, want %s", tt.actor, tt.name, tt.email, got, tt.want)
		}
	}
}

func TestCommitsThatAreNoReleases(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ old, text, want string }{
		{releaseText, "fix a typo\n", "it has no trailer Entry"},
		{"Entry: abcd1234-17\n", "", "it has no trailer Entry"},
		{"Action: rollback", "Action: Roll back", "Action"},
		{"Action: rollback\n", "", "Action"},
		{"Action: rollback", "Action: rollback\nAction: deploy", "twice"},
		{"Root: sha256:9f", "Root: sha256:9", "Root"},
		{"Release: production#42", "Release: production", "Release"},
		{"Release: production#42", "Release: latest#42", "Release"},
		{"Time: 2024-11-12T14:47:00.123456Z", "Time: 14:47", "Time"},
		{"Source: production#40", "Source: production#40\nactor: mallory\nActor: bob", "twice"},
	} {
		text := strings.Replace(releaseText, tt.old, tt.text, 1)
		_, err := ParseReleaseMessage(gitrepo.Commit{ID: someCommit, Message: text})
		if err == nil || text == releaseText {
			t.Errorf("%q for %q is read", tt.text, tt.old)
			continue
		}
		if e := sluice.AsError(err); e.Code != sluice.Invalid || !strings.Contains(e.Message, tt.want) || !strings.Contains(e.Message, "commit 0123456789ab ") {
			t.Errorf("%q for %q: got %s %q, want %q", tt.text, tt.old, e.Code, e.Message, tt.want)
		}
	}
}

// TestLargestRelease: what is changed at once at most is still read.
func TestLargestRelease(t *testing.T) {
	t.Parallel()
	r := someRelease()
	change := r.Changes[0]
	r.Changes = nil
	for i := range MaxManifestSlots {
		change.Slot = sluice.ComponentSlot(fmt.Sprintf("%05d%s", i, strings.Repeat("x", 123)))
		r.Changes = append(r.Changes, change)
	}
	head, err := ParseReleaseMessage(gitrepo.Commit{Author: IdentOf("alice", someTime, "", ""), Message: ReleaseMessage(r, "prod", "abcd1234")})
	if err != nil || head.Reason != r.Reason {
		t.Errorf("got %+v, %v", head, err)
	}
}
