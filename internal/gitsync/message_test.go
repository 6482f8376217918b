package gitsync

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

const (
	versionText = `my-prompt v1.0.0

Be brief.

And kind.

Path: components/prompts/my-prompt.md
Kind: prompt
Version: 3
Digest: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
Entry: abcd1234-17
Time: 2024-11-12T14:47:00.123456Z
`
	moveText = `Deploy my-prompt@v1.0.0 to prod

Release: production#42
Entry: abcd1234-17
Time: 2024-11-12T14:47:00.123456Z
`
)

const someTime = sluice.Time(1_731_422_820_123_456)

var (
	someVersion = VersionMessage{
		Component: "my-prompt", Label: "v1.0.0", Note: "Be brief.\n\nAnd kind.", Path: "components/prompts/my-prompt.md", Kind: "prompt",
		Number: 3, Digest: someDigest, Entry: sluice.Position{Ledger: "abcd1234", Seq: 17}, Time: someTime,
	}
	someMove = MoveMessage{
		Component: "my-prompt", Version: "v1.0.0", Environment: "prod", Release: "production#42",
		Entry: sluice.Position{Ledger: "abcd1234", Seq: 17}, Time: someTime,
	}
)

func TestMessagesOfTags(t *testing.T) {
	t.Parallel()
	if got := someVersion.Format(); got != versionText {
		t.Errorf("got\n%s\nwant\n%s", got, versionText)
	}
	if got, err := ParseVersionMessage(versionText); err != nil || got != someVersion || got.ByHand() {
		t.Errorf("got %+v, %v", got, err)
	}
	if got := someMove.Format(); got != moveText {
		t.Errorf("got\n%s\nwant\n%s", got, moveText)
	}
	if got, err := ParseMoveMessage(moveText); err != nil || got != someMove || got.ByHand() {
		t.Errorf("got %+v, %v", got, err)
	}
}

// nasty are pieces of texts that mean something to Git, to a terminal or to a parser.
var nasty = []string{
	"\n", "\n\n", "\n\n\n", " ", "\t", ".", "..", "\n.\n", "\r\n", "\x00", "\x1b[31m", "\x7f", "\xff\xfe", "\u202e", "\u2028", "\u00a0", "\ufeff", "\ufffd",
	"Entry: abcd1234-99", "\nEntry: abcd1234-99\n", "\n\nEntry: abcd1234-99\nTime: 2024-11-12T14:47:00Z\n", "Actor: mallory", "\nActor: mallory", "entry: x-1",
	"Signed-off-by: mallory <m@example.com>", "(cherry picked from commit 0123456789)", "---", "\n---\n", "\n--- \n", "# comment", "\n#x", "\n # x\n",
	"-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----", "\n-----BEGIN SSH SIGNATURE-----\n", "\ngpgsig x\n", "diff --git a/x b/x",
	`"`, `"quoted"`, `"\x00"`, "'", "`", `\`, `\n`, "<", ">", "<mallory@example.com>", ":", "::", "→", "👩‍👩‍👧‍👦", "é", "日本語", "🚀", "Reason:", "\n continued", "\n\tcontinued",
}

// aText is what people may write.
func aText(t *rapid.T, what string) string {
	if rapid.Bool().Draw(t, what+" is wild") {
		return rapid.String().Draw(t, what)
	}
	pieces := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(nasty), rapid.StringMatching(`[a-z ]{0,9}`)), 0, 8).Draw(t, what)
	return strings.Join(pieces, "")
}

func anEntry(t *rapid.T) sluice.Position {
	return sluice.Position{Ledger: rapid.StringMatching(`[0-9a-f]{8}`).Draw(t, "ledger"), Seq: rapid.Int64Range(0, 1<<62).Draw(t, "epoch")}
}

// TestVersionMessageIsReadBack: any note, and paths too, come back exactly through a
// tag object, and nobody else's trailer comes out.
func TestVersionMessageIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := VersionMessage{
			Component: aName(t, "name"), Note: aText(t, "note"), Path: aSlotPath(t), Kind: aName(t, "kind"), Number: rapid.IntRange(1, maxVersion).Draw(t, "number"),
			Digest: aDigest(t, "digest"), Entry: anEntry(t), Time: aTime(t, "time"),
		}
		if rapid.Bool().Draw(t, "labelled") {
			want.Label = aLabel(t, "label")
		}
		want.Unchecked = rapid.Bool().Draw(t, "unchecked")
		message := throughTag(t, want.Format())
		got, err := ParseVersionMessage(message)
		if err != nil || got != want {
			t.Fatalf("got\n%+v, %v\nwant\n%+v\nfrom\n%s", got, err, want, message)
		}
	})
}

func aSlotPath(t *rapid.T) string {
	path := rapid.StringMatching(`([a-zé "'<>&{}:,#]{1,9}/){0,3}[a-zA-Z0-9_ü]{1,20}[ \t:.]?[a-z]/?`).Draw(t, "path")
	return path
}

// throughTag is the message as it comes out of a tag object.
func throughTag(t *rapid.T, message string) string {
	tag := gitrepo.Tag{Object: someCommit, Kind: "commit", Name: "x", Tagger: IdentOf("alice", someTime, "", ""), Message: message}
	back, err := gitrepo.ParseTag("", tag.Encode())
	if err != nil || back.Signed {
		t.Fatalf("the tag with %q is read as %+v, %v", message, back, err)
	}
	return back.Message
}

func TestMoveMessageIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := MoveMessage{
			Component: aName(t, "name"), Version: rapid.SampledFrom([]string{"v1.0.0-rc.1", "7"}).Draw(t, "version"), Environment: aWord(t, "display"),
			Release: aWord(t, "environment") + "#7", Entry: anEntry(t), Time: aTime(t, "time"),
		}
		message := throughTag(t, want.Format())
		if got, err := ParseMoveMessage(message); err != nil || got != want {
			t.Fatalf("got\n%+v, %v\nwant\n%+v\nfrom\n%s", got, err, want, message)
		}
	})
}

