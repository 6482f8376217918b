package workflow

import (
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/value"
)

// archetype is one kind of Scout's blocks: a kind of block, and the settings that
// have other names.
type archetype struct {
	kind    string
	renamed map[string]string
}

// scoutPrefix is what the ids of archetypes begin with.
const scoutPrefix = "com.scoutos."

var (
	scoutModel = map[string]string{
		"prompt_items": "messages", "chat_messages": "messages", "items": "messages", "max_completion_tokens": "max_tokens", "system_prompt": "system",
	}
	scoutText   = map[string]string{"text": "template", "value": "template", "content": "template", "json": "template", "output": "template", "json_template": "template"}
	scoutScript = map[string]string{"script": "code", "javascript": "code"}
	scoutDelay  = map[string]string{"duration": "for", "seconds": "for", "delay": "for"}
)

// archetypes are those that Sluice runs, without their prefix.
var archetypes = map[string]archetype{
	"input": {"input", nil}, "llm": {string(LLM), scoutModel}, "llm_reasoning": {string(LLM), scoutModel}, "prompt": {string(Prompt), scoutModel},
	"http": {string(HTTP), nil}, "http_request": {string(HTTP), nil},
	"text": {string(Text), scoutText}, "template": {string(Text), scoutText}, "transform": {string(Text), scoutText}, "json": {string(Text), scoutText},
	"javascript": {string(Script), scoutScript}, "code": {string(Script), scoutScript},
	"conditional": {string(Condition), nil}, "condition": {string(Condition), nil}, "path": {string(Condition), nil},
	"continue_if": {string(ContinueIf), nil}, "stop_if": {string(StopIf), nil}, "delay": {string(Delay), scoutDelay}, "reduce": {string(Reduce), nil},
	"workflow": {string(Call), nil},
}

// What Scout's objects hold besides what is run.
var (
	scoutTop   = []string{"workflow_display_name", "workflow_description", "blocks"}
	scoutAside = []string{
		"workflow_img_url", "workflow_schema_version", "notes", "placeholders", "tags", "is_tool", "workflow_id", "revision_id", "created_at",
		"created_by", "last_updated_at", "last_updated_by", "is_draft", "ui",
	}
	scoutBlock = []string{"block_archetype_id", "block_id", "block_display_name", "block_inputs", "dependencies", "is_output", "ignore_error"}
	blockAside = []string{"ui", "input_schema", "output_schema", "trigger_config", "notes", "tags", "block_description"}
)

// isScout reports whether a file is in the form that Scout's API takes.
func isScout(top *node) bool {
	if top.get("workflow_config") != nil || top.get("workflow_schema_version") != nil || top.get("workflow_display_name") != nil {
		return true
	}
	blocks := top.get("blocks")
	return blocks != nil && slices.ContainsFunc(blocks.items, func(b *node) bool { return b.get("block_archetype_id") != nil })
}

// scout reads the form that Scout's API and command line take.
func (r *reader) scout(top *node) {
	r.mixed = false
	key := ""
	if config := top.get("workflow_config"); config != nil {
		f := r.fields(top, "a workflow", []string{"workflow_key", "workflow_config"})
		f.ignore(scoutAside...)
		f.ignore("workflow_config")
		key = f.plain("workflow_key")
		f.rest()
		if top = config; top.shape != object {
			r.wrong(top, "workflow_config is a map, and this is %s", top.kindOf()).fix("write workflow_config: {blocks: …}")
			return
		}
	}
	f := r.fields(top, "a workflow", scoutTop)
	f.ignore(scoutAside...)
	name := f.plain("workflow_display_name")
	if key != "" {
		name = key
	}
	out := top.like(object, nil)
	out.put(top, "name", top.like(scalar, name))
	out.put(top, "description", f.take("workflow_description"))
	out.put(top, "requires", f.take("requires"))
	blocks := f.take("blocks")
	f.rest()
	if blocks == nil || blocks.shape != list || len(blocks.items) == 0 {
		r.wrong(top, "the workflow has no blocks").fix("write `blocks:` and the first block below it")
		return
	}
	turned := blocks.like(list, nil)
	for _, item := range blocks.items {
		if block := r.scoutBlock(item, out); block != nil {
			turned.items = append(turned.items, block)
		}
	}
	if len(turned.items) > 0 {
		out.put(blocks, "blocks", turned)
		r.native(out)
	}
}

