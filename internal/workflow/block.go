package workflow

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
)

// list reads blocks of one list, the body of parent or, when it is nil, the top.
func (r *reader) list(n *node, parent *draft) []*Block {
	var out []*Block
	for _, item := range n.items {
		if s, ok := item.get("block").text(); ok && s == "input" && parent == nil && item.shape == object {
			if d := r.inputBlock(item); d != nil {
				d.Index = len(out)
				out = append(out, d.Block)
			}
			continue
		}
		if len(r.order) >= MaxBlocks {
			r.wrong(item, "the workflow has more than %d blocks", MaxBlocks).fix("split it into several workflows that call each other")
			return out
		}
		if d := r.block(item, parent); d != nil {
			d.Index = len(out)
			out = append(out, d.Block)
		}
	}
	return out
}

// block reads one block; nil when it is none at all.
func (r *reader) block(n *node, parent *draft) *draft {
	if n.shape != object {
		r.wrong(n, "a block is a map with id and block, and this is %s", n.kindOf()).fix("write - {id: hello, block: echo, value: Hello}")
		return nil
	}
	d := &draft{
		Block: &Block{Retry: Retry{Attempts: 1}, OnError: OnError{Mode: FailRun}, Line: n.line, Column: n.column},
		at:    n, parent: parent, as: "item", uses: map[*draft]bool{},
	}
	r.id(d, n)
	kind, ok := r.kind(n)
	if !ok {
		return d
	}
	d.Kind = kind
	form := kinds[kind]
	what := r.kindWords(kind, n.get("block"))
	f := r.fields(n, what, form.names())
	f.ignore("id", "block")
	r.common(d, f)
	r.settings(d, f, form)
	f.rest()
	r.special(d, f)
	return d
}

// id reads and takes down a block's id.
func (r *reader) id(d *draft, n *node) {
	at := n.get("id")
	id, ok := at.text()
	form, letters := idForm, "letters, digits and underscores"
	if r.hyphens {
		form, letters = hyphenForm, "letters, digits, underscores and hyphens"
	}
	switch {
	case at.isNull():
		r.wrong(n, "the %s has no %s", r.words.block, r.words.id).fix("write %s: and a name that other %ss can refer to", r.words.id, r.words.block)
		return
	case !ok:
		r.wrong(at, "%s is text, and this is %s", a(r.words.id), at.kindOf()).fix("write %s: hello", r.words.id)
		return
	case !form.MatchString(id) && hyphenForm.MatchString(id):
		r.wrong(at, "the id %s has a hyphen, which templates read as a minus", quote(id)).fix("write id: %s", strings.ReplaceAll(id, "-", "_"))
		return
	case !form.MatchString(id):
		r.wrong(at, "the %s %s is not valid", r.words.id, quote(id)).fix("use %s, at most 128, beginning with a letter", letters)
		return
	case slices.Contains(reservedIDs, id):
		r.wrong(at, "the %s %s is taken: templates call something else so", r.words.id, quote(id)).fix("choose another, such as %s_%s", id, r.words.block)
		return
	}
	d.ID = id
	if first, twice := r.blocks[id]; twice {
		p := r.wrong(at, "the %s %s is there twice; the first %s with it is on line %d", r.words.id, quote(id), r.words.block, first.Line)
		if r.words == ensembleWords {
			p.fix("give each agent a name of its own, and each step of a flow that runs the same agent an id")
		} else {
			p.fix("give each block an id of its own, also within foreach")
		}
		return
	}
	r.blocks[id] = d
	r.order = append(r.order, d)
}

func (r *reader) kind(n *node) (Kind, bool) {
	at := n.get("block")
	word, ok := at.text()
	if !ok {
		if at == nil {
			at = n
		}
		r.wrong(at, "the block does not say of which kind it is").fix("write block: with one of %s", strings.Join(kindNames(), ", "))
		return "", false
	}
	if _, known := kinds[Kind(word)]; known {
		return Kind(word), true
	}
	if kind, known := aliases[word]; known {
		return kind, true
	}
	p := r.wrong(at, "there is no kind of block %s", quote(word))
	if near := sluice.Suggest(word, kindNames()); near != "" {
		p.fix("did you mean %s?", near)
	} else {
		p.fix("the kinds are %s", strings.Join(kindNames(), ", "))
	}
	return "", false
}

// common reads the settings that all kinds have.
func (r *reader) common(d *draft, f *fields) {
	d.Name = f.plain("name")
	d.needs = r.ids(f.take("needs"), "needs")
	outside := place{in: d}
	if when := f.take("when"); when != nil {
		name := cmp.Or(when.called, "when")
		d.When = r.template(when, name, r.inDialect(when), outside)
		r.checkCondition(when, name, d.When.Dialect)
	}
	if n := f.take("retry"); n != nil {
		r.retry(d, n)
	}
	if n := f.take("timeout"); n != nil {
		r.timeout(d, n)
	}
	if n := f.take("on_error"); n != nil {
		r.onError(d, n)
	}
}

// checkCondition refuses text that is always the same.
func (r *reader) checkCondition(n *node, name string, dialect expr.Dialect) {
	if s, ok := n.text(); ok && hasTemplate(s, dialect) {
		return
	}
	if wants, example := isCondition(n); wants != "" {
		if r.dialect == expr.JavaScript {
			example = "${" + strings.Trim(example, `"{} `) + "}"
		}
		r.wrong(n, "%s %s", name, wants).fix("write %s: %s", name, example)
	}
}

