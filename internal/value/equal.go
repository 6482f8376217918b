package value

import "slices"

// Equal compares two values as JSON values: numbers by what they count, so that 1,
// 1.0 and 1e0 are equal, lists in order, and objects whatever the order of their
// keys.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case []any:
		list, ok := b.([]any)
		return ok && slices.EqualFunc(a, list, Equal)
	case *Object:
		o, ok := b.(*Object)
		if !ok || a.Len() != o.Len() {
			return false
		}
		for key, v := range a.All() {
			if other, there := o.Find(key); !there || !Equal(v, other) {
				return false
			}
		}
		return true
	case int64, float64, Number:
		return IsNumber(b) && Compare(a, b) == 0
	}
	switch b.(type) {
	case []any, *Object:
		return false
	}
	return a == b
}

// Normal writes a value as JSON in one form that it shares with every value that
// is [Equal] to it, and with no other: keys sorted, numbers as digits and an
// exponent. It is for comparing values that are kept as hashes or as text, and not
// for handing them on.
func Normal(v any) []byte { return appendNormal(nil, v) }

func appendNormal(b []byte, v any) []byte {
	switch v := v.(type) {
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendNormal(b, item)
		}
		return append(b, ']')
	case *Object:
		b = append(b, '{')
		keys := v.Keys()
		slices.Sort(keys)
		for i, key := range keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, key), ':')
			b = appendNormal(b, v.Get(key))
		}
		return append(b, '}')
	case int64, float64, Number:
		return decimalOf(literal(v)).append(b)
	}
	out, _ := Append(b, v) // of nil, a boolean or a text, which always can be written
	return out
}
