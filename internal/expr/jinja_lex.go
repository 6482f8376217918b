package expr

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nikolalohinski/gonja/v2/tokens"
	"github.com/sluice-dev/sluice/internal/value"
)

// maxBrackets is how deeply brackets may be nested.
const maxBrackets = 100

// lexer takes a Jinja template apart into the tokens that gonja's parser reads.
// It is our own so that an expression may have several lines, that characters
// which mean nothing are errors, and that every token has its place.
type lexer struct {
	text      string
	i         int
	line      int // of i, from 1
	lineStart int
	tokens    []*tokens.Token
	trim      bool // the tag before ended with -
}

// lex returns the tokens of a template, the last of them EOF. Comments are left
// out, and text is trimmed where a - next to it says so.
func lex(text string) ([]*tokens.Token, *Problem) {
	l := &lexer{text: strings.ReplaceAll(text, "\r\n", "\n"), line: 1}
	for l.i < len(l.text) {
		open := nextTag(l.text[l.i:])
		end := len(l.text)
		if open >= 0 {
			end = l.i + open
		}
		l.data(end)
		if open < 0 {
			break
		}
		var p *Problem
		switch l.text[l.i+1] {
		case '#':
			p = l.comment()
		case '%':
			p = l.block()
		default:
			p = l.output()
		}
		if p != nil {
			return nil, p
		}
	}
	l.emit(tokens.EOF, "")
	return l.tokens, nil
}

// nextTag returns where the next {{, {% or {# starts, or -1.
func nextTag(s string) int {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '{' && (s[i+1] == '{' || s[i+1] == '%' || s[i+1] == '#') {
			return i
		}
	}
	return -1
}

// data emits the text up to end.
func (l *lexer) data(end int) {
	s := l.text[l.i:end]
	if l.trim {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		l.trim = false
	}
	if strings.HasPrefix(l.text[end:], "{{-") || strings.HasPrefix(l.text[end:], "{%-") || strings.HasPrefix(l.text[end:], "{#-") {
		s = strings.TrimRightFunc(s, unicode.IsSpace)
	}
	if s != "" {
		l.emit(tokens.Data, s)
	}
	l.advance(end)
}

func (l *lexer) comment() *Problem {
	end := strings.Index(l.text[l.i+2:], "#}")
	if end < 0 {
		return l.problem("the comment is not closed")
	}
	end += l.i + 2
	l.trim = end > l.i+2 && l.text[end-1] == '-'
	l.advance(end + 2)
	return nil
}

func (l *lexer) output() *Problem {
	open := l.open(tokens.VariableBegin, "{{")
	inside, p := l.expression("}}")
	if p != nil {
		return p
	}
	if len(inside) == 0 {
		return tokenProblem(open, "the {{ }} is empty")
	}
	l.tokens = append(append(l.tokens, lower(inside)...), l.close(tokens.VariableEnd, "}}"))
	return nil
}

func (l *lexer) block() *Problem {
	open := l.open(tokens.BlockBegin, "{%")
	inside, p := l.expression("%}")
	if p != nil {
		return p
	}
	if len(inside) == 0 || inside[0].Type != tokens.Name {
		return tokenProblem(open, "the name of a tag is missing")
	}
	l.tokens = append(append(l.tokens, lowerTag(inside)...), l.close(tokens.BlockEnd, "%}"))
	if inside[0].Val == "raw" {
		return l.raw(open)
	}
	return nil
}

// raw emits all up to the tag endraw as text.
func (l *lexer) raw(open *tokens.Token) *Problem {
	for at := l.i; ; {
		next := strings.Index(l.text[at:], "{%")
		if next < 0 {
			return tokenProblem(open, "the raw is not closed")
		}
		at += next
		if name := strings.TrimLeft(l.text[at+2:], "-+ \t\n"); strings.HasPrefix(name, "endraw") {
			l.data(at)
			return nil
		}
		at += 2
	}
}

// open emits the token that starts a tag.
func (l *lexer) open(kind tokens.Type, sign string) *tokens.Token {
	l.trim = false
	token := l.emit(kind, sign)
	l.advance(l.i + 2)
	if l.i < len(l.text) && (l.text[l.i] == '-' || l.text[l.i] == '+' && sign == "{%") {
		l.advance(l.i + 1)
	}
	return token
}

