package runner

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
)

// spellings are the secrets among variables as blocks and messages write them
// besides: a header without the spaces around it, a message in one line, digits
// that somebody took for a number.
func spellings(variables []sluice.Variable) []sluice.Variable {
	var out []sluice.Variable
	for _, v := range variables {
		if !v.Secret || v.Value == nil {
			continue
		}
		line := strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, *v.Value)
		seen := []string{*v.Value}
		others := []string{strings.TrimSpace(*v.Value), line, strings.TrimSpace(line), strings.Join(strings.Fields(line), " ")}
		if f, err := strconv.ParseFloat(*v.Value, 64); err == nil {
			others = append(others, strconv.FormatFloat(f, 'g', -1, 64), strconv.FormatFloat(f, 'f', -1, 64))
		}
		for _, text := range others {
			if slices.Contains(seen, text) {
				continue
			}
			seen = append(seen, text)
			other := v
			other.Value = &text
			out = append(out, other)
		}
	}
	return out
}

// hidden hides secrets in a value.
func (x *execution) hidden(v any) any {
	if x.masker.HidesNothing() {
		return v
	}
	return value.Redact(v, x.masker.Text)
}

// text hides secrets in a message, also the beginning of one at which it was cut
// short.
func (x *execution) text(s string) string {
	parts := strings.SplitAfter(x.masker.Text(s), "…")
	for i, part := range parts {
		if before, cut := strings.CutSuffix(part, "…"); cut {
			parts[i] = x.withoutTail(before) + "…"
		}
	}
	return strings.Join(parts, "")
}

// minTail is how many bytes of a secret's beginning give it away.
const minTail = 4

func (x *execution) withoutTail(s string) string {
	for _, v := range x.secrets {
		for n := min(len(*v.Value)-1, len(s)); n >= minTail; n-- {
			if strings.HasSuffix(s, (*v.Value)[:n]) {
				return s[:len(s)-n] + "«" + v.Key + "»"
			}
		}
	}
	return s
}

// whole hides secrets in a text that is going to be cut short. Where it is JSON
// they are sought in what it says, so that escapes within escapes hide none.
func (x *execution) whole(text string) string {
	if len(x.secrets) == 0 {
		return text
	}
	tree, err := decode([]byte(text))
	if err != nil || value.Equal(x.hidden(tree), tree) {
		return x.masker.Text(text)
	}
	return string(x.masker.JSON([]byte(text)))
}

// lines hides secrets in what a script wrote, line by line.
func (x *execution) lines(extra *value.Object) {
	lines, _ := extra.Get("logs").([]any)
	for i, line := range lines {
		if s, is := line.(string); is {
			lines[i] = x.text(s)
		}
	}
}
