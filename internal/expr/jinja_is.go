package expr

import (
	"strings"

	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/tokens"
	"github.com/sluice-dev/sluice/internal/value"
)

// test evaluates `value is test` and `item in value`.
func (r *jinjaRun) test(e *nodes.TestExpression) (any, error) {
	v, err := r.value(e.Expression)
	if err != nil {
		return nil, err
	}
	name, at := e.Test.Name, e.Test.Token
	m, isMissing := v.(*missing)
	switch name {
	case "defined":
		return !isMissing, nil
	case "undefined":
		return isMissing, nil
	}
	if isMissing { // of what is not there, nothing is so
		if name == "in" {
			return nil, m.problem
		}
		return false, nil
	}
	a, err := r.arguments(e.Test.Args, e.Test.Kwargs, name, at)
	if err != nil {
		return nil, err
	}
	yes, err := passes(name, v, a)
	return yes, placedAt(err, at)
}

// passes applies a test by its name.
func passes(name string, v any, a arguments) (bool, error) {
	switch text, _ := v.(string); name {
	case "filter":
		return filterOf(text) != nil || stock[text], nil
	case "test":
		return isTest(text), nil
	}
	if plain, ok := plainTests[name]; ok {
		return plain(v), nil
	}
	if len(a.list) != 1 {
		if _, known := comparisons[name]; known || name == "in" || name == "divisibleby" || name == "sameas" {
			return false, a.problem("it needs one argument")
		}
		return false, noTest(name)
	}
	other := a.list[0]
	switch name {
	case "in":
		yes, problem := contains(other, v)
		if problem != nil {
			return false, problem
		}
		return yes, nil
	case "==", "eq", "equalto", "sameas":
		return value.Equal(v, other), nil
	case "!=", "ne":
		return !value.Equal(v, other), nil
	case "divisibleby":
		n, nOK := value.Whole(v)
		by, byOK := value.Whole(other)
		if !nOK || !byOK || by.Sign() == 0 {
			return false, a.problem("it takes whole numbers, and not 0 to divide by")
		}
		return n.Rem(n, by).Sign() == 0, nil
	}
	if op, ok := comparisons[name]; ok {
		yes, err := ordered(op, v, other)
		return yes == true, err
	}
	return false, noTest(name)
}

// isTest reports whether there is a test of a name.
func isTest(name string) bool {
	_, plain := plainTests[name]
	_, compares := comparisons[name]
	switch name {
	case "defined", "undefined", "filter", "test", "in", "divisibleby", "sameas":
		return true
	}
	return plain || compares
}

func noTest(name string) *Problem {
	p := &Problem{Kind: Syntax, Message: "there is no test " + cut(name, 40)}
	suggest(p, name, append(append(sortedKeys(plainTests), sortedKeys(comparisons)...), "defined", "undefined", "divisibleby"))
	return p
}

// comparisons are the tests that have an operator.
var comparisons = map[string]tokens.Type{
	"eq": tokens.Equals, "equalto": tokens.Equals, "ne": tokens.Ne,
	"gt": tokens.GreaterThan, "greaterthan": tokens.GreaterThan, "ge": tokens.GreaterThanOrEqual,
	"lt": tokens.LowerThan, "lessthan": tokens.LowerThan, "le": tokens.LowerThanOrEqual,
	"==": tokens.Equals, "!=": tokens.Ne, ">": tokens.GreaterThan, ">=": tokens.GreaterThanOrEqual, "<": tokens.LowerThan, "<=": tokens.LowerThanOrEqual,
}

// has reports whether a value holds others: a list or, as in Python, a map.
func has(v any) bool {
	switch v.(type) {
	case []any, *value.Object:
		return true
	}
	return false
}

// plainTests are the tests without an argument.
var plainTests = map[string]func(any) bool{
	"none":     func(v any) bool { return v == nil },
	"boolean":  func(v any) bool { _, ok := v.(bool); return ok },
	"true":     func(v any) bool { return v == true },
	"false":    func(v any) bool { return v == false },
	"integer":  func(v any) bool { _, ok := value.Whole(v); return ok },
	"float":    func(v any) bool { _, whole := value.Whole(v); return value.IsNumber(v) && !whole },
	"number":   value.IsNumber,
	"string":   isText,
	"mapping":  func(v any) bool { _, ok := v.(*value.Object); return ok },
	"sequence": func(v any) bool { return isText(v) || has(v) },
	"escaped":  func(any) bool { return false }, // nothing is, unless a filter asks for it
	"iterable": func(v any) bool {
		switch v.(type) {
		case string, []any, *value.Object:
			return true
		}
		return false
	},
	"callable": func(v any) bool { _, ok := v.(*function); return ok },
	"odd":      func(v any) bool { n, ok := value.Whole(v); return ok && n.Bit(0) == 1 },
	"even":     func(v any) bool { n, ok := value.Whole(v); return ok && n.Bit(0) == 0 },
	"lower":    func(v any) bool { s, ok := v.(string); return ok && s == strings.ToLower(s) },
	"upper":    func(v any) bool { s, ok := v.(string); return ok && s == strings.ToUpper(s) },
}
