package expr

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/sluice-dev/sluice/internal/value"
)

// layout is how JSON is written: as Python's json.dumps takes it.
type layout struct {
	indent     int64  // 0 for one line
	item, pair string // what stands between two items, and behind a key
	ascii      bool   // other characters are escaped
	sorted     bool   // the keys of maps are
}

// filterToJSON writes JSON. Its arguments are those of Jinja2 and of the chat templates
// of models, whose first one is whether to escape: ensure_ascii, indent, separators and
// sort_keys. Without any, there is no blank in it but those of texts.
func filterToJSON(r *jinjaRun, v any, a arguments) (any, error) {
	params := []string{"indent", "ensure_ascii", "separators", "sort_keys"}
	if len(a.list) > 0 {
		if _, ok := a.list[0].(bool); ok {
			params = []string{"ensure_ascii", "indent", "separators", "sort_keys"}
		}
	}
	bound, err := a.bind(params...)
	if err != nil {
		return nil, err
	}
	otherwise := int64(0)
	if a.of == "pprint" {
		otherwise = 2
	}
	l := layout{item: ",", pair: ":", ascii: truthy(bound["ensure_ascii"]), sorted: truthy(bound["sort_keys"])}
	if l.indent, err = a.whole(bound, "indent", otherwise); err != nil {
		return nil, err
	}
	if l.indent = max(0, min(l.indent, 16)); l.indent > 0 {
		l.pair = ": "
	}
	if given := bound["separators"]; given != nil {
		list, _ := given.([]any)
		if len(list) != 2 || !isText(list[0]) || !isText(list[1]) {
			return nil, a.problem("its separators must be two texts, such as (', ', ': ')")
		}
		l.item, _ = list[0].(string)
		l.pair, _ = list[1].(string)
	}
	switch v.(type) {
	case *function, *loop, *namespace, *clock, moment, zone, datetimes, zones:
		return nil, a.problem("%s is no JSON value", describe(v))
	}
	settled, err := r.settled(v)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	if err := l.write(r, &b, settled, 1); err != nil {
		return nil, err
	}
	return b.String(), nil
}

// write writes a value, whose inside stands at a level.
func (l layout) write(r *jinjaRun, b *strings.Builder, v any, level int) error {
	if b.Len() > r.most {
		return r.tooLarge()
	}
	switch v := v.(type) {
	case []any:
		return l.inside(r, b, "[]", len(v), level, func(i int) error { return l.write(r, b, v[i], level+1) })
	case *value.Object:
		keys := v.Keys()
		if l.sorted {
			slices.Sort(keys)
		}
		return l.inside(r, b, "{}", len(keys), level, func(i int) error {
			if err := l.write(r, b, keys[i], level); err != nil {
				return err
			}
			b.WriteString(l.pair)
			return l.write(r, b, v.Get(keys[i]), level+1)
		})
	}
	text, err := writeJSON(v, "")
	if err != nil {
		return err
	}
	if l.ascii {
		text = escaped(text)
	}
	b.WriteString(text)
	return nil
}

func (l layout) inside(r *jinjaRun, b *strings.Builder, brackets string, n, level int, write func(int) error) error {
	line := func(level int) {
		if l.indent > 0 && n > 0 {
			b.WriteString("\n" + strings.Repeat(" ", level*int(l.indent)))
		}
	}
	b.WriteByte(brackets[0])
	for i := range n {
		if i > 0 {
			b.WriteString(l.item)
		}
		line(level)
		if err := write(i); err != nil {
			return err
		}
	}
	line(level - 1)
	b.WriteByte(brackets[1])
	return nil
}

// escaped writes each character that is not ASCII as JSON escapes it.
func escaped(text string) string {
	var b strings.Builder
	for _, c := range text {
		switch high, low := utf16.EncodeRune(c); {
		case c < 0x80:
			b.WriteRune(c)
		case c > 0xffff:
			fmt.Fprintf(&b, "\\u%04x\\u%04x", high, low)
		default:
			fmt.Fprintf(&b, "\\u%04x", c)
		}
	}
	return b.String()
}
