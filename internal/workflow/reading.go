package workflow

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/declare"
	"github.com/sluice-dev/sluice/internal/expr"
)

// Reading is what was found in the content of a version.
type Reading struct {
	// As is what it was read as: see [sluice.Version].
	As string
	// Flow is what runs, nil when nothing does here or there are mistakes.
	Flow *Workflow
	// Needs are what the file asks for and Sluice does not have: it is kept, and no run
	// takes it. Notes say what else of it has no effect here.
	Needs, Notes []sluice.Mistake
	// Calls are the components that blocks run, of a workflow with mistakes too.
	Calls []CallSite
	// Mistakes are all that were found, file by file.
	Mistakes []sluice.Mistake
}

// CallSite is a component that a block runs, as the file refers to it in plain text, and
// where the block begins.
type CallSite struct {
	Ref, Block, File string
	Line, Column     int
	Part             string // what the author's form calls a block
}

// CallSites are the components that blocks run, where they are named in plain text.
func (w *Workflow) CallSites() []CallSite { return w.calls(w.Blocks) }

func (w *Workflow) calls(blocks []*Block) (out []CallSite) {
	for _, b := range blocks {
		if b.Calls != nil {
			ref, ok := b.Calls.Tree.(string)
			if ok && b.Calls.Plain && !hasTemplate(ref, b.Calls.Dialect) {
				out = append(out, CallSite{Ref: ref, Block: b.ID, File: w.file, Line: b.Line, Column: b.Column, Part: w.Part()})
			}
		}
		out = append(out, w.calls(b.Body)...)
	}
	return out
}

// Check reads the whole content of a component of a kind: what [Read] reads, as a run
// of it would be read, and what all files declare. Content with behaviour that
// Sluice does not run, of an agent or in another language, is checked as far as its
// form goes. Errors are those of the evaluator alone.
func Check(ctx context.Context, ev expr.Evaluator, kind string, files []sluice.File) (Reading, error) {
	r := Reading{As: sluice.ReadsAs(kind)}
	switch {
	case r.As == sluice.ReadAsData:
		return r, nil
	case r.As == sluice.KindAgent:
		r.Mistakes = readAgent(files)
	case r.As == sluice.KindScript && inOtherLanguage(files):
		r.As = sluice.ReadAsOther
	default:
		flow, err := read(ctx, ev, kind, files, true)
		if err != nil && sluice.CodeOf(err) != sluice.Invalid {
			return r, err
		}
		r.Flow, r.Mistakes = flow, mistakesOf(err)
		if flow != nil {
			r.Calls, r.Needs, r.Notes = flow.CallSites(), flow.Needs, flow.Notes
		}
		if len(r.Needs) > 0 {
			r.As, r.Flow = sluice.ReadAsOther, nil
		}
	}
	for _, f := range files {
		if _, err := declare.Requires([]sluice.File{f}); err != nil {
			r.declared(mistakesOf(err))
		}
	}
	if len(r.Mistakes) > 0 {
		r.Flow = nil
	} else if _, err := declare.Requires(files); err != nil { // all of them together are too many
		r.Mistakes = mistakesOf(err)
	}
	return r, nil
}

// mistakesOf are those that an error tells of. One that is about all files names none.
func mistakesOf(err error) []sluice.Mistake {
	e := sluice.AsError(err)
	switch {
	case e == nil:
		return nil
	case len(e.Mistakes) > 0:
		return e.Mistakes
	}
	m := sluice.Mistake{Message: e.Message}
	if len(e.Fixes) > 0 {
		m.Fix = &e.Fixes[0]
	}
	return []sluice.Mistake{m}
}

// declared adds mistakes in declarations, but for what is said of their file or line
// already: a file that is no YAML declares nothing that can be read.
func (r *Reading) declared(found []sluice.Mistake) {
	for _, m := range found {
		said := func(o sluice.Mistake) bool {
			return o.File == m.File && (m.Column == 0 || o.Line == m.Line && o.Column == m.Column)
		}
		if !slices.ContainsFunc(r.Mistakes, said) {
			r.Mistakes = append(r.Mistakes, m)
		}
	}
}

// dslScript begins a script in Scriptum's own language, below comments.
var dslScript = regexp.MustCompile(`^(\s*--[^\n]*\n|\s*\n)*\s*script[ \t]+"`)

// inOtherLanguage reports whether a script has programs, and all of them are in
// languages that Sluice does not run.
func inOtherLanguage(files []sluice.File) bool {
	other := false
	for _, f := range files {
		suffix := strings.ToLower(path.Ext(f.Path))
		switch {
		case slices.Contains(otherLanguages, suffix):
			other = true
		case suffix == ".scriptum" && dslScript.Match(f.Bytes()):
			other = true
		case !slices.Contains(notScripts, suffix) || len(files) == 1:
			return false
		}
	}
	return other
}
