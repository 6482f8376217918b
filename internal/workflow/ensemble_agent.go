package workflow

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// agentKeys are those of an agent, and agentAside what is for others.
var (
	agentKeys = []string{
		"name", "operation", "agent", "component", "input", "inputs", "config", "schema", "condition", "when", "needs", "retry", "timeout", "on_error",
	}
	agentAside = []string{"description", "version", "tags", "metadata", "examples"}
	// agentNeeds are what changes what an agent does, and Sluice does not do.
	agentNeeds = []string{"state", "scoring", "handler", "tools", "mcp", "prompts", "hitl", "approval"}
)

// agent turns one agent into a block. What does not run here becomes one that gives
// nothing, so that others may refer to it, and is noted as a need.
func (e *ensemble) agent(a agent, names *renaming) *node {
	n := a.at
	if n.shape != object {
		e.wrong(n, "an agent is a map with name and operation, and this is %s", n.kindOf()).fix("write - {name: hello, operation: think, component: my-prompt}")
		return nil
	}
	at := n.get("name")
	if at == nil {
		at = n
	}
	if a.lacks != "" {
		return echoOf(at, a.name, "")
	}
	f := e.fields(n, "an agent", agentKeys)
	f.ignore(agentAside...)
	out := n.like(object, nil)
	if a.name != "" {
		out.put(at, "id", at.like(scalar, a.name))
	}
	f.take("name")
	out.put(n, "needs", e.waits(n, f.take("needs"), a.after))
	out.put(n, "on_error", f.take("on_error"))
	when := f.one("condition", "when")
	if when != nil && n.get("condition") != nil {
		when.called = "condition"
	}
	out.put(n, "when", when)
	out.put(n, "retry", e.agentRetry(f.take("retry")))
	out.put(n, "timeout", milliseconds(f.take("timeout")))
	d := &doing{ensemble: e, name: a.name, f: f, out: out, names: names}
	if !d.does() {
		return nil
	}
	for _, key := range n.keys {
		if name := key.name(); slices.Contains(agentNeeds, name) && !f.seen[name] && !n.get(name).isNull() {
			f.seen[name] = true
			d.lack(key, "%s, of the agent %s", with(name, n.get(name)), a.name)
		}
	}
	f.aside("cache", "each run does its work anew")
	f.kept()
	if d.stays && !out.get("block").is(string(Call)) {
		return echoOf(at, a.name, "")
	}
	return out
}

// with is a key with its value, where that is a text.
func with(name string, n *node) string {
	if text, ok := n.text(); ok {
		return "the " + name + " " + quote(text)
	}
	return name
}

// waits are the agents that one waits for: those that it names and those before it.
func (e *ensemble) waits(at, named *node, after []string) *node {
	if named == nil && len(after) == 0 {
		return nil
	}
	out := at.like(list, nil)
	out.items = e.ids(named, "needs")
	for _, name := range after {
		out.items = append(out.items, at.like(scalar, name))
	}
	return out
}

// doing reads what one agent does.
type doing struct {
	*ensemble
	name  string
	f     *fields
	out   *node
	names *renaming
	stays bool // something that it does not do here
}

// lack notes what the agent asks for and Sluice does not have.
func (d *doing) lack(at *node, format string, args ...any) {
	d.stays = true
	d.reader.lacks(at, format, args...)
}

