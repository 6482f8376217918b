package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/sluice-dev/sluice"
)

// encode is the one writer of JSON: a line, without the escapes that only HTML
// needs, and with all advice as the API gives it.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	sluice.ReplaceAdvice(&v, advised)
	return e.Encode(v)
}

// respond writes the whole of an answer. From when it is text, the request holds no
// more memory than that has.
func respond(w io.Writer, v any) error {
	rec, bounded := w.(*recorder)
	if !bounded {
		return encode(w, v)
	}
	var text bytes.Buffer
	if err := encode(&text, v); err != nil {
		return err
	}
	if text.Len() > smallAnswer {
		rec.scope.Shrink(int64(text.Cap()))
	} else {
		rec.scope.Release()
	}
	_, err := w.Write(text.Bytes())
	return err
}

// smallAnswer is up to how many bytes an answer that waits for its reader takes no
// share of the memory.
const smallAnswer = 64 << 10

// maxNesting is how deep arrays and objects of a body stand in each other.
const maxNesting = 100

// Encoded is JSON as the API answers it, for adapters of its own paths.
func Encoded(v any) ([]byte, error) {
	var b bytes.Buffer
	err := encode(&b, v)
	return b.Bytes(), err
}

// bodyItself is how a body is named behind the word "body:".
const bodyItself = "it"

// decode reads JSON. What is not text is refused, as it would silently become
// other text; and so is JSON of more values, or more deeply nested, than a request
// needs, before anything is made of it.
func decode(b []byte, v any, most int) error {
	if err := sluice.CheckJSONText(bodyItself, b); err != nil {
		return err
	}
	// Also what was refused once is read again, into its type.
	if err := checkShape(b, most); err != nil {
		return err
	}
	if tree, ok := v.(*any); ok { // which is compared with what the operation takes
		return decodeTree(b, tree)
	}
	return json.Unmarshal(b, v)
}

// checkShape counts the values of JSON, whose form it takes for granted.
func checkShape(b []byte, most int) error {
	values, depth, text := 1, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			depth++
			values++
		case c == '}' || c == ']':
			depth--
		case c == ',':
			values++
		}
		if depth > maxNesting {
			return fmt.Errorf("expected arrays and objects nested <= %d deep", maxNesting)
		}
		if values > most {
			return fmt.Errorf("expected number of values <= %d", most)
		}
	}
	return nil
}

// decodeTree reads JSON as json.Unmarshal does, but for numbers that a float64 does
// not reach: a value that a request only carries may have them.
func decodeTree(b []byte, tree *any) error {
	if !json.Valid(b) {
		return json.Unmarshal(b, tree) // which says what is wrong
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(tree); err != nil {
		return err
	}
	*tree = reached(*tree)
	return nil
}

// reached makes floats of the numbers that are within their reach.
func reached(v any) any {
	switch v := v.(type) {
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return f
		}
	case []any:
		for i := range v {
			v[i] = reached(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = reached(v[key])
		}
	}
	return v
}
