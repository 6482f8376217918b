package gitsync

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// slotJSON is what stands in the line of a slot.
type slotJSON struct {
	Kind string `json:"kind"`
	Path string `json:"path"`
	sluice.Value
	Commit     gitrepo.OID  `json:"commit"`
	Under      sluice.Value `json:"under"`
	UnderSince sluice.Time  `json:"under_since"`
	Origin     string       `json:"origin"`
	Pinned     bool         `json:"pinned"`
}

// parse reads the line, which must be as appendSlot writes what it says.
func (r rawLine) parse() (SlotLine, error) {
	var in slotJSON
	if err := json.Unmarshal(r.text[len(slotStart)+len(r.slot)+len(slotMiddle):], &in); err != nil {
		return SlotLine{}, badLine(r.number, "%q cannot be read: %s", clip(string(r.slot)), clip(err.Error()))
	}
	s := SlotLine{
		Slot: sluice.Slot(r.slot), Value: in.Value, Kind: in.Kind, Path: in.Path, Commit: in.Commit, Under: in.Under, UnderSince: in.UnderSince, Origin: in.Origin, Pinned: in.Pinned,
	}
	if again := appendSlot(nil, s); !bytes.Equal(again, r.text) {
		return SlotLine{}, badLine(r.number, "%q %s", clip(string(r.slot)), strangeness(r.text, again, "{"+string(r.text)+"}", &map[string]slotJSON{}))
	}
	if err := s.Check(); err != nil {
		return SlotLine{}, badLine(r.number, "%w", err)
	}
	return s, nil
}

// parse reads the head, which must be as appendHead writes what it says.
func (h rawHead) parse() (EnvironmentHead, sluice.Digest, error) {
	var e EnvironmentHead
	if err := json.Unmarshal(h.environment, &e); err != nil {
		return e, "", badLine(environmentLine, "the environment cannot be read: %s", clip(err.Error()))
	}
	if again := appendEnvironment(nil, e); !bytes.Equal(again, h.environment) {
		return e, "", badLine(environmentLine, "the environment %s", strangeness(h.environment, again, string(h.environment), new(EnvironmentHead)))
	}
	if len(e.PromotesFrom) == 0 {
		e.PromotesFrom = nil
	}
	if err := e.check(); err != nil {
		return e, "", badLine(environmentLine, "%w", err)
	}
	var root sluice.Digest
	if err := json.Unmarshal(h.root, &root); err != nil || !isDigest(string(root)) || len(h.root) != len(root)+2 {
		return e, "", badLine(rootLine, "the root is not \"sha256:\" and 64 hex digits")
	}
	return e, root, nil
}

// strangeness says why text is not what Sluice would have written for it: a field that
// is not known, or else where the two part. Whole is the text as one JSON value
// and into what it would be read.
func strangeness(text, written []byte, whole string, into any) string {
	d := json.NewDecoder(strings.NewReader(whole))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return "cannot be read: " + clip(strings.TrimPrefix(err.Error(), "json: "))
	}
	at := 0
	for at < min(len(text), len(written)) && text[at] == written[at] {
		at++
	}
	return fmt.Sprintf("is not as Sluice writes it, from %q on", clip(string(text[at:])))
}

// appendHead writes what comes before the slots.
func appendHead(out []byte, e EnvironmentHead, root sluice.Digest) []byte {
	out = append(out, formatLine+environmentStart...)
	out = append(appendEnvironment(out, e), rootStart...)
	return append(appendString(out, string(root)), slotsStart...)
}

func appendEnvironment(out []byte, e EnvironmentHead) []byte {
	out = appendString(append(out, `{"name": `...), e.Name)
	out = appendString(append(out, `, "alias": `...), e.Alias)
	out = appendString(append(out, `, "parent": `...), e.Parent)
	out = appendString(append(out, `, "tracks": `...), e.Tracks)
	out = append(out, `, "promotes_from": [`...)
	for i, from := range e.PromotesFrom {
		if i > 0 {
			out = append(out, ", "...)
		}
		out = appendString(out, from)
	}
	return append(out, "]}"...)
}

// appendSlot writes the line of a slot, without the comma. What is empty is left out.
func appendSlot(out []byte, s SlotLine) []byte {
	out = append(append(append(out, slotStart...), s.Slot...), slotMiddle...)
	o := object{out: append(out, '{')}
	o.text("kind", s.Kind)
	o.text("path", s.Path)
	o.value(s.Value)
	o.text("commit", string(s.Commit))
	if !s.Under.IsZero() {
		o.field("under")
		o.open()
		o.value(s.Under)
		o.close()
	}
	if s.UnderSince != 0 {
		o.text("under_since", s.UnderSince.String())
	}
	o.text("origin", s.Origin)
	o.truth("pinned", s.Pinned)
	o.close()
	return o.out
}
