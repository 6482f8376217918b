package expr

import (
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice/internal/value"
)

// Kind says what sort of thing went wrong.
type Kind string

// The kinds.
const (
	Syntax    Kind = "syntax"    // the text cannot be read
	Undefined Kind = "undefined" // a name, member or index does not exist
	Thrown    Kind = "thrown"    // a script threw
	Type      Kind = "type"      // a value of the wrong type, or one that JSON does not have
	Time      Kind = "time"      // it took longer than its limit
	Memory    Kind = "memory"    // it used more memory than its limit, or went too deep
	Output    Kind = "output"    // the result is larger than its limit
	Internal  Kind = "internal"  // a defect of the evaluator
)

// Problem is what is wrong with a text or with the values given to it. It is an
// error for the people who wrote the text.
type Problem struct {
	Kind Kind `json:"kind"`
	// Path is where in a tree the text stands, such as headers.Authorization or
	// items[2].url; empty for the tree itself and for scripts.
	Path string `json:"path,omitempty"`
	// Line and Column, from 1, are the place in the text; 0 when it is not known.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Message is a clause without a capital or a full stop, with at most 300 bytes
	// of what the user wrote.
	Message string `json:"message"`
	// Fix says what to do next; empty when there is nothing to say.
	Fix string `json:"fix,omitempty"`
}

// Error is the place, as far as it is known, and the message.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Path)
	if p.Line > 0 {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString("line " + strconv.Itoa(p.Line))
		if p.Column > 0 {
			b.WriteString(", column " + strconv.Itoa(p.Column))
		}
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// maxQuoted is how many bytes of what a user wrote a message holds.
const maxQuoted = 300

// cut shortens text from outside to at most n bytes.
func cut(text string, n int) string { return value.Short(text, n) }
