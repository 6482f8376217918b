package expr

import (
	"slices"
	"strconv"

	"github.com/nikolalohinski/gonja/v2/nodes"
)

// jinjaNames finds the names that a template uses and does not set. It also finds
// expressions that gonja's parser left out without saying so.
type jinjaNames struct {
	found  []Reference
	frames []map[string]bool
	loops  int // that are open
}

func (n *jinjaNames) push(names ...string) {
	frame := map[string]bool{}
	for _, name := range names {
		frame[name] = true
	}
	n.frames = append(n.frames, frame)
}

func (n *jinjaNames) pop() { n.frames = n.frames[:len(n.frames)-1] }

func (n *jinjaNames) bind(names ...string) {
	for _, name := range names {
		n.frames[len(n.frames)-1][name] = true
	}
}

func (n *jinjaNames) use(name string, path []string) {
	if name == choose || isDigits(name) || reserved[name] || globals[name] && !shared[name] {
		return
	}
	for _, frame := range n.frames {
		if frame[name] {
			return
		}
	}
	n.found = append(n.found, Reference{Root: name, Path: path, Shared: shared[name]})
}

// body goes through nodes in order.
func (n *jinjaNames) body(list []nodes.Node) *Problem {
	for _, node := range list {
		var p *Problem
		switch node := node.(type) {
		case *nodes.Output:
			p = n.expressions(node.Expression)
		case *nodes.ControlStructureBlock:
			if t, ok := node.ControlStructure.(tag); ok {
				p = t.names(n)
			}
		}
		if p != nil {
			return p
		}
	}
	return nil
}

// scoped goes through nodes that have a frame of their own.
func (n *jinjaNames) scoped(w *nodes.Wrapper, names ...string) *Problem {
	if w == nil {
		return nil
	}
	n.push(names...)
	defer n.pop()
	return n.body(w.Nodes)
}

// expressions goes through expressions. None may be nil.
func (n *jinjaNames) expressions(list ...nodes.Expression) *Problem {
	for _, e := range list {
		if p := n.expression(e); p != nil {
			return p
		}
	}
	return nil
}

func (n *jinjaNames) expression(e nodes.Expression) *Problem {
	switch e := e.(type) {
	case nil:
		return &Problem{Kind: Syntax, Message: "an expression is missing"}
	case *nodes.Name, *nodes.GetAttribute, *nodes.GetItem:
		root, path, _, p := n.chain(e)
		if root != "" {
			n.use(root, path)
		}
		return p
	case *nodes.GetSlice:
		return n.optional(e.Node, e.Start, e.End, e.Step)
	case *nodes.Call:
		return n.called(e)
	case *nodes.FilteredExpression:
		if p := n.expressions(e.Expression); p != nil {
			return p
		}
		return n.filters(e.Filters)
	case *nodes.TestExpression:
		if p := n.expressions(e.Expression); p != nil {
			return p
		}
		if !isTest(e.Test.Name) {
			return placeAt(noTest(e.Test.Name), e.Test.Token)
		}
		return n.arguments(e.Test.Args, e.Test.Kwargs)
	case *nodes.Negation:
		return n.expressions(e.Term)
	case *nodes.UnaryExpression:
		return n.expressions(e.Term)
	case *nodes.BinaryExpression:
		return n.expressions(e.Left, e.Right)
	case *nodes.List:
		return n.expressions(e.Val...)
	case *nodes.Tuple:
		return n.expressions(e.Val...)
	case *nodes.Dict:
		for _, pair := range e.Pairs {
			if p := n.expressions(pair.Key, pair.Value); p != nil {
				return p
			}
		}
	}
	return nil
}

// filters goes through a chain of filters. All must exist.
func (n *jinjaNames) filters(list []*nodes.FilterCall) *Problem {
	for _, f := range list {
		if filterOf(f.Name) == nil && !stock[f.Name] {
			return placeAt(noFilter(f.Name), f.Token)
		}
		if p := n.arguments(f.Args, f.Kwargs); p != nil {
			return p
		}
	}
	return nil
}

func (n *jinjaNames) optional(list ...nodes.Node) *Problem {
	for _, e := range list {
		if e != nil {
			if p := n.expressions(e); p != nil {
				return p
			}
		}
	}
	return nil
}

