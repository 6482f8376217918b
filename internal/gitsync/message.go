package gitsync

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// VersionMessage is what the tag of a version says, and the commit of one that has
// no tag.
type VersionMessage struct {
	Component string
	Label     sluice.Label // "" when it has none
	Note      string       // free text
	Path      string       // where the content is in the tree, with a slash at the end for a directory
	Kind      string
	Number    int
	Digest    sluice.Digest
	// Entry is where it stands in the ledger of origin. A message without one was
	// written by hand.
	Entry sluice.Position
	Time  sluice.Time
	// Unchecked says that the version was published although its content was not found
	// to be whole.
	Unchecked bool
}

// ByHand reports whether Sluice did not write the message.
func (m VersionMessage) ByHand() bool { return m.Entry.Ledger == "" }

// Format writes the message. The note is a paragraph of its own when Git and people
// can read it as that, else a trailer.
func (m VersionMessage) Format() string {
	out := gitrepo.Message{
		Subject: m.Component + " " + sluice.Pin{Version: m.Number, Label: m.Label}.String(),
		Trailers: []gitrepo.Trailer{
			{Key: "Path", Value: m.Path},
			{Key: "Kind", Value: m.Kind},
			{Key: "Version", Value: strconv.Itoa(m.Number)},
			{Key: "Digest", Value: string(m.Digest)},
			{Key: "Entry", Value: m.Entry.String()},
			{Key: "Time", Value: m.Time.String()},
		},
	}
	if m.Unchecked {
		out.Trailers = append(out.Trailers, gitrepo.Trailer{Key: "Unchecked", Value: "true"})
	}
	if paragraph(m.Note) {
		out.Body = m.Note
	} else if m.Note != "" {
		out.Trailers = slices.Insert(out.Trailers, 0, gitrepo.Trailer{Key: "Note", Value: m.Note})
	}
	return out.String()
}

// ParseVersionMessage reads what [VersionMessage.Format] writes. Of a message that was
// written by hand, the note is all of it, as far as a note can hold it, and
// nothing else is set. [sluice.Invalid] when Sluice wrote it and it is no longer whole.
func ParseVersionMessage(message string) (VersionMessage, error) {
	in, t, err := readMessage(message)
	if err != nil {
		return VersionMessage{}, err
	}
	if _, made := t["Entry"]; !made {
		return VersionMessage{Note: storable(message, sluice.MaxNoteBytes)}, nil
	}
	m := VersionMessage{Path: t["Path"], Kind: t["Kind"], Unchecked: t["Unchecked"] == "true"}
	if m.Entry, m.Time, err = t.entry(); err != nil {
		return VersionMessage{}, err
	}
	if m.Digest, err = t.digest("Digest"); err != nil {
		return VersionMessage{}, err
	}
	if m.Path == "" || m.Kind == "" {
		return VersionMessage{}, sluice.Errorf(sluice.Invalid, "a version needs a Path and a Kind")
	}
	if err := checkPlace(m.Kind, m.Path); err != nil {
		return VersionMessage{}, err
	}
	if err := m.name(t["Version"], in.Subject); err != nil {
		return VersionMessage{}, err
	}
	note, found := t["Note"]
	if m.Note = note; !found {
		m.Note = in.Body
	}
	return m, nil
}

// name reads the subject, which must fit the number.
func (m *VersionMessage) name(number, subject string) (err error) {
	m.Number, err = strconv.Atoi(number)
	if err != nil || m.Number < 1 || m.Number > maxVersion || strconv.Itoa(m.Number) != number {
		return sluice.Errorf(sluice.Invalid, "Version %q is not the number of one", clip(number))
	}
	name, version, _ := strings.Cut(subject, " ")
	if err := sluice.CheckName("component", name); err != nil {
		return err
	}
	if m.Component = name; version == number {
		return nil
	}
	if m.Label, err = sluice.ParseLabel(version); err == nil && string(m.Label) != version {
		err = sluice.Errorf(sluice.Invalid, "the label %q lacks its v", clip(version))
	}
	return err
}

// MoveMessage is what the tag of an environment says: since which release a version is live.
type MoveMessage struct {
	Component   string
	Version     string // bare text: v1.0.0, or 3
	Environment string // as it is displayed
	Release     string // production#42
	// Entry is where the release stands in the ledger of origin. A message without one
	// was written by hand, or by Edgit.
	Entry sluice.Position
	Time  sluice.Time
}

// ByHand reports whether Sluice did not write the message.
func (m MoveMessage) ByHand() bool { return m.Entry.Ledger == "" }

// Format writes the message.
func (m MoveMessage) Format() string {
	return gitrepo.Message{
		Subject: "Deploy " + m.Component + "@" + m.Version + " to " + m.Environment,
		Trailers: []gitrepo.Trailer{
			{Key: "Release", Value: m.Release},
			{Key: "Entry", Value: m.Entry.String()},
			{Key: "Time", Value: m.Time.String()},
		},
	}.String()
}

// ParseMoveMessage reads what [MoveMessage.Format] writes. Of a message that was
// written by hand it is what [ParseDeployMessage] understands of its first line,
// or nothing. [sluice.Invalid] when Sluice wrote it and it is no longer whole.
func ParseMoveMessage(message string) (MoveMessage, error) {
	in, t, err := readMessage(message)
	if err != nil {
		return MoveMessage{}, err
	}
	deed, understood := ParseDeployMessage(in.Subject)
	m := MoveMessage{Component: deed.Component, Version: deed.Version, Environment: deed.Environment}
	if _, made := t["Entry"]; !made {
		return m, nil
	}
	if !understood || deed.Action != sluice.ActionDeploy {
		return MoveMessage{}, sluice.Errorf(sluice.Invalid, "%q does not say what was deployed where", clip(in.Subject))
	}
	if _, _, err := t.release(); err != nil {
		return MoveMessage{}, err
	}
	m.Release = t["Release"]
	if m.Entry, m.Time, err = t.entry(); err != nil {
		return MoveMessage{}, err
	}
	return m, nil
}
