package workflow

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
)

// checkTexts has the evaluator read all texts at once, notes what it cannot read
// and resolves what the others refer to.
func (r *reader) checkTexts(ctx context.Context, ev expr.Evaluator) error {
	if len(r.texts) == 0 {
		return nil
	}
	asked := make([]expr.Text, len(r.texts))
	for i, t := range r.texts {
		asked[i] = expr.Text{Text: t.text, Dialect: t.dialect}
	}
	checked, err := ev.Check(ctx, asked)
	if err != nil {
		return r.unreadable(err)
	}
	for i, t := range r.texts {
		if i >= len(checked) {
			break
		}
		t.source = r.source
		found := checked[i]
		if p := found.Problem; p != nil {
			r.syntax(t, p)
			continue
		}
		if t.template != nil && !found.Static {
			t.template.Plain = false
		}
		for _, ref := range found.References {
			r.refer(t, ref)
			t.template.see(ref)
		}
	}
	return nil
}

// see notes what a template must be given.
func (t *Template) see(ref expr.Reference) {
	if t == nil {
		return
	}
	insert := func(list []string, name string) []string {
		at, found := slices.BinarySearch(list, name)
		if found {
			return list
		}
		return slices.Insert(list, at, name)
	}
	t.Roots = insert(t.Roots, ref.Root)
	switch {
	case ref.Root != "env" && ref.Root != "_env":
	case len(ref.Path) > 0:
		t.Env = insert(t.Env, ref.Path[0])
	default:
		t.AllEnv = true
	}
}

// syntax notes a text that cannot be read, at its place in the file.
func (r *reader) syntax(t *text, p *expr.Problem) {
	line, column := t.position(p.Line, p.Column)
	found := r.wrongAt(line, column, "%s: %s", t.what, p.Message)
	if p.Fix != "" {
		found.fix("%s", p.Fix)
	} else if t.dialect == expr.ScriptBody && (strings.Contains(t.text, "export ") || strings.Contains(t.text, "import ")) {
		found.fix("leave out export and import: a script is the body of a function, which sees its input by name and returns a value")
	} else if t.dialect == expr.ScriptBody {
		found.fix("write the body of a JavaScript function, which returns a value")
	} else {
		found.fix("correct the template, or write it as plain text without its braces")
	}
}

// where is the place of a name in a text.
func (t *text) where(name string) (int, int) {
	from := 0
	if t.dialect != expr.ScriptBody {
		for _, open := range []string{"{{", "{%", "${"} {
			if i := strings.Index(t.text, open); i >= 0 && (from == 0 || i < from) {
				from = i
			}
		}
	}
	for at := from; at < len(t.text); {
		i := strings.Index(t.text[at:], name)
		if i < 0 {
			break
		}
		at += i
		before := []rune(t.text[max(at-4, 0):at])
		after := []rune(t.text[at+len(name) : min(at+len(name)+4, len(t.text))])
		if (len(before) == 0 || !inName(before[len(before)-1])) && (len(after) == 0 || !inName(after[0])) {
			line := strings.Count(t.text[:at], "\n")
			column := len([]rune(t.text[strings.LastIndexByte(t.text[:at], '\n')+1 : at]))
			return t.position(line+1, column+1)
		}
		at += len(name)
	}
	return t.at.line, t.at.column
}

func inName(c rune) bool { return c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c) }

// refer resolves one reference of a text.
func (r *reader) refer(t *text, ref expr.Reference) {
	root := ref.Root
	if ref.Shared && r.blocks[root] == nil { // which every text has, unless the input does
		return
	}
	switch {
	case t.names[root]:
	case t.scripted:
		if t.names != nil {
			r.unknownVariable(t, root)
		}
	case root == "inputs" || root == r.out.InputName:
		r.input(t, ref)
	case root == "env" || root == "_env":
		if len(ref.Path) > 0 {
			r.variables = append(r.variables, ref.Path[0])
		}
	case t.closed:
		r.unknown(t, root, "a component is chosen before "+r.words.block+"s run, by "+r.words.input+" and env alone", "")
	case root == "run" || root == "__exp_global":
	case (root == "agents" || root == "blocks") && !r.free:
		if len(ref.Path) == 0 {
			r.unknown(t, root, root+" is a map of "+r.words.block+"s, and which one is meant must be written there", root+`["id"].output`)
			return
		}
		r.toBlock(t, ref.Path[0], ref.Path[1:])
	case r.iterated(t, root):
	case r.blocks[root] != nil:
		r.toBlock(t, root, ref.Path)
	case r.out.Ensemble && slices.Contains(requestNames, root):
	case r.free && r.declared == nil:
	case r.free && r.declared[root]:
	default:
		r.unknown(t, root, "", "")
	}
}

