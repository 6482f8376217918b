package workflow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
)

// maxProblems is how many mistakes of one file are told at once.
const maxProblems = 20

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

// err is nil without mistakes, and else tells them in the order of the file, one
// on each line, with what to write instead.
func (p *problems) err() error {
	if len(p.found) == 0 {
		return nil
	}
	slices.SortStableFunc(p.found, func(a, b *problem) int {
		if a.line != b.line {
			return a.line - b.line
		}
		return a.column - b.column
	})
	told := slices.CompactFunc(p.found, func(a, b *problem) bool { return *a == *b })
	more := max(len(told)-maxProblems, 0)
	told = told[:len(told)-more]
	lines := make([]string, 0, len(told)+1)
	for _, one := range told {
		lines = append(lines, p.place(one)+one.message)
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("(and %d more)", more))
	}
	out := sluice.Errorf(sluice.Invalid, "%s", strings.Join(lines, "\n"))
	for _, one := range told {
		switch {
		case one.help == "":
		case len(told) > 1 && one.line > 0:
			out.Fix("line %d: %s", one.line, one.help)
		default:
			out.Fix("%s", one.help)
		}
	}
	out.Fixes = slices.Compact(out.Fixes)
	return out
}

func (p *problems) place(one *problem) string {
	switch {
	case one.line == 0:
		return p.file + ": "
	case one.column == 0:
		return fmt.Sprintf("%s:%d: ", p.file, one.line)
	default:
		return fmt.Sprintf("%s:%d:%d: ", p.file, one.line, one.column)
	}
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
