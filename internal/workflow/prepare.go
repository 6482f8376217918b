package workflow

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Where schemas stand within a schema.
var (
	schemaKeys  = []string{"additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"}
	schemaLists = []string{"allOf", "anyOf", "items", "oneOf", "prefixItems"}
	schemaMaps  = []string{"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"}
	schemaNames = []string{"$anchor", "$dynamicAnchor", "$dynamicRef", "$id", "$recursiveAnchor", "$recursiveRef", "id"}
)

// preparer copies a schema and makes each part of it count its visits.
type preparer struct {
	places map[string]bool // the parts that count
	refs   []string
	fault  error
}

// check reports what cannot be taken: a reference to a part that does not count.
func (p *preparer) check() error {
	for _, ref := range p.refs {
		if p.fault != nil {
			break
		}
		switch {
		case !strings.HasPrefix(ref, "#"):
			p.fault = errRemote
		case !p.places[ref]:
			p.fault = fmt.Errorf("$ref names %s, and there is no schema", quote(ref))
		}
	}
	return p.fault
}

func (p *preparer) schema(v any, at string) any {
	in, ok := v.(map[string]any)
	if !ok {
		if _, ok := v.(bool); !ok && p.fault == nil {
			p.fault = fmt.Errorf("at %s, a schema is a map, true or false", at)
		}
		return v
	}
	out := make(map[string]any, len(in)+1)
	for key, value := range in {
		out[key] = value
	}
	p.places[at] = true
	p.names(in, at)
	for _, key := range schemaKeys {
		if _, isList := in[key].([]any); in[key] != nil && !isList {
			out[key] = p.schema(in[key], at+"/"+key)
		}
	}
	for _, key := range schemaLists {
		if items, ok := in[key].([]any); ok {
			copied := make([]any, len(items))
			for i, item := range items {
				copied[i] = p.schema(item, at+"/"+key+"/"+strconv.Itoa(i))
			}
			out[key] = copied
		}
	}
	for _, key := range schemaMaps {
		if items, ok := in[key].(map[string]any); ok {
			out[key] = p.maps(items, at+"/"+key)
		}
	}
	out["format"] = visitFormat
	return out
}

func (p *preparer) maps(items map[string]any, at string) map[string]any {
	out := make(map[string]any, len(items))
	for name, item := range items {
		if _, isList := item.([]any); isList { // dependencies may list names
			out[name] = item
			continue
		}
		out[name] = p.schema(item, at+"/"+pointer(name))
	}
	return out
}

// names notes references, and refuses other ways to name parts of a schema.
func (p *preparer) names(in map[string]any, at string) {
	if ref, ok := in["$ref"].(string); ok {
		p.refs = append(p.refs, ref)
	}
	if items, ok := in["enum"].([]any); ok && len(items) > 1000 && p.fault == nil {
		p.fault = errors.New("an enum has at most 1,000 values")
	}
	for _, name := range schemaNames {
		if _, text := in[name].(string); text && at != "#" && p.fault == nil {
			p.fault = fmt.Errorf("at %s, %s is not taken: name schemas under $defs, and refer to them as #/$defs/NAME", at, name)
		}
	}
}

// pointer escapes a name for a JSON pointer.
func pointer(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}
