package expr

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"

	"github.com/nikolalohinski/gonja/v2/nodes"
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
	"int", "float", "abs", "round", "format", "join", "list", "first", "last", "reverse", "items", "dictsort", "attr", "safe",
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
	fields, ok := v.(map[string]any)
	if !ok {
		s, err := r.text(v)
		return strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(s)), err
	}
	query := url.Values{}
	for key, value := range fields {
		s, err := r.text(value)
		if err != nil {
			return nil, err
		}
		query.Set(key, s)
	}
	return query.Encode(), nil
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

func filterToJSON(r *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("indent")
	if err != nil {
		return nil, err
	}
	otherwise := int64(0)
	if a.of == "pprint" {
		otherwise = 2
	}
	indent, err := a.whole(bound, "indent", otherwise)
	if err != nil {
		return nil, err
	}
	switch v.(type) {
	case *function, *loop, *namespace, *clock:
		return nil, a.problem("%s is no JSON value", describe(v))
	}
	if sizeOf(v, r.most) > r.most {
		return nil, r.tooLarge()
	}
	c, err := Canonical(v)
	if err != nil {
		return nil, err
	}
	return writeJSON(c, strings.Repeat(" ", int(max(0, min(indent, 16)))))
}

func filterFromJSON(_ *jinjaRun, v any, a arguments) (any, error) {
	s, ok := v.(string)
	if !ok {
		return nil, a.problem("it reads a text, not %s", describe(v))
	}
	read, err := Decode([]byte(s))
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
	case map[string]any:
		return int64(len(v)), nil
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

// filterInt reads what text starts out as, such as " 42" or "3.7"; what is no
// number gives the default.
func filterInt(_ *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("default", "base")
	if err != nil {
		return nil, err
	}
	base, err := a.whole(bound, "base", 10)
	if err != nil || base < 2 || base > 36 {
		return nil, a.problem("its base must be a whole number from 2 to 36")
	}
	otherwise, given := bound["default"]
	if !given {
		otherwise = int64(0)
	}
	switch v := v.(type) {
	case int64:
		return v, nil
	case bool:
		return int64(truthOrder(v)), nil
	case float64:
		return wholePart(v, otherwise), nil
	case string:
		s := strings.ReplaceAll(strings.TrimSpace(v), "_", "")
		if base != 10 {
			s = strings.TrimPrefix(strings.ToLower(s), map[int64]string{16: "0x", 8: "0o", 2: "0b"}[base])
		}
		if i, err := strconv.ParseInt(s, int(base), 64); err == nil {
			return i, nil
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil && base == 10 {
			return wholePart(f, otherwise), nil
		}
	}
	return otherwise, nil
}

func wholePart(f float64, otherwise any) any {
	if math.IsNaN(f) || math.Abs(f) >= 1<<63 {
		return otherwise
	}
	return int64(f)
}

func filterFloat(_ *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("default")
	if err != nil {
		return nil, err
	}
	if f, ok := number(v); ok {
		return f, nil
	}
	if s, ok := v.(string); ok {
		if f, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f, nil
		}
	}
	if otherwise, given := bound["default"]; given {
		return otherwise, nil
	}
	return 0.0, nil
}

func filterAbs(_ *jinjaRun, v any, a arguments) (any, error) {
	if i, ok := v.(int64); ok && i != math.MinInt64 {
		return max(i, -i), nil
	}
	if f, ok := number(v); ok {
		return math.Abs(f), nil
	}
	return nil, a.problem("%s is no number", describe(v))
}

// filterRound rounds half away from zero, to a precision of decimal places.
func filterRound(_ *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("precision", "method")
	if err != nil {
		return nil, err
	}
	places, err := a.whole(bound, "precision", 0)
	if err != nil {
		return nil, err
	}
	method, err := a.text(bound, "method", "common")
	if err != nil {
		return nil, err
	}
	f, ok := number(v)
	round := map[string]func(float64) float64{"common": math.Round, "ceil": math.Ceil, "floor": math.Floor}[method]
	switch {
	case !ok:
		return nil, a.problem("%s is no number", describe(v))
	case round == nil:
		return nil, a.problem("its method must be common, ceil or floor")
	case places < -300 || places > 300:
		return v, nil
	}
	scale := math.Pow(10, float64(places))
	if scaled := f * scale; !math.IsInf(scaled, 0) {
		f = round(scaled) / scale
	}
	return f, nil
}

// filterFormat is "%s has %d"|format(a, b), with the verbs s, d, i, f, e, g, x, o
// and %, and widths of up to 1,000.
func filterFormat(r *jinjaRun, v any, a arguments) (any, error) {
	format, ok := v.(string)
	if !ok {
		return nil, a.problem("it formats a text, not %s", describe(v))
	}
	var b strings.Builder
	next := 0
	for {
		plain, rest, found := strings.Cut(format, "%")
		b.WriteString(plain)
		if !found {
			break
		}
		end := strings.IndexFunc(rest, func(c rune) bool { return !strings.ContainsRune("-+ 0123456789.#", c) })
		if end < 0 || len(rest[:end]) > 8 {
			return nil, a.problem("the format ends within a %%")
		}
		flags, verb := rest[:end], rest[end]
		format = rest[end+1:]
		if verb == '%' {
			b.WriteByte('%')
			continue
		}
		if next >= len(a.list) {
			return nil, a.problem("there are fewer values than the format has places")
		}
		piece, err := r.formatted(flags, verb, a.list[next], a)
		if err != nil {
			return nil, err
		}
		b.WriteString(piece)
		next++
	}
	return b.String(), nil
}

func (r *jinjaRun) formatted(flags string, verb byte, v any, a arguments) (string, error) {
	for _, digits := range strings.FieldsFunc(flags, func(c rune) bool { return c < '0' || c > '9' }) {
		if len(strings.TrimLeft(digits, "0")) > 3 {
			return "", a.problem("the format is wider than 999")
		}
	}
	f, isNumber := number(v)
	i, isInt := v.(int64)
	switch verb {
	case 's':
		s, err := r.text(v)
		return fmt.Sprintf("%"+flags+"s", s), err
	case 'd', 'i', 'x', 'X', 'o':
		if !isInt {
			i = int64(f)
		}
		if isNumber {
			return fmt.Sprintf("%"+flags+strings.Replace(string(verb), "i", "d", 1), i), nil
		}
	case 'f', 'e', 'g', 'E', 'G':
		if isNumber {
			if !strings.Contains(flags, ".") && verb != 'g' && verb != 'G' {
				flags += ".6"
			}
			return fmt.Sprintf("%"+flags+string(verb), f), nil
		}
	default:
		return "", a.problem("there is no format %%%c", verb)
	}
	return "", a.problem("%%%c formats a number, not %s", verb, describe(v))
}
