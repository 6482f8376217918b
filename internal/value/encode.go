package value

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Encode writes a value as JSON on one line, with objects in their order, numbers
// with their digits, and <, > and & as they are. The error is a [*Error] that names
// the path of what is no value.
func Encode(v any) ([]byte, error) { return Append(nil, v) }

// Append appends a value as [Encode] writes it.
func Append(b []byte, v any) ([]byte, error) { return appendValue(b, v, nil) }

// Indent writes a value as [Encode] does, over several lines.
func Indent(v any, indent string) ([]byte, error) {
	flat, err := Encode(v)
	if err != nil || indent == "" {
		return flat, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, flat, "", indent); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func appendValue(b []byte, v any, at *Path) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case string:
		return appendString(b, v), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return append(b, "null"...), nil
		}
		return appendFloat(b, v), nil
	case Number:
		return append(b, v...), nil
	case []any, *Object:
		return appendNested(b, v, at)
	}
	return nil, notValue(v, at)
}

func appendNested(b []byte, v any, at *Path) ([]byte, error) {
	if at.depth() >= MaxDepth {
		return nil, tooDeep()
	}
	var err error
	if list, ok := v.([]any); ok {
		b = append(b, '[')
		for i, item := range list {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendValue(b, item, &Path{level: at.depth() + 1, index: i, inList: true, parent: at}); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	}
	o, _ := v.(*Object)
	if o == nil {
		return append(b, "null"...), nil
	}
	b = append(b, '{')
	for i, key := range o.keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, key), ':')
		if b, err = appendValue(b, o.values[i], &Path{level: at.depth() + 1, key: key, parent: at}); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendFloat writes the shortest digits that read as the same float64, as
// JavaScript does.
func appendFloat(b []byte, f float64) []byte {
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		text := strconv.FormatFloat(f, 'e', -1, 64)
		// A two-digit exponent is filled up with a zero, which no other writer does.
		if n := len(text); n >= 4 && text[n-4] == 'e' && text[n-2] == '0' {
			text = text[:n-2] + text[n-1:]
		}
		return append(b, text...)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

const hexDigits = "0123456789abcdef"

// appendString writes a text. What is not UTF-8, which no value holds, is written
// as the replacement character.
func appendString(b []byte, s string) []byte {
	s = validText(s)
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		if short := strings.IndexByte("\b\f\n\r\t\"\\", c); short >= 0 {
			b = append(b, '\\', `bfnrt"\`[short])
		} else {
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(b, s[start:]...), '"')
}

func notValue(v any, at *Path) error {
	return &Error{Path: at.String(), Message: fmt.Sprintf("%T is no JSON value", v)}
}

func tooDeep() error {
	return &Error{Refused: true, Message: fmt.Sprintf("the value is nested deeper than %d levels", MaxDepth)}
}
