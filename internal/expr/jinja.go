package expr

import (
	"strings"
	"unicode"

	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/tokens"
	"github.com/sluice-dev/sluice/internal/value"
)

// The Jinja of workflows is Jinja2 with these decisions:
//
//   - A text that is one {{ }} has the value itself. In other texts, lists and maps
//     print as JSON, true and false in small letters, numbers as in JSON, none as
//     nothing.
//   - What is undefined is a problem wherever it is used, except under default and
//     is defined, which also take the members of what is undefined.
//   - A map's key comes before a method of the same name, and maps go through their
//     keys in the order in which these were written.
//   - Integers are exact at any size, up to a thousand digits. What has a fraction is
//     counted as a 64-bit float. Where that would change an integer or a fraction
//     that takes part, it is a problem. + joins texts only with texts.
//   - The line break at the end of a text stays. There is no escaping of HTML
//     unless a filter asks for it.

// maxMacros is how deeply macros and recursive loops may call each other.
const maxMacros = 200

// jinjaRun is one evaluation of one template.
type jinjaRun struct {
	w      *walker
	frames []map[string]any // what the template sets, the innermost last
	out    *strings.Builder
	most   int // bytes that any text may have
	calls  int // how deep macros are
}

// missing is a value that does not exist, with the problem that using it is.
type missing struct{ problem *Problem }

// function is something that can be called.
type function struct {
	name string
	call func(*jinjaRun, arguments) (any, error)
}

// namespace is what namespace() makes.
type namespace struct{ members *value.Object }

// fillJinja gives the value of one text.
func (w *walker) fillJinja(text string) (any, error) {
	t, problem := w.memory.template(text)
	if problem != nil {
		return nil, problem
	}
	r := &jinjaRun{w: w, frames: []map[string]any{{}}, out: &strings.Builder{}, most: w.left}
	if only, ok := t.alone(); ok {
		v, err := r.eval(only)
		if err != nil {
			return nil, err
		}
		return r.result(v, only)
	}
	if err := r.body(t.nodes); err != nil {
		return nil, jumped(err)
	}
	return r.out.String(), nil
}

// result makes a JSON value of what an expression gave.
func (r *jinjaRun) result(v any, from nodes.Expression) (any, error) {
	switch v.(type) {
	case moment, zone: // which print
		return r.text(v)
	case *function, *loop, *namespace, datetimes, zones:
		return nil, typeProblem(from.Position(), "the result is "+describe(v)+", which is no JSON value")
	}
	return r.settled(v)
}

// settled makes a value of what may still hold a float that is a whole number, or
// what is no value at all.
func (r *jinjaRun) settled(v any) (any, error) {
	if value.Size(v, r.most) > r.most {
		return nil, r.tooLarge()
	}
	settled, err := value.Of(v)
	if err != nil {
		return nil, notValue(err)
	}
	return settled, nil
}

// jumped makes a problem of a break that no loop took.
func jumped(err error) error {
	if err == errBreak || err == errContinue {
		return &Problem{Kind: Syntax, Message: err.Error()}
	}
	return err
}

// body runs nodes one after the other.
func (r *jinjaRun) body(list []nodes.Node) error {
	for _, n := range list {
		var err error
		switch n := n.(type) {
		case *nodes.Data:
			err = r.write(n.Data.Val)
		case *nodes.Output:
			var v any
			if v, err = r.eval(n.Expression); err == nil {
				err = r.show(v)
			}
		case *nodes.ControlStructureBlock:
			if t, ok := n.ControlStructure.(tag); ok {
				err = t.run(r)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// show writes a value as text.
func (r *jinjaRun) show(v any) error {
	s, err := r.text(v)
	if err != nil {
		return err
	}
	return r.write(s)
}

func (r *jinjaRun) write(s string) error {
	if r.out.Len()+len(s) > r.most {
		return r.tooLarge()
	}
	r.out.WriteString(s)
	return nil
}

// text is how a value prints.
func (r *jinjaRun) text(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case *missing:
		return "", v.problem
	case moment:
		return v.String(), nil
	case zone:
		return v.String(), nil
	case *function, *loop, *namespace, datetimes, zones:
		return "", &Problem{Kind: Type, Message: describe(v) + " cannot be printed"}
	}
	settled, err := r.settled(v)
	if err != nil {
		return "", err
	}
	return writeJSON(settled, "")
}

// capture runs nodes and returns what they print.
func (r *jinjaRun) capture(list []nodes.Node) (any, error) {
	return r.captured(func() error { return r.within(map[string]any{}, func() error { return r.body(list) }) })
}

// captured returns what a function prints. It counts how deep it is, since macros
// and recursive loops go through here.
func (r *jinjaRun) captured(print func() error) (any, error) {
	if r.calls++; r.calls > maxMacros {
		return nil, &Problem{Kind: Memory, Message: "macros or loops call each other too deeply", Fix: "look for a recursion that does not end"}
	}
	outer := r.out
	r.out = &strings.Builder{}
	err := print()
	s := r.out.String()
	r.out = outer
	r.calls--
	return s, jumped(err)
}

// within runs a function with one more frame of names.
func (r *jinjaRun) within(frame map[string]any, run func() error) error {
	outer := r.frames
	r.frames = append(outer[:len(outer):len(outer)], frame)
	err := run()
	r.frames = outer
	return err
}

// set binds a name in the innermost frame.
func (r *jinjaRun) set(name string, v any) { r.frames[len(r.frames)-1][name] = v }

// assign binds one name to a value, or several to the items of it.
func (r *jinjaRun) assign(targets []string, v any, at *tokens.Token) error {
	if len(targets) == 1 {
		r.set(targets[0], v)
		return nil
	}
	items, ok := v.([]any)
	if !ok || len(items) != len(targets) {
		what := describe(v)
		if ok {
			what = "a list of another length"
		}
		return typeProblem(at, what+" cannot be taken apart into "+strings.Join(targets, ", "))
	}
	for i, name := range targets {
		r.set(name, items[i])
	}
	return nil
}

// lookup finds a name: what the template set, then the scope, then the globals.
func (r *jinjaRun) lookup(name string) (any, bool) {
	for i := len(r.frames) - 1; i >= 0; i-- {
		if v, ok := r.frames[i][name]; ok {
			return v, true
		}
	}
	if v, ok := r.w.scope.Find(name); ok {
		return v, true
	}
	return r.global(name)
}

func typeProblem(at *tokens.Token, message string) *Problem {
	p := tokenProblem(at, message)
	p.Kind = Type
	return p
}

func blank(s string) bool { return strings.TrimFunc(s, unicode.IsSpace) == "" }
