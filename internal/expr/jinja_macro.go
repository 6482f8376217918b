package expr

import (
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// macroTag is a macro, and the body of a call, which is a macro without a name.
type macroTag struct {
	at
	name     string
	params   []string
	defaults []nodes.Expression // nil for a parameter that must be given
	inside   *nodes.Wrapper
}

func readMacro(r *tagReader) (tag, *Problem) {
	t := &macroTag{at: r.at()}
	var problem *Problem
	if t.name, problem = r.identifier(); problem != nil {
		return nil, problem
	}
	if r.args.Current(tokens.LeftParenthesis) == nil {
		return nil, r.unexpected(r.args, "( is missing in macro")
	}
	if problem = t.parameters(r); problem != nil {
		return nil, problem
	}
	t.inside, problem = r.body("endmacro")
	return t, problem
}

// parameters reads (a, b=1).
func (t *macroTag) parameters(r *tagReader) *Problem {
	if r.args.Match(tokens.LeftParenthesis) == nil {
		return nil
	}
	for r.args.Match(tokens.RightParenthesis) == nil {
		name, problem := r.identifier()
		if problem != nil {
			return problem
		}
		var otherwise nodes.Expression
		if r.args.Match(tokens.Assign) != nil {
			if otherwise, problem = r.expression(); problem != nil {
				return problem
			}
		}
		t.params, t.defaults = append(t.params, name), append(t.defaults, otherwise)
		if r.args.Match(tokens.Comma) == nil && r.args.Current(tokens.RightParenthesis) == nil {
			return r.unexpected(r.args, "the bracket is not closed")
		}
	}
	return nil
}

func (t *macroTag) run(r *jinjaRun) error {
	r.set(t.name, t.function(r, t.name))
	return nil
}

// function is the macro with what it can see: what its template has set where it
// stands, and its parameters.
func (t *macroTag) function(r *jinjaRun, name string) *function {
	frames := r.frames
	return &function{name, func(r *jinjaRun, a arguments) (any, error) {
		frame, err := t.bind(r, a)
		if err != nil {
			return nil, err
		}
		callers := r.frames
		defer func() { r.frames = callers }()
		r.frames = append(frames[:len(frames):len(frames)], frame)
		return r.capture(t.inside.Nodes)
	}}
}

// bind gives the parameters their values.
func (t *macroTag) bind(r *jinjaRun, a arguments) (map[string]any, error) {
	frame := map[string]any{}
	if len(a.list) > len(t.params) {
		return nil, a.problem("%d arguments are given, and it takes %d", len(a.list), len(t.params))
	}
	for i, name := range t.params {
		given, named := a.named.Find(name)
		switch {
		case i < len(a.list):
			frame[name] = a.list[i]
		case named:
			frame[name] = given
		case t.defaults[i] != nil:
			value, err := r.eval(t.defaults[i])
			if err != nil {
				return nil, err
			}
			frame[name] = value
		default:
			frame[name] = &missing{&Problem{Kind: Undefined, Message: "the argument " + name + " of " + a.of + " is not given"}}
		}
		a.named.Delete(name)
	}
	for name, value := range a.named.All() {
		if name != "caller" {
			return nil, a.problem("it has no argument %s", name)
		}
		frame[name] = value
	}
	return frame, nil
}

type callTag struct {
	at
	called nodes.Expression
	body   *macroTag
}

func readCall(r *tagReader) (tag, *Problem) {
	t := &callTag{at: r.at(), body: &macroTag{at: r.at()}}
	problem := t.body.parameters(r)
	if problem != nil {
		return nil, problem
	}
	if t.called, problem = r.expression(); problem != nil {
		return nil, problem
	}
	if _, ok := t.called.(*nodes.Call); !ok {
		return nil, tokenProblem(r.token, "call needs a macro with its arguments").fixed("write {% call name() %}")
	}
	t.body.inside, problem = r.body("endcall")
	return t, problem
}

func (t *callTag) run(r *jinjaRun) error {
	value, err := r.call(t.called.(*nodes.Call), map[string]any{"caller": t.body.function(r, "caller")})
	if err != nil {
		return err
	}
	return r.show(value)
}
