package block

import "slices"

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
func strict(schema map[string]any) bool {
	_, choice := schema["anyOf"]
	return schema["type"] == "object" && !choice && strictAt(schema, 1)
}

func strictAt(value any, depth int) bool {
	schema, is := value.(map[string]any)
	if !is || depth > strictDepth || !saysWhatItIs(schema) {
		return false
	}
	for word := range schema {
		if !strictWords[word] {
			return false
		}
	}
	if holds(schema["type"], "object") && !isClosed(schema) || holds(schema["type"], "array") && schema["items"] == nil {
		return false
	}
	below := func(value any) bool { return strictAt(value, depth+1) }
	for _, word := range []string{"properties", "$defs", "definitions"} {
		named, _ := schema[word].(map[string]any)
		for _, one := range named {
			if !below(one) {
				return false
			}
		}
	}
	choices, _ := schema["anyOf"].([]any)
	return !slices.ContainsFunc(choices, func(one any) bool { return !below(one) }) && (schema["items"] == nil || below(schema["items"]))
}

// saysWhatItIs reports whether a schema does not take just anything.
func saysWhatItIs(schema map[string]any) bool {
	return slices.ContainsFunc([]string{"type", "enum", "const", "anyOf", "$ref"}, func(word string) bool { return schema[word] != nil })
}

// isClosed reports whether an object has exactly the properties that are named.
func isClosed(schema map[string]any) bool {
	required, _ := schema["required"].([]any)
	properties, _ := schema["properties"].(map[string]any)
	for name := range properties {
		if !slices.Contains(required, any(name)) {
			return false
		}
	}
	return schema["additionalProperties"] == false
}

// holds reports whether a type, or a list of types, is or has one.
func holds(types any, one string) bool {
	list, _ := types.([]any)
	return types == one || slices.Contains(list, any(one))
}
