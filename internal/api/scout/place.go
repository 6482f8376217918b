package scout

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/sluice-dev/sluice"
)

// mistaken is the error for a config with mistakes: each has its place in the body that
// the caller sent, of which the file that is kept is another writing.
type mistaken struct {
	details []detail
	err     *sluice.Error
}

func (m *mistaken) Error() string { return m.err.Message }
func (m *mistaken) Unwrap() error { return m.err }

// inBody gives the mistakes of an error their places in the body of a request.
func (c config) inBody(err error) error {
	e := (*sluice.Error)(nil)
	if !errors.As(err, &e) || len(e.Mistakes) == 0 {
		return err
	}
	out := &mistaken{err: e}
	text := c.file.Bytes()
	for _, m := range e.Mistakes {
		d := detail{Where: []any{"body"}, Text: m.Message, Type: "value_error"}
		if m.Fix != nil {
			if fix, ok := m.Fix.In(speech); ok {
				d.Text += " (fix: " + fix + ")"
			}
		}
		if m.Line > 0 {
			d.Where = append(d.Where, pathAt(text, offsetOf(text, m.Line, m.Column))...)
		}
		out.details = append(out.details, d)
	}
	if lines := strings.Split(e.Message, "\n"); len(lines) > len(e.Mistakes) { // how many more there are
		out.details = append(out.details, detail{Where: []any{"body"}, Text: lines[len(lines)-1], Type: "value_error"})
	}
	return out
}

// offsetOf is where a line and column begin, from 1 and in characters, in bytes.
func offsetOf(text []byte, line, column int) int {
	at := 0
	for ; line > 1; line-- {
		next := bytes.IndexByte(text[at:], '\n')
		if next < 0 {
			return len(text)
		}
		at += next + 1
	}
	for ; column > 1 && at < len(text); column-- {
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	return at
}

// pathAt is the path of the innermost value at a place in JSON: keys and indexes. The
// key of a value belongs to it.
func pathAt(text []byte, offset int) []any {
	w := walk{dec: json.NewDecoder(bytes.NewReader(text)), text: text, offset: offset}
	w.value(nil)
	return w.found
}

// walk goes through JSON and keeps the path of the value that covers a place.
type walk struct {
	dec    *json.Decoder
	text   []byte
	offset int
	found  []any
}

// begin is where the next token begins.
func (w *walk) begin() int {
	at := int(w.dec.InputOffset())
	for at < len(w.text) && bytes.IndexByte([]byte(" \t\r\n,:"), w.text[at]) >= 0 {
		at++
	}
	return at
}

// value reads one value, which begins at its key where it has one.
func (w *walk) value(path []any) {
	w.covered(path, w.begin())
}

func (w *walk) covered(path []any, from int) {
	token, err := w.dec.Token()
	if err != nil {
		return
	}
	switch token {
	case json.Delim('{'):
		for w.dec.More() {
			at := w.begin()
			key, err := w.dec.Token()
			if err != nil {
				return
			}
			w.covered(append(path[:len(path):len(path)], key), at)
		}
		_, _ = w.dec.Token()
	case json.Delim('['):
		for i := 0; w.dec.More(); i++ {
			w.value(append(path[:len(path):len(path)], i))
		}
		_, _ = w.dec.Token()
	}
	if from <= w.offset && w.offset < int(w.dec.InputOffset()) && len(path) > len(w.found) {
		w.found = path
	}
}