// close returns the token that ends a tag, and goes past it.
func (l *lexer) close(kind tokens.Type, sign string) *tokens.Token {
	token := l.token(kind, sign)
	if l.text[l.i] == '-' || l.text[l.i] == '+' {
		l.trim = l.text[l.i] == '-'
		l.advance(l.i + 1)
	}
	l.advance(l.i + 2)
	return token
}

// expression returns the tokens up to the sign that ends a tag.
func (l *lexer) expression(end string) ([]*tokens.Token, *Problem) {
	var found []*tokens.Token
	var open []byte
	start := l.token(tokens.Error, "")
	for {
		for l.i < len(l.text) && strings.IndexByte(" \t\n\r", l.text[l.i]) >= 0 {
			l.advance(l.i + 1)
		}
		rest := l.text[l.i:]
		if rest == "" {
			return nil, tokenProblem(start, "the tag is not closed").fixed("add the " + end + " that ends it")
		}
		if len(open) == 0 && (strings.HasPrefix(rest, end) || strings.HasPrefix(rest, "-"+end) || end == "%}" && strings.HasPrefix(rest, "+"+end)) {
			if n := len(found); n > 0 && wantsMore(found[n-1].Type) {
				return nil, l.problem("the expression ends too early, at " + end)
			}
			return found, nil
		}
		token, p := l.next(rest)
		if p != nil {
			return nil, p
		}
		switch c := rest[0]; c {
		case '(', '[', '{':
			if open = append(open, c); len(open) > maxBrackets {
				return nil, tokenProblem(token, "brackets are nested too deeply")
			}
		case ')', ']', '}':
			if n := len(open); n == 0 || !brackets(open[n-1], c) {
				return nil, tokenProblem(token, "unexpected "+string(c))
			}
			open = open[:len(open)-1]
		}
		found = append(found, token)
	}
}

// wantsMore reports whether an expression cannot end with a token.
func wantsMore(t tokens.Type) bool {
	switch t {
	case tokens.And, tokens.Or, tokens.Not, tokens.In, tokens.Is, tokens.Pipe, tokens.Dot, tokens.Tilde, tokens.Assign,
		tokens.Addition, tokens.Subtraction, tokens.Multiply, tokens.Division, tokens.FloorDivision, tokens.Modulo, tokens.Power,
		tokens.Equals, tokens.Ne, tokens.LowerThan, tokens.LowerThanOrEqual, tokens.GreaterThan, tokens.GreaterThanOrEqual:
		return true
	}
	return false
}

func brackets(open, close byte) bool {
	return open == '(' && close == ')' || open == '[' && close == ']' || open == '{' && close == '}'
}

// next reads one token of an expression.
func (l *lexer) next(rest string) (*tokens.Token, *Problem) {
	c, _ := utf8.DecodeRuneInString(rest)
	switch {
	case c == '"' || c == '\'':
		return l.quoted(rest)
	case '0' <= c && c <= '9':
		return l.number(rest)
	case c == '_' || unicode.IsLetter(c):
		end := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if end < 0 {
			end = len(rest)
		}
		return l.take(kindOfWord(rest[:end]), rest[:end]), nil
	}
	for _, s := range signs {
		if strings.HasPrefix(rest, s.text) {
			return l.take(s.kind, s.text), nil
		}
	}
	return nil, l.problem("unexpected " + strconv.QuoteRune(c))
}

// kindOfWord tells keywords from names.
func kindOfWord(word string) tokens.Type {
	switch word {
	case "and":
		return tokens.And
	case "or":
		return tokens.Or
	case "not":
		return tokens.Not
	case "in":
		return tokens.In
	case "is":
		return tokens.Is
	}
	return tokens.Name
}

