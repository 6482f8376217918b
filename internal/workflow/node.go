package workflow

import (
	"strings"

	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
)

// shape is what a node is.
type shape int

const (
	scalar shape = iota // nil, bool, string or a number, as package value has them
	list
	object
)

// node is one value of a file with its place. YAML and JSON are read into nodes,
// aliases and merges are followed, and all that comes after knows nodes alone.
type node struct {
	shape shape
	value any
	// items are those of a list, and of an object the values of keys.
	keys, items []*node
	// line and column, from 1, are where it stands in its file. A column of 0 is
	// not known.
	line, column int
	style        style
	called       string // the setting, where the author's form has another name for it
	// written is the text as it stands in the file, and moves say where its parts are
	// now; both are empty unless the text was rewritten.
	written string
	moves   []move
}

// style says where the text of a string begins.
type style int

const (
	plain   style = iota // where the node does
	quoted               // after a quotation mark
	literal              // on the next line, with the file's line ends
	folded               // on the next line, with line ends that are no longer known
	whole                // on the next line, as it is in the file
)

// get is the value of a key, nil when there is none.
func (n *node) get(name string) *node {
	if n == nil || n.shape != object {
		return nil
	}
	for i, key := range n.keys {
		if key.value == name {
			return n.items[i]
		}
	}
	return nil
}

// key is the node of a key that exists.
func (n *node) key(name string) *node {
	for _, key := range n.keys {
		if key.value == name {
			return key
		}
	}
	return n
}

// text is the value of a string.
func (n *node) text() (string, bool) {
	if n == nil || n.shape != scalar {
		return "", false
	}
	s, ok := n.value.(string)
	return s, ok
}

// isNull reports whether nothing is there.
func (n *node) isNull() bool {
	return n == nil || n.shape == scalar && n.value == nil
}

// tree is the value, with the keys of objects in the order of the file.
func (n *node) tree() any {
	switch {
	case n == nil:
		return nil
	case n.shape == list:
		out := make([]any, len(n.items))
		for i, item := range n.items {
			out[i] = item.tree()
		}
		return out
	case n.shape == object:
		return n.object()
	default:
		return n.value
	}
}

// object is the value of an object, and empty for what is none.
func (n *node) object() *value.Object {
	out := value.NewObject(len(n.items))
	if n.shape == object {
		for i, item := range n.items {
			out.Set(n.keys[i].name(), item.tree())
		}
	}
	return out
}

// name is the text of a key.
func (n *node) name() string {
	s, _ := n.value.(string)
	return s
}

// kindOf says what a node is, for sentences.
func (n *node) kindOf() string {
	if n == nil {
		return "nothing"
	}
	switch n.shape {
	case list:
		return "a list"
	case object:
		return "a map"
	}
	switch n.value.(type) {
	case nil:
		return "empty"
	case bool:
		return "true or false"
	case string:
		return "text"
	default:
		return "a number"
	}
}

// like is a node at the same place.
func (n *node) like(s shape, value any) *node {
	return &node{shape: s, value: value, line: n.line, column: n.column}
}

// put adds a key, which stands where at does, to an object.
func (n *node) put(at *node, name string, value *node) {
	if value == nil {
		return
	}
	n.keys = append(n.keys, at.like(scalar, name))
	n.items = append(n.items, value)
}

// walk visits every string of a tree; the path of one is such as headers.Accept.
func (n *node) walk(path string, visit func(path string, n *node)) {
	switch n.shape {
	case list:
		for _, item := range n.items {
			item.walk(path, visit)
		}
	case object:
		for i, item := range n.items {
			at := n.keys[i].name()
			if path != "" {
				at = path + "." + at
			}
			item.walk(at, visit)
		}
	default:
		if _, ok := n.value.(string); ok {
			visit(path, n)
		}
	}
}

// hasTemplate reports whether a text has anything in it to fill in.
func hasTemplate(s string, dialect expr.Dialect) bool {
	if dialect == expr.JavaScript {
		return strings.Contains(s, "${")
	}
	return strings.Contains(s, "{{") || strings.Contains(s, "{%") || strings.Contains(s, "{#")
}

// dialectOf is the dialect of a value where both are read: what has ${ and
// nothing of the other is JavaScript.
func dialectOf(n *node) expr.Dialect {
	dialect := expr.Jinja
	n.walk("", func(_ string, n *node) {
		if s, _ := n.text(); hasTemplate(s, expr.JavaScript) && !hasTemplate(s, expr.Jinja) {
			dialect = expr.JavaScript
		}
	})
	return dialect
}