// scoutBlock turns one block into one of the native form.
func (r *reader) scoutBlock(n, top *node) *node {
	if n.shape != object {
		r.wrong(n, "a block is a map with block_archetype_id and block_id, and this is %s", n.kindOf()).fix("write a block as Scout's API takes it")
		return nil
	}
	f := r.fields(n, "a block", scoutBlock)
	f.ignore(blockAside...)
	at, id := f.take("block_archetype_id"), f.take("block_id")
	word, _ := at.text()
	kind, ok := archetypes[strings.TrimPrefix(word, scoutPrefix)]
	if !ok {
		if at == nil {
			at = n
		}
		r.wrong(at, "blocks of %s cannot be run", quote(word)).
			fix("Sluice runs %s%s", scoutPrefix, strings.Join(slices.Sorted(maps.Keys(archetypes)), ", "))
		return nil
	}
	out := n.like(object, nil)
	out.put(n, "id", id)
	out.put(n, "block", n.like(scalar, kind.kind))
	name := f.take("block_display_name")
	r.scoutSettings(f, kind, strings.TrimPrefix(word, scoutPrefix), out)
	needs := r.dependencies(f.take("dependencies"))
	if ignore := f.take("ignore_error"); ignore != nil && ignore.value == true && kind.kind != "input" {
		out.put(ignore, "on_error", ignore.like(scalar, string(Ignore)))
	}
	if mark := f.one("is_output", "block_is_output"); mark != nil && mark.value == true {
		r.marked(mark, id, kind.kind, top)
	}
	f.rest()
	if kind.kind != "input" {
		out.put(n, "name", name)
		out.put(n, "needs", needs)
	}
	return out
}

// marked notes the block whose output is that of the run.
func (r *reader) marked(mark, id *node, kind string, top *node) {
	name, _ := id.text()
	switch {
	case r.out.OutputBlock != "" || top.get("output") != nil:
		r.wrong(mark, "two blocks are marked as the output").fix("mark one of them")
	case kind == "input":
		top.put(mark, "output", mark.like(scalar, "{{ inputs }}"))
	default:
		r.out.OutputBlock = name
	}
}

// dependencies are the blocks that edges come from.
func (r *reader) dependencies(n *node) *node {
	if n == nil {
		return nil
	}
	out := n.like(list, nil)
	for _, item := range n.items {
		id := item.get("block_id")
		if _, ok := id.text(); !ok {
			r.wrong(item, "a dependency is a map with block_id").fix("write dependencies: [{block_id: inputs}]")
			continue
		}
		out.items = append(out.items, id)
	}
	return out
}

// scoutSettings hands the settings of a block on, those of its inputs and of the
// typed items of its form. What a form left empty is not set.
func (r *reader) scoutSettings(f *fields, kind archetype, word string, out *node) {
	f.ignore("block_config")
	inputs := f.take("block_inputs")
	put := func(key, value *node) {
		name, called := key.name(), ""
		if other, renamed := kind.renamed[name]; renamed {
			name, called = other, name
		}
		if s, ok := value.text(); value.isNull() || ok && s == "" || out.get(name) != nil {
			return
		}
		if called != "" && value.shape == list && len(value.items) == 0 {
			return
		}
		value = r.scoutValue(kind.kind, word, name, value)
		if value != nil {
			value.called = called
		}
		out.put(key, name, value)
	}
	if inputs != nil {
		for i, key := range inputs.keys {
			put(key, inputs.items[i])
		}
	}
	if config := f.n.get("block_config"); config != nil {
		for _, item := range config.items {
			if id, value := item.get("id"), item.get("value"); id != nil && value != nil {
				put(id, value)
			}
		}
	}
}

// scoutValue turns a setting that is written in another way.
func (r *reader) scoutValue(kind, word, name string, n *node) *node {
	switch {
	case name == "messages" && n.shape == list:
		out := n.like(list, nil)
		for _, item := range n.items {
			message := item.like(object, nil)
			message.put(item, "role", item.get("role"))
			message.put(item, "content", item.get("content"))
			out.items = append(out.items, message)
		}
		return out
	case name == "response_format" && n.shape == object:
		return n.get("type")
	case (name == "headers" || name == "query") && n.shape == list:
		return pairs(n)
	case name == "template" && word == "json":
		return r.jsonText(n)
	case kind == string(Condition) && n.shape == object && n.get("block_id") != nil:
		return n.get("block_id")
	}
	return n
}

// pairs turns a list of keys and values into a map.
func pairs(n *node) *node {
	out := n.like(object, nil)
	for _, item := range n.items {
		key := item.get("key")
		if key == nil {
			key = item.get("name")
		}
		if s, ok := key.text(); ok && s != "" && out.get(s) == nil {
			out.put(key, s, item.get("value"))
		}
	}
	return out
}

// jsonText reads the JSON that a text holds.
func (r *reader) jsonText(n *node) *node {
	s, ok := n.text()
	if !ok {
		return n
	}
	v, err := value.DecodeWithin([]byte(s), maxInputLevel)
	if err != nil && !value.IsRefused(err) {
		r.wrong(n, "the text of a json block is not JSON").fix(`write JSON whose templates stand in its strings, such as {"tier": "{{ classify.output.tier }}"}`)
		return nil
	}
	if err != nil {
		r.wrong(n, "the text of a json block cannot be read: %s", err).fix("%s", value.FixOf(err))
		return nil
	}
	return n.grown(v)
}

// grown is a tree at the place of one node.
func (n *node) grown(v any) *node {
	switch v := v.(type) {
	case []any:
		out := n.like(list, nil)
		for _, item := range v {
			out.items = append(out.items, n.grown(item))
		}
		return out
	case *value.Object:
		out := n.like(object, nil)
		for key, item := range v.All() {
			out.put(n, key, n.grown(item))
		}
		return out
	default:
		return n.like(scalar, v)
	}
}
