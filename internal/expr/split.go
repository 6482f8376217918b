package expr

import (
	"strings"
	"unicode/utf8"
)

// part is one piece of a text with ${} in it.
type part struct {
	text string // as it is, or the source of an expression
	code bool
	at   int // where the piece starts in the text, in bytes
}

// split takes a text with ${expression} apart. \${ stands for ${ itself. The
// closing brace is found as JavaScript would find it: not in strings, template
// literals, regular expressions, comments or nested braces.
func split(text string) ([]part, *Problem) {
	var parts []part
	var plain strings.Builder
	start := 0
	flush := func() {
		if plain.Len() > 0 {
			parts = append(parts, part{text: plain.String(), at: start})
			plain.Reset()
		}
	}
	for i := 0; i < len(text); {
		next := strings.Index(text[i:], "${")
		if next < 0 {
			plain.WriteString(text[i:])
			break
		}
		at := i + next
		if next > 0 && text[at-1] == '\\' {
			plain.WriteString(text[i:at-1] + "${")
			i = at + 2
			continue
		}
		plain.WriteString(text[i:at])
		flush()
		end, p := closing(text, at+2)
		if p != nil {
			return nil, p
		}
		parts = append(parts, part{text: text[at+2 : end], code: true, at: at + 2})
		i, start = end+1, end+1
	}
	flush()
	return parts, nil
}

// scanner finds the end of one expression.
type scanner struct {
	text  string
	i     int
	stack []byte // the brackets that are open; ` for a template literal
	// operand is true where a / divides, after a value, and false where it starts
	// a regular expression.
	operand bool
}

// closing returns where the } stands that closes the ${ before from.
func closing(text string, from int) (int, *Problem) {
	s := scanner{text: text, i: from, stack: []byte{'{'}}
	for s.i < len(text) {
		if s.inTemplate() {
			if !s.template() {
				break
			}
			continue
		}
		switch c := text[s.i]; c {
		case '\'', '"':
			if !s.quoted(c) {
				return 0, problemAt(text, s.i, "the string is not closed")
			}
		case '`':
			s.stack = append(s.stack, c)
			s.i++
		case '(', '[', '{':
			s.stack = append(s.stack, c)
			s.operand = false
			s.i++
		case ')', ']', '}':
			if !s.closes(c) {
				return 0, problemAt(text, s.i, "unexpected "+string(c))
			}
			s.stack = s.stack[:len(s.stack)-1]
			if len(s.stack) == 0 {
				return s.i, nil
			}
			s.operand = true
			s.i++
		case '/':
			if !s.slash() {
				return 0, problemAt(text, s.i, "the comment or regular expression is not closed")
			}
		default:
			s.other()
		}
	}
	return 0, problemAt(text, from-2, "the ${ is not closed").fixed("add the } that ends the expression, or write \\${ for the text ${ itself")
}

func (s *scanner) inTemplate() bool { return s.stack[len(s.stack)-1] == '`' }

func (s *scanner) closes(c byte) bool {
	open := s.stack[len(s.stack)-1]
	return open == '(' && c == ')' || open == '[' && c == ']' || open == '{' && c == '}'
}

// template goes on in a template literal, up to its end or to a ${ in it.
func (s *scanner) template() bool {
	for s.i < len(s.text) {
		switch {
		case s.text[s.i] == '\\':
			s.i += 2
		case s.text[s.i] == '`':
			s.stack = s.stack[:len(s.stack)-1]
			s.operand = true
			s.i++
			return true
		case strings.HasPrefix(s.text[s.i:], "${"):
			s.stack = append(s.stack, '{')
			s.operand = false
			s.i += 2
			return true
		default:
			s.i++
		}
	}
	return false
}

// quoted goes past a string.
func (s *scanner) quoted(quote byte) bool {
	for i := s.i + 1; i < len(s.text); i++ {
		switch s.text[i] {
		case '\\':
			i++
		case '\n':
			return false
		case quote:
			s.i, s.operand = i+1, true
			return true
		}
	}
	return false
}

// slash goes past a comment, a regular expression or a division.
func (s *scanner) slash() bool {
	rest := s.text[s.i:]
	switch {
	case strings.HasPrefix(rest, "//"):
		end := strings.IndexByte(rest, '\n')
		if end < 0 {
			return false
		}
		s.i += end
	case strings.HasPrefix(rest, "/*"):
		end := strings.Index(rest[2:], "*/")
		if end < 0 {
			return false
		}
		s.i += end + 4
	case s.operand:
		s.operand = false
		s.i++
	default:
		return s.regexp()
	}
	return true
}

func (s *scanner) regexp() bool {
	class := false
	for i := s.i + 1; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '\\':
			i++
		case c == '\n':
			return false
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '/' && !class:
			s.i, s.operand = i+1, true
			return true
		}
	}
	return false
}

// other goes past a word, a number or an operator.
func (s *scanner) other() {
	from := s.i
	for s.i < len(s.text) && wordByte(s.text[s.i]) {
		s.i++
	}
	if word := s.text[from:s.i]; word != "" {
		s.operand = !beforeOperand[word]
		return
	}
	switch c := s.text[s.i]; c {
	case ' ', '\t', '\r', '\n':
	default:
		s.operand = false
	}
	s.i++
}

// beforeOperand are the words after which a / starts a regular expression.
var beforeOperand = map[string]bool{
	"return": true, "typeof": true, "instanceof": true, "in": true, "of": true, "new": true,
	"delete": true, "void": true, "throw": true, "case": true, "do": true, "else": true, "await": true, "yield": true,
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf
}

// problemAt is a syntax problem at a place in a text.
func problemAt(text string, offset int, message string) *Problem {
	line, column := position(text, offset)
	return &Problem{Kind: Syntax, Line: line, Column: column, Message: cut(message, maxQuoted)}
}

// position gives the line and the column in characters, from 1, of a byte.
func position(text string, offset int) (line, column int) {
	before := text[:min(offset, len(text))]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

// fixed adds what to do next.
func (p *Problem) fixed(fix string) *Problem {
	p.Fix = fix
	return p
}
