package scout

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
)

// Bounds on one request: a workflow, or an input, with what is around it.
const (
	maxBody  = sluice.MaxInputBytes + sluice.MaxFileBytes + 64<<10
	maxDepth = 64 // of arrays and objects in each other
)

// decode reads the body of a request. Fields that it does not know are left
// alone, as Scout does. What is wrong is told by its place: its text may be a secret.
func decode(r *http.Request, into any) error {
	b, err := body(r)
	if err == nil {
		err = unmarshal(b, into)
	}
	return err
}

// body is the body of a request, when it is JSON within the bounds.
func body(r *http.Request) ([]byte, error) {
	b, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, sluice.Errorf(sluice.LimitExceeded, "the body of the request is over the limit of %d bytes", maxBody).Fix("send less in one request")
	}
	if err != nil {
		return nil, wrong("send it again", []any{"body"}, "the body of the request cannot be read")
	}
	if bad := sluice.CheckJSONText("the body of the request", b); bad != nil { // which would silently become other text
		return nil, wrong("send it as UTF-8", []any{"body"}, "%s", bad.Error())
	}
	if b = bytes.TrimSpace(b); len(b) == 0 {
		return nil, wrong("send a JSON object", []any{"body"}, "the body of the request is missing")
	}
	if deep, at := depth(b); deep > maxDepth {
		return nil, wrong("flatten it, or send the inner part as text", []any{"body", at}, "the body of the request is nested deeper than %d", maxDepth)
	}
	return b, nil
}

// depth is how deep arrays and objects stand in each other, up to one more than
// is allowed, and where that is.
func depth(b []byte) (deepest, at int) {
	open, text := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			if open++; open > deepest {
				deepest, at = open, i
			}
			if open > maxDepth {
				return deepest, at
			}
		case c == '}' || c == ']':
			open--
		}
	}
	return deepest, at
}

func unmarshal(b []byte, into any) error {
	err := json.Unmarshal(b, into)
	if err == nil {
		return nil
	}
	if slip := (*json.UnmarshalTypeError)(nil); errors.As(err, &slip) {
		where := []any{"body"}
		for part := range strings.SplitSeq(slip.Field, ".") {
			if part != "" {
				where = append(where, part)
			}
		}
		return wrong("see docs/scout.md for its form", where, "it should be %s", kindOf(slip.Type))
	}
	place := 0
	if slip := (*json.SyntaxError)(nil); errors.As(err, &slip) {
		place = int(slip.Offset)
	}
	return wrong("send a JSON object", []any{"body", place}, "the body of the request is not JSON, at byte %d", place)
}

// kindOf is a type as JSON calls it.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "an object"
	}
	return "a number"
}

// object reports whether JSON is an object.
func object(b json.RawMessage) bool { return bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) }

// answer writes the whole of an answer.
func answer(w http.ResponseWriter, status int, v any) {
	setJSON(w)
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // who went away gets no answer
}

func setJSON(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
}

// data writes an answer in Scout's envelope.
func data(w http.ResponseWriter, v any) error {
	answer(w, http.StatusOK, map[string]any{"data": v})
	return nil
}

// page is how many items a request asks for.
func page(q url.Values, standard int) (int, error) {
	text := q.Get("limit")
	if text == "" {
		return standard, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, wrong("give a number from 1 to "+strconv.Itoa(sluice.MaxPage), []any{"query", "limit"}, "limit is not a number of items")
	}
	return min(n, sluice.MaxPage), nil
}

// change is what every change of a request carries.
func change(r *http.Request) sluice.Change {
	q := r.URL.Query()
	return sluice.Change{IdempotencyKey: r.Header.Get("Idempotency-Key"), Reason: q.Get("reason"), Ticket: q.Get("ticket")}
}
