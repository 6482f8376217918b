package workflow

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
)

// What an ensemble and its agents hold.
var (
	ensembleKeys = []string{"ensemble", "name", "description", "requires", "inputs", "agents", "output"}
	agentKeys    = []string{
		"name", "operation", "agent", "component", "input", "inputs", "config", "condition", "when", "needs", "retry", "timeout", "on_error",
	}
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
	}},
	"code": {Script, map[string]string{"code": "code", "script": "code"}},
	"http": {HTTP, map[string]string{
		"url": "url", "method": "method", "headers": "headers", "body": "body", "query": "query", "params": "query", "ok": "ok",
		"idempotent": "idempotent", "max_bytes": "max_bytes",
	}},
	"transform": {Text, map[string]string{"template": "template", "value": "template", "output": "template"}},
}

// ensemble reads an ensemble: agents that run side by side unless they refer to
// each other, with JavaScript in ${ }.
func (r *reader) ensemble(top *node) {
	r.dialect, r.mixed, r.hyphens = expr.JavaScript, false, true
	r.out.InputName = "input"
	f := r.fields(top, "an ensemble", ensembleKeys)
	f.ignore("version", "tags", "metadata")
	name := f.plain("ensemble")
	if own := f.plain("name"); own != "" {
		name = own
	}
	out := top.like(object, nil)
	out.put(top, "name", top.like(scalar, name))
	for _, key := range []string{"description", "requires", "inputs"} {
		out.put(top, key, f.take(key))
	}
	agents, output := f.take("agents"), f.take("output")
	f.rest()
	switch {
	case agents == nil:
		r.wrong(top, "the ensemble has no agents").fix("write `agents:` and the first agent below it")
		return
	case agents.shape != list || len(agents.items) == 0:
		r.wrong(agents, "agents is a list of at least one agent, and this is %s", emptyOr(agents)).fix("write each agent after a dash")
		return
	}
	if len(agents.items) > MaxBlocks {
		r.wrong(agents, "the ensemble has %d agents; the limit is %d", len(agents.items), MaxBlocks).fix("split it into several that call each other")
		return
	}
	names := agentNames(agents)
	blocks := agents.like(list, nil)
	for _, item := range agents.items {
		if block := r.agent(item); block != nil {
			block.rename(names)
			blocks.items = append(blocks.items, block)
		}
	}
	if output != nil {
		output.rename(names)
		out.put(top, "output", output)
	}
	r.out.Each = output == nil
	if len(blocks.items) > 0 {
		out.put(agents, "blocks", blocks)
		r.native(out)
	}
}

// agentNames are those that JavaScript would read as a subtraction.
func agentNames(agents *node) []string {
	var out []string
	for _, item := range agents.items {
		if name := agentName(item); strings.Contains(name, "-") && hyphenForm.MatchString(name) {
			out = append(out, name)
		}
	}
	// Of two names, the longer one is looked for first.
	slices.SortFunc(out, func(a, b string) int { return len(b) - len(a) })
	return out
}

// agentName is what an agent is called, or else what it runs.
func agentName(n *node) string {
	if name, ok := n.get("name").text(); ok {
		return name
	}
	component, _ := n.get("agent").text()
	component, _, _ = strings.Cut(component, "@")
	return component
}

// agent turns one agent into a block.
func (r *reader) agent(n *node) *node {
	if n.shape != object {
		r.wrong(n, "an agent is a map with name and operation, and this is %s", n.kindOf()).fix("write - {name: hello, operation: think, component: my-prompt}")
		return nil
	}
	f := r.fields(n, "an agent", agentKeys)
	f.ignore("description")
	out := n.like(object, nil)
	at := n.get("name")
	if at == nil {
		at = n
	}
	if name := agentName(n); name != "" {
		out.put(at, "id", at.like(scalar, name))
	}
	f.take("name")
	out.put(n, "needs", f.take("needs"))
	out.put(n, "on_error", f.take("on_error"))
	out.put(n, "when", f.one("condition", "when"))
	out.put(n, "retry", r.agentRetry(f.take("retry")))
	out.put(n, "timeout", milliseconds(f.take("timeout")))
	if !r.does(f, out) {
		return nil
	}
	f.rest()
	return out
}

