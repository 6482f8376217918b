package sluice

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Text is UTF-8 without NUL: what both databases, JSON and every terminal hold
// exactly. What is not text is refused where it enters, with its place, and never
// altered; content of free kinds is bytes, and no text.

// BadText is where a string stops being text. Line and Column count from 1, and
// columns count characters.
type BadText struct {
	Byte, Line, Column int
	What               string // such as "this byte is not UTF-8"
}

// FindBadText finds the first byte of s that is not text.
func FindBadText(s string) (BadText, bool) {
	at, what := strings.IndexByte(s, 0), "this is a NUL byte"
	if broken := indexInvalid(s); broken >= 0 && (at < 0 || broken < at) {
		at, what = broken, "this byte is not UTF-8"
	}
	if at < 0 {
		return BadText{}, false
	}
	return badTextAt(s, at, what), true
}

// indexInvalid is the index of the first byte that is not UTF-8, or -1.
func indexInvalid(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return i
		}
	}
	return -1
}

// badTextAt finds line and column of a byte. A line ends with \n, \r\n or \r.
func badTextAt(s string, at int, what string) BadText {
	bad := BadText{Byte: at, Line: 1, Column: 1, What: what}
	for i, r := range s[:at] {
		bad.Column++
		if r == '\n' || r == '\r' && !strings.HasPrefix(s[i+1:], "\n") {
			bad.Line, bad.Column = bad.Line+1, 1
		}
	}
	return bad
}

// refusal is the error for what holds it, which is no file.
func (b BadText) refusal(what string) *Error {
	return Errorf(Invalid, "%s is not text: line %d, column %d: %s", what, b.Line, b.Column, b.What)
}

// WriteUTF8 is what to do with what is not text.
const WriteUTF8 = "write it in UTF-8; encode binary values, for example in base64"

// CheckIsText checks that a string is text. What names it for the message, which
// does not repeat the string: it may be a secret.
func CheckIsText(what, s string) error {
	if bad, found := FindBadText(s); found {
		return bad.refusal(what).Fix(WriteUTF8)
	}
	return nil
}

// CheckUTF8 is CheckIsText for a string within JSON, where NUL is an escape: the
// data of runs.
func CheckUTF8(what, s string) error {
	if at := indexInvalid(s); at >= 0 {
		return badTextAt(s, at, "this byte is not UTF-8").refusal(what).Fix(WriteUTF8)
	}
	return nil
}

// ReadText returns the content of a file as text. Invalid, with file, line and
// column, when it is not text.
func ReadText(file string, content []byte) (string, error) {
	text := string(content)
	bad, found := FindBadText(text)
	if !found {
		return text, nil
	}
	err := Errorf(Invalid, "%s:%d:%d: %s", file, bad.Line, bad.Column, bad.What)
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return "", err.Fix("save the file as UTF-8; it looks like UTF-16")
	}
	return "", err.Fix("save the file as UTF-8; encode binary values, for example in base64")
}

// CheckText checks free text such as a reason or a note, which is shown on
// terminals: of control characters it has line ends and tabs alone.
func CheckText(what, s string, limit int) error {
	if len(s) > limit {
		return Errorf(LimitExceeded, "%s is %d bytes; the limit is %d", what, len(s), limit).
			Fix("shorten it, and link to the rest")
	}
	if err := CheckIsText(what, s); err != nil {
		return err
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }); i >= 0 {
		return badTextAt(s, i, "this is a control character").refusal(what).Fix("remove it")
	}
	return nil
}

// Recordable returns a message that any record can hold: what is not text in it is
// made visible, and a note says so. It is for messages alone; data that is not
// text is refused.
func Recordable(message string) string {
	if _, found := FindBadText(message); !found {
		return message
	}
	message = strings.ReplaceAll(strings.ToValidUTF8(message, "\uFFFD"), "\x00", "\u2400")
	return message + " (\u2400 and \uFFFD stand for what is not text)"
}

// CheckJSONText checks that JSON says exactly what it holds: it is UTF-8, and no
// escape is half of a character, which decoders silently replace. NUL as an escape
// is fine: it stays one. What names the JSON for the message. Whether it is JSON at
// all is for its decoder to tell.
func CheckJSONText(what string, text []byte) error {
	bad := BadText{Byte: -1}
	if !utf8.Valid(text) {
		s := string(text)
		bad = badTextAt(s, indexInvalid(s), "this byte is not UTF-8")
	} else if at := loneSurrogate(text); at >= 0 {
		bad = badTextAt(string(text), at, fmt.Sprintf("%s is half of a character", text[at:at+6]))
	}
	if bad.Byte < 0 {
		return nil
	}
	return bad.refusal(what).Fix(WriteUTF8)
}

// loneSurrogate is the index of the first escape that is a surrogate without its
// other half, or -1.
func loneSurrogate(text []byte) int {
	for at := 0; ; {
		next := bytes.IndexByte(text[at:], '\\')
		if next < 0 {
			return -1
		}
		at += next
		switch unit := escapedUnit(text[at:]); {
		case 0xD800 <= unit && unit < 0xDC00:
			if low := escapedUnit(text[at+6:]); low < 0xDC00 || low > 0xDFFF {
				return at
			}
			at += 12
		case 0xDC00 <= unit && unit < 0xE000:
			return at
		default:
			at += min(2, len(text)-at) // an escape, of which one backslash may be the second character
		}
	}
}

// escapedUnit is the number of the escape \uXXXX that text begins with, or -1.
func escapedUnit(text []byte) int {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	unit := 0
	for _, c := range text[2:6] {
		switch {
		case '0' <= c && c <= '9':
			unit = unit<<4 | int(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			unit = unit<<4 | int(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return unit
}
