package expr

import (
	"html"
	"net/url"
	"strings"

	"github.com/nikolalohinski/gonja/v2/nodes"

	"github.com/sluice-dev/sluice/internal/value"
)

// filter applies a filter. Default alone takes what is missing.
func (r *jinjaRun) filter(f *nodes.FilterCall, v any) (any, error) {
	if m, ok := v.(*missing); ok && f.Name != "default" && f.Name != "d" {
		return nil, m.problem
	}
	a, err := r.arguments(f.Args, f.Kwargs, f.Name, f.Token)
	if err != nil {
		return nil, err
	}
	v, err = r.filterNamed(f.Name, v, a)
	return v, placedAt(err, f.Token)
}

// filterNamed applies a filter by its name: one of ours, or one of gonja's.
func (r *jinjaRun) filterNamed(name string, v any, a arguments) (any, error) {
	if ours := filterOf(name); ours != nil {
		return ours(r, v, a)
	}
	if stock[name] {
		return r.stockFilter(name, v, a)
	}
	return nil, noFilter(name)
}

func noFilter(name string) *Problem {
	p := &Problem{Kind: Syntax, Message: "there is no filter " + cut(name, 40)}
	suggest(p, name, append(sortedKeys(stock), ownFilters...))
	return p
}

// ownFilters are the names that filterOf knows.
var ownFilters = []string{
	"d", "default", "tojson", "pprint", "fromjson", "random", "length", "count", "string", "lower", "upper", "trim",
	"int", "float", "abs", "urlencode", "xmlattr", "round", "format", "join", "list", "first", "last", "reverse", "items", "dictsort", "attr", "safe",
	"sort", "unique", "min", "max", "sum", "groupby", "map", "select", "reject", "selectattr", "rejectattr", "batch", "slice",
}

func filterOf(name string) func(*jinjaRun, any, arguments) (any, error) {
	switch name {
	case "default", "d":
		return filterDefault
	case "tojson", "pprint":
		return filterToJSON
	case "fromjson":
		return filterFromJSON
	case "random":
		return filterRandom
	case "length", "count":
		return filterLength
	case "string":
		return func(r *jinjaRun, v any, a arguments) (any, error) { return r.text(v) }
	case "safe":
		return func(_ *jinjaRun, v any, a arguments) (any, error) { return v, nil }
	case "lower":
		return textFilter(strings.ToLower)
	case "upper":
		return textFilter(strings.ToUpper)
	case "trim":
		return filterTrim
	case "urlencode":
		return filterURLEncode
	case "xmlattr":
		return filterXMLAttr
	case "int":
		return filterInt
	case "float":
		return filterFloat
	case "abs":
		return filterAbs
	case "round":
		return filterRound
	case "format":
		return filterFormat
	}
	return listFilterOf(name)
}

// textFilter makes a filter of a function of texts.
func textFilter(f func(string) string) func(*jinjaRun, any, arguments) (any, error) {
	return func(r *jinjaRun, v any, a arguments) (any, error) {
		if _, err := a.bind(); err != nil {
			return nil, err
		}
		s, err := r.text(v)
		return f(s), err
	}
}

// filterURLEncode escapes a text for a URL, or makes a query of a map. As in
// Jinja2 the slash of a text stays; everything else that means something does not.
func filterURLEncode(r *jinjaRun, v any, a arguments) (any, error) {
	if _, err := a.bind(); err != nil {
		return nil, err
	}
	fields, ok := v.(*value.Object)
	if !ok {
		s, err := r.text(v)
		return strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(s)), err
	}
	var query []string
	for key, field := range fields.All() {
		s, err := r.text(field)
		if err != nil {
			return nil, err
		}
		query = append(query, url.QueryEscape(key)+"="+url.QueryEscape(s))
	}
	return strings.Join(query, "&"), nil
}

// filterXMLAttr makes attributes of XML of a map, in its order, without those that
// are empty.
func filterXMLAttr(r *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("autospace")
	if err != nil {
		return nil, err
	}
	fields, ok := v.(*value.Object)
	if !ok {
		return nil, a.problem("%s is no map", describe(v))
	}
	var b strings.Builder
	for key, field := range fields.All() {
		if !truthy(field) {
			continue
		}
		s, err := r.text(field)
		if err != nil {
			return nil, err
		}
		b.WriteString(" " + html.EscapeString(key) + `="` + html.EscapeString(s) + `"`)
	}
	if space, given := bound["autospace"]; given && !truthy(space) {
		return strings.TrimPrefix(b.String(), " "), nil
	}
	return b.String(), nil
}

func filterDefault(_ *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("default_value", "boolean")
	if err != nil {
		return nil, err
	}
	otherwise, given := bound["default_value"]
	if !given {
		otherwise = ""
	}
	if _, isMissing := v.(*missing); isMissing || truthy(bound["boolean"]) && !truthy(v) {
		return otherwise, nil
	}
	return v, nil
}

func filterFromJSON(_ *jinjaRun, v any, a arguments) (any, error) {
	s, ok := v.(string)
	if !ok {
		return nil, a.problem("it reads a text, not %s", describe(v))
	}
	read, err := value.Decode([]byte(s))
	if err != nil {
		return nil, a.problem("the text is no JSON: %s", cut(err.Error(), 100))
	}
	return read, nil
}

func filterRandom(r *jinjaRun, v any, a arguments) (any, error) {
	items, err := r.items(v, a.at)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	return items[int(r.random()*float64(len(items)))], nil
}

func filterLength(_ *jinjaRun, v any, a arguments) (any, error) {
	switch v := v.(type) {
	case string:
		return int64(len([]rune(v))), nil
	case []any:
		return int64(len(v)), nil
	case *value.Object:
		return int64(v.Len()), nil
	}
	return nil, a.problem("%s has no length", describe(v))
}

func filterTrim(r *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("chars")
	if err != nil {
		return nil, err
	}
	chars, err := a.text(bound, "chars", "")
	if err != nil {
		return nil, err
	}
	s, err := r.text(v)
	if chars == "" {
		return strings.TrimSpace(s), err
	}
	return strings.Trim(s, chars), err
}
