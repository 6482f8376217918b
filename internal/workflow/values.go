package workflow

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
)

// check looks at one setting that holds no template, and answers what it takes
// instead, as a sentence and as an example; both are empty when it is fine.
type check func(n *node) (wants, example string)

// MaxDuration bounds what a file says of times: timeouts, delays, waits.
const MaxDuration = 366 * 24 * time.Hour

// Duration reads a duration as files and rendered settings have it: text such as
// 500ms, 5s, 2m or 24h, or a number of seconds. Invalid for anything else, below
// zero and over [MaxDuration].
func Duration(v any) (time.Duration, error) {
	d, ok := time.Duration(0), false
	switch v := v.(type) {
	case string:
		s := strings.TrimSpace(v)
		var err error
		if d, err = time.ParseDuration(s); err == nil {
			ok = true
		} else if f, err := strconv.ParseFloat(s, 64); err == nil {
			return Duration(f)
		}
	case int64, float64, value.Number:
		seconds, _ := value.Float(v)
		if ok = seconds >= 0 && seconds <= MaxDuration.Seconds(); ok {
			d = time.Duration(math.Round(seconds * float64(time.Second)))
		}
	}
	if !ok || d < 0 || d > MaxDuration {
		return 0, sluice.Errorf(sluice.Invalid, "%s is not a duration", show(v)).Fix("write one such as 500ms, 5s, 2m or 24h, or a number of seconds")
	}
	return d, nil
}

func isAnything(*node) (string, string) { return "", "" }

func isText(n *node) (string, string) {
	if n.shape != scalar || n.value == nil {
		return "is text", "text"
	}
	return "", ""
}

// isName takes a text alone: a name that is written as a number or as true is a
// slip.
func isName(n *node) (string, string) {
	if _, ok := n.value.(string); !ok {
		return "is a name", "ticket"
	}
	return "", ""
}

func isBool(n *node) (string, string) {
	if _, ok := n.value.(bool); !ok {
		return "is true or false", "true"
	}
	return "", ""
}

func isMap(n *node) (string, string) {
	if n.shape != object {
		return "is a map", "{name: value}"
	}
	return "", ""
}

func isList(n *node) (string, string) {
	if n.shape != list {
		return "is a list", "[first, second]"
	}
	return "", ""
}

func isTextMap(n *node) (string, string) {
	if n.shape != object || slices.ContainsFunc(n.items, func(v *node) bool { return v.shape != scalar }) {
		return "is a map of texts", "{name: text}"
	}
	return "", ""
}

func isTextOrList(n *node) (string, string) {
	bad := n.shape == object || n.isNull() || n.shape == list && slices.ContainsFunc(n.items, func(v *node) bool { _, ok := v.text(); return !ok })
	if bad {
		return "is text or a list of texts", "[first, second]"
	}
	return "", ""
}

func isNumber(low, high float64) check {
	return func(n *node) (string, string) {
		f, _ := value.Float(n.value)
		if !value.IsNumber(n.value) || f < low || f > high {
			return fmt.Sprintf("is a number from %g to %g", low, high), fmt.Sprintf("%g", low)
		}
		return "", ""
	}
}

func isInteger(low, high int64) check {
	return func(n *node) (string, string) {
		i, ok := value.Int(n.value)
		if !ok || i < low || i > high {
			return fmt.Sprintf("is a whole number from %d to %d", low, high), strconv.FormatInt(max(low, 1), 10)
		}
		return "", ""
	}
}

func isOneOf(words ...string) check {
	return func(n *node) (string, string) {
		if s, _ := n.text(); !slices.Contains(words, s) {
			return "is one of " + strings.Join(words, ", "), words[0]
		}
		return "", ""
	}
}

func isURL(n *node) (string, string) {
	s, _ := n.text()
	if lower := strings.ToLower(s); !strings.HasPrefix(lower, "http://") && !strings.HasPrefix(lower, "https://") {
		return "is an address that begins with https:// or http://", "https://example.com/"
	}
	return "", ""
}

func isMethod(n *node) (string, string) {
	s, _ := n.text()
	if !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, strings.ToUpper(s)) {
		return "is one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", "POST"
	}
	return "", ""
}

func isStatuses(n *node) (string, string) {
	bad := n.shape != list || slices.ContainsFunc(n.items, func(v *node) bool { return !isStatus(v.value) })
	if bad {
		return "is a list of HTTP statuses", "[200, 404]"
	}
	return "", ""
}

func isStatus(v any) bool {
	i, ok := value.Int(v)
	return ok && i >= 100 && i <= 599
}

func isDuration(n *node) (string, string) {
	if _, err := Duration(n.value); err != nil || n.shape != scalar {
		return "is a duration such as 500ms, 5s, 2m or 24h, or a number of seconds", "5s"
	}
	return "", ""
}

func isTime(n *node) (string, string) {
	s, _ := n.text()
	if _, err := time.Parse(time.RFC3339, s); err != nil {
		return "is a time as RFC 3339 writes it", `"2027-01-31T08:00:00Z"`
	}
	return "", ""
}

// isCondition refuses text in which nothing is filled in: it is as good as always
// true or false, and most likely an expression that lacks its braces.
func isCondition(n *node) (string, string) {
	switch v := n.value.(type) {
	case bool:
		return "", ""
	case string:
		word := strings.ToLower(strings.TrimSpace(v))
		if word == "true" || word == "false" {
			return "", ""
		}
		if word != "" && n.shape == scalar {
			return "is a template that gives true or false, and this is plain text", `"{{ ` + strings.ReplaceAll(v, `"`, "'") + ` }}"`
		}
	}
	return "is a template that gives true or false", `"{{ inputs.amount > 100 }}"`
}

func isPrice(n *node) (string, string) {
	const wants, example = "is a map of input and output, in dollars for a million tokens", "{input: 0.15, output: 0.6}"
	if n.shape != object || len(n.items) == 0 {
		return wants, example
	}
	for i, key := range n.keys {
		f, _ := value.Float(n.items[i].value)
		if !value.IsNumber(n.items[i].value) || f < 0 || key.value != "input" && key.value != "output" {
			return wants, example
		}
	}
	return "", ""
}

func isMessages(n *node) (string, string) {
	const example = `[{role: user, content: "…"}]`
	if n.shape != list || len(n.items) == 0 {
		return "is a list of messages", example
	}
	for _, m := range n.items {
		role, _ := m.get("role").text()
		content := m.get("content")
		_, text := content.text()
		switch {
		case m.shape != object || len(m.items) != 2 || !text && (content == nil || content.shape != list):
			return "is a list of messages, each with role and content", example
		case !slices.Contains([]string{"system", "developer", "user", "assistant"}, role) && !strings.Contains(role, "{"):
			return "is a list of messages whose role is system, developer, user or assistant", example
		}
	}
	return "", ""
}

func isSchema(n *node) (string, string) {
	if n.shape != object {
		return "is a JSON Schema", "{type: object, properties: {name: {type: string}}}"
	}
	if _, err := compile(n.tree()); err != nil {
		return "is a JSON Schema: " + err.Error(), "{type: object, properties: {name: {type: string}}}"
	}
	return "", ""
}
