package declare

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// jsonTop reads the top of what is JSON, with nothing in it but what is required;
// nil when it is no object. Not every JSON is YAML: \ud83d\ude00, a tab, a long
// key or a colon on the next line are not. What is not JSON is not ok.
func jsonTop(text []byte) (top *yaml.Node, ok bool) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, false
	}
	w := walker{text: text, dec: json.NewDecoder(bytes.NewReader(text)), line: 1, column: 1}
	if open, err := w.dec.Token(); err != nil || open != json.Delim('{') {
		return nil, err == nil
	}
	top = &yaml.Node{Kind: yaml.MappingNode}
	for w.dec.More() {
		key := w.next()
		word, err := w.dec.Token()
		if err != nil {
			return nil, false
		}
		if word != "requires" {
			if err := w.dec.Decode(new(json.RawMessage)); err != nil {
				return nil, false
			}
			continue
		}
		value, err := w.list()
		if err != nil {
			return nil, false
		}
		key.Kind, key.Value = yaml.ScalarNode, "requires"
		top.Content = append(top.Content, key, value)
	}
	return top, true
}

// walker goes through JSON once, and counts lines and columns on the way.
type walker struct {
	text         []byte
	dec          *json.Decoder
	at           int // where line and column are
	line, column int
}

// next is a node at the token that comes next.
func (w *walker) next() *yaml.Node {
	to := int(w.dec.InputOffset())
	for to < len(w.text) && strings.IndexByte(" \t\r\n,:", w.text[to]) >= 0 {
		to++
	}
	for _, r := range string(w.text[w.at:to]) {
		w.column++
		if r == '\n' {
			w.line, w.column = w.line+1, 1
		}
	}
	w.at = to
	return &yaml.Node{Line: w.line, Column: w.column}
}

// list reads a list with its items, and anything else as value does.
func (w *walker) list() (*yaml.Node, error) {
	n := w.next()
	if w.text[w.at] != '[' {
		return n, w.value(n)
	}
	n.Kind = yaml.SequenceNode
	if _, err := w.dec.Token(); err != nil {
		return nil, err
	}
	for w.dec.More() {
		item := w.next()
		if err := w.value(item); err != nil {
			return nil, err
		}
		n.Content = append(n.Content, item)
	}
	_, err := w.dec.Token()
	return n, err
}

// value reads one value; of lists and objects only that they are such.
func (w *walker) value(n *yaml.Node) error {
	var raw json.RawMessage
	if err := w.dec.Decode(&raw); err != nil {
		return err
	}
	n.Kind = yaml.ScalarNode
	switch raw[0] {
	case '"':
		n.Tag = "!!str"
		return json.Unmarshal(raw, &n.Value)
	case 'n':
		n.Tag = "!!null"
	case '[':
		n.Kind = yaml.SequenceNode
	case '{':
		n.Kind = yaml.MappingNode
	}
	return nil
}
