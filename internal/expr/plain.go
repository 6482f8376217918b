package expr

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice/internal/value"
)

// errEngine says that a string needs an engine.
var errEngine = errors.New("a string of the tree needs an engine")

// RenderPlain renders a tree that needs no engine: one whose strings are each
// without a template, or in Jinja one name with members and indexes that are
// written down, as {{ classify.output.items[0].name }}. It answers as [Direct]
// does. It reports false, and has done nothing, for any other tree. What it does
// is bounded by the size of the tree and of its scope, and so it can be called
// where nothing else should be evaluated.
func RenderPlain(ctx context.Context, render Render) (rendered Rendered, done bool, err error) {
	if !plainTree(render.Tree, render.Dialect, 0) {
		return Rendered{}, false, nil
	}
	w := walker{ctx: ctx, render: render, scope: render.Scope, plain: true, left: render.Limits.WithDefaults().Output}
	tree, err := w.walk(render.Tree, nil)
	if errors.Is(err, errEngine) {
		return Rendered{}, false, nil
	}
	return Rendered{Tree: tree}, true, err
}

// fillPlain looks one name up.
func (w *walker) fillPlain(text string) (any, error) {
	path, ok := plainPath(text)
	if !ok {
		return nil, errEngine
	}
	v, ok := w.scope.Find(path[0].name)
	if !ok {
		return nil, atOffset(noRoot(path[0].name, w.scope.Keys()), text, path[0].at)
	}
	for i, next := range path[1:] {
		var problem *Problem
		owner := func() string { return strings.TrimSpace(text[path[0].at:next.at]) }
		if next.list {
			v, problem = indexOf(v, next.index, owner)
		} else {
			v, problem = memberOf(v, next.name, owner)
		}
		if problem != nil {
			return nil, atOffset(problem, text, path[i+1].at)
		}
	}
	return v, nil
}

func atOffset(p *Problem, text string, offset int) *Problem {
	p.Line, p.Column = position(text, offset)
	return p
}

// plainTree looks through a tree before anything is made for it.
func plainTree(v any, dialect Dialect, depth int) bool {
	if depth > value.MaxDepth || dialect != Jinja && dialect != JavaScript {
		return false
	}
	switch v := v.(type) {
	case string:
		if static(v, dialect) {
			return true
		}
		_, ok := plainPath(v)
		return ok && dialect == Jinja
	case []any:
		for _, item := range v {
			if !plainTree(item, dialect, depth+1) {
				return false
			}
		}
	case *value.Object:
		for _, item := range v.All() {
			if !plainTree(item, dialect, depth+1) {
				return false
			}
		}
	}
	return true
}

// plainStep is a member or an index.
type plainStep struct {
	name  string
	index int64
	list  bool // it is an index
	at    int  // where it stands in the text, in bytes
}

// reserved are the names that mean something else in Jinja than the scope's.
var reserved = map[string]bool{
	"true": true, "True": true, "false": true, "False": true, "none": true, "None": true, "nil": true,
	"not": true, "and": true, "or": true, "in": true, "is": true, "if": true, "else": true,
}

// plainPath reads a string that is one name with members and indexes.
func plainPath(text string) ([]plainStep, bool) {
	inner, ok := strings.CutPrefix(strings.TrimSpace(text), "{{")
	if !ok {
		return nil, false
	}
	if inner, ok = strings.CutSuffix(inner, "}}"); !ok {
		return nil, false
	}
	at := strings.Index(text, "{{") + 2 + len(inner) - len(strings.TrimLeft(inner, " "))
	name, rest := plainName(strings.Trim(inner, " "))
	if name == "" || reserved[name] || globals[name] {
		return nil, false
	}
	path := []plainStep{{name: name, at: at}}
	at += len(name)
	for rest != "" {
		before := len(rest)
		var next plainStep
		if next, rest, ok = cutStep(rest); !ok || reserved[next.name] {
			return nil, false
		}
		next.at = at
		at += before - len(rest)
		path = append(path, next)
	}
	return path, true
}

// cutStep reads .name or [digits].
func cutStep(s string) (next plainStep, rest string, ok bool) {
	if after, dot := strings.CutPrefix(s, "."); dot {
		name, rest := plainName(after)
		return plainStep{name: name}, rest, name != ""
	}
	after, bracket := strings.CutPrefix(s, "[")
	digits, rest, closed := strings.Cut(after, "]")
	if !bracket || !closed || len(digits) > 9 || strings.Trim(digits, "0123456789") != "" {
		return plainStep{}, "", false
	}
	index, err := strconv.ParseInt(digits, 10, 64)
	return plainStep{index: index, list: true}, rest, err == nil && strconv.FormatInt(index, 10) == digits
}

// plainName cuts a name off the front.
func plainName(s string) (name, rest string) {
	i := 0
	for i < len(s) && (s[i] == '_' || 'a' <= s[i] && s[i] <= 'z' || 'A' <= s[i] && s[i] <= 'Z' || i > 0 && '0' <= s[i] && s[i] <= '9') {
		i++
	}
	return s[:i], s[i:]
}
