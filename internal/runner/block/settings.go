package block

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
)

// setting returns a setting by name: what the block says, rendered or raw, and
// otherwise what the front matter of its prompt does. Nil when nobody set it.
func (c Call) setting(name string) any {
	if value, set := c.Settings[name]; set && value != nil {
		return value
	}
	if value, set := c.Raw[name]; set && value != nil {
		return value
	}
	if c.Prompt == nil {
		return nil
	}
	return c.Prompt.Parameters[name]
}

// text returns a setting as text, "" without one.
func (c Call) text(name string) string {
	value := c.setting(name)
	if value == nil {
		return ""
	}
	return textOf(value)
}

// number returns a setting as a number. Templates give text for numbers that
// they put together, so a text that is a number is one.
func (c Call) number(name string) (value float64, set bool, err error) {
	found := c.setting(name)
	switch found := found.(type) {
	case nil:
		return 0, false, nil
	case int64:
		return float64(found), true, nil
	case int:
		return float64(found), true, nil
	case float64:
		return found, true, nil
	case json.Number:
		value, err = found.Float64()
	case string:
		if strings.TrimSpace(found) == "" {
			return 0, false, nil
		}
		value, err = strconv.ParseFloat(strings.TrimSpace(found), 64)
	default:
		err = strconv.ErrSyntax
	}
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, false, Failf(sluice.Invalid, "%s is %s, which is not a number", name, brief(found)).Fix("give %s a number", name)
	}
	return value, true, nil
}

// integer is number for what has no fraction.
func (c Call) integer(name string) (value int64, set bool, err error) {
	number, set, err := c.number(name)
	if err != nil || !set {
		return 0, false, err
	}
	if number != math.Trunc(number) || math.Abs(number) > 1<<53 {
		return 0, false, Failf(sluice.Invalid, "%s is %s, which is not a whole number", name, brief(c.setting(name))).Fix("give %s a whole number", name)
	}
	return int64(number), true, nil
}

// flag returns a setting that is on or off, off without one.
func flag(value any) bool {
	on, err := Truth(value)
	return err == nil && on
}

// textOf writes a value as text: a string as it is, everything else as JSON.
func textOf(value any) string {
	if text, is := value.(string); is {
		return text
	}
	return string(jsonOf(value))
}

// brief is a value as a message shows it.
func brief(value any) string {
	if value == nil {
		return "nothing"
	}
	return excerpt(string(jsonOf(value)), 100)
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
