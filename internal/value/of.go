package value

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"unicode/utf8"
)

// Of makes a value of what Go code has: other widths of numbers, json.Number,
// []string, and maps, whose keys have no order and are sorted. It copies what it
// must change; what is a value already is returned as it is. The error is a
// [*Error] with the path of what has no value.
func Of(v any) (any, error) { return of(v, nil) }

// Sorted makes an object of a map, by its sorted keys.
func Sorted[V any](m map[string]V) *Object {
	o := NewObject(len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		o.Set(key, any(m[key]))
	}
	return o
}

func of(v any, at *Path) (any, error) {
	switch v := v.(type) {
	case nil, bool, int64, Number:
		return v, nil
	case string:
		return validText(v), nil
	case int:
		return int64(v), nil
	case float64:
		return FromFloat(v), nil
	case json.Number:
		n, err := ParseNumber(string(v))
		if err != nil {
			return nil, &Error{Path: at.String(), Message: "the number " + Short(string(v), 40) + ": " + err.Error()}
		}
		return n, nil
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = validText(s)
		}
		return list, nil
	case map[string]string:
		return ofObject(Sorted(v), at)
	case map[string]any:
		return ofObject(Sorted(v), at)
	case *Object:
		return ofObject(v, at)
	case []any:
		return ofList(v, at)
	}
	return ofWidth(v, at)
}

func ofList(v []any, at *Path) (any, error) {
	if at.depth() >= MaxDepth {
		return nil, tooDeep()
	}
	out := v
	for i, item := range v {
		c, err := of(item, at.Index(i))
		if err != nil {
			return nil, err
		}
		if !same(c, item) {
			if &out[0] == &v[0] {
				out = slices.Clone(v)
			}
			out[i] = c
		}
	}
	return out, nil
}

func ofObject(v *Object, at *Path) (any, error) {
	if at.depth() >= MaxDepth {
		return nil, tooDeep()
	}
	if v == nil {
		return NewObject(0), nil
	}
	out := v
	for i, key := range v.keys {
		c, err := of(v.values[i], at.Key(key))
		if err != nil {
			return nil, err
		}
		if valid := validText(key); out != v {
			out.Set(valid, c)
		} else if valid != key || !same(c, v.values[i]) {
			out = NewObject(v.Len())
			for j := range i {
				out.Set(v.keys[j], v.values[j])
			}
			out.Set(valid, c)
		}
	}
	return out, nil
}

// same reports whether two values are one and the same, so that nothing was
// changed.
func same(a, b any) bool {
	switch a := a.(type) {
	case []any:
		list, ok := b.([]any)
		return ok && len(a) == len(list) && (len(a) == 0 || &a[0] == &list[0])
	case float64: // which an infinity never is
		f, ok := b.(float64)
		return ok && f == a
	}
	switch b.(type) {
	case []any, []string, map[string]any, map[string]string:
		return false
	}
	return a == b
}

// ofWidth takes the other widths of numbers.
func ofWidth(v any, at *Path) (any, error) {
	r := reflect.ValueOf(v)
	switch {
	case r.CanInt():
		return r.Int(), nil
	case r.CanUint():
		return FromUint(r.Uint()), nil
	case r.CanFloat():
		return FromFloat(r.Float()), nil
	}
	return nil, notValue(v, at)
}

// validText replaces each byte that is no UTF-8, as JSON does.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
