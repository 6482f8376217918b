package expr

import (
	"strings"

	"github.com/nikolalohinski/gonja/v2/tokens"
	"github.com/sluice-dev/sluice/internal/value"
)

// truthy is whether a value counts as true: not none, false, zero or empty.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64, value.Number:
		return value.Compare(v, int64(0)) != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case *value.Object:
		return v.Len() > 0
	}
	return true
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
	}
	if value.IsNumber(a) && value.IsNumber(b) {
		return value.Compare(a, b), true
	}
	return 0, false
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
			if value.Equal(i, item) {
				return true, nil
			}
		}
		return false, nil
	case *value.Object:
		key, ok := item.(string)
		return ok && v.Has(key), nil
	case string:
		if s, ok := item.(string); ok {
			return strings.Contains(v, s), nil
		}
		return false, &Problem{Kind: Type, Message: describe(item) + " cannot be in a text"}
	}
	return false, &Problem{Kind: Type, Message: "nothing can be in " + describe(v)}
}