// called goes through a call. The last member of what is called is a method.
func (n *jinjaNames) called(e *nodes.Call) *Problem {
	root, path, whole, p := n.chain(e.Func)
	if p != nil {
		return p
	}
	if root != "" {
		if whole && len(path) > 0 {
			path = path[:len(path)-1]
		}
		n.use(root, path)
	}
	return n.arguments(e.Args, e.Kwargs)
}

func (n *jinjaNames) arguments(list []nodes.Expression, named map[string]nodes.Expression) *Problem {
	if p := n.expressions(list...); p != nil {
		return p
	}
	for _, name := range sortedKeys(named) {
		if p := n.expressions(named[name]); p != nil {
			return p
		}
	}
	return nil
}

// chain follows members down to the name that they start from, and goes through
// what is not part of the chain. The path is whole when it leads up to e.
func (n *jinjaNames) chain(e nodes.Node) (root string, path []string, whole bool, p *Problem) {
	switch e := e.(type) {
	case *nodes.Name:
		return e.Name.Val, nil, true, nil
	case *nodes.GetAttribute:
		root, path, whole, p = n.chain(e.Node)
		if whole {
			name := e.Attribute
			if name == "" {
				name = strconv.Itoa(e.Index)
			}
			path = append(slices.Clip(path), name)
		}
		return root, path, whole, p
	case *nodes.GetItem:
		root, path, whole, p = n.chain(e.Node)
		switch key := e.Arg.(type) {
		case *nodes.String:
			if whole {
				return root, append(slices.Clip(path), key.Val), true, p
			}
		case *nodes.Integer:
			if whole {
				return root, append(slices.Clip(path), strconv.Itoa(key.Val)), true, p
			}
		case nil:
			return root, path, false, tokenProblem(e.Location, "the [] is empty")
		default:
			if p == nil {
				p = n.expressions(e.Arg)
			}
		}
		return root, path, false, p
	}
	return "", nil, false, n.expressions(e)
}

func (t *ifTag) names(n *jinjaNames) *Problem {
	p := n.expressions(t.conditions...)
	for _, body := range t.bodies {
		if p == nil {
			p = n.body(body.Nodes)
		}
	}
	return p
}

func (t *setTag) names(n *jinjaNames) *Problem {
	var p *Problem
	if t.body != nil {
		p = n.scoped(t.body)
	} else {
		p = n.expressions(t.value)
	}
	if t.attribute == "" {
		n.bind(t.targets...)
	}
	return p
}

func (t *withTag) names(n *jinjaNames) *Problem {
	if p := n.expressions(t.values...); p != nil {
		return p
	}
	return n.scoped(t.body, t.targets...)
}

func (t *filterTag) names(n *jinjaNames) *Problem {
	if p := n.filters(t.filters); p != nil {
		return p
	}
	return n.scoped(t.body)
}

func (t *doTag) names(n *jinjaNames) *Problem { return n.expressions(t.value) }
func (t *rawTag) names(*jinjaNames) *Problem  { return nil }

// names refuses a break that no loop is around.
func (t *jumpTag) names(n *jinjaNames) *Problem {
	if n.loops == 0 {
		return tokenProblem(t.token, t.token.Val+" outside of a loop")
	}
	return nil
}

func (t *callTag) names(n *jinjaNames) *Problem {
	if p := n.expressions(t.called); p != nil {
		return p
	}
	return t.body.body(n)
}

func (t *forTag) names(n *jinjaNames) *Problem {
	if p := n.expressions(t.source); p != nil {
		return p
	}
	if t.condition != nil {
		n.push(t.targets...)
		p := n.expressions(t.condition)
		n.pop()
		if p != nil {
			return p
		}
	}
	n.loops++
	p := n.scoped(t.each, t.targets...)
	n.loops--
	if p != nil {
		return p
	}
	return n.scoped(t.empty)
}

func (t *macroTag) names(n *jinjaNames) *Problem {
	n.bind(t.name)
	return t.body(n)
}

// body goes through the inside of a macro.
func (t *macroTag) body(n *jinjaNames) *Problem {
	for _, e := range t.defaults {
		if e != nil {
			if p := n.expressions(e); p != nil {
				return p
			}
		}
	}
	loops := n.loops
	n.loops = 0
	defer func() { n.loops = loops }()
	return n.scoped(t.inside, t.params...)
}
