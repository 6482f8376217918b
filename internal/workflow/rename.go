package workflow

import "strings"

// rename makes names with hyphens readable to JavaScript in all strings of a
// tree: of the agent variant-a, ${variant-a.output} is a subtraction, and becomes
// ${agents["variant-a"].output}.
func (n *node) rename(names []string) {
	if len(names) == 0 {
		return
	}
	n.walk("", func(_ string, n *node) {
		s, _ := n.text()
		if out := renameIn(s, names); out != s {
			n.value, n.moved = out, true
		}
	})
}

// renameIn rewrites the expressions of one text.
func renameIn(s string, names []string) string {
	var b strings.Builder
	for at := 0; at < len(s); {
		switch {
		case strings.HasPrefix(s[at:], `\${`):
			b.WriteString(`\${`)
			at += 3
		case strings.HasPrefix(s[at:], "${"):
			b.WriteString("${")
			at = renameExpression(&b, s, at+2, names)
		default:
			b.WriteByte(s[at])
			at++
		}
	}
	return b.String()
}

// renameExpression copies an expression, up to the brace that closes it, and
// leaves its strings and comments as they are. What stands in the holes of a
// template literal is an expression again, so the open ones are kept on a stack:
// '{' for a brace, '$' for a hole, '`' for a literal.
func renameExpression(b *strings.Builder, s string, at int, names []string) int {
	open := []byte{'$'}
	for at < len(s) && len(open) > 0 {
		c, inLiteral := s[at], open[len(open)-1] == '`'
		end := at + 1
		switch {
		case inLiteral && c == '\\':
			end = min(at+2, len(s))
		case inLiteral && strings.HasPrefix(s[at:], "${"):
			open, end = append(open, '$'), at+2
		case inLiteral && c == '`':
			open = open[:len(open)-1]
		case inLiteral:
		case c == '`' || c == '{':
			open = append(open, c)
		case c == '}':
			open = open[:len(open)-1]
		case c == '"' || c == '\'':
			end = endOfString(s, at)
		case strings.HasPrefix(s[at:], "/*"):
			end = len(s)
			if i := strings.Index(s[at+2:], "*/"); i >= 0 {
				end = at + 2 + i + 2
			}
		case strings.HasPrefix(s[at:], "//"):
			end = len(s)
			if i := strings.IndexByte(s[at:], '\n'); i >= 0 {
				end = at + i
			}
		default:
			if name := nameAt(s, at, names); name != "" {
				b.WriteString(`agents["` + name + `"]`)
				at += len(name)
				continue
			}
		}
		b.WriteString(s[at:end])
		at = end
	}
	return at
}

// endOfString is the place after the string that begins at a place.
func endOfString(s string, at int) int {
	for i := at + 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[at]:
			return i + 1
		}
	}
	return len(s)
}

// nameAt is the name that stands at a place as a word of its own, followed by a
// dot.
func nameAt(s string, at int, names []string) string {
	if at > 0 && inWord(s[at-1]) {
		return ""
	}
	for _, name := range names {
		rest, found := strings.CutPrefix(s[at:], name)
		if found && (strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "?.")) {
			return name
		}
	}
	return ""
}

func inWord(c byte) bool {
	return c == '_' || c == '$' || c == '.' || c >= 0x80 || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
