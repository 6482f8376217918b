package workflow

import "strings"

// words are what the author's form calls things, so that mistakes are told in it.
type words struct {
	flow  string // what runs as a whole
	block string // one part of it
	id    string // what a part is called
	input string // what a run is given
}

var (
	workflowWords = words{flow: "workflow", block: "block", id: "id", input: "inputs"}
	ensembleWords = words{flow: "ensemble", block: "agent", id: "name", input: "input"}
)

// a is a word with its article.
func a(word string) string {
	if strings.ContainsAny(word[:1], "aeiou") {
		return "an " + word
	}
	return "a " + word
}

// Part is what the author's form calls a block: block, or in an ensemble agent.
func (w *Workflow) Part() string { return w.words.block }

// form makes the reader speak in the words of a form.
func (r *reader) form(w words) {
	r.words, r.out.words = w, w
}

// kindWords are what a mistake calls the kind of a block.
func (r *reader) kindWords(kind Kind, at *node) string {
	switch {
	case at != nil && at.called != "":
		return "the operation " + at.called
	case r.words.block == ensembleWords.block && kind == Call:
		return "an agent that names another one"
	}
	return a(r.words.block) + " of kind " + string(kind)
}