// input checks a reference to an input that the file declares: only one that is
// almost the name of another is surely wrong.
func (r *reader) input(t *text, ref expr.Reference) {
	if len(ref.Path) == 0 || r.declared == nil || r.declared[ref.Path[0]] {
		return
	}
	name := ref.Path[0]
	if near := sluice.Suggest(name, slices.Sorted(maps.Keys(r.declared))); near != "" {
		line, column := t.where(name)
		r.wrongAt(line, column, "%s: there is no input %s", t.what, quote(name)).fix("did you mean %s.%s?", ref.Root, near)
	}
}

// iterated reports whether a name is that of an item around the text.
func (r *reader) iterated(t *text, name string) bool {
	d := t.in
	if d != nil && !t.inner {
		d = d.parent
	}
	for ; d != nil; d = d.parent {
		if name == d.as || name == "index" {
			return true
		}
	}
	return false
}

// toBlock makes the block of a text wait for another, of which it uses a member.
func (r *reader) toBlock(t *text, id string, member []string) {
	target := r.blocks[id]
	if target == nil {
		r.unknown(t, id, "", "")
		return
	}
	if t.in == nil {
		if target.parent != nil {
			r.hidden(t, target)
		}
		return
	}
	from := t.in
	if t.inner && target.parent == from {
		return
	}
	for from != nil && from.parent != target.parent {
		from = from.parent
	}
	switch {
	case from == nil:
		r.hidden(t, target)
	default:
		from.uses[target] = true
		if len(member) > 0 && (member[0] == "executed" || member[0] == "skipped") {
			from.Asks = from.Asks || from == t.in
		}
	}
}

func (r *reader) hidden(t *text, target *draft) {
	line, column := t.where(target.ID)
	r.wrongAt(line, column, "%s: %s is a block within the foreach %s, and exists in each iteration anew", t.what, target.ID, target.parent.ID).
		fix("write %s.output, the list of what the iterations gave; `output:` of the foreach says what that is", target.parent.ID)
}

// unknown notes a name that nothing has.
func (r *reader) unknown(t *text, name, why, example string) {
	line, column := t.where(name)
	if why != "" {
		p := r.wrongAt(line, column, "%s: %s cannot stand here: %s", t.what, name, why)
		if example != "" {
			p.fix("write %s", example)
		} else {
			p.fix("take it from %s or env, or name the component itself", r.words.input)
		}
		return
	}
	known := []string{"inputs", "env", "run"}
	if r.out.InputName != "inputs" {
		known[0] = r.out.InputName
	}
	known = append(known, slices.Sorted(maps.Keys(r.declaredNames()))...)
	for _, d := range r.order {
		known = append(known, d.ID)
	}
	p := r.wrongAt(line, column, "%s: nothing is called %s", t.what, quote(name))
	switch near := sluice.Suggest(name, known); {
	case near != "":
		p.fix("did you mean %s?", near)
	case name == "item" || name == "index" || name == "accumulator":
		p.fix("%s exists within a foreach or a reduce", name)
	case r.declared[name]:
		p.fix("did you mean %s.%s?", r.words.input, name)
	default:
		p.fix("there are %s", sluice.Listing(known, 12))
	}
}

func (r *reader) declaredNames() map[string]bool {
	if r.free {
		return r.declared
	}
	return nil
}

// unknownVariable notes a name that a script with variables of its own lacks.
func (r *reader) unknownVariable(t *text, name string) {
	line, column := t.where(name)
	names := slices.Sorted(maps.Keys(t.names))
	p := r.wrongAt(line, column, "%s: the script has no variable %s", t.what, quote(name))
	if near := sluice.Suggest(name, names); near != "" {
		p.fix("did you mean %s?", near)
		return
	}
	p.fix("name it under `input`, which says what the script sees: %s", sluice.Listing(names, 10))
}
