package expr

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice/internal/value"
)

// listFilterOf gives the filters that go through items, or nil.
func listFilterOf(name string) func(*jinjaRun, any, arguments) (any, error) {
	switch name {
	case "join":
		return filterJoin
	case "list":
		return func(r *jinjaRun, v any, a arguments) (any, error) { items, err := r.items(v, a.at); return items, err }
	case "first", "last":
		return filterEnd
	case "reverse":
		return filterReverse
	case "items":
		return filterItems
	case "dictsort":
		return filterDictSort
	case "attr":
		return filterAttr
	case "sort":
		return filterSort
	case "unique":
		return filterUnique
	case "min", "max":
		return filterExtreme
	case "sum":
		return filterSum
	case "groupby":
		return filterGroupBy
	case "map":
		return filterMap
	case "select", "reject", "selectattr", "rejectattr":
		return filterSelect
	case "batch", "slice":
		return filterRows
	}
	return nil
}

// attribute follows a path such as user.name or 0 from an item.
func attribute(v any, path any, a arguments) (any, error) {
	if index, ok := value.Int(path); ok {
		path = strconv.FormatInt(index, 10)
	}
	names, ok := path.(string)
	if !ok {
		return nil, a.problem("its attribute must be a text or whole number, not %s", describe(path))
	}
	for _, name := range strings.Split(names, ".") {
		var key any = name
		if index, err := strconv.ParseInt(name, 10, 64); err == nil {
			if _, isMap := v.(*value.Object); !isMap {
				key = index
			}
		}
		found, problem := memberOf(v, key, func() string { return "the item" })
		if problem != nil {
			if problem.Kind == Undefined {
				return &missing{problem}, nil
			}
			return nil, problem
		}
		v = found
	}
	return v, nil
}

// sortKey is the attribute of an item, or the item, that filters compare by.
// Without case_sensitive, texts are compared in small letters.
func sortKey(item any, bound map[string]any, a arguments) (any, error) {
	if path := bound["attribute"]; path != nil {
		found, err := attribute(item, path, a)
		if err != nil {
			return nil, err
		}
		if m, ok := found.(*missing); ok {
			if otherwise, given := bound["default"]; given {
				return otherwise, nil
			}
			return nil, m.problem
		}
		item = found
	}
	if s, ok := item.(string); ok && !truthy(bound["case_sensitive"]) {
		return strings.ToLower(s), nil
	}
	return item, nil
}

// keyed are the items with what they are compared by.
type keyed struct{ key, item any }

func (r *jinjaRun) keyed(v any, bound map[string]any, a arguments) ([]keyed, error) {
	items, err := r.items(v, a.at)
	if err != nil {
		return nil, err
	}
	list := make([]keyed, len(items))
	for i, item := range items {
		key, err := sortKey(item, bound, a)
		if err != nil {
			return nil, err
		}
		list[i] = keyed{key, item}
	}
	return list, nil
}

// sorted orders items by their keys, equal ones as they came.
func sorted(list []keyed, reverse bool, a arguments) error {
	var failed error
	slices.SortStableFunc(list, func(x, y keyed) int {
		c, ok := compare(x.key, y.key)
		if !ok && failed == nil {
			failed = a.problem("%s and %s have no order", describe(x.key), describe(y.key))
		}
		if reverse {
			return -c
		}
		return c
	})
	return failed
}

func filterJoin(r *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("d", "attribute")
	if err != nil {
		return nil, err
	}
	delimiter, err := a.text(bound, "d", "")
	if err != nil {
		return nil, err
	}
	items, err := r.items(v, a.at)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for i, item := range items {
		if bound["attribute"] != nil {
			if item, err = attribute(item, bound["attribute"], a); err != nil {
				return nil, err
			}
		}
		s, err := r.text(item)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(delimiter)
		}
		if b.WriteString(s); b.Len() > r.most {
			return nil, r.tooLarge()
		}
	}
	return b.String(), nil
}

// filterEnd is first and last.
func filterEnd(r *jinjaRun, v any, a arguments) (any, error) {
	items, err := r.items(v, a.at)
	switch {
	case err != nil:
		return nil, err
	case len(items) == 0:
		return &missing{&Problem{Kind: Undefined, Message: "there is no " + a.of + " item: it is empty", Line: a.at.Line, Column: a.at.Col}}, nil
	case a.of == "first":
		return items[0], nil
	}
	return items[len(items)-1], nil
}

func filterReverse(r *jinjaRun, v any, a arguments) (any, error) {
	items, err := r.items(v, a.at)
	if err != nil {
		return nil, err
	}
	items = slices.Clone(items)
	slices.Reverse(items)
	if isText(v) {
		return filterJoin(r, items, arguments{of: a.of, at: a.at})
	}
	return items, nil
}

func filterItems(_ *jinjaRun, v any, a arguments) (any, error) {
	m, ok := v.(*value.Object)
	if !ok {
		return nil, a.problem("%s is no map", describe(v))
	}
	return pairs(m), nil
}

// pairs are the keys and values of a map, in its order.
func pairs(m *value.Object) []any {
	list := make([]any, 0, m.Len())
	for key, v := range m.All() {
		list = append(list, []any{key, v})
	}
	return list
}

func filterDictSort(r *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("case_sensitive", "by", "reverse")
	if err != nil {
		return nil, err
	}
	by, err := a.text(bound, "by", "key")
	if err != nil {
		return nil, err
	}
	bound["attribute"] = map[string]any{"key": int64(0), "value": int64(1)}[by] // where they stand in a pair
	if bound["attribute"] == nil {
		return nil, a.problem("its by must be key or value")
	}
	list, err := filterItems(r, v, a)
	if err != nil {
		return nil, err
	}
	return r.sort(list, bound, a)
}

func filterSort(r *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("reverse", "case_sensitive", "attribute")
	if err != nil {
		return nil, err
	}
	return r.sort(v, bound, a)
}

func (r *jinjaRun) sort(v any, bound map[string]any, a arguments) (any, error) {
	list, err := r.keyed(v, bound, a)
	if err != nil {
		return nil, err
	}
	if err := sorted(list, truthy(bound["reverse"]), a); err != nil {
		return nil, err
	}
	items := make([]any, len(list))
	for i := range list {
		items[i] = list[i].item
	}
	return items, nil
}

func filterAttr(_ *jinjaRun, v any, a arguments) (any, error) {
	if len(a.list) != 1 {
		return nil, a.problem("it needs the name of an attribute")
	}
	return attribute(v, a.list[0], a)
}

func filterUnique(r *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("case_sensitive", "attribute")
	if err != nil {
		return nil, err
	}
	list, err := r.keyed(v, bound, a)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	items := []any{}
	for _, k := range list {
		key, err := r.settled(k.key)
		if err != nil {
			return nil, err
		}
		id := string(value.Normal(key))
		if !seen[id] {
			seen[id] = true
			items = append(items, k.item)
		}
	}
	return items, nil
}

// filterExtreme is min and max.
func filterExtreme(r *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("case_sensitive", "attribute")
	if err != nil {
		return nil, err
	}
	list, err := r.keyed(v, bound, a)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return &missing{a.problem("there is no item: it is empty")}, nil
	}
	best := list[0]
	for _, k := range list[1:] {
		c, ok := compare(k.key, best.key)
		if !ok {
			return nil, a.problem("%s and %s have no order", describe(k.key), describe(best.key))
		}
		if a.of == "min" && c < 0 || a.of == "max" && c > 0 {
			best = k
		}
	}
	return best.item, nil
}
