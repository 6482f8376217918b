package expr

import (
	"errors"
	"fmt"

	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// template is a Jinja template that has been read.
type template struct {
	text       string
	nodes      []nodes.Node
	references []Reference
}

// parseJinja reads a template. The grammar of expressions is gonja's; tokens, tags
// and evaluation are ours, since its own leave out what is undefined in many
// places, take text for numbers, and iterate in no fixed order.
func parseJinja(text string) (*template, *Problem) {
	found, problem := lex(text)
	if problem != nil {
		return nil, problem
	}
	root, err := parseTokens(found)
	if err != nil {
		return nil, parseProblem(err)
	}
	n := jinjaNames{}
	n.push()
	if problem := n.body(root.Nodes); problem != nil {
		return nil, problem
	}
	return &template{text: text, nodes: root.Nodes, references: sortReferences(n.found)}, nil
}

// parseTokens runs gonja's parser. Where tokens end in the middle of something, it
// can read on beyond them and panic.
func parseTokens(found []*tokens.Token) (root *nodes.Template, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			root, err = nil, fmt.Errorf("the parser panicked: %v", panicked)
		}
	}()
	return parser.NewParser("", tokens.NewStream(found), config.New(), nil, tagSet{}).Parse()
}

// checkJinja reads a text with {{ }} in it.
func checkJinja(text string) Checked {
	if static(text, Jinja) {
		return Checked{Static: true}
	}
	t, problem := parseJinja(text)
	if problem != nil {
		return Checked{Problem: problem}
	}
	return Checked{References: t.references}
}

// parseProblem turns an error of gonja's parser into a problem. What it expected
// instead helps less than what it found.
func parseProblem(err error) *Problem {
	var problem *Problem
	if errors.As(err, &problem) {
		return problem
	}
	var syntax *parser.SyntaxError
	if !errors.As(err, &syntax) {
		return &Problem{Kind: Syntax, Message: "the template cannot be read"}
	}
	p := &Problem{Kind: Syntax, Line: syntax.Line, Column: syntax.Column, Message: "the expression ends too early"}
	switch syntax.Raw {
	case "":
	case "}}", "%}":
		p.Message = "the expression ends too early, at " + syntax.Raw
	case choose:
		p.Message = "unexpected if"
	default:
		p.Message = "unexpected " + cut(syntax.Raw, 60)
	}
	return p
}

// alone returns the only expression of a template that has nothing else but
// spaces, comments aside.
func (t *template) alone() (nodes.Expression, bool) {
	var only nodes.Expression
	for _, n := range t.nodes {
		switch n := n.(type) {
		case *nodes.Output:
			if only != nil {
				return nil, false
			}
			only = n.Expression
		case *nodes.Data:
			if !blank(n.Data.Val) {
				return nil, false
			}
		default:
			return nil, false
		}
	}
	return only, only != nil
}
