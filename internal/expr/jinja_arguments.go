package expr

import (
	"fmt"
	"slices"

	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// arguments are what a function, filter or test was given.
type arguments struct {
	of    string // its name, for messages
	at    *tokens.Token
	list  []any
	named map[string]any
}

// arguments evaluates arguments, the named ones in the order of their names.
func (r *jinjaRun) arguments(list []nodes.Expression, named map[string]nodes.Expression, of string, at *tokens.Token) (arguments, error) {
	a := arguments{of: of, at: at, named: map[string]any{}}
	for _, e := range list {
		v, err := r.eval(e)
		if err != nil {
			return a, err
		}
		a.list = append(a.list, v)
	}
	for _, name := range sortedKeys(named) {
		v, err := r.eval(named[name])
		if err != nil {
			return a, err
		}
		a.named[name] = v
	}
	return a, nil
}

// bind takes the arguments apart by the names of the parameters. A parameter that
// was not given is left out; one that does not exist is a problem.
func (a arguments) bind(params ...string) (map[string]any, error) {
	if len(a.list) > len(params) {
		return nil, a.problem("%d arguments are given, and it takes at most %d", len(a.list), len(params))
	}
	bound := map[string]any{}
	for i, v := range a.list {
		bound[params[i]] = v
	}
	for _, name := range sortedKeys(a.named) {
		if !slices.Contains(params, name) {
			return nil, a.problem("it has no argument %s", cut(name, 40))
		}
		bound[name] = a.named[name]
	}
	return bound, nil
}

// text is an argument that must be a text.
func (a arguments) text(bound map[string]any, name, otherwise string) (string, error) {
	v, given := bound[name]
	if !given || v == nil {
		return otherwise, nil
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	return "", a.problem("its %s must be a text, not %s", name, describe(v))
}

// whole is an argument that must be an integer.
func (a arguments) whole(bound map[string]any, name string, otherwise int64) (int64, error) {
	v, given := bound[name]
	if !given || v == nil {
		return otherwise, nil
	}
	if i, ok := v.(int64); ok {
		return i, nil
	}
	return 0, a.problem("its %s must be a whole number, not %s", name, describe(v))
}

func (a arguments) problem(format string, args ...any) *Problem {
	return typeProblem(a.at, a.of+": "+fmt.Sprintf(format, args...))
}
