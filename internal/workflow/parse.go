package workflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice/internal/value"
)

// Bounds on what a file holds once its aliases are followed.
const (
	maxNodes = 100_000
	maxLevel = 100
)

// parse reads YAML, or JSON where the file's name says so, into nodes; first is
// the line where the text begins in its file. It is nil when the text cannot be
// read at all, which is a problem noted.
func (p *problems) parse(text []byte, first int) *node {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !p.isText(text) {
		return nil
	}
	if strings.EqualFold(path.Ext(p.file), ".json") && json.Valid(text) {
		return p.parseJSON(text)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		if !p.notJSON(text) {
			p.notYAML(err, text, first)
		}
		return nil
	}
	if len(doc.Content) == 0 {
		p.wrongAt(0, 0, "it is empty").fix("write `blocks:` and the first block")
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		p.wrongAt(second.Line+first-1, 0, "a second document begins here").fix("keep one workflow in one file: remove what follows the ---")
		return nil
	} else if !errors.Is(err, io.EOF) {
		p.notYAML(err, text, first)
		return nil
	}
	y := yamlReader{problems: p, shift: first - 1}
	n := y.read(doc.Content[0], 0)
	if y.count > maxNodes {
		p.found = nil
		p.wrongAt(0, 0, "it has more than %d values, those of its aliases counted each time", maxNodes).fix("split it into several workflows that call each other")
		return nil
	}
	return n
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// notYAML notes why the library gave up.
func (p *problems) notYAML(err error, text []byte, first int) {
	message, line := strings.TrimPrefix(err.Error(), "yaml: "), 0
	if m := yamlLine.FindStringSubmatchIndex(message); m != nil {
		if n, err := strconv.Atoi(message[m[2]:m[3]]); err == nil {
			line, message = n, message[m[1]:]
		}
	}
	if len(message) > 200 {
		message = strings.ToValidUTF8(message[:200], "") + "…"
	}
	line = max(line, firstBad(text)) + first - 1
	p.wrongAt(line, 0, "it is not YAML: %s", message).
		fix("check the indentation there, and put quotes around text with `: `, ` #`, `{{`, `?` or `[` in it")
}

// firstBad is the line, from 1, up to which a text is YAML and with which it is
// none. The library often names the line where the map around it begins.
func firstBad(text []byte) int {
	const most = 64 << 10 // above, finding it would take longer than it is worth
	lines := bytes.SplitAfter(text, []byte("\n"))
	if len(text) > most {
		return 0
	}
	good, bad := 0, len(lines)
	for bad-good > 1 {
		middle := (good + bad) / 2
		if yaml.Unmarshal(bytes.Join(lines[:middle], nil), new(yaml.Node)) == nil {
			good = middle
		} else {
			bad = middle
		}
	}
	return bad
}

// notJSON notes where a file that is named as JSON stops being it.
func (p *problems) notJSON(text []byte) bool {
	var syntax *json.SyntaxError
	if !strings.EqualFold(path.Ext(p.file), ".json") || !errors.As(json.Unmarshal(text, new(json.RawMessage)), &syntax) {
		return false
	}
	before := text[:min(max(int(syntax.Offset)-1, 0), len(text))]
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	p.wrongAt(bytes.Count(before, []byte("\n"))+1, column, "it is not JSON: %s", syntax).fix("look at what stands just before it, such as a comma too many or a bracket that is not closed")
	return true
}

// yamlReader turns the nodes of the library into nodes.
type yamlReader struct {
	*problems
	shift int
	count int
	deep  bool // which is noted once
}

func (y *yamlReader) read(n *yaml.Node, level int) *node {
	y.count++
	out := &node{line: n.Line + y.shift, column: n.Column}
	switch {
	case y.count > maxNodes:
		return out
	case level > maxLevel:
		if !y.deep { // a list that holds itself is so without end
			y.wrong(out, "it is nested more than %d levels deep", maxLevel).fix("make it flatter")
		}
		y.deep = true
		return out
	}
	switch n.Kind {
	case yaml.AliasNode:
		return y.read(n.Alias, level+1)
	case yaml.SequenceNode:
		out.shape = list
		for _, item := range n.Content {
			out.items = append(out.items, y.read(item, level+1))
		}
	case yaml.MappingNode:
		out.shape = object
		y.object(n, out, level)
	default:
		y.scalar(n, out)
	}
	return out
}

func (y *yamlReader) object(n *yaml.Node, out *node, level int) {
	seen := make(map[string]int, len(n.Content)/2)
	var merged []*node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		at := &node{value: key.Value, line: n.Content[i].Line + y.shift, column: n.Content[i].Column}
		switch {
		case key.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0:
			y.wrong(out, "a template stands here without quotes").fix(`put quotes around it: "{{ … }}"`)
			return
		case key.Kind != yaml.ScalarNode || key.ShortTag() == "!!null":
			y.wrong(at, "a key is text").fix("write `name: value`")
			continue
		case key.ShortTag() == "!!merge":
			merged = append(merged, y.read(n.Content[i+1], level+1))
			continue
		}
		if line, twice := seen[key.Value]; twice {
			y.wrong(at, "the key %s is there twice; the first is on line %d", quote(key.Value), line).fix("remove one of them")
			continue
		}
		seen[key.Value] = at.line
		out.keys = append(out.keys, at)
		out.items = append(out.items, y.read(n.Content[i+1], level+1))
	}
	for _, from := range merged {
		y.merge(out, from, seen)
	}
}

