package expr

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nikolalohinski/gonja/v2/tokens"
)

// choose is the name of the function that `a if b else c` is turned into. It is
// no name that a template could use.
const choose = "?"

// lower rewrites what gonja's parser reads otherwise than Jinja: `a if b else c`
// anywhere, and filters on what follows `in`. It keeps the place of all tokens.
func lower(in []*tokens.Token) []*tokens.Token {
	var out []*tokens.Token
	start := 0
	depth := 0
	for i, t := range in {
		switch t.Type {
		case tokens.LeftParenthesis, tokens.LeftBracket, tokens.LeftBrace:
			depth++
		case tokens.RightParenthesis, tokens.RightBracket, tokens.RightBrace:
			depth--
		case tokens.Comma, tokens.Colon, tokens.Assign:
			if depth == 0 {
				out = append(append(out, lowerOne(in[start:i])...), t)
				start = i + 1
			}
		}
	}
	return append(out, lowerOne(in[start:])...)
}

// lowerOne rewrites a stretch without a comma, colon or = outside of brackets.
func lowerOne(in []*tokens.Token) []*tokens.Token {
	at := wordOutside(in, "if")
	if at <= 0 {
		return lowerIn(lowerBrackets(in))
	}
	condition, otherwise := in[at+1:], []*tokens.Token(nil)
	if e := wordOutside(condition, "else"); e >= 0 {
		condition, otherwise = condition[:e], condition[e+1:]
		if len(otherwise) == 0 {
			return in // for the parser to refuse
		}
	}
	if len(condition) == 0 {
		return in
	}
	like := func(kind tokens.Type, value string) *tokens.Token {
		return &tokens.Token{Type: kind, Val: value, Pos: in[0].Pos, Line: in[0].Line, Col: in[0].Col}
	}
	out := []*tokens.Token{like(tokens.Name, choose), like(tokens.LeftParenthesis, "(")}
	out = append(append(out, lowerOne(condition)...), like(tokens.Comma, ","))
	out = append(out, lowerIn(lowerBrackets(in[:at]))...)
	if otherwise != nil {
		out = append(append(out, like(tokens.Comma, ",")), lowerOne(otherwise)...)
	}
	return append(out, like(tokens.RightParenthesis, ")"))
}

// lowerBrackets rewrites what is in brackets.
func lowerBrackets(in []*tokens.Token) []*tokens.Token {
	var out []*tokens.Token
	for i := 0; i < len(in); i++ {
		out = append(out, in[i])
		switch in[i].Type {
		case tokens.LeftParenthesis, tokens.LeftBracket, tokens.LeftBrace:
			if end := matching(in, i); end > i {
				out = append(out, lower(in[i+1:end])...)
				i = end - 1
			}
		}
	}
	return out
}

// lowerIn puts brackets around what follows in, which gonja would end too early.
func lowerIn(in []*tokens.Token) []*tokens.Token {
	at := -1
	for i, t := range in {
		if t.Type == tokens.In && outside(in, i) {
			at = i
			break
		}
	}
	if at < 0 {
		return in
	}
	end := at + 1
	for depth := 0; end < len(in); end++ {
		switch in[end].Type {
		case tokens.LeftParenthesis, tokens.LeftBracket, tokens.LeftBrace:
			depth++
		case tokens.RightParenthesis, tokens.RightBracket, tokens.RightBrace:
			depth--
		}
		if depth < 0 || depth == 0 && endsOperand(in[end].Type) {
			break
		}
	}
	if end == at+1 {
		return in
	}
	open, close := *in[at], *in[at]
	open.Type, open.Val = tokens.LeftParenthesis, "("
	close.Type, close.Val = tokens.RightParenthesis, ")"
	out := append([]*tokens.Token{}, in[:at+1]...)
	out = append(append(append(out, &open), in[at+1:end]...), &close)
	return append(out, lowerIn(in[end:])...)
}

func endsOperand(t tokens.Type) bool {
	switch t {
	case tokens.And, tokens.Or, tokens.Not, tokens.Is, tokens.In, tokens.Equals, tokens.Ne, tokens.LowerThan,
		tokens.LowerThanOrEqual, tokens.GreaterThan, tokens.GreaterThanOrEqual, tokens.Comma, tokens.Colon, tokens.Assign:
		return true
	}
	return false
}

