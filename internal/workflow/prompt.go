package workflow

import (
	"bytes"
	"context"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/declare"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
)

// PromptFile is a prompt: Markdown or plain text with YAML front matter, or YAML
// alone. Its texts are Jinja templates of inputs, env, run and, by their names,
// the fields of the input.
type PromptFile struct {
	Name        string
	Description string
	// Messages are those of the conversation; a system message comes first.
	Messages []Message
	// Model is the one that the front matter names, empty without one, and Parameters
	// are what else it says to the model: temperature, max_tokens, top_p, seed, stop,
	// reasoning_effort, base_url, api_key, response_format, on_cut, price, and whatever
	// stands under parameters. Both may hold templates.
	Model      string
	Parameters *value.Object
	// Settings is the tree {model, parameters}, to have the templates of both filled in.
	Settings Template
	// Schema is the JSON Schema of the answer, nil for text.
	Schema *value.Object
	// Inputs is the JSON Schema of what it takes, nil for anything.
	Inputs json.RawMessage
	// Other is what else the front matter holds, which means nothing here.
	Other *value.Object

	out  *Workflow
	head *Template // of the front matter alone
}

// Message is one message of a conversation. Content is a template.
type Message struct {
	Role    string
	Content string
}

// promptNames are the settings of the model that a front matter may have.
var promptNames = []string{"model", "temperature", "max_tokens", "top_p", "seed", "stop", "reasoning_effort", "base_url", "api_key"}

// ReadPrompt reads the one prompt among the files. Invalid tells all mistakes.
func ReadPrompt(ctx context.Context, ev expr.Evaluator, files []sluice.File) (*PromptFile, error) {
	return readPrompt(ctx, ev, files, false)
}

func readPrompt(ctx context.Context, ev expr.Evaluator, files []sluice.File, publish bool) (*PromptFile, error) {
	file, err := pickFile(files, sluice.KindPrompt, func(suffix string) bool {
		return !slices.Contains(otherLanguages, suffix) && suffix != ".js" && suffix != ".mjs"
	}, "one text such as prompt.md")
	if err != nil {
		return nil, err
	}
	r := newReader(file)
	r.publish, r.mixed, r.free, r.out.Spread = publish, false, true, true
	p := &PromptFile{Parameters: value.NewObject(0), Other: value.NewObject(0), out: r.out}
	if !r.isText(file.Bytes()) {
		return nil, r.err()
	}
	r.prompt(p, file)
	out, err := r.finish(ctx, ev)
	if err != nil {
		return nil, err
	}
	out.Blocks[0].Settings.join(*p.head)
	p.Settings.join(*p.head)
	p.Inputs, p.Name, p.Description = out.Inputs, out.Name, out.Description
	return p, nil
}

// Variables are the keys of variables that the prompt refers to as env.KEY,
// sorted and without repeats.
func (p *PromptFile) Variables() []string { return p.out.Variables() }

// CheckInput does what [Workflow.CheckInput] does.
func (p *PromptFile) CheckInput(raw json.RawMessage) (*value.Object, error) {
	return p.out.CheckInput(raw)
}

// workflow is the prompt as a workflow of its own.
func (p *PromptFile) workflow() *Workflow { return p.out }

// prompt reads the front matter, and what follows it as a message.
func (r *reader) prompt(p *PromptFile, file sluice.File) {
	head, d := r.alone("prompt", Prompt), r.alone("prompt", Prompt)

	header, body := r.split(file)
	var said []*node // messages
	if header != nil && header.shape != object {
		r.wrong(header, "the front matter of a prompt is a map, and this is %s", header.kindOf()).fix("write model: name")
		header = nil
	}
	if header != nil {
		said = r.frontMatter(p, head, header, body != nil)
	}
	if body != nil {
		said = append(said, r.message("user", body))
	}
	if len(r.found) == 0 && !slices.ContainsFunc(said, func(m *node) bool { return !m.get("role").is("system") }) {
		r.wrongAt(0, 0, "the prompt has no text").fix("write the prompt below the front matter")
	}
	tree := d.settings()
	d.Raw = head.Raw
	tree.Merge(head.settings())
	p.hold(head.settings(), head.Raw)
	p.head = &head.Settings
	messages := make([]any, 0, len(said))
	for _, m := range said {
		role, _ := m.get("role").text()
		content, _ := m.get("content").text()
		p.Messages = append(p.Messages, Message{Role: role, Content: content})
		messages = append(messages, value.Pairs("role", role, "content", content))
		r.note(m.get("content"), "the "+role+" message", expr.Jinja, place{in: d}, &d.Settings)
	}
	tree.Set("messages", messages)
}

// alone is the one block of a workflow that was not written as one. Templates
// cannot refer to it.
func (r *reader) alone(id string, kind Kind) *draft {
	d := &draft{Block: &Block{ID: id, Kind: kind, Retry: Retry{Attempts: 1}, OnError: OnError{Mode: FailRun}, Raw: map[string]any{}, Line: 1, Column: 1}}
	d.Settings = Template{Tree: value.NewObject(0), Dialect: expr.Jinja, Plain: true}
	r.order = []*draft{d}
	r.out.Blocks, r.out.OutputBlock = []*Block{d.Block}, id
	return d
}

// settings is the tree of the block's settings.
func (d *draft) settings() *value.Object {
	tree, _ := d.Settings.Tree.(*value.Object)
	return tree
}

