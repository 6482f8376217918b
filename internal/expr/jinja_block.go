package expr

import (
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

type ifTag struct {
	at
	conditions []nodes.Expression
	bodies     []*nodes.Wrapper // one more than conditions with an else
}

func readIf(r *tagReader) (tag, *Problem) {
	t := &ifTag{at: r.at()}
	args := r.args
	for {
		condition, problem := r.expressionOf(args)
		if problem == nil {
			problem = r.end(args)
		}
		if problem != nil {
			return nil, problem
		}
		t.conditions = append(t.conditions, condition)
		body, next, problem := r.inside("elif", "else", "endif")
		if problem != nil {
			return nil, problem
		}
		t.bodies = append(t.bodies, body)
		if body.EndTag == "elif" {
			args = next
			continue
		}
		if body.EndTag == "else" {
			if body, next, problem = r.inside("endif"); problem != nil {
				return nil, problem
			}
			t.bodies = append(t.bodies, body)
		}
		return t, r.end(next)
	}
}

func (t *ifTag) run(r *jinjaRun) error {
	for i, condition := range t.conditions {
		yes, err := r.truth(condition)
		if err != nil {
			return err
		}
		if yes {
			return r.body(t.bodies[i].Nodes)
		}
	}
	if len(t.bodies) > len(t.conditions) {
		return r.body(t.bodies[len(t.conditions)].Nodes)
	}
	return nil
}

type setTag struct {
	at
	targets   []string
	attribute string // of a namespace, whose name is the only target
	value     nodes.Expression
	body      *nodes.Wrapper
}

func readSet(r *tagReader) (tag, *Problem) {
	t := &setTag{at: r.at()}
	var problem *Problem
	if t.targets, problem = r.identifiers(); problem != nil {
		return nil, problem
	}
	if len(t.targets) == 1 && r.args.Match(tokens.Dot) != nil {
		if t.attribute, problem = r.identifier(); problem != nil {
			return nil, problem
		}
	}
	if r.args.Match(tokens.Assign) == nil {
		t.body, problem = r.body("endset")
		return t, problem
	}
	if t.value, problem = r.expression(); problem != nil {
		return nil, problem
	}
	if r.args.Current(tokens.Comma) != nil { // a tuple without brackets
		items := []nodes.Expression{t.value}
		for r.args.Match(tokens.Comma) != nil {
			item, problem := r.expression()
			if problem != nil {
				return nil, problem
			}
			items = append(items, item)
		}
		t.value = &nodes.Tuple{Location: r.token, Val: items}
	}
	return t, r.end(r.args)
}

func (t *setTag) run(r *jinjaRun) error {
	var value any
	var err error
	if t.body != nil {
		value, err = r.capture(t.body.Nodes)
	} else {
		value, err = r.eval(t.value)
	}
	if err != nil {
		return err
	}
	if t.attribute == "" {
		return r.assign(t.targets, value, t.token)
	}
	space, ok := r.lookup(t.targets[0])
	if n, isSpace := space.(*namespace); ok && isSpace {
		n.members.Set(t.attribute, value)
		return nil
	}
	p := tokenProblem(t.token, t.targets[0]+" cannot be changed")
	p.Kind = Type
	return p.fixed("only what namespace() made has members that can be set")
}

type withTag struct {
	at
	targets []string
	values  []nodes.Expression
	body    *nodes.Wrapper
}

func readWith(r *tagReader) (tag, *Problem) {
	t := &withTag{at: r.at()}
	for !r.args.End() {
		name, problem := r.identifier()
		if problem != nil {
			return nil, problem
		}
		if r.args.Match(tokens.Assign) == nil {
			return nil, r.unexpected(r.args, "= is missing in with")
		}
		value, problem := r.expression()
		if problem != nil {
			return nil, problem
		}
		t.targets, t.values = append(t.targets, name), append(t.values, value)
		if r.args.Match(tokens.Comma) == nil {
			break
		}
	}
	var problem *Problem
	t.body, problem = r.body("endwith")
	return t, problem
}

func (t *withTag) run(r *jinjaRun) error {
	frame := map[string]any{}
	for i, name := range t.targets {
		value, err := r.eval(t.values[i])
		if err != nil {
			return err
		}
		frame[name] = value
	}
	return r.within(frame, func() error { return r.body(t.body.Nodes) })
}

type filterTag struct {
	at
	filters []*nodes.FilterCall
	body    *nodes.Wrapper
}

func readFilter(r *tagReader) (tag, *Problem) {
	t := &filterTag{at: r.at()}
	for {
		f, err := r.args.ParseFilter()
		if err != nil {
			return nil, parseProblem(err)
		}
		t.filters = append(t.filters, f)
		if r.args.Match(tokens.Pipe) == nil {
			break
		}
	}
	var problem *Problem
	t.body, problem = r.body("endfilter")
	return t, problem
}

// readGeneration reads what the chat templates of models mark as the model's own words,
// which is text like any other.
func readGeneration(r *tagReader) (tag, *Problem) {
	body, problem := r.body("endgeneration")
	return &filterTag{at: r.at(), body: body}, problem
}

func (t *filterTag) run(r *jinjaRun) error {
	var value any
	value, err := r.capture(t.body.Nodes)
	for _, f := range t.filters {
		if err == nil {
			value, err = r.filter(f, value)
		}
	}
	if err != nil {
		return err
	}
	return r.show(value)
}

type doTag struct {
	at
	value nodes.Expression
}

func readDo(r *tagReader) (tag, *Problem) {
	value, problem := r.expression()
	if problem != nil {
		return nil, problem
	}
	return &doTag{r.at(), value}, r.end(r.args)
}

func (t *doTag) run(r *jinjaRun) error {
	_, err := r.eval(t.value)
	return err
}

type rawTag struct {
	at
	body *nodes.Wrapper
}

func readRaw(r *tagReader) (tag, *Problem) {
	body, problem := r.body("endraw")
	return &rawTag{r.at(), body}, problem
}

func (t *rawTag) run(r *jinjaRun) error { return r.body(t.body.Nodes) }
