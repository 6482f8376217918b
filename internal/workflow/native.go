package workflow

import (
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/declare"
)

// topKeys are those of the native form.
var topKeys = []string{"name", "description", "requires", "inputs", "blocks", "output"}

// elsewhere are what other systems call a list of blocks.
var elsewhere = []string{"steps", "nodes", "jobs", "tasks", "stages", "actions"}

// workflow reads a file in whichever form its top keys tell.
func (r *reader) workflow(top *node) {
	switch {
	case top.shape == list:
		r.native(r.wrap(top, top))
	case top.shape != object:
		r.wrong(top, "a workflow is a map with blocks, and this is %s", top.kindOf()).fix("write `blocks:` and the first block below it")
	case isScout(top):
		r.scout(top)
	case isEnsemble(top) || r.asEnsemble && top.get("blocks") == nil && top.get("block") == nil:
		r.ensemble(top)
	case top.get("block") != nil:
		r.native(r.wrap(top, &node{shape: list, items: []*node{top}, line: top.line, column: top.column}))
	default:
		r.native(top)
	}
}

// wrap makes a workflow of a list of blocks.
func (r *reader) wrap(at, blocks *node) *node {
	out := at.like(object, nil)
	out.put(at, "blocks", blocks)
	return out
}

// native reads the native form, which the others are turned into.
func (r *reader) native(top *node) {
	f := r.fields(top, "a workflow", topKeys)
	r.out.Name, r.out.Description = f.plain("name"), f.plain("description")
	f.requires()
	if n := f.take("inputs"); n != nil {
		r.inputs(n)
	}
	for _, word := range elsewhere {
		if n := top.get(word); n != nil && top.get("blocks") == nil {
			f.seen[word] = true
			r.wrong(top.key(word), "a workflow has no %s", word).fix("call the list `blocks`")
			return
		}
	}
	blocks := f.take("blocks")
	output := f.take("output")
	f.rest()
	switch {
	case blocks == nil:
		r.wrong(top, "the workflow has no blocks").fix("write `blocks:` and the first block below it, such as `- {id: hello, block: echo, value: Hello}`")
		return
	case blocks.shape != list || len(blocks.items) == 0:
		r.wrong(blocks, "blocks is a list of at least one block, and this is %s", emptyOr(blocks)).fix("write each block after a dash")
		return
	}
	r.out.Blocks = r.list(blocks, nil)
	if output != nil {
		r.out.Output = r.template(output, "output", r.inDialect(output), place{})
		r.bareOutput(output)
		return
	}
	if r.out.OutputBlock == "" && !r.out.Each && len(r.out.Blocks) > 0 {
		r.out.OutputBlock = r.out.Blocks[len(r.out.Blocks)-1].ID
	}
}

// bareOutput refuses an output that names a block and takes nothing of it.
func (r *reader) bareOutput(output *node) {
	if s, ok := output.text(); ok && r.blocks[s] != nil {
		r.wrong(output, "output is the text %s, which is the id of a block", quote(s)).fix(`write output: "{{ %s.output }}"`, s)
	}
}

func emptyOr(n *node) string {
	if n.shape == list {
		return "empty"
	}
	return n.kindOf()
}

// fields takes the keys of a map one by one, and finds those that nobody took.
type fields struct {
	*reader
	n     *node
	what  string // what the map is, for sentences
	known []string
	seen  map[string]bool
	lacks []lack
}

// lack is a key that must be there and is not; one of several will do.
type lack struct {
	names   []string
	example string
}

func (r *reader) fields(n *node, what string, known []string) *fields {
	return &fields{reader: r, n: n, what: what, known: known, seen: map[string]bool{}}
}

// take is the value of a key, nil when it is not there or says nothing.
func (f *fields) take(name string) *node {
	if name == "" {
		return nil
	}
	f.seen[name] = true
	n := f.n.get(name)
	if n.isNull() {
		return nil
	}
	return n
}

// plain is the text of a key that holds no template.
func (f *fields) plain(name string) string {
	n := f.take(name)
	if n == nil {
		return ""
	}
	s, ok := n.text()
	switch {
	case !ok:
		f.wrong(n, "%s is text, and this is %s", name, n.kindOf()).fix("write %s: text", name)
	case len(s) > sluice.MaxNoteBytes:
		f.wrong(n, "%s has %d bytes; the limit is %d", name, len(s), sluice.MaxNoteBytes).fix("shorten it")
	}
	return s
}

// requires looks at the declaration of variables, which package declare reads.
func (f *fields) requires() {
	n := f.take("requires")
	if n == nil {
		return
	}
	if n.shape != list {
		f.wrong(n, declare.NotKeys).fix(declare.Example)
		return
	}
	for _, item := range n.items {
		if key, ok := item.text(); !ok {
			f.wrong(item, declare.NotKey).fix(declare.Example)
		} else if err := sluice.CheckKey(key); err != nil {
			f.wrong(item, "%s", sluice.AsError(err).Message).fix(declare.Example)
		}
	}
}

// ignore leaves out keys that are for others.
func (f *fields) ignore(names ...string) {
	for _, name := range names {
		f.seen[name] = true
	}
}

// rest notes the keys that nobody took, and those that are missing unless one is
// there under a name that is almost right. What begins with x- is the author's own.
func (f *fields) rest() {
	meant := map[string]bool{}
	for _, key := range f.n.keys {
		name := key.name()
		if f.seen[name] || strings.HasPrefix(name, "x-") {
			continue
		}
		p := f.wrong(key, "%s has no %s", f.what, quote(name))
		if near := nearest(name, f.known); near != "" {
			p.fix("did you mean %s?", near)
			meant[near] = true
		} else {
			p.fix("%s has %s", f.what, strings.Join(f.known, ", "))
		}
	}
	for _, l := range f.lacks {
		if !slices.ContainsFunc(l.names, func(name string) bool { return meant[name] }) {
			f.wrong(f.n, "%s needs %s", f.what, either(l.names)).fix("write %s: %s", l.names[0], l.example)
		}
	}
}

// nearest is the name that was meant, "" when none is near. Two letters in the
// wrong order are one slip also in a short name.
func nearest(name string, known []string) string {
	if near := sluice.Suggest(name, known); near != "" {
		return near
	}
	letters := func(s string) string {
		b := []byte(s)
		slices.Sort(b)
		return string(b)
	}
	for _, k := range known {
		if len(name) > 2 && len(name) == len(k) && letters(name) == letters(k) {
			return k
		}
	}
	return ""
}
