package workflow

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/sluice-dev/sluice"
)

// source is a file as its author wrote it, by lines: what tells how far the places in
// a text are from those in the file.
type source [][]byte

func sourceOf(f sluice.File) source {
	return bytes.Split(bytes.TrimPrefix(f.Bytes(), []byte("\ufeff")), []byte("\n"))
}

// line is a line, from 1, without its end.
func (s source) line(n int) string {
	if n < 1 || n > len(s) {
		return ""
	}
	return string(bytes.TrimSuffix(s[n-1], []byte("\r")))
}

// position turns a place in a text into one in the file. The column is 0 where it
// cannot be told, since lines were folded.
func (t *text) position(line, column int) (int, int) {
	line, column = t.at.unmoved(t.text, line, column)
	switch {
	case line == 0:
		return t.at.line, t.at.column
	case t.at.style == whole:
		return t.at.line + line, column
	case t.at.style == literal:
		return t.inLiteral(line, column)
	case t.at.style == folded:
		return t.at.line, 0
	case column == 0:
		return t.at.line, t.at.column
	case t.at.style == quoted:
		return t.inQuotes(line, column)
	case line > 1:
		return t.at.line, t.at.column
	default:
		return t.at.line, t.at.column + column - 1
	}
}

// inFile is the text as it stands in the file.
func (t *text) inFile() string {
	if t.at.moves != nil {
		return t.at.written
	}
	return t.text
}

// inLiteral is a place in a block of lines, which is indented in the file.
func (t *text) inLiteral(line, column int) (int, int) {
	at := t.at.line + line
	lines := strings.Split(t.inFile(), "\n")
	if column == 0 || line > len(lines) {
		return at, 0
	}
	indent, found := strings.CutSuffix(t.source.line(at), strings.TrimSuffix(lines[line-1], "\r"))
	if !found || strings.Trim(indent, " ") != "" {
		return at, 0
	}
	return at, len(indent) + column
}

// inQuotes is a place in a quoted text, whose escapes are longer in the file than what
// they stand for. Where the quotes span lines, it is that of the whole text.
func (t *text) inQuotes(line, column int) (int, int) {
	before := strings.SplitAfter(t.inFile(), "\n")
	if line > len(before) {
		return t.at.line, t.at.column
	}
	ahead := column - 1 + utf8.RuneCountInString(strings.Join(before[:line-1], ""))
	raw := []rune(t.source.line(t.at.line))
	at := t.at.column // the character after the quotation mark, from 0
	if at < 1 || at > len(raw) {
		return t.at.line, t.at.column
	}
	for range ahead {
		if at >= len(raw) {
			return t.at.line, t.at.column
		}
		at += escape(raw[t.at.column-1], raw[at:])
	}
	return t.at.line, at + 1
}

// escape is how many characters the first one of a quoted text takes in the file.
func escape(quote rune, raw []rune) int {
	second := rune(0)
	if len(raw) > 1 {
		second = raw[1]
	}
	switch {
	case quote == '\'' && raw[0] == '\'':
		return 2
	case quote == '\'' || raw[0] != '\\':
		return 1
	case second == 'x':
		return 4
	case second == 'U':
		return 10
	case second == 'u' && surrogates(raw):
		return 12
	case second == 'u':
		return 6
	}
	return 2
}

// surrogates reports whether two escapes stand for one character, as in JSON.
func surrogates(raw []rune) bool {
	const first, last = "\\ud8", "\\udc"
	if len(raw) < 12 {
		return false
	}
	high, low := strings.ToLower(string(raw[:4])), strings.ToLower(string(raw[6:10]))
	return high >= first && high < last && low >= last && low < "\\ue0"
}