// merge adds what << brings and the object does not have itself.
func (y *yamlReader) merge(out, from *node, seen map[string]int) {
	switch from.shape {
	case list:
		for _, one := range from.items {
			if one.shape != list {
				y.merge(out, one, seen)
			}
		}
	case object:
		for i, key := range from.keys {
			if _, have := seen[key.name()]; !have {
				seen[key.name()] = key.line
				out.keys, out.items = append(out.keys, key), append(out.items, from.items[i])
			}
		}
	default:
		y.wrong(from, "<< takes a map, by its alias").fix("write `<<: *name`")
	}
}

func (y *yamlReader) scalar(n *yaml.Node, out *node) {
	switch {
	case n.Style&yaml.LiteralStyle != 0:
		out.style = literal
	case n.Style&yaml.FoldedStyle != 0:
		out.style = folded
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		out.style = quoted
	}
	tag := n.ShortTag()
	if tag == "!!str" && n.Style == 0 && isNumeral(n.Value) { // which is beyond the reach of the library
		tag = "!!float"
	}
	switch tag {
	case "!!str", "!!timestamp":
		out.value = n.Value
		return
	case "!!null":
		return
	case "!!bool":
		if n.Decode(&out.value) == nil {
			return
		}
	case "!!int", "!!float":
		var err error
		switch out.value, err = yamlNumber(n); {
		case err != nil:
			y.wrong(out, "%s", err).fix("write it as text, in quotes")
			return
		case out.value != nil:
			return
		}
	}
	out.value = nil
	y.wrong(out, "%s is not a value that JSON has", quote(n.Value)).fix("write text in quotes, a number, true, false or null")
}

// yamlNumber is a number as it was written, where JSON can write it so, and nil for
// what is no number of JSON. The library, which rounds, reads the other ways alone,
// such as 0x1F.
func yamlNumber(n *yaml.Node) (any, error) {
	text := strings.TrimPrefix(strings.ReplaceAll(n.Value, "_", ""), "+")
	if sign, digits := "", strings.TrimPrefix(text, "-"); strings.HasPrefix(digits, ".") {
		if digits != text {
			sign = "-"
		}
		text = sign + "0" + digits
	}
	if isNumeral(text) {
		return value.ParseNumber(text)
	}
	var read any
	if err := n.Decode(&read); err != nil {
		return nil, nil
	}
	return value.Of(read)
}

// isNumeral reports whether a text is a number as JSON writes it.
func isNumeral(text string) bool {
	return text != "" && (text[0] == '-' || '0' <= text[0] && text[0] <= '9') && json.Valid([]byte(text))
}