// join adds what another template refers to.
func (t *Template) join(other Template) {
	t.Plain = t.Plain && other.Plain
	all := t.AllEnv || other.AllEnv
	for _, root := range other.Roots {
		t.see(expr.Reference{Root: root})
	}
	for _, key := range other.Env {
		t.see(expr.Reference{Root: "env", Path: []string{key}})
	}
	t.AllEnv = all
}

// hold keeps what the front matter says to the model.
func (p *PromptFile) hold(settings *value.Object, raw map[string]any) {
	p.Parameters.Merge(settings)
	p.Model, _ = settings.Get("model").(string)
	p.Parameters.Delete("model")
	p.Schema, _ = raw["schema"].(*value.Object)
	for _, name := range []string{"response_format", "on_cut", "price"} {
		if raw[name] != nil {
			p.Parameters.Set(name, raw[name])
		}
	}
	others, _ := raw["parameters"].(*value.Object)
	p.Parameters.Merge(others)
	p.Settings = Template{Tree: value.Pairs("model", p.Model, "parameters", p.Parameters), Dialect: expr.Jinja, Plain: true}
}

// split finds the front matter and the text below it, nil where there is none.
func (r *reader) split(file sluice.File) (header, body *node) {
	content := file.Bytes()
	switch strings.ToLower(path.Ext(file.Path)) {
	case ".yaml", ".yml", ".json":
		return r.parse(content, 1), nil
	}
	front, line, rest, found := declare.FrontMatter(content)
	if found && len(blank(front)) > 0 {
		header = r.parse(front, line)
	}
	above := bytes.Count(content[:len(content)-len(rest)], []byte("\n"))
	for len(rest) > 0 { // blank lines above are none of the text
		first, more, cut := bytes.Cut(rest, []byte("\n"))
		if len(bytes.TrimSpace(first)) > 0 || !cut {
			break
		}
		rest = more
		above++
	}
	text := strings.TrimRight(strings.TrimPrefix(string(rest), "\ufeff"), " \t\r\n")
	if text == "" {
		return header, nil
	}
	return header, &node{value: text, line: above, column: 1, style: whole}
}

// blank is YAML without its comments and blank lines.
func blank(front []byte) []byte {
	var out []byte
	for line := range bytes.Lines(front) {
		if l := bytes.TrimSpace(line); len(l) > 0 && l[0] != '#' {
			out = append(out, l...)
		}
	}
	return out
}

// frontMatter reads the settings, and the messages that stand among them.
func (r *reader) frontMatter(p *PromptFile, d *draft, n *node, hasBody bool) (said []*node) {
	f := r.fields(n, "a prompt", nil)
	r.out.Name, r.out.Description = f.plain("name"), f.plain("description")
	f.requires()
	for _, name := range []string{"inputs", "input", "input_schema"} {
		if at := f.take(name); at != nil {
			r.inputs(at)
		}
	}
	tree := d.settings()
	form := kinds[LLM]
	for _, name := range append(slices.Clone(promptNames), "schema", "response_format", "on_cut", "price") {
		if at := f.take(name); at != nil {
			s, _ := form.setting(name)
			r.setting(d, s, at, tree)
		}
	}
	if at := f.take("parameters"); at != nil {
		r.parameters(d, at, tree)
	}
	if at := f.take("system"); at != nil {
		if _, ok := at.text(); ok {
			said = append(said, r.message("system", at))
		} else {
			r.wrong(at, "system is text, and this is %s", at.kindOf()).fix("write system: text")
		}
	}
	said = append(said, r.messages(f, hasBody)...)
	for i, key := range n.keys {
		if !f.seen[key.name()] {
			p.Other.Set(key.name(), n.items[i].tree())
		}
	}
	return said
}

// parameters hands on what it knows by name, and the rest as it is.
func (r *reader) parameters(d *draft, n *node, tree *value.Object) {
	if n.shape != object {
		r.wrong(n, "parameters is a map, and this is %s", n.kindOf()).fix("write parameters: {temperature: 0}")
		return
	}
	others := value.NewObject(0)
	for i, key := range n.keys {
		name := key.name()
		s, ok := kinds[LLM].setting(name)
		switch {
		case !ok || !slices.Contains(promptNames, name):
			others.Set(name, n.items[i].tree())
		case tree.Get(name) != nil:
			r.wrong(key, "%s stands at the top already", name).fix("remove one of them")
		default:
			r.setting(d, s, n.items[i], tree)
		}
	}
	if others.Len() > 0 {
		d.Raw["parameters"] = others
	}
}

// messages reads the conversation, where it is written in place of a text.
func (r *reader) messages(f *fields, hasBody bool) []*node {
	at := f.take("messages")
	if at == nil {
		return nil
	}
	if wants, example := isMessages(at); wants != "" {
		r.wrong(at, "messages %s", wants).fix("write messages: %s", example)
		return nil
	}
	if hasBody {
		r.wrong(f.n.key("messages"), "the prompt has messages and a text below them").fix("write the text as one of the messages, or the messages as the text")
		return nil
	}
	return at.items
}

func (r *reader) message(role string, content *node) *node {
	out := content.like(object, nil)
	out.put(content, "role", content.like(scalar, role))
	out.put(content, "content", content)
	return out
}