// signs are the operators, longer ones first.
var signs = []struct {
	text string
	kind tokens.Type
}{
	{"**", tokens.Power},
	{"//", tokens.FloorDivision},
	{"==", tokens.Equals},
	{"!=", tokens.Ne},
	{"<=", tokens.LowerThanOrEqual},
	{">=", tokens.GreaterThanOrEqual},
	{"<", tokens.LowerThan},
	{">", tokens.GreaterThan},
	{"=", tokens.Assign},
	{"+", tokens.Addition},
	{"-", tokens.Subtraction},
	{"*", tokens.Multiply},
	{"/", tokens.Division},
	{"%", tokens.Modulo},
	{"~", tokens.Tilde},
	{"|", tokens.Pipe},
	{",", tokens.Comma},
	{":", tokens.Colon},
	{".", tokens.Dot},
	{"(", tokens.LeftParenthesis},
	{")", tokens.RightParenthesis},
	{"[", tokens.LeftBracket},
	{"]", tokens.RightBracket},
	{"{", tokens.LeftBrace},
	{"}", tokens.RightBrace},
}

// number reads digits, with a fraction and an exponent.
func (l *lexer) number(rest string) (*tokens.Token, *Problem) {
	digits := func(from int) int {
		for from < len(rest) && ('0' <= rest[from] && rest[from] <= '9' || rest[from] == '_') {
			from++
		}
		return from
	}
	kind, end := tokens.Integer, digits(0)
	if end+1 < len(rest) && rest[end] == '.' && '0' <= rest[end+1] && rest[end+1] <= '9' {
		kind, end = tokens.Float, digits(end+1)
	}
	if end < len(rest) && (rest[end] == 'e' || rest[end] == 'E') {
		from := end + 1
		if from < len(rest) && (rest[from] == '-' || rest[from] == '+') {
			from++
		}
		if to := digits(from); to > from {
			kind, end = tokens.Float, to
		}
	}
	digitsAlone := strings.TrimLeft(strings.ReplaceAll(rest[:end], "_", ""), "0") // 010 is no octal number
	if digitsAlone == "" || digitsAlone[0] < '0' || '9' < digitsAlone[0] {
		digitsAlone = "0" + digitsAlone
	}
	if _, err := value.ParseNumber(digitsAlone); err != nil {
		return nil, l.problem(err.Error())
	}
	if !gonjaHolds(kind, digitsAlone) {
		kind = tokens.Name
	}
	token := l.take(kind, rest[:end])
	token.Val = digitsAlone
	return token, nil
}

// gonjaHolds reports whether gonja's parser reads a number. It is given any other
// as a name, which no name can be taken for: see [isDigits].
func gonjaHolds(kind tokens.Type, digits string) bool {
	if kind == tokens.Integer {
		_, err := strconv.ParseInt(digits, 10, 64)
		return err == nil
	}
	_, err := strconv.ParseFloat(digits, 64)
	return err == nil
}

// isDigits reports whether a name is a number in truth.
func isDigits(name string) bool { return name[0] >= '0' && name[0] <= '9' }

// take emits nothing: it returns the token and goes past its text.
func (l *lexer) take(kind tokens.Type, text string) *tokens.Token {
	token := l.token(kind, text)
	l.advance(l.i + len(text))
	return token
}

func (l *lexer) emit(kind tokens.Type, value string) *tokens.Token {
	token := l.token(kind, value)
	l.tokens = append(l.tokens, token)
	return token
}

func (l *lexer) token(kind tokens.Type, value string) *tokens.Token {
	return &tokens.Token{Type: kind, Val: value, Pos: l.i, Line: l.line, Col: utf8.RuneCountInString(l.text[l.lineStart:l.i]) + 1}
}

// advance goes to a place further on.
func (l *lexer) advance(to int) {
	passed := l.text[l.i:to]
	if n := strings.Count(passed, "\n"); n > 0 {
		l.line += n
		l.lineStart = l.i + strings.LastIndexByte(passed, '\n') + 1
	}
	l.i = to
}

func (l *lexer) problem(message string) *Problem {
	return tokenProblem(l.token(tokens.Error, ""), message)
}

// tokenProblem is a syntax problem at a token.
func tokenProblem(t *tokens.Token, message string) *Problem {
	p := &Problem{Kind: Syntax, Message: cut(message, maxQuoted)}
	if t != nil {
		p.Line, p.Column = t.Line, t.Col
	}
	return p
}
