package workflow

import (
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
)

// types are the words for types of inputs, in all forms.
var types = map[string]string{
	"string": "string", "text": "string", "short_text": "string", "long_text": "string", "number": "number", "float": "number",
	"integer": "integer", "int": "integer", "boolean": "boolean", "bool": "boolean", "checkbox": "boolean", "object": "object",
	"map": "object", "json_object": "object", "array": "array", "list": "array", "any": "", "json": "",
}

// inputs reads what a workflow takes: a JSON Schema, or names with their types.
func (r *reader) inputs(n *node) {
	var schema *value.Object
	var defaults map[string]*node
	switch {
	case n.shape == list:
		schema = r.inputNames(n)
	case n.shape != object:
		r.wrong(n, "%s is a map of names and types, or a JSON Schema, and this is %s", r.words.input, n.kindOf()).fix("write %s: {ticket_id: string}", r.words.input)
		return
	case n.get("type").is("object") || n.get("properties") != nil && n.get("properties").shape == object:
		schema = n.object()
		schema.Set("type", "object")
		defaults = defaultsOf(n.get("properties"))
	default:
		schema, defaults = r.shorthand(n), defaultsOf(n)
	}
	r.takes(n, schema, defaults)
}

// defaultsOf are the defaults of named inputs, by name.
func defaultsOf(n *node) map[string]*node {
	out := map[string]*node{}
	if n == nil || n.shape != object {
		return out
	}
	for i, key := range n.keys {
		if given := n.items[i].get("default"); given != nil {
			out[key.name()] = given
		}
	}
	return out
}

// is reports whether a node is that text.
func (n *node) is(word string) bool {
	s, ok := n.text()
	return ok && s == word
}

// takes sets the schema of the input, once it is known to be one.
func (r *reader) takes(n *node, schema *value.Object, defaults map[string]*node) {
	compiled, err := compile(schema)
	if err != nil {
		r.wrong(n, "%s is no JSON Schema: %s", r.words.input, err).fix("write %s: {ticket_id: string}, or a JSON Schema with type: object", r.words.input)
		return
	}
	r.out.Inputs, r.out.input = encode(schema), compiled
	r.defaults(schema, defaults)
	properties, _ := schema.Get("properties").(*value.Object)
	more := schema.Get("additionalProperties")
	open := more != nil && more != false || slices.ContainsFunc([]string{"patternProperties", "allOf", "anyOf", "oneOf", "$ref", "then"}, func(word string) bool {
		return schema.Get(word) != nil
	})
	if properties != nil && !open {
		r.declared = make(map[string]bool, properties.Len())
		for name := range properties.All() {
			r.declared[name] = true
		}
	}
}

// ofAll are the parts of a schema that ask something of an input as a whole, which a
// default cannot answer for.
var ofAll = []string{
	"required", "minProperties", "dependentRequired", "dependentSchemas", "dependencies", "allOf", "anyOf", "oneOf", "not", "if", "then", "else",
	"propertyNames", "$ref",
}

// defaults compares each default with what its input takes. Only a run that is not
// given the input meets it.
func (r *reader) defaults(schema *value.Object, defaults map[string]*node) {
	if len(defaults) == 0 || !r.publish {
		return
	}
	single := schema.Clone()
	for _, key := range ofAll {
		single.Delete(key)
	}
	compiled, err := compile(single)
	if err != nil {
		return // one refers to what was left out
	}
	for _, name := range slices.Sorted(maps.Keys(defaults)) {
		n := defaults[name]
		for _, m := range compiled.Check(value.Pairs(name, n.tree())) {
			within := strings.TrimPrefix(strings.TrimPrefix(m.Path, pathOf([]string{name})), ".")
			if within != "" {
				within = " at " + within
			}
			r.wrong(n, "the default of %s%s does not fit it: %s", quote(name), within, m.Problem).fix("correct the default, or the type of the input")
		}
	}
}

// inputNames reads a bare list of names, each of which takes anything.
func (r *reader) inputNames(n *node) *value.Object {
	properties := value.NewObject(0)
	required := []any{}
	for _, item := range n.items {
		name, ok := item.text()
		if !ok || name == "" {
			r.wrong(item, "the name of an input is text, and this is %s", item.kindOf()).fix("write %s: {ticket_id: string}", r.words.input)
			continue
		}
		if !properties.Has(name) {
			required = append(required, name)
		}
		properties.Set(name, value.NewObject(0))
	}
	return objectSchema(properties, required)
}

// shorthand reads names with types. What has no default is required.
func (r *reader) shorthand(n *node) *value.Object {
	properties := value.NewObject(0)
	required := []any{}
	for i, key := range n.keys {
		property, optional := r.property(key.name(), n.items[i])
		properties.Set(key.name(), property)
		if !optional {
			required = append(required, key.name())
		}
	}
	return objectSchema(properties, required)
}

