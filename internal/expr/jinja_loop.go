package expr

import (
	"errors"
	"fmt"

	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/tokens"
	"github.com/sluice-dev/sluice/internal/value"
)

// What a break and a continue come back as, up to the loop around them.
var (
	errBreak    = errors.New("a break outside of a loop")
	errContinue = errors.New("a continue outside of a loop")
)

type jumpTag struct {
	at
	jump error
}

func readBreak(r *tagReader) (tag, *Problem) { return &jumpTag{r.at(), errBreak}, r.end(r.args) }
func readContinue(r *tagReader) (tag, *Problem) {
	return &jumpTag{r.at(), errContinue}, r.end(r.args)
}
func (t *jumpTag) run(*jinjaRun) error { return t.jump }

type forTag struct {
	at
	targets   []string
	source    nodes.Expression
	condition nodes.Expression // nil without an if
	recursive bool
	each      *nodes.Wrapper
	empty     *nodes.Wrapper // nil without an else
}

func readFor(r *tagReader) (tag, *Problem) {
	t := &forTag{at: r.at()}
	var problem *Problem
	if t.targets, problem = r.identifiers(); problem != nil {
		return nil, problem
	}
	if r.args.Match(tokens.In) == nil {
		return nil, r.unexpected(r.args, "in is missing in for")
	}
	if t.source, problem = r.expression(); problem != nil {
		return nil, problem
	}
	if r.args.MatchName("if") != nil {
		if t.condition, problem = r.expression(); problem != nil {
			return nil, problem
		}
	}
	t.recursive = r.args.MatchName("recursive") != nil
	if problem := r.end(r.args); problem != nil {
		return nil, problem
	}
	body, args, problem := r.inside("else", "endfor")
	if problem != nil {
		return nil, problem
	}
	t.each = body
	if body.EndTag == "else" {
		if t.empty, args, problem = r.inside("endfor"); problem != nil {
			return nil, problem
		}
	}
	return t, r.end(args)
}

func (t *forTag) run(r *jinjaRun) error {
	source, err := r.eval(t.source)
	if err != nil {
		return err
	}
	return t.over(r, source, 0)
}

// over runs the loop over a value. Its items are chosen by the condition before
// the first is shown, so that loop.length is known.
func (t *forTag) over(r *jinjaRun, source any, depth int) error {
	items, err := r.items(source, t.token)
	if err != nil {
		return err
	}
	if t.condition != nil {
		if items, err = t.chosen(r, items); err != nil {
			return err
		}
	}
	if len(items) == 0 && t.empty != nil {
		return r.body(t.empty.Nodes)
	}
	l := &loop{tag: t, items: items, depth: depth}
	for l.index = range items {
		err := r.within(map[string]any{"loop": l}, func() error {
			if err := r.assign(t.targets, items[l.index], t.token); err != nil {
				return err
			}
			return r.body(t.each.Nodes)
		})
		if errors.Is(err, errBreak) {
			return nil
		}
		if err != nil && !errors.Is(err, errContinue) {
			return err
		}
	}
	return nil
}

func (t *forTag) chosen(r *jinjaRun, items []any) ([]any, error) {
	var chosen []any
	for _, item := range items {
		err := r.within(map[string]any{}, func() error {
			if err := r.assign(t.targets, item, t.token); err != nil {
				return err
			}
			yes, err := r.truth(t.condition)
			if yes {
				chosen = append(chosen, item)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return chosen, nil
}

// loop is what a template knows as loop.
type loop struct {
	tag     *forTag
	items   []any
	index   int // from 0
	depth   int // from 0
	changed []any
}

// member returns loop.name.
func (l *loop) member(name string) (any, bool) {
	n, i := len(l.items), l.index
	switch name {
	case "index":
		return int64(i + 1), true
	case "index0":
		return int64(i), true
	case "revindex":
		return int64(n - i), true
	case "revindex0":
		return int64(n - i - 1), true
	case "first":
		return i == 0, true
	case "last":
		return i == n-1, true
	case "length":
		return int64(n), true
	case "depth":
		return int64(l.depth + 1), true
	case "depth0":
		return int64(l.depth), true
	case "previtem":
		return l.neighbour(i - 1), true
	case "nextitem":
		return l.neighbour(i + 1), true
	case "cycle":
		return &function{"loop.cycle", l.cycle}, true
	case "changed":
		return &function{"loop.changed", l.hasChanged}, true
	}
	return nil, false
}

func (l *loop) neighbour(i int) any {
	if i < 0 || i >= len(l.items) {
		return &missing{&Problem{Kind: Undefined, Message: "there is no such item next to this one"}}
	}
	return l.items[i]
}

func (l *loop) cycle(_ *jinjaRun, a arguments) (any, error) {
	if len(a.list) == 0 {
		return nil, a.problem("loop.cycle needs values to choose from")
	}
	return a.list[l.index%len(a.list)], nil
}

func (l *loop) hasChanged(_ *jinjaRun, a arguments) (any, error) {
	same := l.changed != nil && value.Equal(l.changed, a.list)
	l.changed = append([]any{}, a.list...)
	return !same, nil
}

// again is loop(items) in a recursive loop.
func (l *loop) again(r *jinjaRun, a arguments) (any, error) {
	if !l.tag.recursive {
		return nil, a.problem("loop can be called in a loop that says recursive")
	}
	if len(a.list) != 1 {
		return nil, a.problem("loop needs one list")
	}
	return r.captured(func() error { return l.tag.over(r, a.list[0], l.depth+1) })
}

// items are what a loop or a filter goes through: the items of a list, the keys
// of a map in their order, the characters of a text.
func (r *jinjaRun) items(v any, at *tokens.Token) ([]any, error) {
	switch v := v.(type) {
	case []any:
		return v, nil
	case *value.Object:
		items := make([]any, 0, v.Len())
		for key := range v.All() {
			items = append(items, key)
		}
		return items, nil
	case string:
		items := make([]any, 0, len(v))
		for _, c := range v {
			items = append(items, string(c))
		}
		return items, nil
	}
	return nil, typeProblem(at, fmt.Sprintf("%s has no items to go through", describe(v)))
}