func TestNotesArePlainToRead(t *testing.T) {
	t.Parallel()
	for note, want := range map[string]string{
		"Be brief.":    "my-prompt v1.0.0\n\nBe brief.\n\nPath: ",
		"":             "my-prompt v1.0.0\n\nPath: ",
		"One.\n\nTwo.": "my-prompt v1.0.0\n\nOne.\n\nTwo.\n\nPath: ",
		"Family 👩‍👩‍👧‍👦 日本": "my-prompt v1.0.0\n\nFamily 👩‍👩‍👧‍👦 日本\n\nPath: ",
		"Fix: be brief":             "my-prompt v1.0.0\n\nNote: Fix: be brief\nPath: ",
		"Entry: abcd1234-99":        "my-prompt v1.0.0\n\nNote: Entry: abcd1234-99\nPath: ",
		"One.\n---\nTwo.":           "my-prompt v1.0.0\n\nNote: One.\n ---\n Two.\nPath: ",
		"One.\n\nEntry: abcd1234-9": "my-prompt v1.0.0\n\nNote: One.\n .\n Entry: abcd1234-9\nPath: ",
		"\x1b[31mred":               "my-prompt v1.0.0\n\nNote: \"\\x1b[31mred\"\nPath: ",
	} {
		m := someVersion
		m.Note = note
		if got := m.Format(); !strings.HasPrefix(got, want) {
			t.Errorf("note %q: got\n%s\nwant\n%s", note, got, want)
		}
	}
}

func TestMessagesByHand(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"First one\n":                            "First one",
		"First one\n\nIt is good.\n":             "First one\n\nIt is good.",
		"First one\n\nKind: prompt\n":            "First one\n\nKind: prompt",
		"":                                       "",
		"red \x1b[31m\x00 \ufffd\xff text\r\n\n": "red [31m \ufffd text",
		strings.Repeat("ü", 5_000):               strings.Repeat("ü", 2_046) + "…",
	} {
		got, err := ParseVersionMessage(message)
		if err != nil || got != (VersionMessage{Note: want}) || !got.ByHand() {
			t.Errorf("%.40q: got %.80q, %v, want %.80q", message, got.Note, err, want)
		}
		if err := sluice.CheckText("note", got.Note, sluice.MaxNoteBytes); err != nil {
			t.Errorf("%.40q: %v", message, err)
		}
	}
	for message, want := range map[string]MoveMessage{
		"Deploy my-prompt@v1.0.0 to prod\n":      {Component: "my-prompt", Version: "v1.0.0", Environment: "prod"},
		"Rollback my-prompt in prod to v0.9.0":   {Component: "my-prompt", Version: "v0.9.0", Environment: "prod"},
		"Promote my-prompt from staging to prod": {Component: "my-prompt", Environment: "prod"},
		"hotfix!":                                {},
		"":                                       {},
	} {
		if got, err := ParseMoveMessage(message); err != nil || got != want || !got.ByHand() {
			t.Errorf("%q: got %+v, %v, want %+v", message, got, err, want)
		}
	}
}

