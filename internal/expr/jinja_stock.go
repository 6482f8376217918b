package expr

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/sluice-dev/sluice/internal/value"
)

// stock are the filters that are gonja's. All of them are for texts.
var stock = map[string]bool{
	"capitalize": true, "center": true, "e": true, "escape": true, "filesizeformat": true, "forceescape": true,
	"indent": true, "replace": true, "striptags": true, "title": true, "truncate": true,
	"urlize": true, "wordcount": true, "wordwrap": true,
}

// stockFilter applies a filter of gonja. Numbers and maps stay what they are for
// the filters that know them; all else becomes text first.
func (r *jinjaRun) stockFilter(name string, v any, a arguments) (any, error) {
	filter, ok := builtins.Filters.Get(name)
	if !ok {
		return nil, &Problem{Kind: Internal, Message: "the filter " + name + " is gone"}
	}
	switch v.(type) {
	case int64, float64, value.Number:
		if name != "filesizeformat" {
			v, _ = r.text(v)
		}
	default:
		s, err := r.text(v)
		if err != nil {
			return nil, err
		}
		v = s
	}
	if err := r.affordable(a); err != nil {
		return nil, err
	}
	params := stockArguments(a)
	e := &exec.Evaluator{Config: config.New(), Environment: &exec.Environment{Filters: builtins.Filters, Tests: builtins.Tests}}
	return ownValue(filter(e, stockValue(v), params).Interface(), a)
}

// affordable refuses widths that no text may have.
func (r *jinjaRun) affordable(a arguments) error {
	for _, v := range slices.Concat(a.list, a.named.Values()) {
		if f, _ := value.Float(v); f > float64(r.most) {
			return r.tooLarge()
		}
	}
	return nil
}

func stockArguments(a arguments) *exec.VarArgs {
	params := exec.NewVarArgs()
	for _, v := range a.list {
		params.Args = append(params.Args, stockValue(v))
	}
	for key, v := range a.named.All() {
		params.KwArgs[key] = stockValue(v)
	}
	return params
}

// stockValue makes gonja's value of ours.
func stockValue(v any) *exec.Value {
	if i, ok := value.Int(v); ok {
		return exec.AsValue(int(i))
	}
	if f, _ := value.Float(v); value.IsNumber(v) {
		return exec.AsValue(f)
	}
	return exec.AsValue(value.Plain(v))
}

// ownValue makes our value of what gonja gives: an error, a text or a number, or
// a list of those.
func ownValue(v any, a arguments) (any, error) {
	switch v := v.(type) {
	case *exec.Value: // which is an error, too, by its methods
		return ownValue(v.Interface(), a)
	case error:
		for errors.Unwrap(v) != nil {
			v = errors.Unwrap(v)
		}
		return nil, a.problem("%s", cut(v.Error(), 120))
	case nil, string, bool, int64, float64, []any, *value.Object:
		return v, nil
	case int:
		return int64(v), nil
	}
	switch list := reflect.ValueOf(v); list.Kind() {
	case reflect.String:
		return list.String(), nil
	case reflect.Slice:
		items := make([]any, list.Len())
		for i := range items {
			item, err := ownValue(list.Index(i).Interface(), a)
			if err != nil {
				return nil, err
			}
			items[i] = item
		}
		return items, nil
	}
	return nil, a.problem("it gave %s", fmt.Sprintf("%T", v))
}

var errNoMethod = errors.New("there is no such method")

// method calls a method: those of texts are gonja's, which has Python's.
func (r *jinjaRun) method(owner any, name string, a arguments) (any, error) {
	switch owner := owner.(type) {
	case string:
		return r.textMethod(owner, name, a)
	case *value.Object:
		return mapMethod(owner, name, a)
	case []any:
		return listMethod(owner, name, a)
	}
	return nil, errNoMethod
}

func (r *jinjaRun) textMethod(owner, name string, a arguments) (any, error) {
	method, ok := builtins.Methods.Str.Get(name)
	if !ok {
		return nil, errNoMethod
	}
	if err := r.affordable(a); err != nil {
		return nil, err
	}
	params := stockArguments(a)
	v, err := method(owner, exec.AsValue(owner), params)
	if err != nil {
		return nil, a.problem("%s", cut(err.Error(), 120))
	}
	return ownValue(v, a)
}

func mapMethod(owner *value.Object, name string, a arguments) (any, error) {
	switch name {
	case "get":
		bound, err := a.bind("key", "default")
		if err != nil {
			return nil, err
		}
		key, err := a.text(bound, "key", "")
		if err != nil {
			return nil, err
		}
		if v, ok := owner.Find(key); ok {
			return v, nil
		}
		return bound["default"], nil
	case "items", "keys", "values":
		if _, err := a.bind(); err != nil {
			return nil, err
		}
		list := pairs(owner)
		for i, pair := range list {
			switch name {
			case "keys":
				list[i] = pair.([]any)[0]
			case "values":
				list[i] = pair.([]any)[1]
			}
		}
		return list, nil
	case "update", "pop", "setdefault", "clear", "popitem":
		return nil, a.problem("a map cannot be changed").fixed("make a new one: {% set x = {…} %}, or use namespace()")
	}
	return nil, errNoMethod
}

func listMethod(owner []any, name string, a arguments) (any, error) {
	switch name {
	case "index", "count":
		if len(a.list) != 1 {
			return nil, a.problem("it needs one value to look for")
		}
		count := int64(0)
		for i, item := range owner {
			if value.Equal(item, a.list[0]) {
				if name == "index" {
					return int64(i), nil
				}
				count++
			}
		}
		if name == "index" {
			return nil, a.problem("the value is not in the list")
		}
		return count, nil
	case "append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse":
		return nil, a.problem("a list cannot be changed").fixed("make a new one: {% set x = x + [item] %}; in a loop, keep it in a namespace()")
	}
	return nil, errNoMethod
}
