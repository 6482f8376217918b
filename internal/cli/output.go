package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"iter"
	"regexp"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/sluice-dev/sluice"
	"go.yaml.in/yaml/v3"
)

// show prints an answer: the value as JSON or YAML when that was asked for, else
// as text.
func (e *env) show(v any, text func(w io.Writer)) error {
	switch e.format {
	case "json":
		if l, ok := v.(interface{ each() iter.Seq[any] }); ok {
			return writeLines(e.Stdout, l.each())
		}
		return writeJSON(e.Stdout, v)
	case "yaml":
		return writeYAML(e.Stdout, v)
	}
	text(e.Stdout)
	return nil
}

// structured reports whether a program will read the answer.
func (e *env) structured() bool { return e.format == "json" || e.format == "yaml" }

func writeJSON(w io.Writer, v any) error {
	sluice.ReplaceAdvice(&v, spoken)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return sluice.Errorf(sluice.Internal, "cannot encode the answer: %w", err)
	}
	return nil
}

// lined is a list that is printed as JSON with one item a line, so that diff over
// two such answers shows each item that differs as a whole, with its name.
type lined[T any] []T

func (l lined[T]) each() iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, item := range l {
			if !yield(item) {
				return
			}
		}
	}
}

// writeLines prints a list as JSON, an item a line.
func writeLines(w io.Writer, items iter.Seq[any]) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	before := "[\n"
	for item := range items {
		b.WriteString(before + "  ")
		if err := enc.Encode(item); err != nil {
			return sluice.Errorf(sluice.Internal, "cannot encode the answer: %w", err)
		}
		b.Truncate(b.Len() - 1) // the line's end, which may have a comma before it
		before = ",\n"
	}
	if b.Len() == 0 {
		b.WriteString("[")
	} else {
		b.WriteString("\n")
	}
	b.WriteString("]\n")
	_, err := w.Write(b.Bytes())
	return err
}

// writeLine prints a value as JSON on one line.
func writeLine(w io.Writer, v any) error {
	sluice.ReplaceAdvice(&v, spoken)
	return json.NewEncoder(w).Encode(v)
}

// writeYAML prints what writeJSON would, with the same keys in the same order.
func writeYAML(w io.Writer, v any) error {
	var b bytes.Buffer
	if err := writeJSON(&b, v); err != nil {
		return err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b.Bytes(), &doc); err != nil {
		return sluice.Errorf(sluice.Internal, "cannot encode the answer: %w", err)
	}
	blockStyle(&doc)
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(&doc); err != nil {
		return sluice.Errorf(sluice.Internal, "cannot encode the answer: %w", err)
	}
	return enc.Close()
}

// blockStyle drops the braces that JSON has, and the quotes that no reader of
// YAML needs.
func blockStyle(n *yaml.Node) {
	switch {
	case n.Kind == yaml.ScalarNode:
		if n.Tag == "!!str" && (plainWords.MatchString(n.Value) && !wasBoolean.MatchString(n.Value) || strings.Contains(n.Value, "\n")) {
			n.Style = 0
		}
	case len(n.Content) > 0:
		n.Style = 0
	}
	for _, c := range n.Content {
		blockStyle(c)
	}
}

var (
	plainWords = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._/@-]*( [A-Za-z0-9._/@-]+)*$`)
	wasBoolean = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null)$`) // also before YAML 1.2
)

// list makes an empty answer [] and not null.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// The styles that the command line uses, from the terminal's own colours.
const (
	bold   = "bold"
	faint  = "faint"
	green  = "green"
	yellow = "yellow"
	red    = "red"
)

// style dresses a word, on a terminal that wants it.
func (e *env) style(name, text string) string {
	if !e.colour() {
		return text
	}
	s := lipgloss.NewStyle()
	switch name {
	case bold:
		s = s.Bold(true)
	case faint:
		s = s.Faint(true)
	case green:
		s = s.Foreground(lipgloss.Green)
	case yellow:
		s = s.Foreground(lipgloss.Yellow)
	case red:
		s = s.Foreground(lipgloss.Red)
	}
	return s.Render(text)
}

// clock is a time for people: to the minute, in their own zone, and such that it
// can be typed.
func (e *env) clock(t sluice.Time) string {
	if t.IsZero() {
		return ""
	}
	return e.typable(t, "2006-01-02 15:04")
}

// typable prints a time so that it can be typed: with its zone, where the clocks
// show it twice.
func (e *env) typable(t sluice.Time, layout string) string {
	local := t.Std().In(e.zone())
	if _, err := sluice.ParseSpan(local.Format(layout), e.Now()); err != nil {
		layout += "Z07:00"
	}
	return local.Format(layout)
}

func (e *env) zone() *time.Location { return e.Now().Location() }
