package gitsync

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// refused checks what an outsider may see of a refusal: a code that says it is the
// input, and a message that does not echo a megabyte.
func refused(t *testing.T, err error) {
	t.Helper()
	var e *sluice.Error
	if !errors.As(err, &e) || e.Code != sluice.Invalid && e.Code != sluice.LimitExceeded {
		t.Fatalf("the error is %#v", err)
	}
	if len(e.Message) > 1000 {
		t.Fatalf("the message has %d bytes: %s", len(e.Message), e.Message)
	}
}

// FuzzParseManifest: what is read is written as it was, and its parts agree with the whole.
func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(example))
	f.Add(Manifest{Environment: EnvironmentHead{Name: "base"}, Root: someDigest}.Encode())
	f.Add([]byte(strings.Replace(example, `{"none": true}`, `{"none": true, "x": [[[]]]}`, 1)))
	f.Add([]byte(strings.Replace(example, `"component/off"`, `"component/a"`, 1)))
	f.Fuzz(func(t *testing.T, text []byte) {
		changes, diffErr := DiffManifests(nil, text)
		lines, linesErr := LinesOf(text)
		m, err := ParseManifest(text)
		if err != nil {
			refused(t, err)
			return
		}
		if diffErr != nil || linesErr != nil || len(changes) != len(m.Slots) || lines.Len() != len(m.Slots) {
			t.Fatalf("%d slots, %d changes %v, %d lines %v", len(m.Slots), len(changes), diffErr, lines.Len(), linesErr)
		}
		if !bytes.Equal(m.Encode(), text) || !bytes.Equal(lines.Encode(m.Environment, m.Root), text) {
			t.Fatalf("%q is written as %q", text, m.Encode())
		}
		RootOf(m)
	})
}

// FuzzSlotLine looks into one line, which is where most of what may be wrong is.
func FuzzSlotLine(f *testing.F) {
	for _, s := range exampleManifest().Slots {
		line := string(appendSlot(nil, s))
		f.Add(string(s.Slot), strings.TrimPrefix(line, slotStart+string(s.Slot)+slotMiddle))
	}
	f.Fuzz(func(t *testing.T, slot, content string) {
		head := EnvironmentHead{Name: "base"}
		text := string(appendHead(nil, head, someDigest)) + slotStart + slot + slotMiddle + content + "\n" + manifestEnd
		m, err := ParseManifest([]byte(text))
		if err != nil {
			refused(t, err)
			return
		}
		if got := string(m.Encode()); got != text || len(m.Slots) != 1 || m.Slots[0].Check() != nil {
			t.Fatalf("%q is read as %+v", text, m.Slots)
		}
	})
}

// FuzzDiffManifests: two texts of anybody's end in an answer.
func FuzzDiffManifests(f *testing.F) {
	f.Add([]byte(example), []byte(strings.Replace(example, `"version": 3`, `"version": 4`, 1)))
	f.Add([]byte(example), []byte(strings.Replace(example, `"component/off"`, `"component/on"`, 1)))
	f.Fuzz(func(t *testing.T, parent, child []byte) {
		changes, err := DiffManifests(parent, child)
		if err != nil {
			refused(t, err)
			return
		}
		for i, c := range changes {
			if c.From == nil && c.To == nil || i > 0 && changes[i-1].Slot >= c.Slot {
				t.Fatalf("the changes are %+v", changes)
			}
		}
	})
}

func FuzzParseTagName(f *testing.F) {
	for _, s := range []string{"refs/tags/components/my-prompt/v1.0.0", "components/prompts/x/prod", "queries/x/1.0.0-rc.1", "logic/scripts/x/latest", "components//", "a/b/c/d/e/f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		name, ok := ParseTagName(ref)
		if !ok {
			return
		}
		if sluice.CheckName("component", name.Component) != nil || name.Label != "" && name.Environment != "" || !strings.HasSuffix(ref, "/"+name.Component+"/"+name.Slot) {
			t.Fatalf("%q is %+v", ref, name)
		}
		if name.Layout == LayoutPlain && Taggable(name.Label) && string(name.Label) == name.Slot {
			if got := VersionTag(name.Component, name.Label); strings.TrimPrefix(got, "refs/tags/") != strings.TrimPrefix(ref, "refs/tags/") {
				t.Fatalf("%q is %+v, which is written as %q", ref, name, got)
			}
		}
	})
}

// FuzzMessages: what is read as Sluice's own is written as something that is read as
// the same.
func FuzzMessages(f *testing.F) {
	for _, s := range []string{versionText, moveText, releaseText, "Rollback my-prompt in prod to v1.0.0", "x\n\nEntry: \"abcd1234-1\"\nTime: 2024-11-12T14:47:00Z\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if m, err := ParseVersionMessage(text); err != nil {
			refused(t, err)
		} else if again, err := ParseVersionMessage(m.Format()); !m.ByHand() && (err != nil || again != m) {
			t.Fatalf("%+v is written as %q, which is read as %+v, %v", m, m.Format(), again, err)
		}
		if m, err := ParseMoveMessage(text); err != nil {
			refused(t, err)
		} else if again, err := ParseMoveMessage(m.Format()); !m.ByHand() && (err != nil || again != m) {
			t.Fatalf("%+v is written as %q, which is read as %+v, %v", m, m.Format(), again, err)
		}
		h, err := ParseReleaseMessage(gitrepo.Commit{Message: text, Author: gitrepo.Signature{Name: "alice"}})
		if err != nil {
			refused(t, err)
			return
		}
		r := sluice.Release{
			Environment: h.Environment, Number: h.Number, Epoch: h.Entry.Seq, At: h.Time, Action: h.Action, Actor: h.Actor, Cause: h.Cause, Source: h.Source,
			Reason: h.Reason, Ticket: h.Ticket, Root: h.Root,
		}
		written := ReleaseMessage(r, "prod", h.Entry.Ledger)
		again, err := ParseReleaseMessage(gitrepo.Commit{Message: written, Author: IdentOf(h.Actor, h.Time, "", "").Clean()})
		if err != nil || again != h {
			t.Fatalf("%+v is written as %q, which is read as %+v, %v", h, written, again, err)
		}
	})
}
