package workflow

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
)

// problem is one mistake in a file.
type problem struct {
	line, column int
	message      string
	help         string
}

// fix says what to write instead.
func (p *problem) fix(format string, args ...any) {
	p.help = fmt.Sprintf(format, args...)
}

// problems are the mistakes found in one file.
type problems struct {
	file  string
	found []*problem
}

// wrong notes a mistake at a node.
func (p *problems) wrong(n *node, format string, args ...any) *problem {
	return p.wrongAt(n.line, n.column, format, args...)
}

// wrongAt notes a mistake at a place. Of the mistakes far beyond what is told,
// only that there is one is kept.
func (p *problems) wrongAt(line, column int, format string, args ...any) *problem {
	one := &problem{line: line, column: column, message: fmt.Sprintf(format, args...)}
	p.found = append(p.found, one)
	return one
}

// mistakes are all of them in the order of the file, each once.
func (p *problems) mistakes() []sluice.Mistake {
	slices.SortStableFunc(p.found, func(a, b *problem) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	told := slices.CompactFunc(slices.Clone(p.found), func(a, b *problem) bool { return *a == *b })
	out := make([]sluice.Mistake, len(told))
	for i, one := range told {
		out[i] = sluice.Mistake{File: p.file, Line: one.line, Column: one.column, Message: one.message, Fix: sluice.Correction(one.help)}
	}
	return out
}

// err is nil without mistakes, and else tells them in the order of the file, one
// on each line, with what to write instead.
func (p *problems) err() error {
	if err := sluice.Broken(p.mistakes()); err != nil {
		return err
	}
	return nil
}

// quote shows what a user wrote, shortened.
func quote(s string) string {
	const most = 60 // bytes
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}

// show is a value as a sentence shows it.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return quote(v)
	case []any:
		return "a list"
	case *value.Object, map[string]any: // which is how the checker of schemas has an object
		return "a map"
	default:
		return fmt.Sprint(v)
	}
}
