package expr

import (
	"strings"

	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// tag is a {% %} that has been read.
type tag interface {
	nodes.ControlStructure
	run(r *jinjaRun) error
	names(n *jinjaNames) *Problem
}

// at is where a tag stands.
type at struct{ token *tokens.Token }

func (a at) Position() *tokens.Token { return a.token }
func (a at) String() string          { return a.token.Val }

// tagSet gives gonja's parser what reads the arguments and the inside of a tag.
type tagSet struct{}

// Get implements parser.ControlStructureGetter.
func (tagSet) Get(name string) (parser.ControlStructureParser, bool) {
	read, ok := map[string]func(*tagReader) (tag, *Problem){
		"if": readIf, "for": readFor, "set": readSet, "with": readWith, "macro": readMacro, "call": readCall,
		"filter": readFilter, "generation": readGeneration, "do": readDo, "raw": readRaw, "break": readBreak, "continue": readContinue,
	}[name]
	if !ok {
		read = func(r *tagReader) (tag, *Problem) { return nil, unknownTag(name, r.token) }
	}
	return func(p, args *parser.Parser) (nodes.ControlStructure, error) {
		r := &tagReader{outer: p, args: args, token: args.Match(placeOfTag), name: name}
		t, problem := read(r)
		if problem != nil {
			return nil, problem
		}
		return t, nil
	}, true
}

func unknownTag(name string, at *tokens.Token) *Problem {
	switch {
	case name == "include", name == "import", name == "from", name == "extends", name == "block":
		return tokenProblem(at, name+" does not work here: a template has no other templates to load").fixed("write the text in this template, or keep it in a macro")
	case strings.HasPrefix(name, "end"), name == "else", name == "elif":
		return tokenProblem(at, "unexpected "+cut(name, 40)+": nothing that it could belong to is open")
	}
	return tokenProblem(at, "there is no tag "+cut(name, 40)).fixed("use if, for, set, with, macro, call, filter, do or raw")
}

// tagReader reads one tag.
type tagReader struct {
	outer *parser.Parser // what follows the tag
	args  *parser.Parser // what stands in the tag after its name
	token *tokens.Token
	name  string
}

func (r *tagReader) at() at {
	return at{&tokens.Token{Val: r.name, Line: r.token.Line, Col: r.token.Col}}
}

// expression reads an expression of the arguments.
func (r *tagReader) expression() (nodes.Expression, *Problem) { return r.expressionOf(r.args) }

func (r *tagReader) expressionOf(args *parser.Parser) (nodes.Expression, *Problem) {
	args.Match(placeOfTag)
	if args.End() {
		return nil, tokenProblem(r.token, "an expression is missing after "+r.name)
	}
	e, err := args.ParseExpression()
	if err != nil {
		return nil, parseProblem(err)
	}
	return e, nil
}

// identifier reads a name that the template sets.
func (r *tagReader) identifier() (string, *Problem) {
	t := r.args.Match(tokens.Name)
	if t == nil || reserved[t.Val] || isDigits(t.Val) {
		return "", r.unexpected(r.args, "a name is missing after "+r.name)
	}
	return t.Val, nil
}

// identifiers reads names with commas between them.
func (r *tagReader) identifiers() ([]string, *Problem) {
	bracket := r.args.Match(tokens.LeftParenthesis) != nil
	var names []string
	for {
		name, problem := r.identifier()
		if problem != nil {
			return nil, problem
		}
		names = append(names, name)
		if r.args.Match(tokens.Comma) == nil {
			break
		}
	}
	if bracket && r.args.Match(tokens.RightParenthesis) == nil {
		return nil, r.unexpected(r.args, "the bracket is not closed")
	}
	return names, nil
}

// end makes sure that no argument is left.
func (r *tagReader) end(args *parser.Parser) *Problem {
	args.Match(placeOfTag)
	if !args.End() {
		return r.unexpected(args, "")
	}
	return nil
}

func (r *tagReader) unexpected(args *parser.Parser, missing string) *Problem {
	if t := args.Current(); t != nil && t.Val != "" {
		return tokenProblem(t, "unexpected "+cut(t.Val, 60)+" in "+r.name)
	}
	return tokenProblem(r.token, missing)
}

// inside reads what follows up to one of the tags that end it.
func (r *tagReader) inside(ends ...string) (*nodes.Wrapper, *parser.Parser, *Problem) {
	w, args, err := r.outer.WrapUntil(ends...)
	if err == nil {
		return w, args, nil
	}
	if p := r.outer; p.End() {
		return nil, nil, tokenProblem(r.token, "the "+r.name+" is not closed").fixed("add {% " + ends[len(ends)-1] + " %}")
	}
	return nil, nil, parseProblem(err)
}

// body reads what follows up to the one tag that ends it.
func (r *tagReader) body(end string) (*nodes.Wrapper, *Problem) {
	if problem := r.end(r.args); problem != nil {
		return nil, problem
	}
	w, args, problem := r.inside(end)
	if problem != nil {
		return nil, problem
	}
	return w, r.end(args)
}
