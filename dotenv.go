package sluice

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of a dotenv file.
const (
	MaxDotenvBytes = 4 << 20
	maxAssignments = 10_000
	maxProblems    = 5 // that one error names
)

// Assignment is one KEY=VALUE of a dotenv file.
type Assignment struct {
	Key   string
	Value string
	Line  int // where it starts, from 1
}

// ParseDotenv reads a dotenv file; file is its name for messages. It is UTF-8
// with an optional byte order mark and any line ends. Blank lines and lines that
// begin with # are skipped, and so is an export before a key. A value without
// quotes goes to the end of its line, or to a # after a blank. In single quotes
// and in backticks everything stands for itself; in double quotes \n \r \t \\ \"
// \$ and \` are escapes. All three may span lines, each of which then ends with
// \n, whatever ends it in the file. Nothing is expanded.
//
// Any fault refuses the file, with the place of the first few and never with
// their text, which may be a secret.
func ParseDotenv(file, text string) ([]Assignment, error) {
	p, err := newDotenvParser(file, text)
	if err != nil {
		return nil, err
	}
	for p.rest != "" && p.fatal == nil {
		p.statement()
	}
	return p.result(`write KEY=VALUE, KEY='VALUE' or KEY="VALUE"; # begins a comment`)
}

// dotenvParser goes over the text once.
type dotenvParser struct {
	file         string
	rest         string
	line, column int // of the first character of rest; columns count characters
	out          []Assignment
	problems     []string
	faults       int
	fatal        error
}

// newDotenvParser stands at the beginning of a text, behind its byte order mark.
func newDotenvParser(file, text string) (*dotenvParser, error) {
	if len(text) > MaxDotenvBytes {
		return nil, Errorf(LimitExceeded, "%s has %d bytes; the limit is %d", file, len(text), MaxDotenvBytes).Fix("import it in parts")
	}
	text, err := ReadText(file, []byte(strings.TrimPrefix(text, "\ufeff")))
	if err != nil {
		return nil, err
	}
	return &dotenvParser{file: file, rest: text, line: 1, column: 1}, nil
}

// result is what was read, or all that is wrong with it; form says what is right.
func (p *dotenvParser) result(form string) ([]Assignment, error) {
	if p.fatal != nil {
		return nil, p.fatal
	}
	if p.faults > 0 {
		more := ""
		if p.faults > len(p.problems) {
			more = fmt.Sprintf(" and %d more", p.faults-len(p.problems))
		}
		return nil, Errorf(Invalid, "%s%s", strings.Join(p.problems, "; "), more).Fix("%s", form)
	}
	return p.out, nil
}

// fault notes what is wrong at a place.
func (p *dotenvParser) fault(line, column int, what string) {
	if p.faults++; p.faults <= maxProblems {
		p.problems = append(p.problems, fmt.Sprintf("%s:%d:%d: %s", p.file, line, column, what))
	}
}

// take consumes n bytes.
func (p *dotenvParser) take(n int) {
	for i, r := range p.rest[:n] {
		if r == '\n' || r == '\r' && (i+1 == len(p.rest) || p.rest[i+1] != '\n') {
			p.line, p.column = p.line+1, 1
			continue
		}
		p.column++
	}
	p.rest = p.rest[n:]
}

func (p *dotenvParser) blanks() {
	p.take(len(p.rest) - len(strings.TrimLeft(p.rest, " \t")))
}

// endOfLine is where the line ends, without its end.
func (p *dotenvParser) endOfLine() int {
	if i := strings.IndexAny(p.rest, "\r\n"); i >= 0 {
		return i
	}
	return len(p.rest)
}

// finish consumes the rest of the line with its end.
func (p *dotenvParser) finish() {
	n := p.endOfLine()
	if strings.HasPrefix(p.rest[n:], "\r\n") {
		n += 2
	} else if n < len(p.rest) {
		n++
	}
	p.take(n)
}

// statement reads one assignment, comment or blank line.
func (p *dotenvParser) statement() {
	p.blanks()
	if end := p.endOfLine(); end == 0 || p.rest[0] == '#' {
		p.finish()
		return
	}
	start := p.line
	if after, found := strings.CutPrefix(p.rest, "export"); found && after != "" && (after[0] == ' ' || after[0] == '\t') {
		p.take(len("export"))
		p.blanks()
	}
	line, column := p.line, p.column
	key, ok := p.key()
	if !ok {
		p.finish()
		return
	}
	value, ok := p.value()
	if !ok {
		return
	}
	p.add(Assignment{key, value, start}, line, column)
}

// key reads up to and with the sign.
func (p *dotenvParser) key() (string, bool) {
	line, column := p.line, p.column
	text := p.rest[:p.endOfLine()]
	sign := strings.IndexByte(text, '=')
	if sign < 0 {
		p.fault(line, column, "no KEY=VALUE")
		return "", false
	}
	key := strings.TrimRight(text[:sign], " \t")
	if !p.goodKey(key) {
		return "", false
	}
	p.take(sign + 1)
	return key, true
}

