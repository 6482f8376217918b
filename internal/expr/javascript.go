package expr

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/parser"
)

// The wrappings that make a program of what a user wrote. They end in a line
// break, so that a comment at the end of the code does not swallow the rest.
const (
	expressionBefore, expressionAfter = "(", "\n)"
	scriptBefore, scriptAfter         = "(function () {\n", "\n})"
	asyncBefore                       = "(async function () {\n"
)

// source is code that a user wrote, and where it stands.
type source struct {
	text   string // the whole text, for lines and columns
	at     int    // where the code starts in it, in bytes
	code   string
	before string
}

// parse reads the code. What is no single expression, as a bracket that closes
// the wrapping can make it, is a syntax problem.
func (s source) parse(after string) (*ast.Program, *Problem) {
	program, err := parser.ParseFile(nil, "", s.before+s.code+after, 0, parser.WithDisableSourceMaps)
	if err != nil {
		return nil, s.syntax(err)
	}
	if len(program.Body) == 1 {
		if statement, ok := program.Body[0].(*ast.ExpressionStatement); ok && s.whole(statement.Expression) {
			return program, nil
		}
	}
	return nil, problemAt(s.text, s.at, "the brackets do not match").fixed("look for one bracket too many")
}

// whole reports whether an expression is all of the code and no more.
func (s source) whole(e ast.Expression) bool {
	if s.before == expressionBefore {
		return true // split has matched the brackets
	}
	_, function := e.(*ast.FunctionLiteral)
	return function
}

// syntax turns what the parser says into a problem at its place.
func (s source) syntax(err error) *Problem {
	var list parser.ErrorList
	var compile *goja.CompilerSyntaxError
	switch {
	case errors.As(err, &list) && len(list) > 0:
		return s.problem(Syntax, list[0].Message, list[0].Position.Line, list[0].Position.Column)
	case errors.As(err, &compile) && compile.File != nil:
		at := compile.File.Position(compile.Offset)
		return s.problem(Syntax, compile.Message, at.Line, at.Column)
	}
	return s.problem(Syntax, err.Error(), 0, 0)
}

// problem places a problem that was found at a line and column of the wrapped
// code in the text.
func (s source) problem(kind Kind, message string, line, column int) *Problem {
	p := &Problem{Kind: kind, Message: cut(lowerFirst(message), maxQuoted)}
	if line == 0 {
		return p
	}
	if s.before == expressionBefore {
		if line == 1 {
			column--
		}
	} else {
		line--
	}
	column = characters(s.code, line, column)
	first, left := position(s.text, s.at)
	last, right := position(s.text, s.at+len(s.code))
	if line == 1 {
		column += left - 1
	}
	line += first - 1
	if line > last || line == last && column > right {
		p.Line, p.Column = last, right
		if kind == Syntax {
			p.Message = "the code ends too early"
		}
		return p
	}
	p.Line, p.Column = max(line, first), max(column, 1)
	return p
}

// characters turns a column of the engine's, which counts bytes, into one that
// counts characters, as those of templates do.
func characters(code string, line, column int) int {
	for ; line > 1; line-- {
		_, rest, found := strings.Cut(code, "\n")
		if !found {
			return column
		}
		code = rest
	}
	if column < 1 || column > len(code)+1 {
		return column
	}
	return utf8.RuneCountInString(code[:column-1]) + 1
}

// lowerFirst makes a clause of a sentence, but leaves names such as TypeError.
func lowerFirst(s string) string {
	if word, _, _ := strings.Cut(s, " "); len(word) < 2 || strings.ToLower(word[1:]) != word[1:] {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// text evaluates one text with ${} in it.
type text struct {
	ctx    context.Context
	memory *memory
	text   string
	parts  []part
}

// alone returns the only expression of a text that has nothing else but spaces.
func alone(parts []part) (part, bool) {
	var only part
	for _, p := range parts {
		switch {
		case p.code && only.code:
			return part{}, false
		case p.code:
			only = p
		case strings.TrimSpace(p.text) != "":
			return part{}, false
		}
	}
	return only, only.code
}

// evaluate gives the value of the text. All its expressions run in one engine,
// from the left to the right.
func (t text) evaluate(m *machine, most int) (any, error) {
	if only, ok := alone(t.parts); ok {
		v, src, err := t.run(m, only)
		if err != nil {
			return nil, err
		}
		exported, err := m.export(v, most)
		return exported, m.problem(src, err)
	}
	var b strings.Builder
	for _, p := range t.parts {
		piece := p.text
		if p.code {
			v, src, err := t.run(m, p)
			if err != nil {
				return nil, err
			}
			if piece, err = m.text(v); err != nil {
				return nil, m.problem(src, err)
			}
		}
		if b.Len()+len(piece) > most {
			return nil, tooLarge(most)
		}
		b.WriteString(piece)
	}
	return b.String(), nil
}

// run evaluates one expression to what it settles to.
func (t text) run(m *machine, p part) (goja.Value, source, error) {
	src := source{text: t.text, at: p.at, code: p.text, before: expressionBefore}
	if strings.TrimSpace(p.text) == "" {
		return nil, src, problemAt(t.text, p.at, "the ${} is empty").fixed("write an expression between the braces, or \\${ for the text ${ itself")
	}
	program, problem := t.memory.program(src, expressionAfter)
	if problem != nil {
		return nil, src, problem
	}
	v, err := m.run(t.ctx, program)
	if err == nil {
		v, err = settled(v)
	}
	return v, src, m.problem(src, err)
}

// run runs a program.
func (m *machine) run(ctx context.Context, program *goja.Program) (goja.Value, error) {
	defer m.interruptible(ctx)()
	return m.vm.RunProgram(program)
}

// text is String(value).
func (m *machine) text(v goja.Value) (s string, err error) {
	if thrown := m.vm.Try(func() {
		if s = v.String(); strings.ContainsRune(s, utf8.RuneError) && halved(v.ToString()) {
			err = &Problem{Kind: Type, Message: "the text has half of a surrogate pair, which is no character", Fix: wholeCharacters}
		}
	}); thrown != nil {
		return "", thrown
	}
	return s, err
}

// halved reports whether a text has half of a pair that is one character in UTF-16.
func halved(v goja.Value) bool {
	s, ok := v.(goja.String)
	for i := 0; ok && i < s.Length(); i++ {
		c := rune(s.CharAt(i))
		if !utf16.IsSurrogate(c) {
			continue
		}
		if i++; i == s.Length() || utf16.DecodeRune(c, rune(s.CharAt(i))) == utf8.RuneError {
			return true
		}
	}
	return false
}

var promiseType = reflect.TypeFor[*goja.Promise]()

// settled unpacks a promise. There is nothing that could settle one later.
func settled(v goja.Value) (goja.Value, error) {
	if v == nil {
		return goja.Undefined(), nil
	}
	o, ok := v.(*goja.Object)
	if !ok || o.ExportType() != promiseType { // exporting all else would read its properties, which may throw
		return v, nil
	}
	promise, ok := o.Export().(*goja.Promise)
	if !ok {
		return v, nil
	}
	switch promise.State() {
	case goja.PromiseStateFulfilled:
		return promise.Result(), nil
	case goja.PromiseStateRejected:
		return nil, &rejected{promise.Result()}
	}
	return nil, &Problem{Kind: Type, Message: "the result is a promise that nothing resolves", Fix: "there are no timers and no network here: return the value itself"}
}

// rejected is what a promise was rejected with.
type rejected struct{ value goja.Value }

func (*rejected) Error() string { return "the promise was rejected" }