// lowerTag rewrites the expressions of a block tag. The if of a for is no choice.
// Behind the name it puts a token that holds the place of the tag, which the
// parser does not keep.
func lowerTag(in []*tokens.Token) []*tokens.Token {
	place := *in[0]
	place.Type = placeOfTag
	rest := in[1:]
	if in[0].Val == "for" {
		rest = lowerFor(rest)
	} else {
		rest = lower(rest)
	}
	return append([]*tokens.Token{in[0], &place}, rest...)
}

// placeOfTag is a type of token that no template has.
const placeOfTag = tokens.Semicolon

func lowerFor(in []*tokens.Token) []*tokens.Token {
	at := 0
	for at < len(in) && in[at].Type != tokens.In {
		at++
	}
	if at == len(in) {
		return in
	}
	out := append([]*tokens.Token{}, in[:at+1]...)
	rest := in[at+1:]
	if condition := wordOutside(rest, "if"); condition >= 0 {
		out = append(append(out, lowerIn(lowerBrackets(rest[:condition]))...), rest[condition])
		rest = rest[condition+1:]
	}
	return append(out, lowerIn(lowerBrackets(rest))...)
}

// wordOutside finds a word outside of brackets that is no member, or -1.
func wordOutside(in []*tokens.Token, word string) int {
	depth := 0
	for i, t := range in {
		switch t.Type {
		case tokens.LeftParenthesis, tokens.LeftBracket, tokens.LeftBrace:
			depth++
		case tokens.RightParenthesis, tokens.RightBracket, tokens.RightBrace:
			depth--
		case tokens.Name:
			if depth == 0 && t.Val == word && (i == 0 || in[i-1].Type != tokens.Dot) {
				return i
			}
		}
	}
	return -1
}

func outside(in []*tokens.Token, at int) bool {
	depth := 0
	for _, t := range in[:at] {
		switch t.Type {
		case tokens.LeftParenthesis, tokens.LeftBracket, tokens.LeftBrace:
			depth++
		case tokens.RightParenthesis, tokens.RightBracket, tokens.RightBrace:
			depth--
		}
	}
	return depth == 0
}

// matching returns where the bracket at i closes, or -1.
func matching(in []*tokens.Token, i int) int {
	depth := 0
	for j := i; j < len(in); j++ {
		switch in[j].Type {
		case tokens.LeftParenthesis, tokens.LeftBracket, tokens.LeftBrace:
			depth++
		case tokens.RightParenthesis, tokens.RightBracket, tokens.RightBrace:
			if depth--; depth == 0 {
				return j
			}
		}
	}
	return -1
}

// quoted reads a string and its escapes.
func (l *lexer) quoted(rest string) (*tokens.Token, *Problem) {
	end := 1
	for ; end < len(rest) && rest[end] != rest[0]; end++ {
		if rest[end] == '\\' {
			end++
		}
	}
	if end >= len(rest) {
		return nil, l.problem("the string is not closed")
	}
	token := l.take(tokens.String, rest[:end+1])
	// The parser takes a doubled backslash for one.
	token.Val = strings.ReplaceAll(unescaped(rest[1:end]), `\`, `\\`)
	return token, nil
}

// unescaped reads escapes as Python does; those that it does not know stay.
func unescaped(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case '\\', '\'', '"':
			b.WriteByte(c)
		case '\n':
		case 'x', 'u', 'U':
			i += writeRune(&b, s[i:])
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String()
}

// writeRune writes what x41, u0041 or U00000041 stands for, or that text with its
// backslash. It returns how many digits it took.
func writeRune(b *strings.Builder, s string) int {
	n := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[0]]
	if len(s) > n {
		if r, err := strconv.ParseUint(s[1:n+1], 16, 32); err == nil && utf8.ValidRune(rune(r)) {
			b.WriteRune(rune(r))
			return n
		}
	}
	b.WriteString(`\` + s[:1])
	return 0
}
