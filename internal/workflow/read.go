package workflow

import (
	"context"
	"encoding/json"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
)

// Read reads what runs from the files of a version, or of content that is not
// stored, of a kind of component: a workflow in any of its forms, a prompt as a
// workflow of one [Prompt] block, or a script as one of one [Script] block. All
// mistakes are told in one error, Invalid, each with its place. Other errors are
// those of the evaluator.
func Read(ctx context.Context, ev expr.Evaluator, kind string, files []sluice.File) (*Workflow, error) {
	w, err := read(ctx, ev, kind, files, false)
	if err != nil {
		return nil, err
	}
	return w, nil
}

// read reads for a run, or before a publish: then also what only some runs meet is a
// mistake, which must not keep a version that was published with it from its others.
// Of a workflow with mistakes it returns what was read of it too.
func read(ctx context.Context, ev expr.Evaluator, kind string, files []sluice.File, publish bool) (*Workflow, error) {
	switch kind = strings.ToLower(kind); {
	case sluice.IsWorkflow(kind):
		file, err := workflowFile(files)
		if err != nil {
			return nil, err
		}
		return readWorkflow(ctx, ev, file, kind, publish)
	case kind == sluice.KindAgent && isAgentFile(files):
		return readWorkflow(ctx, ev, files[0], kind, publish)
	case kind == sluice.KindPrompt:
		prompt, err := readPrompt(ctx, ev, files, publish)
		if err != nil {
			return nil, err
		}
		return prompt.workflow(), nil
	case kind == sluice.KindScript:
		if writtenAsWorkflow(files) {
			return read(ctx, ev, sluice.KindWorkflow, files, publish)
		}
		return readScript(ctx, ev, files)
	default:
		return nil, sluice.Errorf(sluice.Invalid, "a component of kind %s does not run", quote(kind)).
			Fix("run a workflow, a prompt or a script; what this one holds is read by a workflow that names it")
	}
}

// writtenAsWorkflow reports whether what is called a script is the file of a
// workflow, as in Scriptum, where scripts are compiled to YAML.
func writtenAsWorkflow(files []sluice.File) bool {
	suffix := ""
	if len(files) == 1 {
		suffix = strings.ToLower(path.Ext(files[0].Path))
	}
	return suffix == ".yaml" || suffix == ".yml"
}

// Calls are the components that blocks run, as the file refers to them, in the
// order of the file, bodies included. They are templates of inputs and env alone.
func (w *Workflow) Calls() []*Template {
	var out []*Template
	var visit func([]*Block)
	visit = func(blocks []*Block) {
		for _, b := range blocks {
			if b.Calls != nil {
				out = append(out, b.Calls)
			}
			visit(b.Body)
		}
	}
	visit(w.Blocks)
	return out
}

// Variables are the keys of variables that the file refers to as env.KEY, sorted
// and without repeats. What a called component refers to is not among them.
func (w *Workflow) Variables() []string { return slices.Clone(w.variables) }

// maxFile is the size of a file that is read, in bytes.
const maxFile = sluice.MaxFileBytes

// pickFile finds the one file that is meant: the only one, or the only one that
// may be, or the one with the name of the kind.
func pickFile(files []sluice.File, kind string, may func(suffix string) bool, wants string) (sluice.File, error) {
	var found []sluice.File
	for _, f := range files {
		if may(strings.ToLower(path.Ext(f.Path))) {
			found = append(found, f)
		}
	}
	if len(found) > 1 {
		named := slices.DeleteFunc(slices.Clone(found), func(f sluice.File) bool {
			base := path.Base(f.Path)
			return strings.TrimSuffix(base, path.Ext(base)) != kind
		})
		if len(named) > 0 {
			found = named
		}
	}
	switch {
	case len(found) == 0:
		return sluice.File{}, sluice.Errorf(sluice.Invalid, "no file of the %s can be run: %s is expected", kind, wants).Fix("publish %s", strings.TrimSuffix(wants, ","))
	case len(found) > 1:
		return sluice.File{}, sluice.Errorf(sluice.Invalid, "%d files of the %s could be the one to run: %s", len(found), kind, sluice.Listing(paths(found), 5)).
			Fix("call one of them %s%s", kind, path.Ext(found[0].Path))
	case len(found[0].Bytes()) > maxFile:
		return sluice.File{}, sluice.Errorf(sluice.Invalid, "%s has %d bytes; the limit is %d", found[0].Path, len(found[0].Bytes()), maxFile).
			Fix("split it into several workflows that call each other")
	}
	return found[0], nil
}

func workflowFile(files []sluice.File) (sluice.File, error) {
	return pickFile(files, sluice.KindWorkflow, func(suffix string) bool {
		return suffix == ".yaml" || suffix == ".yml" || suffix == ".json"
	}, "one file ending in .yaml, .yml or .json, or workflow.yaml among several,")
}

func paths(files []sluice.File) []string {
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = f.Path
	}
	return out
}

// readWorkflow reads a workflow in any of its forms.
func readWorkflow(ctx context.Context, ev expr.Evaluator, file sluice.File, kind string, publish bool) (*Workflow, error) {
	r := newReader(file)
	r.publish, r.asEnsemble = publish, kind != sluice.KindWorkflow
	top := r.parse(file.Bytes(), 1)
	if top != nil && len(r.found) == 0 {
		r.workflow(top)
	}
	return r.finish(ctx, ev)
}

// finish resolves what the texts refer to, once all blocks are known.
func (r *reader) finish(ctx context.Context, ev expr.Evaluator) (*Workflow, error) {
	if err := r.checkTexts(ctx, ev); err != nil {
		return r.out, err
	}
	r.link()
	if err := r.err(); err != nil {
		return r.out, err
	}
	r.out.variables = slices.Compact(slices.Sorted(slices.Values(r.variables)))
	return r.out, nil
}

// unreadable is the error for texts that could not be checked.
func (r *reader) unreadable(err error) error {
	var p *expr.Problem
	if errors.As(err, &p) {
		out := sluice.Errorf(sluice.Invalid, "%s: its templates cannot be read: %s", r.file, p.Message).Because(err)
		if p.Fix != "" {
			out.Fix("%s", p.Fix)
		}
		return out
	}
	return err
}

// encode writes a value, which always can be written.
func encode(v any) json.RawMessage {
	b, err := value.Encode(v)
	if err != nil {
		return nil
	}
	return b
}
