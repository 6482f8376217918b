package workflow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
)

// maxInputLevel is how deep an input may be nested.
const maxInputLevel = 64

// CheckInput reads a run's input, which is a JSON object or nothing, fills in the
// defaults of its fields and compares it with what the workflow takes. Invalid names
// each place, what is found there and what is wanted.
func (w *Workflow) CheckInput(raw json.RawMessage) (*value.Object, error) {
	input, err := decodeInput(raw)
	if err != nil {
		return nil, err
	}
	if len(w.Inputs) == 0 {
		return input, nil
	}
	schema := new(value.Object)
	if err := schema.UnmarshalJSON(w.Inputs); err != nil {
		return nil, sluice.Errorf(sluice.Invalid, "what the workflow takes is no JSON Schema").Because(err)
	}
	fillIn(input, schema)
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
		if !given.Has(name) {
			absent = append(absent, name)
		}
	}
	slices.Sort(absent)
	compared := 0
	for _, name := range slices.Sorted(slices.Values(given.Keys())) {
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
	return w.words.flow
}

// decodeInput reads an object of bounded depth.
func decodeInput(raw json.RawMessage) (*value.Object, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return value.NewObject(0), nil
	}
	if len(raw) > sluice.MaxInputBytes {
		return nil, sluice.Errorf(sluice.LimitExceeded, "the input has %d bytes; the limit is %d", len(raw), sluice.MaxInputBytes).
			Fix("keep large data elsewhere and give its address")
	}
	read, err := value.DecodeWithin(raw, maxInputLevel)
	if err != nil && !value.IsRefused(err) {
		return nil, sluice.Errorf(sluice.Invalid, "the input is not JSON: %s", err).Fix(`write an object, such as {"ticket_id": "T-1"}`)
	}
	if err != nil {
		return nil, sluice.Errorf(sluice.Invalid, "the input cannot be taken: %s", err).Fix("%s", value.FixOf(err))
	}
	input, ok := read.(*value.Object)
	if !ok {
		return nil, sluice.Errorf(sluice.Invalid, "the input is %s, and an object is wanted", valueWord(read)).
			Fix(`write an object, such as {"ticket_id": "T-1"}`)
	}
	return input, nil
}

// valueWord says what a value is.
func valueWord(v any) string {
	if _, ok := v.([]any); ok {
		return "a list"
	}
	return (&node{value: v}).kindOf()
}

// fillIn adds the defaults of fields that are not there, behind those that are.
func fillIn(input, schema *value.Object) {
	properties, _ := schema.Get("properties").(*value.Object)
	for name, property := range properties.All() {
		p, _ := property.(*value.Object)
		if otherwise, has := p.Find("default"); has && !input.Has(name) {
			input.Set(name, otherwise)
		}
	}
}

// takes lists the fields of an input for a sentence.
func takes(schema *value.Object) string {
	properties, _ := schema.Get("properties").(*value.Object)
	required, _ := schema.Get("required").([]any)
	if properties.Len() == 0 {
		return "an object"
	}
	must := map[string]bool{}
	for _, name := range required {
		s, _ := name.(string)
		must[s] = true
	}
	names := make([]string, 0, properties.Len())
	for name, property := range properties.All() {
		p, _ := property.(*value.Object)
		word := quote(name)
		if t, ok := p.Get("type").(string); ok {
			word += ": " + t
		}
		if !must[name] {
			word += " (optional)"
		}
		names = append(names, word)
	}
	return sluice.Listing(slices.Sorted(slices.Values(names)), 12)
}
