package sluice

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Advice tells a caller what to do next, or what to know. It is true on every
// surface: what is typed, sent or called is an [Operation], and what is said of
// the caller's own request a [Field], and each surface has its own words for
// both. No command line and no flag is ever written into a text.
type Advice struct {
	// Text is a whole sentence in plain words, which stands alone.
	Text string `json:"text"`
	// Form is the same sentence with slots, for surfaces with words of their own:
	// {} is the operation, {sync-git} another that needs no arguments, {further} a
	// field, and {secrets=exact} a field with a value.
	// It is empty where the text has none.
	Form string `json:"form,omitempty"`
	// Operation is what to do, nil when the sentence says it all.
	*Operation
	// Request is the operation as an HTTP request. The API adds it.
	*Request

	said string // in the words of a surface; see [Advice.Said]
}

// Request is how an operation is asked for over HTTP. What the caller has to
// fill in stands in braces.
type Request struct {
	Method string         `json:"method,omitempty"`
	Path   string         `json:"path,omitempty"` // with the query
	Body   map[string]any `json:"body,omitempty"`
}

// Words are how one surface speaks. Both return false for what the surface
// cannot do: such advice is not for its callers.
type Words struct {
	Operation func(Operation) (string, bool)
	Field     func(field Field, value string) (string, bool)
	// Commands says that operations are commands and not phrases.
	Commands bool
}

// Advise returns a sentence without slots.
func Advise(format string, args ...any) Advice {
	return Advice{Text: fmt.Sprintf(format, args...)}
}

// Do returns advice to do something. The format may have the slots that
// [Advice.Form] describes, and without any it is followed by a colon and the
// operation; an empty one is the operation alone.
func Do(op Operation, format string, args ...any) Advice {
	form := fmt.Sprintf(format, args...)
	switch {
	case form == "":
		form = "{}"
	case !strings.Contains(format, "{}"):
		form += ": {}"
	}
	return spoken(form, &op)
}

// Ask returns advice on the caller's own request, with slots for its fields.
func Ask(format string, args ...any) Advice {
	return spoken(fmt.Sprintf(format, args...), nil)
}

func spoken(form string, op *Operation) Advice {
	a := Advice{Form: form, Operation: op}
	a.Text, _ = a.In(PlainWords)
	return a
}

// slot is a place in a form: {}, {operation}, {field} or {field=value}.
var slot = regexp.MustCompile(`\{([a-z_-]*)(?:=([^{}]*))?\}`)

// In returns the sentence in the words of a surface. It returns false when the
// surface cannot do what is advised.
func (a Advice) In(words Words) (string, bool) {
	if a.Form == "" {
		return a.Text, true
	}
	form := a.Form
	if !words.Commands {
		form = natural(form, a.Operation)
	}
	all := true
	text := slot.ReplaceAllStringFunc(form, func(found string) string {
		m := slot.FindStringSubmatch(found)
		said, ok := found, true
		switch {
		case m[1] == "" && a.Operation != nil:
			said, ok = words.Operation(*a.Operation)
		case OperationName(m[1]).known():
			said, ok = words.Operation(Operation{Name: OperationName(m[1])})
		case Field(m[1]).known():
			said, ok = words.Field(Field(m[1]), m[2])
		}
		all = all && ok
		return said
	})
	return text, all
}

// String is the plain sentence.
func (a Advice) String() string { return a.Text }

// Plain returns the advice in plain words, as it is in process.
func (a Advice) Plain() Advice {
	a.Text, _ = a.In(PlainWords)
	a.Request = nil
	return a
}

// After returns the advice with words before it.
func (a Advice) After(words string) Advice {
	a.Text = words + a.Text
	if a.Form != "" {
		a.Form = words + a.Form
	}
	return a
}

// Said returns the advice as a surface says it, which is then all of it that
// JSON holds: a string.
func (a Advice) Said(text string) Advice {
	a.said = text
	return a
}

// Mapped returns the advice with everything that people read passed through f.
func (a Advice) Mapped(f func(string) string) Advice {
	a.Text, a.Form = f(a.Text), f(a.Form)
	if a.Operation != nil {
		op := Operation{Name: a.Operation.Name, Arguments: make(Arguments, len(a.Arguments))}
		for name, value := range a.Arguments {
			op.Arguments[name] = f(value)
		}
		a.Operation = &op
	}
	return a
}

// MarshalJSON encodes the advice: what was said alone, else all of it.
func (a Advice) MarshalJSON() ([]byte, error) {
	if a.said != "" {
		return unescaped(a.said)
	}
	type bare Advice
	return unescaped(bare(a))
}

// unescaped is JSON without the escapes that only HTML needs; who encodes this
// decides about those.
func unescaped(v any) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return []byte(strings.TrimSuffix(b.String(), "\n")), err
}

// UnmarshalJSON decodes advice. Records from before it had parts hold a string.
func (a *Advice) UnmarshalJSON(b []byte) error {
	*a = Advice{}
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &a.Text)
	}
	type bare Advice
	return json.Unmarshal(b, (*bare)(a))
}

// Texts are the plain sentences of several pieces of advice.
func Texts(all []Advice) []string {
	texts := make([]string, 0, len(all))
	for _, a := range all {
		texts = append(texts, a.Text)
	}
	return texts
}

// InWords are the sentences of several pieces of advice in the words of a
// surface, without those that it cannot do.
func InWords(all []Advice, words Words) []string {
	said := make([]string, 0, len(all))
	for _, a := range all {
		if text, ok := a.In(words); ok {
			said = append(said, text)
		}
	}
	return said
}

// SendAgain is what is safe whatever became of a change.
func SendAgain() Advice {
	return Advise("send the request again with the same idempotency key: a change that was made is not made twice, and its answer is repeated")
}
