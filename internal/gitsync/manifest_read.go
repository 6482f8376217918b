package gitsync

import (
	"bytes"
	"regexp"

	"github.com/sluice-dev/sluice"
)

// How a manifest is laid out around its slots.
const (
	formatLine       = "{\n  \"format\": 1,\n"
	environmentStart = "  \"environment\": "
	rootStart        = ",\n  \"root\": "
	slotsStart       = ",\n  \"slots\": {\n"
	slotStart        = "    \""
	slotMiddle       = "\": "
	manifestEnd      = "  }\n}\n"
)

// The lines of the head, counted from 1, and the last one before the slots.
const (
	environmentLine = 3
	rootLine        = 4
	slotsLine       = 5
)

// rawLine is the line of one slot that nobody has looked into.
type rawLine struct {
	number int    // in the file, from 1
	slot   []byte // its address, not checked
	text   []byte // all of it, without the comma
}

// rawHead is what comes before the slots: two values in JSON.
type rawHead struct{ environment, root []byte }

// lineReader goes through the slots of a manifest.
type lineReader struct {
	head  rawHead
	rest  []byte
	count int
	line  rawLine
	more  bool  // there is a line
	err   error // why there is none
}

// newLineReader checks the outer form of a manifest. With an error it still is a
// reader, of no lines.
func newLineReader(text []byte) (*lineReader, error) {
	r := &lineReader{}
	if len(text) > MaxManifestBytes {
		return r, sluice.Errorf(sluice.LimitExceeded, "%s is %d bytes; the limit is %d", ManifestFile, len(text), MaxManifestBytes)
	}
	rest, ok := bytes.CutPrefix(text, []byte(formatLine+environmentStart))
	if !ok {
		return r, wrongFormat(text)
	}
	if r.head.environment, rest, ok = bytes.Cut(rest, []byte(rootStart)); !ok || bytes.IndexByte(r.head.environment, '\n') >= 0 {
		return r, badLine(environmentLine, `"environment" on one line and then "root" should stand here`)
	}
	if r.head.root, rest, ok = bytes.Cut(rest, []byte(slotsStart)); !ok || bytes.IndexByte(r.head.root, '\n') >= 0 {
		return r, badLine(rootLine, `"root" on one line and then "slots" should stand here`)
	}
	rest, ok = bytes.CutSuffix(rest, []byte(manifestEnd))
	if !ok || len(rest) > 0 && rest[len(rest)-1] != '\n' {
		return r, sluice.Errorf(sluice.Invalid, "%s does not end as Sluice ends it: it may have been cut off", ManifestFile).Fix(fixManifest)
	}
	r.rest = rest
	return r, nil
}

// next goes to the next line, and reports whether there is one.
func (r *lineReader) next() bool {
	if r.more = r.err == nil && len(r.rest) > 0; !r.more {
		return false
	}
	before := r.line
	r.count++
	r.line = rawLine{number: slotsLine + r.count}
	r.line.text, r.rest, _ = bytes.Cut(r.rest, []byte{'\n'})
	comma := false
	if r.line.text, comma = bytes.CutSuffix(r.line.text, []byte{','}); comma != (len(r.rest) > 0) {
		r.fail("there must be a comma at the end of each slot but the last")
	}
	address, ok := bytes.CutPrefix(r.line.text, []byte(slotStart))
	if r.line.slot, _, _ = bytes.Cut(address, []byte{'"'}); !ok || !bytes.HasPrefix(address[len(r.line.slot):], []byte(slotMiddle)) {
		r.fail("a slot should stand here, as %s", `"component/NAME": {…}`)
	}
	switch order := bytes.Compare(before.slot, r.line.slot); {
	case r.count == 1:
	case order == 0:
		r.fail("%q is there twice", clip(string(r.line.slot)))
	case order > 0:
		r.fail("%q comes after %q", clip(string(r.line.slot)), clip(string(before.slot)))
	}
	if len(r.line.text) > maxLineBytes {
		r.fail("it has %d bytes; the limit is %d", len(r.line.text), maxLineBytes)
	}
	if r.count > MaxManifestSlots {
		r.more, r.err = false, sluice.Errorf(sluice.LimitExceeded, "%s has more than %d slots", ManifestFile, MaxManifestSlots)
	}
	return r.more
}

// fail ends the reading at this line; the first reason stays.
func (r *lineReader) fail(format string, args ...any) {
	if r.more = false; r.err == nil {
		r.err = badLine(r.line.number, format, args...)
	}
}

// badLine is the error of one line of a manifest.
func badLine(number int, format string, args ...any) error {
	err := sluice.Errorf(sluice.Invalid, format, args...)
	return sluice.Errorf(sluice.Invalid, "line %d of %s: %s", number, ManifestFile, err.Message).Fix(fixManifest)
}

const fixManifest = "only Sluice writes this file: find who changed it, with `git log -- " + ManifestFile + "` on the ref of the environment"

var formatForm = regexp.MustCompile(`^\{\s*"format":\s*(\d{1,9})\s*,`)

// wrongFormat says why a file does not begin as a manifest does.
func wrongFormat(text []byte) error {
	if m := formatForm.FindSubmatch(text); m != nil && string(m[1]) != "1" {
		return sluice.Errorf(sluice.Invalid, "%s has format %s; this Sluice reads format 1", ManifestFile, m[1]).Fix("use the version of Sluice that wrote it, or a later one")
	}
	return sluice.Errorf(sluice.Invalid, "%s does not begin as Sluice begins it", ManifestFile).Fix(fixManifest)
}
