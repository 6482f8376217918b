package runner

import (
	"cmp"
	"context"
	"hash/fnv"
	"io"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// frame is what templates at one level see besides its blocks.
type frame struct {
	x      *execution
	level  *level
	outer  *frame        // of the list that a body is in
	locals *value.Object // item, index, accumulator
	input  *value.Object
	spread bool // the fields of the input are names too
	// ensemble says that templates see what ensembles do; see [workflow.Workflow].
	ensemble bool
	env      map[string]string
	by       string // the part that runs, as component@version; "" for the run's own
	depth    int    // of workflows that call workflows
}

// envOf are the values of variables by key.
func envOf(variables []sluice.Variable) map[string]string {
	out := map[string]string{}
	for _, v := range variables {
		if v.Value != nil {
			out[v.Key] = *v.Value
		}
	}
	return out
}

// scope holds what a template refers to.
func (f *frame) scope(t workflow.Template, locals *value.Object) *value.Object {
	out := value.NewObject(len(t.Roots))
	for _, name := range t.Roots {
		if v, found := f.find(name, t, locals); found {
			out.Set(name, v)
		}
	}
	return out
}

func (f *frame) find(name string, t workflow.Template, locals *value.Object) (any, bool) {
	if v, found := locals.Find(name); found {
		return v, true
	}
	for g := f; g != nil; g = g.outer {
		if v, found := g.locals.Find(name); found {
			return v, true
		}
		for i, b := range g.level.blocks {
			if b.ID == name {
				return g.level.seen(i), true
			}
		}
	}
	switch name {
	case "inputs", "input":
		return f.input, true
	case "env", "_env":
		return f.variables(t), true
	case "run":
		r := f.x.work.Run
		return value.Pairs(
			"id", r.ID, "environment", r.Environment, "release", r.Release, "component", r.Component, "version", r.Pin.String(),
			"session", r.Session,
		), true
	case "agents", "blocks":
		all := value.NewObject(len(f.level.blocks))
		for i, b := range f.level.blocks {
			all.Set(b.ID, f.level.seen(i))
		}
		return all, true
	}
	v, found := f.input.Find(name) // as prompts and ensembles may write it
	if !found && f.ensemble {
		return f.request(name)
	}
	return v, found
}

// request is what an ensemble calls the parts of a request. A run is started by none:
// its input stands for what one would bring.
func (f *frame) request(name string) (any, bool) {
	switch name {
	case "params", "query", "body":
		return f.input, true
	case "trigger":
		out := value.Pairs("params", f.input, "query", f.input, "body", f.input)
		out.Merge(f.input)
		return out, true
	}
	return nil, false
}

// variables are those that a template names; when one is missing all of them, so
// that the error can say what there is.
func (f *frame) variables(t workflow.Template) *value.Object {
	all := t.AllEnv
	for _, key := range t.Env {
		if _, there := f.env[key]; !there {
			all = true
		}
	}
	if all {
		return value.Sorted(f.env)
	}
	out := value.NewObject(len(t.Env))
	for _, key := range t.Env {
		out.Set(key, f.env[key])
	}
	return out
}

// seen is a block as templates see it.
func (l *level) seen(i int) *value.Object {
	r := l.result(i)
	if r == nil {
		r = &result{}
	}
	fields, _ := r.output.(*value.Object)
	out := value.NewObject(fields.Len() + r.extra.Len() + 7)
	out.Merge(fields)
	out.Merge(r.extra)
	out.Set("output", r.output)
	out.Set("executed", r.status == sluice.StepCompleted || r.status == sluice.StepFailed || r.status == sluice.StepIgnored)
	out.Set("success", r.status == sluice.StepCompleted)
	out.Set("failed", r.status == sluice.StepFailed || r.status == sluice.StepIgnored)
	out.Set("skipped", r.status == sluice.StepSkipped)
	out.Set("duration", r.us/1000) // milliseconds
	out.Set("error", nil)
	if r.err != nil {
		out.Set("error", r.err.Message)
	}
	if l.frame.ensemble {
		out.Set("answer", answer(r.output, l.blocks[i].Answer))
		out.Set("_meta", r.extra)
	}
	return out
}

// answer is the output of an agent as its fields are referred to: a text has one.
func answer(output any, field string) any {
	if text, ok := output.(string); ok {
		return value.Pairs(cmp.Or(field, "message"), text)
	}
	return output
}

// holding asks a condition at the level, which holds when there is none.
func (l *level) holding(ctx context.Context, t *workflow.Template, path string) (bool, error) {
	if t == nil {
		return true, nil
	}
	v, _, err := l.render(ctx, *t, nil, path)
	if err != nil {
		return false, err
	}
	return holds(v, t)
}

// render fills a template in. Uses says what of the outside it read.
func (l *level) render(ctx context.Context, t workflow.Template, locals *value.Object, path string) (any, expr.Uses, error) {
	if t.Plain {
		return t.Tree, expr.Uses{}, nil
	}
	now, seed := l.x.sources(path)
	out, err := l.x.eval.Render(ctx, expr.Render{
		Tree: t.Tree, Dialect: t.Dialect, Scope: l.frame.scope(t, locals), Now: int64(now), Seed: seed,
	})
	return out.Tree, out.Uses, err
}

// sources are the clock and the seed of one step. After a crash they are the same
// for a step that had begun.
func (x *execution) sources(path string) (sluice.Time, int64) {
	h := fnv.New64a()
	_, _ = io.WriteString(h, x.work.Run.ID+" "+path)
	now := x.before[path].StartedAt
	if now == 0 {
		now = sluice.TimeOf(x.r.cfg.Now())
	}
	return now, int64(h.Sum64() >> 1)
}

// decode reads what is on disk, which may be nothing.
func decode(raw []byte) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	return value.Decode(raw)
}