// does reads what an agent does, which is an operation or another component.
func (r *reader) does(f *fields, out *node) bool {
	agent, op := f.take("agent"), f.take("operation")
	component, input, config := f.take("component"), f.one("input", "inputs"), f.take("config")
	if input == nil && (agent != nil || component != nil) {
		input = f.n.like(scalar, "${input}") // what runs another file gets what the ensemble got
	}
	word, _ := op.text()
	does, known := operations[word]
	switch {
	case agent != nil && op != nil:
		r.wrong(agent, "an agent has an operation or the name of another agent, not both").fix("remove one of them")
		return false
	case agent != nil:
		out.put(agent, "block", agent.like(scalar, string(Call)))
		out.put(agent, "component", agent)
		out.put(f.n, "input", input)
		if component != nil || config != nil {
			r.wrong(f.n, "an agent that names another one has no component and no config").fix("write what it needs under input")
		}
		return true
	case op == nil:
		r.wrong(f.n, "the agent says neither its operation nor which agent it is").fix("write operation: think, code, http or transform, or agent: name")
		return false
	case !known:
		p := r.wrong(op, "there is no operation %s", quote(word))
		if near := sluice.Suggest(word, []string{"think", "code", "http", "transform"}); near != "" {
			p.fix("did you mean %s?", near)
		} else {
			p.fix("the operations are think, code, http and transform; other things are done by `agent: name` of a component")
		}
		return false
	}
	out.put(op, "block", op.like(scalar, string(does.kind)))
	if component != nil {
		if does.kind != Prompt && does.kind != Script {
			r.wrong(f.n.key("component"), "the operation %s runs no component", word).fix("write what it does under config")
		} else {
			out.put(component, "component", component)
		}
	}
	r.config(word, does, config, out)
	switch {
	case input == nil:
	case does.kind == Text && out.get("template") == nil:
		out.put(input, "template", input)
	case does.kind == Prompt || does.kind == Script:
		out.put(input, "input", input)
	default:
		r.wrong(input, "the operation %s has no input", word).fix("write what it does under config")
	}
	if does.kind == Prompt && component == nil && config != nil && out.get("model") == nil {
		r.wrong(config, "an agent that thinks needs a model").fix("write model: under config, or name a component whose front matter has one")
	}
	return true
}

// config hands the settings of an operation on under the names of its kind.
func (r *reader) config(word string, does operation, config, out *node) {
	if config == nil {
		return
	}
	known := make([]string, 0, len(does.config))
	for name := range does.config {
		known = append(known, name)
	}
	slices.Sort(known)
	c := r.fields(config, "the config of "+word, known)
	if config.shape != object {
		r.wrong(config, "config is a map, and this is %s", config.kindOf()).fix("write config: {%s: …}", known[0])
		return
	}
	for i, key := range config.keys {
		setting, ok := does.config[key.name()]
		if !ok {
			continue
		}
		c.seen[key.name()] = true
		if out.get(setting) != nil {
			r.wrong(key, "%s says again what is there already", key.name()).fix("remove one of them")
			continue
		}
		out.put(key, setting, config.items[i])
	}
	c.rest()
}

// one takes the first of two keys with the same meaning.
func (f *fields) one(first, second string) *node {
	a, b := f.take(first), f.take(second)
	if a != nil && b != nil {
		f.wrong(f.n.key(second), "%s and %s mean the same", first, second).fix("remove one of them")
	}
	if a != nil {
		return a
	}
	return b
}

// agentRetry turns the names of an agent's retry into those of a block's.
func (r *reader) agentRetry(n *node) *node {
	if n == nil || n.shape != object {
		return n
	}
	out := n.like(object, nil)
	f := r.fields(n, "retry", []string{"maxAttempts", "attempts", "backoff", "initialDelay", "on"})
	out.put(n, "attempts", f.one("maxAttempts", "attempts"))
	out.put(n, "on", f.take("on"))
	delay := milliseconds(f.take("initialDelay"))
	if backoff := f.take("backoff"); backoff != nil {
		switch word, _ := backoff.text(); word {
		case "exponential":
		case "linear", "fixed", "constant":
			r.wrong(backoff, "Sluice doubles the time before each further attempt; %s is not what it does", word).fix("write backoff: exponential, or the first time, such as 500ms")
		default:
			out.put(backoff, "backoff", milliseconds(backoff))
		}
	}
	if out.get("backoff") == nil {
		out.put(n, "backoff", delay)
	}
	f.rest()
	return out
}

// milliseconds reads a bare number as ensembles do.
func milliseconds(n *node) *node {
	if n == nil {
		return nil
	}
	if f, _ := value.Float(n.value); value.IsNumber(n.value) {
		return n.like(scalar, strconv.FormatFloat(f, 'f', -1, 64)+"ms")
	}
	return n
}
