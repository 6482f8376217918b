package workflow

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// renaming makes the expressions of an ensemble readable to JavaScript. Of the agent
// variant-a, ${variant-a.output} is a subtraction, and becomes
// ${agents["variant-a"].output}. A member of what is not there is nothing, and no
// error: ${a.output.x} becomes ${a.output?.x}. The field that an agent's text answers
// for is taken from its answer, and _meta from what is known of it.
type renaming struct {
	agents []string          // by falling length, so that of two the longer one is found first
	fields map[string]string // the field that holds an agent's answer, where it is not message
}

// agentText is one text while it is rewritten.
type agentText struct {
	*renaming
	strings.Builder
	in    string
	moves []move
	// given is what the agent is given, from which {{ name }} is filled in, and refused
	// is called for what stands in such braces and cannot be; without it they are text.
	given   *node
	refused func(string)
}

// rename rewrites all strings of a tree but those of the keys that are left out.
func (n *node) rename(r *renaming, but ...string) {
	if n.shape == object {
		for i, key := range n.keys {
			if !slices.Contains(but, key.name()) {
				n.items[i].rename(r)
			}
		}
		return
	}
	n.walk("", func(_ string, n *node) { n.rewrite(r, nil, nil) })
}

// fill rewrites a tree whose strings are also templates of what an agent is given.
func (n *node) fill(r *renaming, given *node, refused func(at *node, text string)) {
	n.walk("", func(_ string, n *node) {
		n.rewrite(r, given, func(text string) { refused(n, text) })
	})
}

func (n *node) rewrite(r *renaming, given *node, refused func(string)) {
	s, _ := n.text()
	if n.moves != nil || !strings.Contains(s, "${") && !strings.Contains(s, "{{") {
		return
	}
	t := &agentText{renaming: r, in: s, given: given, refused: refused}
	if t.rewrite(); t.String() != s {
		n.value, n.written, n.moves = t.String(), s, append(t.moves, move{t.Len(), len(s)})
	}
}

// rewrite copies the text, with its expressions rewritten.
func (t *agentText) rewrite() {
	s := t.in
	for at := 0; at < len(s); {
		switch {
		case strings.HasPrefix(s[at:], `\${`):
			t.WriteString(`\${`)
			at += 3
		case strings.HasPrefix(s[at:], "${"):
			t.WriteString("${")
			at = t.expression(at + 2)
		case strings.HasPrefix(s[at:], "{{"):
			at = t.braces(at)
		default:
			t.WriteByte(s[at])
			at++
		}
	}
}

// put writes what stands in place of the text from a place up to another one.
func (t *agentText) put(text string, from, to int) int {
	t.moves = append(t.moves, move{t.Len(), from})
	t.WriteString(text)
	t.moves = append(t.moves, move{t.Len(), to})
	return to
}

// expression copies an expression, up to the brace that closes it, and leaves its
// strings and comments as they are. What stands in the holes of a template literal
// is an expression again, so the open ones are kept on a stack: '{' for a brace, '$'
// for a hole, '`' for a literal.
func (t *agentText) expression(at int) int {
	s, open := t.in, []byte{'$'}
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
			if after := t.name(at); after > at {
				at = after
				continue
			}
		}
		t.WriteString(s[at:end])
		at = end
	}
	return at
}

// name rewrites the name, the member or the index that begins at a place, and returns
// the place behind it: the same place when nothing is to be rewritten.
func (t *agentText) name(at int) int {
	s := t.in
	if at > 0 && inWord(s[at-1]) {
		if s[at] == '.' && isMember(s, at) {
			return t.put("?.", at, at+1)
		}
		if s[at] == '[' && s[at-1] != '.' {
			return t.put("?.[", at, at+1)
		}
		return at
	}
	if at > 0 && (s[at-1] == ')' || s[at-1] == ']') {
		switch {
		case s[at] == '.' && at+1 < len(s) && isLetter(s[at+1]):
			return t.put("?.", at, at+1)
		case s[at] == '[':
			return t.put("?.[", at, at+1)
		}
		return at
	}
	if now.MatchString(s[at:]) && !slices.Contains(t.agents, "now") {
		return t.put("new Date().toISOString()", at, at+len("now"))
	}
	name, behind := t.agent(at)
	if name == "" {
		return at
	}
	if strings.Contains(name, "-") {
		t.put(`agents["`+name+`"]`, at, behind)
	} else {
		t.WriteString(s[at:behind])
	}
	if m := member.FindStringSubmatchIndex(s[behind:]); m != nil {
		switch s[behind+m[4] : behind+m[5]] {
		case "_meta":
			return t.put("", behind, behind+m[3])
		case cmp.Or(t.fields[name], defaultAnswer):
			return t.put(".answer", behind, behind+m[3])
		}
	}
	dot := behind + 1 // an agent is always there, whether it has run or not
	if s[behind] == '?' {
		dot++
	}
	t.WriteString(s[behind:dot])
	return dot
}

// defaultAnswer is the field of an agent's output that holds its answer as a text.
const defaultAnswer = "message"

var (
	now = regexp.MustCompile(`^now\b(?:[^\w$:(]|$)`)
	// member is the output of an agent of which a member is taken.
	member = regexp.MustCompile(`^(\??\.output)\??\.([\w$]+)`)
	// roots are the names that are always there, and JavaScript's own: a member of them
	// is taken as it is written.
	rootBefore = regexp.MustCompile(`(?:^|[^\w$.])(?:agents|blocks|env|_env|input|inputs|[A-Z][\w$]*)$`)
	// numberBefore is a number, which has no members.
	numberBefore = regexp.MustCompile(`(?:^|[^\w$.])\d[\w.]*$`)
)

// isMember reports whether the dot at a place takes a member of what may not be there.
func isMember(s string, at int) bool {
	const most = 80 // bytes of a name that are looked at
	if at+1 >= len(s) || !isLetter(s[at+1]) || s[at-1] == '.' {
		return false
	}
	before := s[max(at-most, 0):at]
	return !rootBefore.MatchString(before) && !numberBefore.MatchString(before)
}

// agent is the name of the agent that stands at a place as a word of its own, followed
// by a dot, and the place behind it. It may stand behind agents and a dot.
func (t *agentText) agent(at int) (name string, behind int) {
	rest := t.in[at:]
	if after, found := strings.CutPrefix(rest, "agents."); found {
		rest, at = after, at+len("agents.")
	}
	for _, name := range t.agents {
		after, found := strings.CutPrefix(rest, name)
		if found && (strings.HasPrefix(after, ".") || strings.HasPrefix(after, "?.")) {
			return name, at + len(name)
		}
	}
	return "", at
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

func inWord(c byte) bool {
	return c == '_' || c == '$' || c == '.' || c >= 0x80 || isLetter(c) || '0' <= c && c <= '9'
}

func isLetter(c byte) bool {
	return c == '_' || c == '$' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
