package api

import (
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// encode is the one writer of JSON: a line, without the escapes that only HTML
// needs.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// decode reads JSON. Bytes that are no UTF-8 are refused, as they would silently
// become other text.
func decode(b []byte, v any) error {
	if !utf8.Valid(b) {
		return errors.New("it is not UTF-8 text")
	}
	return json.Unmarshal(b, v)
}
