package expr

import (
	"strings"

	"github.com/nikolalohinski/gonja/v2/tokens"
)

// number gives a number as a float.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// truthy is whether a value counts as true: not none, false, zero or empty.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

// equal compares two values; numbers by what they count.
func equal(a, b any) bool {
	switch a := a.(type) {
	case []any:
		list, ok := b.([]any)
		if !ok || len(a) != len(list) {
			return false
		}
		for i := range a {
			if !equal(a[i], list[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		m, ok := b.(map[string]any)
		if !ok || len(a) != len(m) {
			return false
		}
		for k, v := range a {
			if other, ok := m[k]; !ok || !equal(v, other) {
				return false
			}
		}
		return true
	case int64:
		if b, ok := b.(int64); ok {
			return a == b
		}
	}
	x, xOK := number(a)
	y, yOK := number(b)
	if xOK || yOK {
		return xOK && yOK && x == y
	}
	switch b.(type) {
	case []any, map[string]any:
		return false
	}
	return a == b
}

// ordered compares numbers with numbers and texts with texts.
func ordered(op tokens.Type, a, b any) (any, error) {
	c, ok := compare(a, b)
	if !ok {
		return nil, &Problem{Kind: Type, Message: describe(a) + " and " + describe(b) + " have no order"}
	}
	switch op {
	case tokens.LowerThan:
		return c < 0, nil
	case tokens.LowerThanOrEqual:
		return c <= 0, nil
	case tokens.GreaterThan:
		return c > 0, nil
	}
	return c >= 0, nil
}

// compare orders numbers, texts, booleans, and lists of those.
func compare(a, b any) (int, bool) {
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(a, b), true
		}
		return 0, false
	case bool:
		if b, ok := b.(bool); ok {
			return truthOrder(a) - truthOrder(b), true
		}
		return 0, false
	case []any:
		if b, ok := b.([]any); ok {
			return compareLists(a, b)
		}
		return 0, false
	case int64:
		if b, ok := b.(int64); ok {
			switch {
			case a < b:
				return -1, true
			case a > b:
				return 1, true
			}
			return 0, true
		}
	}
	x, xOK := number(a)
	y, yOK := number(b)
	switch {
	case !xOK || !yOK:
		return 0, false
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}

func compareLists(a, b []any) (int, bool) {
	for i := range min(len(a), len(b)) {
		if c, ok := compare(a[i], b[i]); c != 0 || !ok {
			return c, ok
		}
	}
	return len(a) - len(b), true
}

func truthOrder(b bool) int {
	if b {
		return 1
	}
	return 0
}

// contains is `item in value`.
func contains(v, item any) (bool, *Problem) {
	switch v := v.(type) {
	case []any:
		for _, i := range v {
			if equal(i, item) {
				return true, nil
			}
		}
		return false, nil
	case map[string]any:
		key, ok := item.(string)
		_, found := v[key]
		return ok && found, nil
	case string:
		if s, ok := item.(string); ok {
			return strings.Contains(v, s), nil
		}
		return false, &Problem{Kind: Type, Message: describe(item) + " cannot be in a text"}
	}
	return false, &Problem{Kind: Type, Message: "nothing can be in " + describe(v)}
}
