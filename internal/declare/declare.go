// Package declare reads what the files of a component say of themselves: in the
// front matter of a text, or at the top level of YAML or JSON. It reads the
// fields that it knows and judges nothing else; what a file of some kind must
// look like is not its business.
package declare

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice"
)

// What could be a declaration in what does not parse: a line, and in JSON, which
// may have one line only, a key.
var (
	mentions     = regexp.MustCompile(`(?m)^[ \t{,]*["']?requires["']?[ \t]*:`)
	mentionsJSON = regexp.MustCompile(`"requires"\s*:|` + mentions.String())
)

// Requires are the variables that files declare to need, sorted, without
// repeats. Invalid, with file, line and column, when a declaration cannot be read.
func Requires(files []sluice.File) ([]string, error) {
	var keys []string
	for _, f := range files {
		found, err := requiresOf(f.Path, f.Bytes())
		if err != nil {
			return nil, err
		}
		keys = append(keys, found...)
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	if len(keys) > sluice.MaxVariables {
		return nil, sluice.Errorf(sluice.LimitExceeded, "the files require %d variables; the limit is %d", len(keys), sluice.MaxVariables).
			Fix("split the component, or keep what belongs together in one variable")
	}
	return keys, nil
}

func requiresOf(name string, content []byte) ([]string, error) {
	text, line, mention := content, 1, mentions
	suffix := strings.ToLower(path.Ext(name))
	switch suffix {
	case ".yaml", ".yml":
	case ".json":
		mention = mentionsJSON
	default:
		var found bool
		if text, line, _, found = FrontMatter(content); !found || !utf8.Valid(content) {
			return nil, nil
		}
	}
	if !bytes.Contains(text, []byte("requires")) { // as in most
		return nil, nil
	}
	r := reader{file: name, line: line}
	if suffix == ".json" {
		if top, ok := jsonTop(text); ok {
			return r.requires(top)
		}
	}
	top, err := parse(text) // also of JSON with comments or a last comma
	if err == nil {
		return r.requires(top)
	}
	if at := mention.FindIndex(text); at != nil {
		return nil, r.unreadable(bytes.Count(text[:at[0]], []byte("\n"))+1, err)
	}
	return nil, nil
}

// FrontMatter finds the YAML between a first line --- and the next line --- or
// ..., the line where it starts, from 1, and what follows it.
func FrontMatter(text []byte) (header []byte, line int, body []byte, found bool) {
	rest := bytes.TrimPrefix(text, []byte("\ufeff"))
	first, rest, more := bytes.Cut(rest, []byte("\n"))
	if !more || string(bytes.TrimSuffix(first, []byte("\r"))) != "---" {
		return nil, 0, text, false
	}
	for at := 0; at < len(rest); {
		end := bytes.IndexByte(rest[at:], '\n')
		next := len(rest)
		if end >= 0 {
			next = at + end + 1
		}
		l := bytes.TrimSuffix(rest[at:next], []byte("\n"))
		if l := string(bytes.TrimSuffix(l, []byte("\r"))); l == "---" || l == "..." {
			return rest[:at], 2, rest[next:], true
		}
		at = next
	}
	return nil, 0, text, false
}

// parse reads the first document's top node. The parser of the library gives up
// on what is nested too deeply.
func parse(text []byte) (*yaml.Node, error) {
	var doc yaml.Node
	err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&doc)
	if err != nil || len(doc.Content) == 0 {
		return nil, err
	}
	return doc.Content[0], nil
}

// reader names places in one file.
type reader struct {
	file string
	line int // of the first line that was parsed
}

// What is said of declarations, by this package and by others that look at them.
const (
	NotKeys = "requires is not a list of keys"
	NotKey  = "what is required is the key of a variable"
	Example = "write requires: [LLM_MODEL, DB_HOST]"
)

func (r reader) fault(n *yaml.Node, format string, args ...any) error {
	return sluice.Broken([]sluice.Mistake{{
		File: r.file, Line: n.Line + r.line - 1, Column: n.Column, Message: fmt.Sprintf(format, args...), Fix: sluice.Correction(Example),
	}})
}

var lineOf = regexp.MustCompile(`line (\d+): `)

// unreadable is the error for a text that seems to declare something, on a line,
// and is no YAML; where the parser says on which line it gave up, that is told.
func (r reader) unreadable(line int, cause error) error {
	if m := lineOf.FindStringSubmatch(cause.Error()); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
	}
	return sluice.Broken([]sluice.Mistake{{
		File: r.file, Line: line + r.line - 1, Message: "what the file requires cannot be read: it is not YAML", Fix: sluice.Correction(Example),
	}}).Because(cause)
}

// requires reads the declaration of a top node.
func (r reader) requires(top *yaml.Node) ([]string, error) {
	if top == nil || top.Kind != yaml.MappingNode {
		return nil, nil
	}
	var list *yaml.Node
	for i := 0; i+1 < len(top.Content); i += 2 {
		// The value of an alias is the name of its anchor.
		if key := top.Content[i]; key.Kind != yaml.ScalarNode || key.Value != "requires" {
			continue
		}
		if list != nil {
			return nil, r.fault(top.Content[i], "requires is there twice")
		}
		list = top.Content[i+1]
	}
	if list != nil && list.Kind == yaml.AliasNode {
		list = list.Alias
	}
	switch {
	case list == nil || list.Kind == yaml.ScalarNode && list.Tag == "!!null":
		return nil, nil
	case list.Kind != yaml.SequenceNode:
		return nil, r.fault(list, NotKeys)
	}
	var keys []string
	for _, n := range list.Content {
		if n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
			return nil, r.fault(n, NotKey)
		}
		if err := sluice.CheckKey(n.Value); err != nil {
			return nil, r.fault(n, "%s", sluice.AsError(err).Message)
		}
		keys = append(keys, n.Value)
	}
	return keys, nil
}