// goodKey reports whether a key, which begins where the parser stands, is one.
func (p *dotenvParser) goodKey(key string) bool {
	line, column := p.line, p.column
	switch {
	case key == "":
		p.fault(line, column, "no key before the =")
		return false
	case len(key) > 128:
		p.fault(line, column, "the key is longer than 128 characters")
		return false
	}
	if i := strings.IndexFunc(key, func(r rune) bool { return r != '_' && !isAlphanumeric(r) }); i >= 0 {
		p.fault(line, column+utf8.RuneCountInString(key[:i]), "a key has letters, digits and underscores only")
		return false
	}
	if key[0] >= '0' && key[0] <= '9' {
		p.fault(line, column, "a key does not begin with a digit")
		return false
	}
	return true
}

// value reads what follows the sign, and the rest of the line.
func (p *dotenvParser) value() (string, bool) {
	touching := p.column
	p.blanks()
	if p.rest != "" && strings.IndexByte(quoteMarks, p.rest[0]) >= 0 {
		return p.quoted(p.rest[0])
	}
	text := p.rest[:p.endOfLine()]
	value := text
	for i := range text {
		if text[i] == '#' && (i > 0 && isBlank(text[i-1]) || i == 0 && p.column > touching) {
			value = text[:i]
			break
		}
	}
	p.finish()
	return strings.TrimRight(value, " \t"), true
}

// quoteMarks are the characters that a quoted value begins and ends with.
const quoteMarks = "'\"`"

func isBlank(b byte) bool { return b == ' ' || b == '\t' }

// quoted reads a value in quotes. One that is not closed makes all that follows
// a part of it, so that nothing more can be told.
func (p *dotenvParser) quoted(quote byte) (string, bool) {
	line, column := p.line, p.column
	end := 1
	for ; end < len(p.rest) && p.rest[end] != quote; end++ {
		if p.rest[end] == '\\' && quote == '"' {
			end++
		}
	}
	if end >= len(p.rest) {
		p.fault(line, column, "the quote that opens here is not closed")
		p.rest = ""
		return "", false
	}
	inner := p.rest[1:end]
	p.take(end + 1)
	if quote == '`' && strings.HasSuffix(inner, `\`) {
		p.fault(p.line, p.column-1, "a backslash before a backtick is read differently by others; use double quotes")
	}
	p.blanks()
	if after := p.rest[:p.endOfLine()]; after != "" && after[0] != '#' {
		p.fault(p.line, p.column, "only a comment may follow the closing quote")
	}
	p.finish()
	inner = lineEnds.Replace(inner)
	if quote == '"' {
		inner = unescape(inner)
	}
	return inner, true
}

// unescape replaces the escapes of double quotes; another backslash stands for
// itself.
func unescape(s string) string {
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
		switch s[i] {
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case '\\', '"', '$', '`':
			b.WriteByte(s[i])
		default:
			b.WriteByte('\\')
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// lineEnds makes each line end of a value the one that values have.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

func (p *dotenvParser) add(a Assignment, line, column int) {
	switch {
	case len(a.Value) > MaxValueBytes:
		p.fatal = Errorf(LimitExceeded, "%s:%d:%d: the value of %s is %d bytes; the limit is %d", p.file, line, column, a.Key, len(a.Value), MaxValueBytes).
			Fix("publish it as a component of the kind config, and let the variable name that")
	case len(p.out) == maxAssignments:
		p.fatal = Errorf(LimitExceeded, "%s:%d:%d: more than %d assignments", p.file, line, column, maxAssignments).Fix("import it in parts")
	default:
		p.out = append(p.out, a)
	}
}

// LastOf keeps the last assignment of each key. Repeated are those that a later
// one replaced.
func LastOf(list []Assignment) (kept, repeated []Assignment) {
	last := map[string]int{}
	for i, a := range list {
		last[a.Key] = i
	}
	for i, a := range list {
		if last[a.Key] == i {
			kept = append(kept, a)
		} else {
			repeated = append(repeated, a)
		}
	}
	return kept, repeated
}

// FormatDotenv writes assignments so that [ParseDotenv] gives them back exactly.
func FormatDotenv(list []Assignment) string {
	var b strings.Builder
	for _, a := range list {
		b.WriteString(a.Key)
		b.WriteByte('=')
		if plainValue(a.Value) {
			b.WriteString(a.Value)
		} else {
			b.WriteByte('"')
			b.WriteString(dotenvEscapes.Replace(a.Value))
			b.WriteByte('"')
		}
		b.WriteByte('\n')
	}
	return b.String()
}

var dotenvEscapes = strings.NewReplacer("\\", `\\`, "\"", `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "$", `\$`, "`", "\\`")

// plainValue reports whether a value needs no quotes for any reader of such files.
func plainValue(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !isAlphanumeric(r) && !strings.ContainsRune("_./:@%+,-", r) }) < 0
}

// FormatShell writes commands that give a POSIX shell exactly these values.
func FormatShell(list []Assignment) string {
	var b strings.Builder
	for _, a := range list {
		b.WriteString("export " + a.Key + "='" + strings.ReplaceAll(a.Value, "'", `'\''`) + "'\n")
	}
	return b.String()
}
