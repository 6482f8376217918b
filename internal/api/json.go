package api

import (
	"encoding/json"
	"io"
)

// encode is the one writer of JSON: a line, without the escapes that only HTML
// needs.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func decode(b []byte, v any) error { return json.Unmarshal(b, v) }
