package expr

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deeply lists and maps may be nested.
const maxDepth = 500

// Canonical returns a JSON value in the types that evaluation works with, and
// that it would have after crossing a pipe: see [Render]. It copies what it must
// change, and shares nothing that can be changed with v. The error is a
// [*Problem] of kind Type with the path of the value.
func Canonical(v any) (any, error) {
	c, p := canonical(v, nil)
	if p != nil {
		return nil, p
	}
	return c, nil
}

// Decode reads one JSON value of the types that [Canonical] returns.
func Decode(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one JSON value")
	}
	return Canonical(v)
}

// step is one step of the path to a value in a tree.
type step struct {
	key    string
	index  int // used when key is empty and inList
	inList bool
	parent *step
}

func (s *step) depth() int {
	n := 0
	for ; s != nil; s = s.parent {
		n++
	}
	return n
}

// String writes the path as headers.Authorization or items[2].url. A key that is
// no name is quoted.
func (s *step) String() string {
	var steps []*step
	for ; s != nil; s = s.parent {
		steps = append(steps, s)
	}
	slices.Reverse(steps)
	var b strings.Builder
	for _, s := range steps {
		if s.inList {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		} else {
			writeMember(&b, s.key)
		}
	}
	return cut(b.String(), maxQuoted)
}

// writeMember appends .key, or ["key"] when the key is no name.
func writeMember(b *strings.Builder, key string) {
	switch {
	case !isName(key):
		b.WriteString("[" + strconv.Quote(key) + "]")
	case b.Len() > 0:
		b.WriteString("." + key)
	default:
		b.WriteString(key)
	}
}

// isName reports whether a key can be written after a dot in every dialect, or
// nearly so, as X-Request-Id can in a path.
func isName(key string) bool {
	for i, r := range key {
		letter := r == '_' || r == '$' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r >= utf8.RuneSelf
		if !letter && (i == 0 || r != '-' && (r < '0' || r > '9')) {
			return false
		}
	}
	return key != ""
}

func canonical(v any, at *step) (any, *Problem) {
	switch v := v.(type) {
	case nil, bool, int64:
		return v, nil
	case string:
		return validString(v), nil
	case int:
		return int64(v), nil
	case float64:
		return canonicalFloat(v), nil
	case json.Number:
		return canonicalNumber(v, at)
	case []any, map[string]any:
		return canonicalNested(v, at)
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = validString(s)
		}
		return list, nil
	case map[string]string:
		m := make(map[string]any, len(v))
		for k, s := range v {
			m[validString(k)] = validString(s)
		}
		return m, nil
	default:
		return canonicalWidth(v, at)
	}
}

func canonicalNested(v any, at *step) (any, *Problem) {
	if at.depth() >= maxDepth {
		return nil, &Problem{Kind: Type, Path: at.String(), Message: fmt.Sprintf("the value is nested deeper than %d levels", maxDepth)}
	}
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			c, p := canonical(item, &step{index: i, inList: true, parent: at})
			if p != nil {
				return nil, p
			}
			list[i] = c
		}
		return list, nil
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, item := range v {
			c, p := canonical(item, &step{key: k, parent: at})
			if p != nil {
				return nil, p
			}
			m[validString(k)] = c
		}
		return m, nil
	}
	return nil, nil
}

// canonicalWidth takes the other widths of numbers.
func canonicalWidth(v any, at *step) (any, *Problem) {
	r := reflect.ValueOf(v)
	switch {
	case r.CanInt():
		return r.Int(), nil
	case r.CanUint() && r.Uint() <= math.MaxInt64:
		return int64(r.Uint()), nil
	case r.CanUint():
		return float64(r.Uint()), nil
	case r.CanFloat():
		return canonicalFloat(r.Float()), nil
	}
	return nil, &Problem{Kind: Type, Path: at.String(), Message: fmt.Sprintf("%T is no JSON value", v)}
}

func canonicalNumber(n json.Number, at *step) (any, *Problem) {
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return i, nil
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil {
		return nil, &Problem{Kind: Type, Path: at.String(), Message: cut(string(n), 40) + " is no number that fits"}
	}
	return canonicalFloat(f), nil
}

// canonicalFloat gives the number that a float becomes when it is written as
// JSON and read again.
func canonicalFloat(f float64) any {
	const exact = 1 << 53
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return nil
	case f != math.Trunc(f) || math.Abs(f) >= 1<<63:
		return f
	case math.Abs(f) <= exact:
		return int64(f)
	}
	if i, err := strconv.ParseInt(strconv.FormatFloat(f, 'f', -1, 64), 10, 64); err == nil {
		return i
	}
	return f
}

// validString replaces each byte that is no UTF-8 as JSON does.
func validString(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// sizeOf is about how many bytes the JSON of a canonical value has, or more than
// most once it is known to have more.
func sizeOf(v any, most int) int {
	switch v := v.(type) {
	case string:
		return len(v) + 2
	case []any:
		n := 2
		for _, item := range v {
			if n += sizeOf(item, most-n) + 1; n > most {
				break
			}
		}
		return n
	case map[string]any:
		n := 2
		for k, item := range v {
			if n += len(k) + 4 + sizeOf(item, most-n); n > most {
				break
			}
		}
		return n
	default:
		return 8
	}
}

// writeJSON returns a canonical value as JSON on one line, without escapes of
// HTML, with the keys sorted.
func writeJSON(v any, indent string) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// sortedKeys returns the keys of a map in the order that evaluation uses.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