// does reads what an agent does, which is an operation or another component.
func (d *doing) does() bool {
	f, out := d.f, d.out
	agent, op := f.take("agent"), f.take("operation")
	component, input, config := f.take("component"), f.one("input", "inputs"), f.take("config")
	schema := f.take("schema")
	if input != nil {
		input.rename(d.names)
	}
	if out.get("when") != nil {
		out.get("when").rename(d.names)
	}
	given := input
	if input == nil && (agent != nil || component != nil) {
		input = f.n.like(scalar, "${input}") // what runs another file gets what the ensemble got
	}
	word, _ := op.text()
	does, known := operations[word]
	switch {
	case agent != nil && op != nil:
		d.wrong(agent, "an agent has an operation or the name of another agent, not both").fix("remove one of them")
		return false
	case agent != nil:
		d.calls(agent, component, input, config)
		return true
	case op == nil:
		d.wrong(f.n, "the agent says neither its operation nor which agent it is").fix("write operation: think, code, http or transform, or agent: name")
		return false
	case !known:
		if near := sluice.Suggest(word, []string{"think", "code", "http", "transform"}); near != "" || word == "" {
			d.wrong(op, "there is no operation %s", quote(word)).fix("did you mean %s?", near)
			return false
		}
		d.lack(op, "the operation %s, of the agent %s", word, d.name)
		for _, key := range f.n.keys { // what it is set up by means nothing here
			f.ignore(key.name())
		}
		return true
	}
	if handler := f.n.get("handler"); does.kind == Script && !handler.isNull() {
		d.lack(f.n.key("handler"), "%s, of the agent %s", with("handler", handler), d.name)
		f.ignore("handler")
		return true
	}
	out.put(op, "block", &node{value: string(does.kind), line: op.line, column: op.column, called: word})
	d.component(word, does, component)
	d.config(word, does, config)
	d.input(word, does, component, input, given)
	if does.kind == Prompt {
		d.thinks(component, config, schema)
	} else if schema != nil {
		d.noted(f.n.key("schema"), "schema of the agent %s is kept; what it is given and gives is not compared with it", d.name)
	}
	d.fillIn(given)
	return true
}

// calls reads an agent that is a component.
func (d *doing) calls(agent, component, input, config *node) {
	d.out.put(agent, "block", agent.like(scalar, string(Call)))
	agent.rename(d.names)
	d.out.put(agent, "component", agent)
	d.out.put(d.f.n, "input", input)
	if component != nil {
		d.wrong(d.f.n, "an agent that names another one has no component").fix("write what it needs under input")
	}
	if config != nil {
		d.lack(d.f.n.key("config"), "config of the agent %s, since %s is a component, which takes input alone", d.name, agentOf(d.f.n))
	}
}

// component reads the file that an agent runs.
func (d *doing) component(word string, does operation, component *node) {
	switch {
	case component == nil:
	case does.kind != Prompt && does.kind != Script:
		d.wrong(d.f.n.key("component"), "the operation %s runs no component", word).fix("write what it does under config")
	default:
		component.rename(d.names)
		d.out.put(component, "component", component)
	}
}

// storedPrompt is how a prompt that is kept elsewhere is named.
var storedPrompt = regexp.MustCompile(`^prompts/([A-Za-z0-9][\w.-]*)(@[\w.-]+)$`)

// thinks reads what an agent that thinks is to answer, and which model it asks.
func (d *doing) thinks(component, config, schema *node) {
	out := d.out
	if prompt := out.get("prompt"); component == nil && prompt != nil {
		text, _ := prompt.text()
		if m := storedPrompt.FindStringSubmatch(strings.TrimSpace(text)); m != nil {
			component = prompt.like(scalar, m[1]+m[2])
			out.drop("prompt")
			out.put(prompt, "component", component)
		}
	}
	if config.get("schema") == nil && schema != nil {
		if wants := answerSchema(schema.get("output")); wants != nil {
			out.put(wants, "schema", wants)
		}
	}
	if out.get("model") != nil || component != nil {
		return
	}
	if config != nil && !d.f.n.has("flow") && config.get("provider") == nil && !d.ordered {
		d.wrong(config, "an agent that thinks needs a model").fix("write model: under config, or name a component whose front matter has one")
		return
	}
	d.lack(d.f.n.key("operation"), "a model for the agent %s, which names none", d.name)
}

// fillIn rewrites the texts of the agent, which are also templates of what it is given.
func (d *doing) fillIn(given *node) {
	refused := func(at *node, text string) {
		d.lack(at, "%s in a text of the agent %s, where no more than the name of a value is filled in", quote(text), d.name)
	}
	for i, key := range d.out.keys {
		switch key.name() {
		case "prompt", "messages", "system", "template", "url", "headers", "body", "query":
			d.out.items[i].fill(d.names, given, refused)
		case "model", "temperature", "max_tokens", "top_p", "seed", "stop", "base_url", "api_key", "reasoning_effort", "method", "input", "on_error":
			d.out.items[i].rename(d.names)
		}
	}
}

// drop removes a key of an object.
func (n *node) drop(name string) {
	for i, key := range n.keys {
		if key.name() == name {
			n.keys, n.items = slices.Delete(n.keys, i, i+1), slices.Delete(n.items, i, i+1)
			return
		}
	}
}
