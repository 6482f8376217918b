package expr

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/tokens"
	"github.com/sluice-dev/sluice/internal/value"
)

// eval gives the value of an expression. What does not exist is a problem.
func (r *jinjaRun) eval(e nodes.Expression) (any, error) {
	v, err := r.value(e)
	if err != nil {
		return nil, err
	}
	if m, ok := v.(*missing); ok {
		return nil, m.problem
	}
	return v, nil
}

// value gives the value of an expression, which may be missing.
func (r *jinjaRun) value(e nodes.Expression) (any, error) {
	switch e := e.(type) {
	case *nodes.String:
		return e.Val, nil
	case *nodes.Integer:
		return int64(e.Val), nil
	case *nodes.Float:
		return literal(e.Location)
	case *nodes.Bool:
		return e.Val, nil
	case *nodes.None:
		return nil, nil
	case *nodes.Name:
		if isDigits(e.Name.Val) {
			return literal(e.Name)
		}
		return r.name(e), nil
	case *nodes.GetAttribute, *nodes.GetItem:
		return r.member(e)
	case *nodes.GetSlice:
		return r.slice(e)
	case *nodes.Call:
		return r.call(e, nil)
	case *nodes.FilteredExpression:
		v, err := r.value(e.Expression)
		for _, f := range e.Filters {
			if err == nil {
				v, err = r.filter(f, v)
			}
		}
		return v, err
	case *nodes.TestExpression:
		return r.test(e)
	case *nodes.Negation:
		yes, err := r.truth(e.Term)
		return !yes, err
	case *nodes.UnaryExpression:
		return r.unary(e)
	case *nodes.BinaryExpression:
		return r.binary(e)
	}
	return r.composed(e)
}

// composed gives lists and maps.
func (r *jinjaRun) composed(e nodes.Expression) (any, error) {
	switch e := e.(type) {
	case *nodes.List:
		return r.list(e.Val)
	case *nodes.Tuple:
		return r.list(e.Val)
	case *nodes.Dict:
		m := value.NewObject(len(e.Pairs))
		for _, pair := range e.Pairs {
			key, err := r.eval(pair.Key)
			if err != nil {
				return nil, err
			}
			name, ok := key.(string)
			if !ok {
				return nil, typeProblem(pair.Key.Position(), "a key of a map must be a text, not "+describe(key))
			}
			v, err := r.eval(pair.Value)
			if err != nil {
				return nil, err
			}
			m.Set(name, v)
		}
		return m, nil
	}
	return nil, &Problem{Kind: Syntax, Message: "the expression cannot be read"}
}

// literal is a number as it was written in the template.
func literal(at *tokens.Token) (any, error) {
	v, err := value.ParseNumber(at.Val)
	if err != nil {
		return nil, typeProblem(at, err.Error())
	}
	return v, nil
}

func (r *jinjaRun) list(list []nodes.Expression) (any, error) {
	items := make([]any, len(list))
	for i, e := range list {
		v, err := r.eval(e)
		if err != nil {
			return nil, err
		}
		items[i] = v
	}
	return items, nil
}

func (r *jinjaRun) name(n *nodes.Name) any {
	name := n.Name.Val
	if name == "none" {
		return nil
	}
	if v, ok := r.lookup(name); ok {
		return v
	}
	p := noRoot(name, r.w.scope.Keys())
	return &missing{placeAt(p, n.Name)}
}

// member gives an attribute, an item or an index of a value. The members of what
// is missing are missing for the same reason.
func (r *jinjaRun) member(e nodes.Expression) (any, error) {
	var of nodes.Node
	var key any
	var at *tokens.Token
	switch e := e.(type) {
	case *nodes.GetAttribute:
		of, key, at = e.Node, e.Attribute, e.Location
		if e.Attribute == "" {
			key = int64(e.Index)
		}
	case *nodes.GetItem:
		if e.Arg == nil {
			return nil, tokenProblem(e.Location, "the [] is empty")
		}
		index, err := r.eval(e.Arg)
		if err != nil {
			return nil, err
		}
		of, key, at = e.Node, index, e.Location
	}
	v, err := r.value(of)
	if err != nil {
		return nil, err
	}
	found, problem := memberOf(v, key, func() string { return written(of) })
	if problem != nil {
		if problem.Kind == Undefined {
			return &missing{placeAt(problem, at)}, nil
		}
		return nil, placeAt(problem, at)
	}
	return found, nil
}

// memberOf looks a member up. Names are for maps and what templates have of their
// own, integers for lists and texts, where negative ones count from the end.
func memberOf(v, key any, owner func() string) (any, *Problem) {
	switch key := key.(type) {
	case string:
		switch v := v.(type) {
		case *missing:
			return v, nil
		case *value.Object:
			if member, ok := v.Find(key); ok {
				return member, nil
			}
		case *namespace:
			if member, ok := v.members.Find(key); ok {
				return member, nil
			}
			return nil, noMember(owner(), v.members, key)
		case interface{ member(string) (any, bool) }:
			if member, ok := v.member(key); ok {
				return member, nil
			}
		}
		return nil, noMember(owner(), v, key)
	default:
		if index, ok := value.Int(key); ok {
			return indexOf(v, index, owner)
		}
	}
	return nil, &Problem{Kind: Type, Message: describe(key) + " is no key or index"}
}