// TestMessagesThatAreNotWhole: each has one thing replaced.
func TestMessagesThatAreNotWhole(t *testing.T) {
	t.Parallel()
	versions := func(m string) error { _, err := ParseVersionMessage(m); return err }
	moves := func(m string) error { _, err := ParseMoveMessage(m); return err }
	for _, tt := range []struct {
		parse           func(string) error
		text, old, with string
		want            string
	}{
		{versions, versionText, "Entry: abcd1234-17", "Entry: abcd1234", `Entry "abcd1234" is not <ledger id>-<epoch>`},
		{versions, versionText, "Entry: abcd1234-17", "Entry: abcd1234-017", `Entry "abcd1234-017"`},
		{versions, versionText, "Entry: abcd1234-17", "Entry: a b-17", `Entry "a b-17"`},
		{versions, versionText, "Entry: abcd1234-17", "Entry: ", `Entry ""`},
		{versions, versionText, "Entry: abcd1234-17", "Entry: abcd1234-17\nEntry: abcd1234-17", "the trailer Entry is there twice"},
		{versions, versionText, "Entry: abcd1234-17", "entry: ffff-1\nEntry: abcd1234-17", "the trailer Entry is there twice"},
		{versions, versionText, "Time: 2024-11-12T14:47:00.123456Z", "Time: yesterday", `Time "yesterday" is not a time`},
		{versions, versionText, "Time: 2024-11-12T14:47:00.123456Z", "Time: 0001-01-01T00:00:00Z", "is not a time"},
		{versions, versionText, "\nTime: 2024-11-12T14:47:00.123456Z", "", `Time "" is not a time`},
		{versions, versionText, "Digest: sha256:9f", "Digest: sha256:9", "Digest"},
		{versions, versionText, "Path: components/", "Path: ../", "does not stay inside"},
		{versions, versionText, "Path: components/prompts/my-prompt.md\n", "", "needs a Path"},
		{versions, versionText, "Kind: prompt", "Kind: a b", "kind"},
		{versions, versionText, "Version: 3", "Version: 03", `Version "03"`},
		{versions, versionText, "Version: 3", "Version: 0", `Version "0"`},
		{versions, versionText, "Version: 3", "Version: 99999999999", `Version "99999999999"`},
		{versions, versionText, "my-prompt v1.0.0", "my-prompt", "not a version label"},
		{versions, versionText, "my-prompt v1.0.0", "my-prompt 4", "not a version label"},
		{versions, versionText, "my-prompt v1.0.0", "my-prompt 1.0.0", "lacks its v"},
		{versions, versionText, "my-prompt v1.0.0", "../x v1.0.0", "not a valid name"},
		{moves, moveText, "Release: production#42", "Release: production", `Release "production" is not`},
		{moves, moveText, "Release: production#42", "Release: production#0", "Release"},
		{moves, moveText, "Release: production#42", "Release: production#042", "Release"},
		{moves, moveText, "Release: production#42", "Release: a/b#42", "Release"},
		{moves, moveText, "Release: production#42\n", "", "Release"},
		{moves, moveText, "Deploy my-prompt@v1.0.0 to prod", "Rollback my-prompt in prod to v1.0.0", "does not say what was deployed"},
		{moves, moveText, "Deploy my-prompt@v1.0.0 to prod", "moved", "does not say what was deployed"},
		{moves, moveText, "Entry: abcd1234-17", "Entry: -17", "Entry"},
	} {
		text := strings.Replace(tt.text, tt.old, tt.with, 1)
		err := tt.parse(text)
		if text == tt.text || err == nil {
			t.Errorf("%q for %q: %v", tt.with, tt.old, err)
			continue
		}
		if e := sluice.AsError(err); e.Code != sluice.Invalid || !strings.Contains(e.Message, tt.want) {
			t.Errorf("%q for %q: got %s %q, want %q", tt.with, tt.old, e.Code, e.Message, tt.want)
		}
	}
	huge := strings.Repeat("x", maxMessageBytes+1)
	if err := versions(huge); sluice.CodeOf(err) != sluice.LimitExceeded {
		t.Errorf("a huge message: %v", err)
	}
}
