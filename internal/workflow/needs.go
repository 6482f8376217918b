package workflow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// lacks notes what the file asks for and Sluice does not have.
func (r *reader) lacks(at *node, format string, args ...any) {
	r.out.Needs = append(r.out.Needs, r.remark(at, format, args...))
}

// noted notes what is kept and has no effect here.
func (r *reader) noted(at *node, format string, args ...any) {
	note := r.remark(at, format, args...)
	said := func(m sluice.Mistake) bool { return m.Message == note.Message }
	if !slices.ContainsFunc(r.out.Notes, said) { // each once, at its first place
		r.out.Notes = append(r.out.Notes, note)
	}
}

func (r *reader) remark(at *node, format string, args ...any) sluice.Mistake {
	return sluice.Mistake{File: r.file, Line: at.line, Column: at.column, Message: fmt.Sprintf(format, args...)}
}

// aside notes a key that is kept and not acted on, and why.
func (f *fields) aside(name, why string) {
	if n := f.n.get(name); n != nil && !f.seen[name] {
		f.seen[name] = true
		f.noted(f.n.key(name), "%s is kept and not acted on: %s", name, why)
	}
}

// kept notes the keys that nobody took, unless they are slips for others.
func (f *fields) kept() {
	for _, key := range f.n.keys {
		name := key.name()
		if f.seen[name] || strings.HasPrefix(name, "x-") || nearest(name, f.known) != "" {
			continue
		}
		f.seen[name] = true
		f.noted(key, "%s is kept and not acted on", name)
	}
	f.rest()
}

// Lacking is the error for a run of what needs something that is not there: Invalid,
// with a line for each need. It is nil without needs.
func (w *Workflow) Lacking(needs []sluice.Mistake) *sluice.Error {
	out := sluice.Broken(slices.SortedStableFunc(slices.Values(needs), sluice.CompareMistakes))
	if out == nil {
		return nil
	}
	out.Message = "the " + w.word() + " cannot run here, since it needs what is not there:\n" + out.Message
	return out.Fix("it can be deployed and rolled back as it is; run it where there is what it needs, or replace that by think, code, http, transform or components")
}
