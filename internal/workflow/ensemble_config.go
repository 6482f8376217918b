package workflow

import (
	"maps"
	"slices"
	"strings"
)

// operation is what an agent does by itself: a kind of block, and the names of
// its settings in the agent's config.
type operation struct {
	kind   Kind
	config map[string]string
}

var operations = map[string]operation{
	"think": {Prompt, map[string]string{
		"prompt": "prompt", "messages": "messages", "model": "model", "temperature": "temperature", "maxTokens": "max_tokens", "max_tokens": "max_tokens",
		"topP": "top_p", "top_p": "top_p", "systemPrompt": "system", "system": "system", "schema": "schema", "responseFormat": "response_format",
		"response_format": "response_format", "baseUrl": "base_url", "base_url": "base_url", "apiKey": "api_key", "api_key": "api_key", "seed": "seed",
		"stop": "stop", "price": "price", "parameters": "parameters", "reasoningEffort": "reasoning_effort", "reasoning_effort": "reasoning_effort",
		"on_cut": "on_cut",
	}},
	"code": {Script, map[string]string{"code": "code", "script": "code"}},
	"http": {HTTP, map[string]string{
		"url": "url", "method": "method", "headers": "headers", "body": "body", "query": "query", "params": "query", "ok": "ok",
		"idempotent": "idempotent", "max_bytes": "max_bytes",
	}},
	"transform": {Text, map[string]string{"template": "template", "value": "template", "output": "template"}},
}

// config hands the settings of an operation on under the names of its kind.
func (d *doing) config(word string, does operation, config *node) {
	if config == nil {
		return
	}
	known := slices.Sorted(maps.Keys(does.config))
	c := d.fields(config, "the config of "+word, known)
	if config.shape != object {
		d.wrong(config, "config is a map, and this is %s", config.kindOf()).fix("write config: {%s: …}", known[0])
		return
	}
	for i, key := range config.keys {
		setting, ok := does.config[key.name()]
		if !ok {
			continue
		}
		c.seen[key.name()] = true
		if d.out.get(setting) != nil {
			d.wrong(key, "%s says again what is there already", key.name()).fix("remove one of them")
			continue
		}
		at := config.items[i]
		if setting == "response_format" {
			at = responseFormat(at, d.out)
		}
		if at != nil {
			at.called = key.name()
		}
		d.out.put(key, setting, at)
	}
	if does.kind == Prompt {
		c.aside("provider", "the model is asked where base_url or OPENAI_BASE_URL says, by the protocol of OpenAI")
	}
	for _, key := range config.keys {
		name := key.name()
		if c.seen[name] || strings.HasPrefix(name, "x-") || nearest(name, known) != "" {
			continue
		}
		c.seen[name] = true
		d.lack(key, "%s in the config of the agent %s, which the operation %s does not have here", name, d.name, word)
	}
	c.rest()
}

// responseFormat reads the form in which an answer is wanted, which may bring a schema.
func responseFormat(n, out *node) *node {
	if n.shape != object {
		return n
	}
	kind, _ := n.get("type").text()
	switch {
	case n.get("schema") != nil && out.get("schema") == nil:
		out.put(n, "schema", n.get("schema"))
		return nil
	case kind == "json":
		return n.like(scalar, "json_object")
	case kind != "":
		return n.get("type")
	}
	return n
}

// input gives an agent what its step or its definition says.
func (d *doing) input(word string, does operation, component, input, given *node) {
	out := d.out
	if given != nil && given.shape == object && does.kind != Script && component == nil {
		// What an operation is set up by may come with what it is given.
		for i, key := range given.keys {
			setting, ok := does.config[key.name()]
			if ok && does.kind != Text && out.get(setting) == nil {
				out.put(key, setting, given.items[i])
			}
		}
	}
	switch {
	case input == nil:
	case does.kind == Text && out.get("template") == nil:
		out.put(input, "template", input)
	case does.kind == Script || does.kind == Prompt && component != nil:
		out.put(input, "input", input)
	case given.shape != object:
		d.wrong(input, "what the agent %s is given is a map, and this is %s", d.name, given.kindOf()).fix("write input: {name: value}")
	}
}

// answerOf is the field that holds the answer of an agent that thinks, where it has
// one of its own: the only one of its output, when that is a text.
func answerOf(n *node) string {
	output := n.get("schema").get("output")
	if output == nil || output.shape != object || len(output.keys) != 1 || n.get("config").get("schema") != nil {
		return ""
	}
	if word, ok := output.items[0].text(); ok && types[strings.TrimSuffix(word, "?")] == "string" {
		return output.keys[0].name()
	}
	return ""
}

// answerSchema is the JSON Schema of an output that is written as fields with their
// types. An output of one text is asked for as a text.
func answerSchema(output *node) *node {
	switch {
	case output == nil || output.shape != object || len(output.keys) == 0:
		return nil
	case output.get("type").is("object") || output.get("properties") != nil && output.get("properties").shape == object:
		return output
	case len(output.keys) == 1:
		if word, ok := output.items[0].text(); ok && types[strings.TrimSuffix(word, "?")] == "string" {
			return nil
		}
	}
	properties, required := output.like(object, nil), output.like(list, nil)
	for i, key := range output.keys {
		field := output.items[i]
		if word, ok := field.text(); ok {
			optional := strings.HasSuffix(word, "?")
			field = field.like(object, nil)
			if t := types[strings.TrimSuffix(word, "?")]; t != "" {
				field.put(key, "type", key.like(scalar, t))
			}
			if optional {
				properties.put(key, key.name(), field)
				continue
			}
		}
		properties.put(key, key.name(), field)
		required.items = append(required.items, key.like(scalar, key.name()))
	}
	out := output.like(object, nil)
	out.put(output, "type", output.like(scalar, "object"))
	out.put(output, "properties", properties)
	out.put(output, "required", required)
	return out
}
