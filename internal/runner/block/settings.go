package block

import (
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
)

// setting returns a setting by name: what the block says, rendered or raw, and
// otherwise what the front matter of its prompt does. Nil when nobody set it.
func (c Call) setting(name string) any {
	if v := c.Settings.Get(name); v != nil {
		return v
	}
	if v := c.Raw[name]; v != nil {
		return v
	}
	if c.Prompt == nil {
		return nil
	}
	return c.Prompt.Parameters.Get(name)
}

// text returns a setting as text, "" without one.
func (c Call) text(name string) string {
	v := c.setting(name)
	if v == nil {
		return ""
	}
	return value.Text(v)
}

// number returns a setting as a number. Templates give text for numbers that
// they put together, so a text that is a number is one.
func (c Call) number(name string) (n any, set bool, err error) {
	found := c.setting(name)
	text, isText := found.(string)
	switch {
	case found == nil, isText && strings.TrimSpace(text) == "":
		return nil, false, nil
	case value.IsNumber(found):
		return found, true, nil
	case isText:
		text = strings.TrimSpace(text)
		if n, err = value.ParseNumber(text); err == nil {
			return n, true, nil
		}
		if f, err := strconv.ParseFloat(text, 64); err == nil && value.FromFloat(f) != nil { // written in another way, as .5
			return value.FromFloat(f), true, nil
		}
	}
	return nil, false, Failf(sluice.Invalid, "%s is %s, which is not a number", name, brief(found)).Fix("give %s a number", name)
}

// float is number for what is counted with.
func (c Call) float(name string) (f float64, set bool, err error) {
	n, set, err := c.number(name)
	f, _ = value.Float(n)
	return f, set, err
}

// integer is number for what has no fraction.
func (c Call) integer(name string) (i int64, set bool, err error) {
	n, set, err := c.number(name)
	if err != nil || !set {
		return 0, false, err
	}
	i, ok := value.Int(n)
	if !ok {
		return 0, false, Failf(sluice.Invalid, "%s is %s, which is not a whole number", name, brief(c.setting(name))).Fix("give %s a whole number", name)
	}
	return i, true, nil
}

// flag returns a setting that is on or off, off without one.
func flag(v any) bool {
	on, err := Truth(v)
	return err == nil && on
}

// brief is a value as a message shows it.
func brief(v any) string {
	if v == nil {
		return "nothing"
	}
	return excerpt(string(jsonOf(v)), 100)
}

// excerpt shortens text from outside to at most n bytes of valid UTF-8 in one line.
func excerpt(text string, n int) string {
	short := strings.Map(func(r rune) rune {
		if isControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text[:min(len(text), n)], ""))
	short = strings.Join(strings.Fields(short), " ")
	if len(text) > n {
		short += "…"
	}
	return short
}
