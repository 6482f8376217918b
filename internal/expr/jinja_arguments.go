package expr

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/tokens"
	"github.com/sluice-dev/sluice/internal/value"
)

// arguments are what a function, filter or test was given.
type arguments struct {
	of    string // its name, for messages
	at    *tokens.Token
	list  []any
	named *value.Object
}

// arguments evaluates arguments, in the order in which they were written.
func (r *jinjaRun) arguments(list []nodes.Expression, named map[string]nodes.Expression, of string, at *tokens.Token) (arguments, error) {
	a := arguments{of: of, at: at, named: value.NewObject(len(named))}
	for _, e := range list {
		v, err := r.eval(e)
		if err != nil {
			return a, err
		}
		a.list = append(a.list, v)
	}
	for _, name := range asWritten(named) {
		v, err := r.eval(named[name])
		if err != nil {
			return a, err
		}
		a.named.Set(name, v)
	}
	return a, nil
}

// asWritten are the names of arguments in the order of their values in the text,
// which gonja's parser keeps in a map.
func asWritten(named map[string]nodes.Expression) []string {
	names := sortedKeys(named)
	slices.SortStableFunc(names, func(a, b string) int {
		x, y := named[a].Position(), named[b].Position()
		if x == nil || y == nil {
			return 0
		}
		return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Col, y.Col))
	})
	return names
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
	for name, v := range a.named.All() {
		if !slices.Contains(params, name) {
			return nil, a.problem("it has no argument %s", cut(name, 40))
		}
		bound[name] = v
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
	if i, ok := value.Int(v); ok {
		return i, nil
	}
	return 0, a.problem("its %s must be a whole number, not %s", name, describe(v))
}

func (a arguments) problem(format string, args ...any) *Problem {
	return typeProblem(a.at, a.of+": "+fmt.Sprintf(format, args...))
}
