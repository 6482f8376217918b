package expr

import (
	"github.com/nikolalohinski/gonja/v2/tokens"
	"github.com/sluice-dev/sluice/internal/value"
)

func filterSum(r *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("attribute", "start")
	if err != nil {
		return nil, err
	}
	items, err := r.items(v, a.at)
	if err != nil {
		return nil, err
	}
	total, given := bound["start"]
	if !given {
		total = int64(0)
	}
	for _, item := range items {
		if bound["attribute"] != nil {
			if item, err = attribute(item, bound["attribute"], a); err != nil {
				return nil, err
			}
		}
		if m, ok := item.(*missing); ok {
			return nil, m.problem
		}
		if total, err = arithmetic(tokens.Addition, "+", total, item); err != nil {
			return nil, err
		}
	}
	return total, nil
}

// filterGroupBy gives groups in the order of their keys, each a map of grouper
// and list.
func filterGroupBy(r *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("attribute", "default", "case_sensitive")
	if err != nil {
		return nil, err
	}
	if bound["attribute"] == nil {
		return nil, a.problem("it needs an attribute to group by")
	}
	list, err := r.keyed(v, bound, a)
	if err != nil {
		return nil, err
	}
	if err := sorted(list, false, a); err != nil {
		return nil, err
	}
	groups := []any{}
	for i := 0; i < len(list); {
		key, err := sortKey(list[i].item, map[string]any{"attribute": bound["attribute"], "default": bound["default"], "case_sensitive": true}, a)
		if err != nil {
			return nil, err
		}
		var members []any
		for first := list[i].key; i < len(list) && value.Equal(list[i].key, first); i++ {
			members = append(members, list[i].item)
		}
		groups = append(groups, value.Pairs("grouper", key, "list", members))
	}
	return groups, nil
}

// filterMap is map("filter", arguments…) and map(attribute="name", default=…).
func filterMap(r *jinjaRun, v any, a arguments) (any, error) {
	items, err := r.items(v, a.at)
	if err != nil {
		return nil, err
	}
	mapped := make([]any, len(items))
	for i, item := range items {
		if mapped[i], err = r.mapOne(item, a); err != nil {
			return nil, err
		}
	}
	return mapped, nil
}

func (r *jinjaRun) mapOne(item any, a arguments) (any, error) {
	var v any
	var err error
	if path, given := a.named.Find("attribute"); given && len(a.list) == 0 {
		v, err = attribute(item, path, a)
		if _, isMissing := v.(*missing); isMissing {
			if otherwise, given := a.named.Find("default"); given {
				return otherwise, nil
			}
		}
	} else {
		name, inner, problem := a.inner(0)
		if problem != nil {
			return nil, problem
		}
		v, err = r.filterNamed(name, item, inner)
	}
	if m, ok := v.(*missing); ok {
		return nil, m.problem
	}
	return v, err
}

// inner takes the name of a filter or test from the arguments, and what it gets.
func (a arguments) inner(at int) (string, arguments, *Problem) {
	if len(a.list) <= at {
		return "", a, a.problem("it needs the name of a filter or test")
	}
	name, ok := a.list[at].(string)
	if !ok {
		return "", a, a.problem("the name of a filter or test must be a text, not %s", describe(a.list[at]))
	}
	return name, arguments{of: name, at: a.at, list: a.list[at+1:], named: a.named}, nil
}

// filterSelect is select, reject, selectattr and rejectattr: the items that pass a
// test, or that do not.
func filterSelect(r *jinjaRun, v any, a arguments) (any, error) {
	items, err := r.items(v, a.at)
	if err != nil {
		return nil, err
	}
	byAttribute := a.of == "selectattr" || a.of == "rejectattr"
	wanted := a.of == "select" || a.of == "selectattr"
	if byAttribute && len(a.list) == 0 {
		return nil, a.problem("it needs the name of an attribute")
	}
	chosen := []any{}
	for _, item := range items {
		yes, err := selects(item, a, byAttribute)
		if err != nil {
			return nil, err
		}
		if yes == wanted {
			chosen = append(chosen, item)
		}
	}
	return chosen, nil
}

func selects(item any, a arguments, byAttribute bool) (bool, error) {
	at := 0
	if byAttribute {
		found, err := attribute(item, a.list[0], a)
		if err != nil {
			return false, err
		}
		item, at = found, 1
	}
	m, isMissing := item.(*missing)
	if len(a.list) == at {
		if isMissing {
			return false, m.problem
		}
		return truthy(item), nil
	}
	name, inner, problem := a.inner(at)
	switch {
	case problem != nil:
		return false, problem
	case name == "defined":
		return !isMissing, nil
	case name == "undefined":
		return isMissing, nil
	case isMissing:
		return false, m.problem
	}
	return passes(name, item, inner)
}

// filterRows is batch(n, fill), rows of n items, and slice(n, fill), n columns.
func filterRows(r *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("size", "fill_with")
	if err != nil {
		return nil, err
	}
	size, err := a.whole(bound, "size", 0)
	if err != nil {
		return nil, err
	}
	if size < 1 || size > maxRange {
		return nil, a.problem("its size must be from 1 to %d", maxRange)
	}
	items, err := r.items(v, a.at)
	if err != nil {
		return nil, err
	}
	fill, filled := bound["fill_with"]
	rows := []any{}
	if a.of == "batch" {
		for from := 0; from < len(items); from += int(size) {
			row := append([]any{}, items[from:min(from+int(size), len(items))]...)
			for filled && fill != nil && len(row) < int(size) {
				row = append(row, fill)
			}
			rows = append(rows, row)
		}
		return rows, nil
	}
	short, longer := len(items)/int(size), len(items)%int(size)
	for i, from := 0, 0; i < int(size); i++ {
		to := from + short
		if i < longer {
			to++
		}
		row := append([]any{}, items[from:to]...)
		if filled && fill != nil && longer > 0 && i >= longer {
			row = append(row, fill)
		}
		rows = append(rows, row)
		from = to
	}
	return rows, nil
}
