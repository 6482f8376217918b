package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"go.yaml.in/yaml/v3"
)

// document reads one YAML file strictly: every key is known, none stands twice,
// and each mistake is told with its line and column.
type document struct{ file string }

// root returns the mapping that a file holds, or nil when the file is empty.
func (d document) root(content []byte) (*yaml.Node, error) {
	if _, err := sluice.ReadText(d.file, content); err != nil {
		return nil, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(content))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, d.syntax(err)
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, sluice.Errorf(sluice.Invalid, "%s has more than one YAML document", d.file).Fix("keep one, without a --- between parts")
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	top := doc.Content[0]
	if isNull(top) {
		return nil, nil
	}
	return top, nil
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

func (d document) syntax(err error) error {
	m := yamlLine.FindStringSubmatch(strings.SplitN(err.Error(), "\n", 2)[0])
	if m == nil {
		return sluice.Errorf(sluice.Invalid, "%s is not YAML", d.file).Because(err)
	}
	where := d.file
	if m[1] != "" {
		where += ":" + m[1]
	}
	return sluice.Errorf(sluice.Invalid, "%s: %s", where, m[2]).Fix("correct the YAML on that line or the one above")
}

// at is an error at a node.
func (d document) at(n *yaml.Node, format string, args ...any) *sluice.Error {
	return sluice.Errorf(sluice.Invalid, "%s:%d:%d: %s", d.file, n.Line, n.Column, fmt.Sprintf(format, args...))
}

// each calls a function for every key of a mapping, in order.
func (d document) each(n *yaml.Node, do func(key, value *yaml.Node) error) error {
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return d.at(n, "expected keys with values, not %s", kindOf(n))
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			return d.at(key, "a key must be a word, not %s", kindOf(key))
		}
		if line := seen[key.Value]; line > 0 {
			return d.at(key, "%s stands here twice; first on line %d", key.Value, line).Fix("remove one of them")
		}
		seen[key.Value] = key.Line
		if value.Kind == yaml.AliasNode {
			return d.at(value, "an alias (*%s) is not read here", value.Value).Fix("write the value out")
		}
		if err := do(key, value); err != nil {
			return err
		}
	}
	return nil
}

// fields reads a mapping whose keys are all known.
func (d document) fields(n *yaml.Node, known map[string]func(*yaml.Node) error) error {
	return d.each(n, func(key, value *yaml.Node) error {
		read, ok := known[key.Value]
		if ok {
			return read(value)
		}
		names := slices.Sorted(maps.Keys(known))
		err := d.at(key, "unknown key %q", key.Value)
		if near := sluice.Suggest(key.Value, names); near != "" {
			return err.Fix("did you mean %s?", near)
		}
		return err.Fix("known keys here: %s", strings.Join(names, ", "))
	})
}

// text reads a value that is one word or sentence.
func (d document) text(into *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if isNull(n) {
			return nil
		}
		if n.Kind != yaml.ScalarNode {
			return d.at(n, "expected one value, not %s", kindOf(n))
		}
		*into = n.Value
		return nil
	}
}

// optional is text that tells an empty value from an absent one.
func (d document) optional(into **string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		var s string
		if err := d.text(&s)(n); err != nil {
			return err
		}
		*into = &s
		return nil
	}
}

// list reads a list of words; one word alone is a list of one.
func (d document) list(into **[]string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		items := []*yaml.Node{n}
		switch {
		case isNull(n):
			items = nil
		case n.Kind == yaml.SequenceNode:
			items = n.Content
		}
		words := make([]string, len(items))
		for i, item := range items {
			if item.Kind != yaml.ScalarNode {
				return d.at(item, "expected one value, not %s", kindOf(item))
			}
			words[i] = item.Value
		}
		*into = &words
		return nil
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys with values"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	return "a single value"
}
