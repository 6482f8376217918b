package sluice

import (
	"cmp"
	"fmt"
	"strings"
)

// Mistake is one thing that is wrong with a file of a version, with its place in
// the file as its author wrote it.
type Mistake struct {
	File    string  `json:"file"`
	Line    int     `json:"line,omitempty"`   // from 1; 0 for the file as a whole
	Column  int     `json:"column,omitempty"` // from 1; 0 where it cannot be told
	Message string  `json:"message"`
	Fix     *Advice `json:"fix,omitempty"` // what to write instead
}

// Correction is what to write instead, as the fix of a mistake: nil for no words.
func Correction(words string) *Advice {
	if words == "" {
		return nil
	}
	return &Advice{Text: words}
}

// Place is FILE:LINE:COLUMN, as far as it is known.
func (m Mistake) Place() string {
	switch {
	case m.Line == 0:
		return m.File
	case m.Column == 0:
		return fmt.Sprintf("%s:%d", m.File, m.Line)
	}
	return fmt.Sprintf("%s:%d:%d", m.File, m.Line, m.Column)
}

// String is the mistake on one line, with its place.
func (m Mistake) String() string {
	if m.File == "" { // of all files together
		return m.Message
	}
	return m.Place() + ": " + m.Message
}

// CompareMistakes orders mistakes by their places.
func CompareMistakes(a, b Mistake) int {
	return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// MaxMistakes is how many mistakes of one content are told at once.
const MaxMistakes = 20

// Broken is the error for content that cannot run: Invalid, a line for each mistake,
// with what to write instead. Of more than [MaxMistakes], the number of the rest is
// told. It is nil without mistakes.
func Broken(mistakes []Mistake) *Error {
	if len(mistakes) == 0 {
		return nil
	}
	told := mistakes[:min(len(mistakes), MaxMistakes)]
	lines := make([]string, 0, len(told)+1)
	for _, m := range told {
		lines = append(lines, m.String())
	}
	if more := len(mistakes) - len(told); more > 0 {
		lines = append(lines, fmt.Sprintf("(and %d more)", more))
	}
	out := Errorf(Invalid, "%s", strings.Join(lines, "\n"))
	out.Mistakes = told
	seen := map[string]bool{}
	for _, m := range told {
		if m.Fix == nil {
			continue
		}
		fix := *m.Fix
		if len(told) > 1 && m.Line > 0 {
			fix = fix.After(fmt.Sprintf("line %d: ", m.Line))
		}
		if !seen[fix.Text] {
			seen[fix.Text] = true
			out.Advise(fix)
		}
	}
	return out
}

// Unchecked marks a version that was published or recorded although its content was
// not found to be whole.
type Unchecked struct {
	Mistakes int    `json:"mistakes"`        // how many were found; 0 when it could not be read
	First    string `json:"first,omitempty"` // the first of them with its place, or why it could not be read
}

// UncheckedBy is the mark for content with mistakes, nil for content without one.
func UncheckedBy(mistakes []Mistake) *Unchecked {
	if len(mistakes) == 0 {
		return nil
	}
	return &Unchecked{Mistakes: len(mistakes), First: clipTo(mistakes[0].String(), maxFirst)}
}

// UnreadBy is the mark for content that could not be read.
func UnreadBy(reason string) *Unchecked {
	return &Unchecked{First: clipTo("it could not be read: "+reason, maxFirst)}
}

// maxFirst bounds the sentence in a mark, in bytes.
const maxFirst = 300

func clipTo(s string, most int) string {
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// String is the mark for people.
func (u Unchecked) String() string {
	switch u.Mistakes {
	case 0:
		return u.First
	case 1:
		return "1 mistake: " + u.First
	}
	return fmt.Sprintf("%d mistakes: %s", u.Mistakes, u.First)
}

// Marked is a version with a mark, where a change of what is live is confirmed.
type Marked struct {
	Component string `json:"component"`
	Pin
	Unchecked
}

// Ref is the shortest reference that names the version and nothing else.
func (m Marked) Ref() string { return m.Component + "@" + m.Pin.String() }

// String names the version and says what is wrong with it.
func (m Marked) String() string { return m.Ref() + ", " + m.Unchecked.String() }

// What content is read as that has no mistakes to find.
const (
	ReadAsData  = "data"  // of a config, or of a kind that is a free label
	ReadAsOther = "other" // in a language that Sluice does not run, such as a script in Python, or with operations that it does not have
)

// ReadsAs is what the content of a component is read as: one of the kinds with
// behaviour, or [ReadAsData].
func ReadsAs(kind string) string {
	if IsWorkflow(kind) {
		return KindWorkflow
	}
	switch kind = strings.ToLower(kind); kind {
	case KindPrompt, KindScript, KindAgent:
		return kind
	}
	return ReadAsData
}