// objectSchema is a JSON Schema of an object.
func objectSchema(properties *value.Object, required []any) *value.Object {
	return value.Pairs("type", "object", "properties", properties, "required", required)
}

func (r *reader) property(name string, n *node) (property *value.Object, optional bool) {
	if word, ok := n.text(); ok {
		if bare, may := strings.CutSuffix(word, "?"); may && r.words == ensembleWords {
			return r.typeOf(n, name, bare), true
		}
		return r.typeOf(n, name, word), false
	}
	if n.shape != object {
		r.wrong(n, "the input %s has a type, and this is %s", quote(name), n.kindOf()).fix("write %s: string", name)
		return value.NewObject(0), true
	}
	property = n.object()
	if word, ok := n.get("type").text(); ok {
		if t := r.typeOf(n.get("type"), name, word).Get("type"); t != nil {
			property.Set("type", t)
		} else {
			property.Delete("type")
		}
	}
	if required, ok := property.Get("required").(bool); ok {
		property.Delete("required")
		optional = !required
	}
	return property, optional || property.Has("default")
}

func (r *reader) typeOf(n *node, name, word string) *value.Object {
	t, ok := types[word]
	switch {
	case !ok:
		p := r.wrong(n, "the input %s has the type %s, which there is not", quote(name), quote(word))
		if near := sluice.Suggest(word, slices.Sorted(maps.Keys(types))); near != "" {
			p.fix("did you mean %s?", near)
		} else {
			p.fix("write string, number, integer, boolean, object, array or any")
		}
		return value.NewObject(0)
	case t == "":
		return value.NewObject(0)
	default:
		return value.Pairs("type", t)
	}
}

// inputBlock reads a block of kind input, which says what the workflow takes and
// does nothing. Under another id than inputs it stays, and gives the input.
func (r *reader) inputBlock(n *node) *draft {
	f := r.fields(n, "a block of kind input", []string{"id", "block", "name", "items"})
	f.ignore("block", "name", "needs", "display_name")
	id := f.plain("id")
	items := f.take("items")
	f.rest()
	if items != nil {
		r.items(items)
	}
	if id == "" || id == "inputs" || id == "input" {
		r.dropped[id] = true
		return nil
	}
	return r.block(echoOf(n, id, "{{ inputs }}"), nil)
}

// echoOf is a template block that gives a value.
func echoOf(at *node, id, text string) *node {
	out := at.like(object, nil)
	out.put(at, "id", at.like(scalar, id))
	out.put(at, "block", at.like(scalar, string(Text)))
	out.put(at, "template", at.like(scalar, text))
	return out
}

// items reads the inputs as a form lists them.
func (r *reader) items(n *node) {
	if n.shape != list {
		r.wrong(n, "items is a list of inputs, and this is %s", n.kindOf()).fix("write items: [{key: ticket_id, input_type: short_text}]")
		return
	}
	properties, defaults := value.NewObject(0), map[string]*node{}
	required := []any{}
	for _, item := range n.items {
		f := r.fields(item, "an input", []string{"key", "input_type", "default", "is_optional", "description"})
		f.ignore("display_name", "id", "placeholder", "ui")
		key, _ := f.take("key").text()
		if item.shape != object || key == "" {
			r.wrong(item, "an input has a key").fix("write {key: ticket_id, input_type: short_text}")
			continue
		}
		property := value.NewObject(0)
		if word := f.plain("input_type"); word != "" {
			property = r.typeOf(item.get("input_type"), key, word)
		}
		if text := f.plain("description"); text != "" {
			property.Set("description", text)
		}
		optional := f.take("is_optional")
		if optional != nil && optional.kindOf() != "true or false" {
			r.wrong(optional, "is_optional is true or false, and this is %s", optional.kindOf()).fix("write is_optional: true")
		}
		otherwise := f.take("default")
		if otherwise == nil {
			otherwise = f.take("default_value")
		}
		f.seen["default_value"] = true
		if text, ok := otherwise.text(); ok && text == "" && property.Get("type") != nil && property.Get("type") != "string" {
			otherwise = nil // a field of a form that nobody filled in
		}
		left := optional != nil && optional.value == true
		switch {
		case otherwise != nil:
			property.Set("default", otherwise.tree())
			defaults[key] = otherwise
		case left && property.Get("type") == "string": // a field of a form that nobody filled in
			property.Set("default", "")
		}
		f.rest()
		properties.Set(key, property)
		if otherwise == nil && !left {
			required = append(required, key)
		}
	}
	r.takes(n, objectSchema(properties, required), defaults)
}
