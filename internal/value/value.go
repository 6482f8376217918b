// Package value owns the JSON values that runs carry: what inputs, templates,
// scripts, models and records hand to each other. There is one type for each
// kind of JSON value, one reader, one writer and one comparison in the whole
// house, so that a value leaves as it came: objects keep the order in which
// their keys were written, and numbers keep their digits.
//
// A value is one of these, and nothing else:
//
//   - nil, bool and string
//   - int64 and float64, of numbers that these write with the very digits that were
//     read, and of results of arithmetic
//   - [Number], of all other numbers
//   - []any and [*Object], of values
//
// Values are shared and must not be changed once others can see them, except by
// who made them. The package never does arithmetic that rounds: who wants a
// float64 asks for one, and is told when it is another number.
package value

import "strconv"

// MaxDepth is how deeply lists and objects may stand in each other.
const MaxDepth = 500

// Count is how many values a value holds, itself included, up to a bound.
func Count(v any, most int) int {
	n := 1
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if n += Count(item, most-n); n >= most {
				return n
			}
		}
	case *Object:
		for _, item := range v.values {
			if n += Count(item, most-n); n >= most {
				return n
			}
		}
	}
	return n
}

// Size is about how many bytes the JSON of a value has, or more than most once it
// is known to have more.
func Size(v any, most int) int {
	switch v := v.(type) {
	case string:
		return len(v) + 2
	case Number:
		return len(v)
	case []any:
		n := 2
		for _, item := range v {
			if n += Size(item, most-n) + 1; n > most {
				break
			}
		}
		return n
	case *Object:
		n := 2
		for key, item := range v.All() {
			if n += len(key) + 4 + Size(item, most-n); n > most {
				break
			}
		}
		return n
	default:
		return 8
	}
}

// Redact returns a value in which every text is what hide makes of it, keys of
// objects included. A number whose digits hide changes becomes a text. Parts that
// do not change are shared with v.
func Redact(v any, hide func(string) string) any {
	switch v := v.(type) {
	case string:
		return hide(v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = Redact(item, hide)
		}
		return out
	case *Object:
		out := NewObject(v.Len())
		for i, key := range v.keys {
			out.Set(hide(key), Redact(v.values[i], hide))
		}
		return out
	case int64, float64, Number:
		if digits := literal(v); hide(digits) != digits {
			return hide(digits)
		}
	}
	return v
}

// Plain returns a value in the types that encoding/json and libraries built on it
// use, for what looks at a value and does not hand it on: its objects are Go maps,
// which have no order.
func Plain(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = Plain(item)
		}
		return out
	case *Object:
		out := make(map[string]any, v.Len())
		for i, key := range v.keys {
			out[key] = Plain(v.values[i])
		}
		return out
	case Number:
		return v.json()
	}
	return v
}

// Text is a value as text: a string as it is, and all else as JSON.
func Text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	data, err := Encode(v)
	if err != nil {
		return "null"
	}
	return string(data)
}

// literal is how a number is written.
func literal(v any) string {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return string(appendFloat(nil, v))
	case Number:
		return string(v)
	}
	return ""
}