// ids reads an id or a list of ids.
func (r *reader) ids(n *node, name string) []*node {
	if n == nil {
		return nil
	}
	if _, ok := n.text(); ok {
		return []*node{n}
	}
	if wants, _ := isTextOrList(n); wants != "" || n.shape != list {
		r.wrong(n, "%s is the %s of %s or a list of them, and this is %s", name, r.words.id, a(r.words.block), n.kindOf()).fix("write %s: [first, second]", name)
		return nil
	}
	return n.items
}

// settings reads the settings of the block's kind.
func (r *reader) settings(d *draft, f *fields, form kindForm) {
	dialect := r.dialect
	if r.mixed {
		for _, name := range []string{"condition", "value", "message"} {
			if n := f.n.get(name); n != nil && d.Kind != Reduce && dialect == expr.Jinja {
				dialect = dialectOf(n)
			}
		}
	}
	d.Raw = map[string]any{}
	tree := value.NewObject(len(form.settings))
	d.Settings = Template{Dialect: dialect, Plain: true, Tree: tree}
	for _, s := range form.settings {
		n := f.take(s.name)
		if other := f.take(s.alias); n == nil {
			n = other
		}
		if n == nil {
			// Nothing is a value like others where any is.
			there := f.n.get(s.name) != nil || s.alias != "" && f.n.get(s.alias) != nil
			if there && (s.name == "value" || s.name == "initial") {
				tree.Set(s.name, nil)
			} else if s.required {
				_, example := s.check(&node{})
				if example == "" || example == "text" {
					example = "and what it is, in this " + r.words.block
				}
				f.lacks = append(f.lacks, lack{[]string{s.name}, example})
			}
			continue
		}
		r.setting(d, s, n, tree)
	}
	d.Settings.Tree = inOrder(tree, f.n, form)
	for _, choice := range form.choices {
		r.choice(f, choice)
	}
}

// inOrder is a block's settings in the order in which its author wrote them.
func inOrder(tree *value.Object, at *node, form kindForm) *value.Object {
	out := value.NewObject(tree.Len())
	for _, key := range at.keys {
		for _, s := range form.settings {
			if name := key.name(); name == s.name || name != "" && name == s.alias {
				if v, there := tree.Find(s.name); there {
					out.Set(s.name, v)
				}
			}
		}
	}
	out.Merge(tree)
	return out
}

// setting reads one setting that is there.
func (r *reader) setting(d *draft, s setting, n *node, tree *value.Object) {
	text, isText := n.text()
	name := cmp.Or(n.called, s.name) // as the author calls it
	dialect := d.Settings.Dialect
	if s.raw || !isText || !hasTemplate(text, dialect) {
		wants, example := s.check(n)
		switch {
		case s.raw && isText && hasTemplate(text, r.dialect) && d.Kind != Script && wants == "":
			r.wrong(n, "%s cannot be a template", name).fix("write %s as plain text", name)
			return
		case wants == "":
		case s.name == "condition":
			r.checkCondition(n, s.name, dialect)
			return
		case s.raw && isText && hasTemplate(text, r.dialect):
			r.wrong(n, "%s cannot be a template: it %s", name, wants).fix("write %s: %s", name, example)
			return
		default:
			r.wrong(n, "%s %s, and this is %s", name, wants, what(n)).fix("write %s: %s", name, example)
			return
		}
	}
	switch {
	case s.name == "component":
		d.Calls = r.component(d, n)
	case d.Kind == Foreach && s.name == "output":
		d.Result = r.template(n, s.name, r.inDialect(n), place{in: d, inner: true})
	case d.Kind == Reduce && s.name == "value":
		d.Result = r.template(n, s.name, r.inDialect(n), place{in: d, names: iterationNames})
	case d.Kind == Foreach && s.name == "blocks":
	case s.raw:
		d.Raw[s.name] = n.tree()
	default:
		tree.Set(s.name, n.tree())
		r.note(n, name, dialect, place{in: d}, &d.Settings)
	}
}

// what says what stands where something else should.
func what(n *node) string {
	if n.shape != scalar || n.value == nil {
		return n.kindOf()
	}
	return show(n.value)
}

// iterationNames are what a reduce tells its value.
var iterationNames = map[string]bool{"accumulator": true, "item": true, "index": true}

// choice checks that one of several settings is there.
func (r *reader) choice(f *fields, names []string) {
	var have []string
	for _, name := range names {
		if n := f.n.get(name); !n.isNull() || n != nil && (name == "value" || name == "message") {
			have = append(have, name)
		}
	}
	switch {
	case len(have) == 0:
		f.lacks = append(f.lacks, lack{names, "and what it is, in this " + r.words.block})
	case len(have) > 1:
		r.wrong(f.n.key(have[1]), "%s has %s; one of them is enough", f.what, strings.Join(have, " and ")).fix("remove all but one")
	}
}

// component reads the reference to a component.
func (r *reader) component(d *draft, n *node) *Template {
	dialect := r.inDialect(n)
	t := r.template(n, "component", dialect, place{in: d, closed: true})
	s, _ := n.text()
	if !hasTemplate(s, dialect) {
		if _, err := sluice.ParseComponentRef(s); err != nil && sluice.CheckName("component", s) != nil {
			e := sluice.AsError(err)
			p := r.wrong(n, "%s", e.Message)
			if len(e.Fixes) > 0 {
				p.fix("%s", e.Fixes[0].Text)
			}
		}
	}
	return t
}
