package block

import (
	"slices"

	"github.com/sluice-dev/sluice/internal/value"
)

// strictDepth bounds the levels of a schema that is followed strictly.
const strictDepth = 10

// strictWords are the keywords of JSON Schema that servers take in a schema that
// the answer shall follow strictly.
var strictWords = map[string]bool{
	"type": true, "properties": true, "required": true, "additionalProperties": true, "items": true, "enum": true, "const": true,
	"anyOf": true, "$ref": true, "$defs": true, "definitions": true, "title": true, "description": true, "pattern": true, "format": true,
	"minimum": true, "maximum": true, "exclusiveMinimum": true, "exclusiveMaximum": true, "multipleOf": true, "minItems": true, "maxItems": true,
}

// strict reports whether a server may be asked to follow the schema strictly. The
// protocol allows that only for objects that name all their properties as required
// and no others, and for some keywords; it refuses the whole question otherwise.
// An answer is checked here in either case.
func strict(schema *value.Object) bool {
	return schema.Get("type") == "object" && !schema.Has("anyOf") && strictAt(schema, 1)
}

func strictAt(v any, depth int) bool {
	schema, is := v.(*value.Object)
	if !is || depth > strictDepth || !saysWhatItIs(schema) {
		return false
	}
	for word := range schema.All() {
		if !strictWords[word] {
			return false
		}
	}
	if holds(schema.Get("type"), "object") && !isClosed(schema) || holds(schema.Get("type"), "array") && schema.Get("items") == nil {
		return false
	}
	below := func(v any) bool { return strictAt(v, depth+1) }
	for _, word := range []string{"properties", "$defs", "definitions"} {
		named, _ := schema.Get(word).(*value.Object)
		for _, one := range named.All() {
			if !below(one) {
				return false
			}
		}
	}
	choices, _ := schema.Get("anyOf").([]any)
	return !slices.ContainsFunc(choices, func(one any) bool { return !below(one) }) && (schema.Get("items") == nil || below(schema.Get("items")))
}

// saysWhatItIs reports whether a schema does not take just anything.
func saysWhatItIs(schema *value.Object) bool {
	return slices.ContainsFunc([]string{"type", "enum", "const", "anyOf", "$ref"}, func(word string) bool { return schema.Get(word) != nil })
}

// isClosed reports whether an object has exactly the properties that are named.
func isClosed(schema *value.Object) bool {
	required, _ := schema.Get("required").([]any)
	properties, _ := schema.Get("properties").(*value.Object)
	for name := range properties.All() {
		if !slices.Contains(required, any(name)) {
			return false
		}
	}
	return schema.Get("additionalProperties") == false
}

// holds reports whether a type, or a list of types, is or has one.
func holds(types any, one string) bool {
	list, _ := types.([]any)
	return types == one || slices.Contains(list, any(one))
}
