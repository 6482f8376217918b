package gitsync

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// ReleaseHead is what the commit of a release says of it; the slots are in its manifest.
type ReleaseHead struct {
	Environment string // by its name
	Number      int64  // there
	Action      sluice.Action
	Actor       string
	Reason      string
	Ticket      string
	Cause       string
	Source      string
	Root        sluice.Digest
	Entry       sluice.Position // in the ledger of origin
	Time        sluice.Time
}

// ReleaseMessage is the message of a release's commit: what was done and where, a line
// for each slot that changed, and the rest as trailers. Display is the
// environment as people name it, ledger the id of the ledger that the release is in.
// With the author of [IdentOf], [ParseReleaseMessage] reads all of it back.
func ReleaseMessage(r sluice.Release, display, ledger string) string {
	out := gitrepo.Message{Subject: releaseSubject(r, display)}
	lines := make([]string, len(r.Changes))
	for i, c := range r.Changes {
		lines[i] = changeLine(c)
	}
	out.Body = strings.Join(lines, "\n")
	add := func(key, value string) {
		if value != "" {
			out.Trailers = append(out.Trailers, gitrepo.Trailer{Key: key, Value: value})
		}
	}
	add("Reason", r.Reason)
	add("Ticket", r.Ticket)
	add("Action", string(r.Action))
	add("Release", r.Ref())
	add("Root", string(r.Root))
	add("Entry", sluice.Position{Ledger: ledger, Seq: r.Epoch}.String())
	add("Time", r.At.String())
	add("Cause", r.Cause)
	add("Source", r.Source)
	if fitting(r.Actor) != r.Actor {
		out.Trailers = append(out.Trailers, gitrepo.Trailer{Key: "Actor", Value: r.Actor})
	}
	return out.String()
}

func releaseSubject(r sluice.Release, display string) string {
	switch len(r.Changes) {
	case 0:
		return fmt.Sprintf("%s → %s", r.Action, display)
	case 1:
		return fmt.Sprintf("%s %s → %s", r.Action, strings.TrimSpace(slotText(r.Changes[0])), display)
	}
	return fmt.Sprintf("%s %d changes → %s", r.Action, len(r.Changes), display)
}

// slotText names a slot in a subject, a component with what it got.
func slotText(c sluice.SlotChange) string {
	name := c.Slot.Component()
	if name == "" {
		return string(c.Slot)
	}
	if !c.To.Live() {
		return "components/" + name
	}
	return "components/" + name + " " + c.To.String()
}

// changeLine says how a slot changed. What the value of a variable is, even masked, is
// nobody's business here.
func changeLine(c sluice.SlotChange) string {
	if name := c.Slot.Component(); name != "" {
		line := fmt.Sprintf("components/%s %s → %s", name, orNone(c.From), orNone(c.To))
		switch {
		case !c.From.Equal(c.To):
			return line
		case c.Origin != "":
			return fmt.Sprintf("components/%s %s is from %s", name, orNone(c.To), c.Origin)
		}
		return fmt.Sprintf("components/%s %s stays", name, orNone(c.To))
	}
	word := "changed"
	switch {
	case c.From.Equal(c.To):
		word = "stays"
	case !c.To.Live():
		word = "removed"
	case c.To.Hidden:
		word = "hidden"
	case c.To.Stub:
		word = "has no value yet"
	case !c.From.Live():
		word = "set"
	}
	return string(c.Slot) + " " + word
}

func orNone(v sluice.Value) string {
	if !v.Live() {
		return "none"
	}
	return v.String()
}

var actionForm = regexp.MustCompile(`^[a-z]{1,32}$`)

// ParseReleaseMessage reads the head of a release from its commit. [sluice.Invalid] when
// Sluice did not write the commit, or when it is no longer whole.
func ParseReleaseMessage(commit gitrepo.Commit) (ReleaseHead, error) {
	h, err := parseReleaseHead(commit)
	if err != nil {
		return ReleaseHead{}, sluice.Errorf(sluice.CodeOf(err), "commit %s is not a release of Sluice: %w", commit.ID.Short(), err)
	}
	return h, nil
}

func parseReleaseHead(commit gitrepo.Commit) (h ReleaseHead, err error) {
	_, t, err := readMessage(commit.Message)
	if err != nil {
		return h, err
	}
	if _, made := t["Entry"]; !made {
		return h, sluice.Errorf(sluice.Invalid, "it has no trailer Entry")
	}
	h = ReleaseHead{
		Action: sluice.Action(t["Action"]), Actor: commit.Author.Name,
		Reason: t["Reason"], Ticket: t["Ticket"], Cause: t["Cause"], Source: t["Source"],
	}
	if !actionForm.MatchString(string(h.Action)) {
		return h, sluice.Errorf(sluice.Invalid, "Action %q is not known", clip(string(h.Action)))
	}
	if h.Environment, h.Number, err = t.release(); err != nil {
		return h, err
	}
	if h.Root, err = t.digest("Root"); err != nil {
		return h, err
	}
	if actor, changed := t["Actor"]; changed {
		h.Actor = actor
	}
	h.Entry, h.Time, err = t.entry()
	return h, err
}
