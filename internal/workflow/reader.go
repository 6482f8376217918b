package workflow

import (
	"regexp"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
)

// reader reads one file of any form into one workflow.
type reader struct {
	problems
	source  source
	publish bool // also what only some runs meet is a mistake
	// asEnsemble says that the component is called an ensemble.
	asEnsemble bool
	out        *Workflow
	// dialect is that of strings; mixed says that conditions and values may be in
	// the other one.
	dialect expr.Dialect
	mixed   bool
	// hyphens allows them in the ids of blocks.
	hyphens bool
	// words are those of the form that the author used.
	words words

	blocks    map[string]*draft // by id, bodies included
	order     []*draft
	texts     []*text
	variables []string
	// declared are the inputs that the file names, nil when it takes anything.
	declared map[string]bool
	// dropped are the ids of blocks that only said what the workflow takes.
	dropped map[string]bool
	// free says that a name nobody knows is a field of the input.
	free bool
}

// draft is a block whose references are not resolved yet.
type draft struct {
	*Block
	at *node
	// parent is the foreach whose body it is in, nil at the top.
	parent  *draft
	as      string // what the body of a foreach calls the item
	needs   []*node
	onTrue  []*node
	onFalse []*node
	// uses are the blocks of its list that it waits for.
	uses map[*draft]bool
}

// text is one string that may be a template.
type text struct {
	at      *node
	text    string
	dialect expr.Dialect
	// in is the block that it belongs to, nil for the output of the workflow. inner
	// says that it is evaluated in each iteration of that block.
	in    *draft
	inner bool
	// names are further names that it sees.
	names map[string]bool
	// closed says that it sees inputs and env alone; why is the reason.
	closed bool
	// scripted says that it sees names alone: a script with variables of its own.
	scripted bool
	template *Template
	what     string // where it stands, for sentences
	source   source
}

func newReader(file sluice.File) *reader {
	r := &reader{
		problems: problems{file: file.Path}, source: sourceOf(file), dialect: expr.Jinja, mixed: true, words: workflowWords,
		out: &Workflow{InputName: "inputs", file: file.Path, words: workflowWords}, blocks: map[string]*draft{}, dropped: map[string]bool{},
	}
	return r
}

// place says where a template is evaluated.
type place struct {
	in     *draft
	inner  bool
	names  map[string]bool
	closed bool
}

// template reads a tree whose strings may be templates.
func (r *reader) template(n *node, what string, dialect expr.Dialect, at place) *Template {
	t := &Template{Tree: n.tree(), Dialect: dialect, Plain: true}
	r.note(n, what, dialect, at, t)
	return t
}

// note takes down the strings of a tree, to be checked when all blocks are known.
func (r *reader) note(n *node, what string, dialect expr.Dialect, at place, t *Template) {
	n.walk(what, func(path string, n *node) {
		s, _ := n.text()
		if !hasTemplate(s, dialect) {
			return
		}
		r.texts = append(r.texts, &text{
			at: n, text: s, dialect: dialect, in: at.in, inner: at.inner, names: at.names, closed: at.closed,
			template: t, what: path,
		})
	})
}

// inDialect is the dialect of a value at a place where both may be written.
func (r *reader) inDialect(n *node) expr.Dialect {
	if r.mixed {
		return dialectOf(n)
	}
	return r.dialect
}

var (
	idForm      = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	hyphenForm  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,127}$`)
	reservedIDs = []string{
		"accumulator", "agents", "and", "blocks", "else", "env", "_env", "false", "for", "if", "in", "index", "input", "inputs", "is",
		"item", "loop", "none", "not", "null", "or", "run", "true", "undefined", "__exp_global",
	}
)
