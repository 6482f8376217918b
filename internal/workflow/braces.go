package workflow

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/value"
)

// path is a name with members, as templates of agents fill it in: {{ order.id }}.
var bracesPath = regexp.MustCompile(`^[A-Za-z_$][\w$-]*(?:\.[\w$-]+)*$`)

// requestNames are what a request brings to an ensemble: here all is the run's input.
var requestNames = []string{"params", "query", "body", "trigger"}

// braces rewrites {{ name }}: a name of the ensemble is an expression wherever it
// stands, and in the text of an agent other names are those of what it is given. The
// text of a template is the author's alone: what is filled in is never read as one.
func (t *agentText) braces(at int) int {
	end := strings.Index(t.in[at:], "}}")
	if end < 0 {
		t.WriteString("{{")
		return at + 2
	}
	end += at + 2
	inner := strings.TrimSpace(t.in[at+2 : end-2])
	root, rest, _ := strings.Cut(inner, ".")
	switch {
	case bracesPath.MatchString(inner) && t.ofEnsemble(root) && !t.given.has(root):
		return t.put(t.sub("${"+inner+"}"), at, end)
	case t.refused == nil:
		t.WriteString(t.in[at:end])
		return end
	case bracesPath.MatchString(inner):
		if text, ok := t.filled(t.given, root, rest); ok {
			return t.put(text, at, end)
		}
	}
	t.refused(t.in[at:end])
	t.WriteString(t.in[at:end])
	return end
}

// ofEnsemble reports whether an ensemble has a name everywhere.
func (t *agentText) ofEnsemble(root string) bool {
	return root == "input" || root == "inputs" || root == "env" || root == "agents" || slices.Contains(t.agents, root)
}

// has reports whether a map has a key.
func (n *node) has(name string) bool { return n.get(name) != nil }

// sub rewrites a text that is put into this one.
func (t *agentText) sub(text string) string {
	one := &agentText{renaming: t.renaming, in: text}
	one.rewrite()
	return one.String()
}

// filled is what stands for a member of what the agent is given, which without
// anything of its own is what the ensemble got.
func (t *agentText) filled(given *node, root, rest string) (string, bool) {
	if given == nil || given.shape != object || given.get(root) == nil {
		return "${" + chain("input", root, rest) + ` ?? ""}`, true
	}
	n := given.get(root)
	for n.shape == object && rest != "" {
		root, rest, _ = strings.Cut(rest, ".")
		if n = n.get(root); n == nil {
			return "", true
		}
	}
	if n.shape != scalar {
		return "", false
	}
	text, isText := n.text()
	if n.moves != nil {
		text = n.written
	}
	switch {
	case n.value == nil:
		return "", true
	case !isText:
		return value.Text(n.value), rest == ""
	case rest == "":
		return t.sub(text), true
	}
	inner, alone := strings.CutPrefix(strings.TrimSpace(text), "${")
	if inner, closed := strings.CutSuffix(inner, "}"); alone && closed && !strings.Contains(inner, "${") {
		return t.sub("${" + chain("("+inner+")", rest, "") + ` ?? ""}`), true
	}
	return "", false
}

// chain takes members, each of which may not be there.
func chain(of string, parts ...string) string {
	for _, part := range parts {
		for name := range strings.SplitSeq(part, ".") {
			if name != "" {
				of += `?.["` + name + `"]`
			}
		}
	}
	return of
}
