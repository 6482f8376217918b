package expr

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/sluice-dev/sluice/internal/value"
)

// Direct evaluates in this process. Its methods keep to the bound on the output
// and end a JavaScript program with the context, but nothing else bounds what
// they use: an input can take any time, and end the process for want of memory
// or stack. It is for the processes of package sandbox, and for tests. The zero
// Direct reads each text anew; see [Remembering].
type Direct struct{ memory *memory }

// For implements [Evaluator]. Nothing waits here.
func (d Direct) For(string) Evaluator { return d }

// Check implements [Evaluator].
func (Direct) Check(ctx context.Context, texts []Text) ([]Checked, error) {
	checked := make([]Checked, len(texts))
	for i, t := range texts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		checked[i] = check(t)
	}
	return checked, nil
}

func check(t Text) (c Checked) {
	defer func() {
		if p := recovered(recover()); p != nil {
			c = Checked{Problem: asProblem(p)}
		}
	}()
	switch t.Dialect {
	case Jinja:
		return checkJinja(t.Text)
	case JavaScript:
		return checkJavaScript(t.Text)
	case ScriptBody:
		return checkScript(t.Text)
	}
	return Checked{Problem: unknownDialect(t.Dialect)}
}

// Render implements [Evaluator].
func (d Direct) Render(ctx context.Context, render Render) (Rendered, error) {
	if render.Dialect != Jinja && render.Dialect != JavaScript {
		return Rendered{}, unknownDialect(render.Dialect)
	}
	w := walker{memory: d.memory, ctx: ctx, render: render, scope: render.Scope, random: draws(render.Seed), left: render.Limits.WithDefaults().Output}
	tree, err := w.walk(render.Tree, nil)
	if err != nil {
		return Rendered{}, err
	}
	return Rendered{Tree: tree, Uses: w.uses}, nil
}

// Run implements [Evaluator].
func (d Direct) Run(ctx context.Context, script Script) (result Result, err error) {
	defer func() {
		if p := recovered(recover()); p != nil {
			result, err = Result{}, p
		}
	}()
	m := newMachine(script.Scope, script.Now, draws(script.Seed))
	returned, err := runScript(ctx, m, d.memory, script.Code, script.Limits.WithDefaults().Output)
	if err != nil {
		return Result{}, err
	}
	return Result{Value: returned, Logs: m.logs, Uses: m.uses}, nil
}

// walker fills in a tree.
type walker struct {
	memory *memory
	ctx    context.Context
	render Render
	scope  *value.Object
	left   int // bytes that the result may still have
	random *rand.Rand
	uses   Uses
	plain  bool // names are looked up, and nothing else is evaluated
}

// walk fills in lists and objects in their order.
func (w *walker) walk(v any, at *value.Path) (any, error) {
	if at.Depth() > value.MaxDepth {
		return nil, &Problem{Kind: Type, Path: at.String(), Message: fmt.Sprintf("the tree is nested deeper than %d levels", value.MaxDepth)}
	}
	switch v := v.(type) {
	case string:
		return w.fill(v, at)
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			filled, err := w.walk(item, at.Index(i))
			if err != nil {
				return nil, err
			}
			list[i] = filled
		}
		return list, w.spend(2+len(list), at)
	case *value.Object:
		o := value.NewObject(v.Len())
		for key, item := range v.All() {
			filled, err := w.walk(item, at.Key(key))
			if err != nil {
				return nil, err
			}
			o.Set(key, filled)
			if err := w.spend(len(key)+4, at); err != nil {
				return nil, err
			}
		}
		return o, nil
	case nil, bool, int64, float64, value.Number:
		return v, w.spend(value.Size(v, w.left), at)
	}
	return nil, &Problem{Kind: Type, Path: at.String(), Message: fmt.Sprintf("%T is no JSON value", v)}
}

// fill gives the value of one string.
func (w *walker) fill(text string, at *value.Path) (v any, err error) {
	defer func() {
		if p := recovered(recover()); p != nil {
			err = p
		}
		err = placed(err, at)
	}()
	if err := w.ctx.Err(); err != nil {
		return nil, err
	}
	switch {
	case static(text, w.render.Dialect):
		v = text
	case w.plain:
		v, err = w.fillPlain(text)
	case w.render.Dialect == Jinja:
		v, err = w.fillJinja(text)
	default:
		v, err = w.fillJavaScript(text)
	}
	if err != nil {
		return nil, err
	}
	return v, w.spend(value.Size(v, w.left), at)
}

func (w *walker) fillJavaScript(whole string) (any, error) {
	parts, problem := w.memory.split(whole)
	if problem != nil {
		return nil, problem
	}
	m := newMachine(w.scope, w.render.Now, w.random)
	v, err := text{ctx: w.ctx, memory: w.memory, text: whole, parts: parts}.evaluate(m, w.left)
	w.uses.Clock = w.uses.Clock || m.uses.Clock
	w.uses.Random += m.uses.Random
	return v, err
}

// spend takes bytes off what the result may have.
func (w *walker) spend(n int, at *value.Path) error {
	if w.left -= n; w.left < 0 {
		return placed(tooLarge(w.render.Limits.WithDefaults().Output), at)
	}
	return nil
}

// static reports whether a text has no template in it.
func static(text string, dialect Dialect) bool {
	if dialect == JavaScript {
		return !strings.Contains(text, "${")
	}
	return !strings.Contains(text, "{{") && !strings.Contains(text, "{%") && !strings.Contains(text, "{#")
}

// placed sets the path of a problem.
func placed(err error, at *value.Path) error {
	if p, ok := err.(*Problem); ok && p.Path == "" {
		p.Path = at.String()
	}
	return err
}

// recovered turns what a panic carried into an error. Engines panic with what
// ends them, and where they have a defect.
func recovered(panicked any) error {
	if panicked == nil {
		return nil
	}
	if err, ok := panicked.(error); ok {
		if ended := uncatchable(err); ended != nil {
			return ended
		}
	}
	return &Problem{Kind: Internal, Message: "the evaluator failed: " + cut(fmt.Sprint(panicked), 200)}
}

func asProblem(err error) *Problem {
	if p, ok := err.(*Problem); ok {
		return p
	}
	return &Problem{Kind: Internal, Message: cut(err.Error(), 200)}
}

func unknownDialect(d Dialect) *Problem {
	return &Problem{Kind: Internal, Message: fmt.Sprintf("a text cannot be in the dialect %q", cut(string(d), 40))}
}
