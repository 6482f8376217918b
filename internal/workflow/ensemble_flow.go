package workflow

import (
	"slices"
	"strings"
)

// agent is one agent as it runs: where it is defined, and what its step says.
type agent struct {
	name string
	at   *node
	// after are the agents that it waits for, by name: those of the step before.
	after []string
	// lacks is what Sluice does not have for it, where its step says so.
	lacks string
}

// define takes down the agents that a flow may name.
func (e *ensemble) define(agents *node) {
	if agents == nil {
		return
	}
	for _, item := range agents.items {
		name := agentName(item)
		if item.shape != object || name == "" {
			e.wrong(item, "an agent is a map with name and operation, and this is %s", item.kindOf()).fix("write - {name: hello, operation: think, config: {model: gpt-4o-mini, prompt: Hello}}")
			continue
		}
		if first, twice := e.defined[name]; twice {
			e.wrong(item, "the name %s is there twice; the first agent with it is on line %d", quote(name), first.line).fix("give each agent a name of its own")
			continue
		}
		e.defined[name] = item
	}
}

// steps reads the steps of a flow, or agents that have none.
func (e *ensemble) steps(items []*node, ordered bool) {
	e.ordered = ordered
	for _, item := range items {
		switch {
		case !ordered:
			e.agents = append(e.agents, agent{name: agentName(item), at: item})
		default:
			e.step(item)
		}
	}
	if !ordered {
		return
	}
	for name, at := range e.defined {
		if !slices.ContainsFunc(e.agents, func(a agent) bool { return a.at.line == at.line || agentOf(a.at) == name || a.name == name }) {
			e.noted(at, "no step of the flow runs the agent %s", name)
		}
	}
}

// step reads one step of a flow, which runs when the step before has ended.
func (e *ensemble) step(n *node) {
	if _, ok := n.text(); ok { // the name of an agent alone
		step := n.like(object, nil)
		step.put(n, "agent", n)
		n = step
	}
	if n.shape != object {
		e.wrong(n, "a step of the flow is a map with agent, and this is %s", n.kindOf()).fix("write - {agent: hello}")
		return
	}
	kind, _ := n.get("type").text()
	switch {
	case kind == "" || kind == "agent":
		if a, ok := e.single(n); ok {
			e.agents = append(e.agents, a)
			e.before = []string{a.name}
		}
	case kind == "parallel" && n.get("steps") != nil && n.get("steps").shape == list && !slices.ContainsFunc(n.get("steps").items, nested):
		before, ended := e.before, []string{}
		for _, item := range n.get("steps").items {
			e.before = before
			e.step(item)
			ended = append(ended, e.before...)
		}
		e.before = ended
	default:
		e.lacks(n.get("type"), "steps of the type %s", kind)
		e.within(n, map[string]bool{})
	}
}

func nested(n *node) bool { return n.get("type") != nil && !n.get("type").is("agent") }

// within takes down the agents inside of a step that does not run here, since others
// may refer to them.
func (e *ensemble) within(n *node, seen map[string]bool) {
	for i, key := range n.keys {
		if name, ok := n.items[i].text(); ok && (key.name() == "agent" || key.name() == "id") && !seen[trimRef(name)] {
			seen[trimRef(name)] = true
			e.agents = append(e.agents, agent{name: trimRef(name), at: n, lacks: "-"})
		}
	}
	for _, item := range n.items {
		e.within(item, seen)
	}
}

// single reads a step that runs one agent: one that the ensemble defines, one that the
// step itself does, or one of elsewhere, which is a component.
func (e *ensemble) single(n *node) (agent, bool) {
	runs, _ := n.get("agent").text()
	name, _ := n.get("id").text()
	if name == "" {
		name = trimRef(runs)
	}
	if name == "" {
		name, _ = n.get("name").text()
	}
	if name == "" {
		e.wrong(n, "the step names no agent").fix("write agent: and the name of one")
		return agent{}, false
	}
	out := n.like(object, nil)
	out.put(n, "name", n.like(scalar, name))
	own := n.get("operation") != nil
	definition := e.defined[runs]
	for i, key := range n.keys {
		word := key.name()
		if word == "id" || word == "name" || word == "type" || word == "depends_on" || word == "agent" && (own || definition != nil) {
			continue
		}
		out.put(key, word, n.items[i])
	}
	if definition != nil {
		for i, key := range definition.keys {
			word := key.name()
			if word != "name" && !out.has(word) && !(word == "condition" && out.has("when")) && !(word == "when" && out.has("condition")) {
				out.put(key, word, definition.items[i])
			}
		}
	}
	a := agent{name: name, at: out, after: e.before}
	if waits := n.get("depends_on"); !waits.isNull() {
		a.after = nil
		for _, one := range e.ids(waits, "depends_on") {
			id, _ := one.text()
			a.after = append(a.after, id)
		}
	}
	return a, true
}

// agentName is what an agent is called, or else what it runs.
func agentName(n *node) string {
	if name, ok := n.get("name").text(); ok {
		return name
	}
	return agentOf(n)
}

// agentOf is the component that an agent runs, without its version.
func agentOf(n *node) string {
	ref, _ := n.get("agent").text()
	return trimRef(strings.TrimSpace(ref))
}