func indexOf(v any, index int64, owner func() string) (any, *Problem) {
	switch v := v.(type) {
	case *missing:
		return v, nil
	case []any:
		i := index
		if i < 0 {
			i += int64(len(v))
		}
		if 0 <= i && i < int64(len(v)) {
			return v[i], nil
		}
	case string:
		runes := []rune(v)
		i := index
		if i < 0 {
			i += int64(len(runes))
		}
		if 0 <= i && i < int64(len(runes)) {
			return string(runes[i]), nil
		}
	}
	return nil, noIndex(owner(), v, index)
}

// truth reports whether an expression counts as true.
func (r *jinjaRun) truth(e nodes.Expression) (bool, error) {
	v, err := r.eval(e)
	if err != nil {
		return false, err
	}
	return truthy(v), nil
}

// call calls what an expression names. Extra are arguments that the call does not
// write down.
func (r *jinjaRun) call(e *nodes.Call, extra map[string]any) (any, error) {
	if n, ok := e.Func.(*nodes.Name); ok && n.Name.Val == choose {
		return r.choose(e)
	}
	if a, ok := e.Func.(*nodes.GetAttribute); ok && a.Attribute != "" {
		return r.callMember(e, a, extra)
	}
	f, err := r.eval(e.Func)
	if err != nil {
		return nil, err
	}
	return r.invoke(e, f, extra)
}

func (r *jinjaRun) invoke(e *nodes.Call, f any, extra map[string]any) (any, error) {
	a, err := r.arguments(e.Args, e.Kwargs, written(e.Func), e.Location)
	if err != nil {
		return nil, err
	}
	for name, v := range extra {
		a.named.Set(name, v)
	}
	switch f := f.(type) {
	case *function:
		v, err := f.call(r, a)
		return v, placedAt(err, e.Func.Position())
	case *loop:
		return f.again(r, a)
	}
	return nil, typeProblem(e.Func.Position(), written(e.Func)+" is "+describe(f)+" and cannot be called")
}

// callMember calls a member that is a function, or else a method of its owner.
func (r *jinjaRun) callMember(e *nodes.Call, a *nodes.GetAttribute, extra map[string]any) (any, error) {
	owner, err := r.eval(a.Node)
	if err != nil {
		return nil, err
	}
	member, problem := memberOf(owner, a.Attribute, func() string { return written(a.Node) })
	if _, callable := member.(*function); problem == nil && callable {
		return r.invoke(e, member, extra)
	}
	args, err := r.arguments(e.Args, e.Kwargs, written(e.Func), e.Location)
	if err != nil {
		return nil, err
	}
	v, err := r.method(owner, a.Attribute, args)
	if errors.Is(err, errNoMethod) {
		return nil, placeAt(&Problem{Kind: Undefined, Message: fmt.Sprintf("%s has no method %s; it is %s", cut(written(a.Node), 100), cut(a.Attribute, 60), describe(owner))}, a.Location)
	}
	return v, placedAt(err, a.Location)
}

// choose is `a if b else c`, of which one side only is evaluated.
func (r *jinjaRun) choose(e *nodes.Call) (any, error) {
	if len(e.Args) < 2 {
		return nil, tokenProblem(e.Location, "the if has no condition")
	}
	yes, err := r.truth(e.Args[0])
	switch {
	case err != nil:
		return nil, err
	case yes:
		return r.value(e.Args[1])
	case len(e.Args) > 2:
		return r.value(e.Args[2])
	}
	return "", nil
}

// written is how an expression was written, as far as names and members go.
func written(e nodes.Node) string {
	switch e := e.(type) {
	case *nodes.Name:
		return e.Name.Val
	case *nodes.GetAttribute:
		if e.Attribute == "" {
			return written(e.Node) + "[" + strconv.Itoa(e.Index) + "]"
		}
		return written(e.Node) + "." + e.Attribute
	case *nodes.GetItem:
		switch key := e.Arg.(type) {
		case *nodes.Integer:
			return written(e.Node) + "[" + strconv.Itoa(key.Val) + "]"
		case *nodes.String:
			var b strings.Builder
			b.WriteString(written(e.Node))
			value.WriteMember(&b, key.Val)
			return b.String()
		}
		return written(e.Node) + "[…]"
	}
	return "the value"
}

func placeAt(p *Problem, t *tokens.Token) *Problem {
	if t != nil && p.Line == 0 {
		p.Line, p.Column = t.Line, t.Col
	}
	return p
}

// placedAt gives a problem without a place the one of a token.
func placedAt(err error, t *tokens.Token) error {
	if p, ok := err.(*Problem); ok {
		return placeAt(p, t)
	}
	return err
}
