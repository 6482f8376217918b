package workflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// maxInputLevel is how deep an input may be nested.
const maxInputLevel = 64

// CheckInput reads a run's input, which is a JSON object or nothing, fills in the
// defaults of its fields and compares it with what the workflow takes. Whole
// numbers are int64 where they fit one, and others float64. Invalid names each
// place, what is found there and what is wanted.
func (w *Workflow) CheckInput(raw json.RawMessage) (map[string]any, error) {
	input, err := decodeInput(raw)
	if err != nil {
		return nil, err
	}
	if len(w.Inputs) == 0 {
		return input, nil
	}
	var schema map[string]any
	if err := json.Unmarshal(w.Inputs, &schema); err != nil {
		return nil, sluice.Errorf(sluice.Invalid, "what the workflow takes is no JSON Schema").Because(err)
	}
	fillIn(input, w.Inputs)
	compiled := w.input
	if compiled == nil {
		if compiled, err = compile(schema); err != nil {
			return nil, sluice.Errorf(sluice.Invalid, "what the workflow takes is no JSON Schema: %s", err)
		}
	}
	found := compiled.Check(input)
	if len(found) == 0 {
		return input, nil
	}
	lines := make([]string, len(found))
	for i, m := range found {
		lines[i] = m.Path + ": " + m.Problem
	}
	return nil, sluice.Errorf(sluice.Invalid, "the input is not what the %s takes: %s", w.word(), strings.Join(lines, "; ")).
		Fix("the %s takes %s", w.word(), takes(schema))
}

// Misspelt tells of fields of an input that nothing takes and that are almost called
// as one which is not there: the run would go on without it, and nobody would know.
func (w *Workflow) Misspelt(raw json.RawMessage) []string {
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	given, err := decodeInput(raw)
	if err != nil || len(w.Inputs) == 0 || json.Unmarshal(w.Inputs, &schema) != nil {
		return nil
	}
	var absent, out []string
	for name := range schema.Properties {
		if _, there := given[name]; !there {
			absent = append(absent, name)
		}
	}
	slices.Sort(absent)
	compared := 0
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, known := schema.Properties[name]; known || len(name) > maxFieldName {
			continue
		}
		if compared += len(absent); compared > maxCompared || len(out) == maxMisspelt {
			break
		}
		if near := sluice.Suggest(name, absent); near != "" {
			out = append(out, fmt.Sprintf("the %s takes no %s: was %s meant?", w.word(), quote(name), quote(near)))
		}
	}
	return out
}

// Bounds on how names are compared, which takes time for each two.
const (
	maxFieldName = 64
	maxCompared  = 1000
	maxMisspelt  = 8
)

// word is what people call it: a prompt or a script that runs by itself is no
// workflow to them.
func (w *Workflow) word() string {
	if w.Spread && len(w.Blocks) == 1 {
		return string(w.Blocks[0].Kind)
	}
	return "workflow"
}

// decodeInput reads an object of bounded depth.
func decodeInput(raw json.RawMessage) (map[string]any, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return map[string]any{}, nil
	}
	if len(raw) > sluice.MaxInputBytes {
		return nil, sluice.Errorf(sluice.LimitExceeded, "the input has %d bytes; the limit is %d", len(raw), sluice.MaxInputBytes).
			Fix("keep large data elsewhere and give its address")
	}
	if tooDeep(raw) {
		return nil, sluice.Errorf(sluice.Invalid, "the input is nested more than %d levels deep", maxInputLevel).Fix("make it flatter")
	}
	value, err := decode(raw)
	if err != nil {
		return nil, sluice.Errorf(sluice.Invalid, "the input is not JSON: %s", err).Fix(`write an object, such as {"ticket_id": "T-1"}`)
	}
	input, ok := value.(map[string]any)
	if !ok {
		return nil, sluice.Errorf(sluice.Invalid, "the input is %s, and an object is wanted", (&node{value: value}).valueWord()).
			Fix(`write an object, such as {"ticket_id": "T-1"}`)
	}
	return input, nil
}

// valueWord says what a JSON value is.
func (n *node) valueWord() string {
	switch n.value.(type) {
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return n.kindOf()
	}
}

// decode reads one JSON value; numbers become int64 or float64.
func decode(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("something follows the first value")
	}
	return numbers(v)
}

// numbers replaces the numbers of a tree.
func numbers(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case json.Number:
		n := numberOf(v)
		if n == nil {
			return nil, fmt.Errorf("the number %s is too large", quote(string(v)))
		}
		return n, nil
	case []any:
		for i := range v {
			if v[i], err = numbers(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range v {
			if v[key], err = numbers(v[key]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// tooDeep counts brackets, so that no deep tree is ever made.
func tooDeep(raw []byte) bool {
	level, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if level++; level > maxInputLevel {
				return true
			}
		case c == '}' || c == ']':
			level--
		}
	}
	return false
}

// fillIn adds the defaults of fields that are not there. The schema is decoded
// anew, so that what runs change is their own.
func fillIn(input map[string]any, schema json.RawMessage) {
	v, err := decode(schema)
	if err != nil {
		return
	}
	tree, _ := v.(map[string]any)
	properties, _ := tree["properties"].(map[string]any)
	for name, property := range properties {
		p, _ := property.(map[string]any)
		value, has := p["default"]
		if _, given := input[name]; has && !given {
			input[name] = value
		}
	}
}

// takes lists the fields of an input for a sentence.
func takes(schema map[string]any) string {
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	if len(properties) == 0 {
		return "an object"
	}
	must := map[string]bool{}
	for _, name := range required {
		s, _ := name.(string)
		must[s] = true
	}
	names := make([]string, 0, len(properties))
	for name, property := range properties {
		p, _ := property.(map[string]any)
		word := quote(name)
		if t, ok := p["type"].(string); ok {
			word += ": " + t
		}
		if !must[name] {
			word += " (optional)"
		}
		names = append(names, word)
	}
	return sluice.Listing(slices.Sorted(slices.Values(names)), 12)
}
