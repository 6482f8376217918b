package workflow

import (
	"slices"
	"strings"

	"github.com/sluice-dev/sluice/internal/expr"
)

// What an ensemble holds: what has a meaning here, and what is for others.
var (
	ensembleKeys  = []string{"ensemble", "name", "description", "requires", "input", "inputs", "agents", "flow", "output", "trigger"}
	ensembleAside = []string{"version", "tags", "metadata", "examples", "author", "license"}
)

// isEnsemble reports whether a file is an ensemble by its keys: agents or their flow,
// or a single agent, which is an ensemble of one.
func isEnsemble(top *node) bool {
	if top.get("blocks") != nil || top.get("block") != nil {
		return top.get("ensemble") != nil
	}
	return slices.ContainsFunc([]string{"ensemble", "agents", "flow", "operation"}, top.has)
}

// ensemble reads an ensemble, with JavaScript in ${ }: a flow of agents, which run in
// its order, or agents that run side by side unless they refer to each other.
func (r *reader) ensemble(top *node) {
	r.dialect, r.mixed, r.hyphens = expr.JavaScript, false, true
	r.form(ensembleWords)
	r.out.InputName, r.out.Ensemble = "input", true
	if top.get("operation") != nil && top.get("flow") == nil && top.get("agents") == nil {
		r.loneAgent(top)
		return
	}
	f := r.fields(top, "an ensemble", ensembleKeys)
	f.ignore(ensembleAside...)
	name := f.plain("ensemble")
	if own := f.plain("name"); own != "" {
		name = own
	}
	out := top.like(object, nil)
	out.put(top, "name", top.like(scalar, name))
	for _, key := range []string{"description", "requires"} {
		out.put(top, key, f.take(key))
	}
	out.put(top, "inputs", f.one("input", "inputs"))
	agents, flow, output := f.take("agents"), f.take("flow"), f.take("output")
	f.aside("trigger", "nothing starts it but a run that is asked for, whose input is what a request would bring")
	f.kept()
	e := &ensemble{reader: r, defined: map[string]*node{}, output: output}
	switch {
	case agents == nil && flow == nil:
		r.wrong(top, "the ensemble has no agents").fix("write `agents:` and the first agent below it")
		return
	case !r.isListOf(agents, "agents", "agent") || !r.isListOf(flow, "flow", "step"):
		return
	case flow != nil:
		e.define(agents)
		e.steps(flow.items, true)
	default:
		e.steps(agents.items, false)
	}
	e.finish(out)
}

// isListOf reports whether a list is one, or is not there.
func (r *reader) isListOf(n *node, name, item string) bool {
	switch {
	case n == nil:
		return true
	case n.shape != list || len(n.items) == 0:
		r.wrong(n, "%s is a list of at least one %s, and this is %s", name, item, emptyOr(n)).fix("write each %s after a dash", item)
		return false
	case len(n.items) > MaxBlocks:
		r.wrong(n, "the ensemble has %d %ss; the limit is %d", len(n.items), item, MaxBlocks).fix("split it into several that call each other")
		return false
	}
	return true
}

// ensemble is one that is being read.
type ensemble struct {
	*reader
	defined map[string]*node // the agents that the flow may name
	agents  []agent
	output  *node
	ordered bool // it has a flow
	before  []string
}

// finish reads the agents, once all of their names are known, as blocks.
func (e *ensemble) finish(out *node) {
	if len(e.agents) > MaxBlocks {
		e.wrong(out, "the ensemble has %d agents; the limit is %d", len(e.agents), MaxBlocks).fix("split it into several that call each other")
		return
	}
	names := &renaming{fields: map[string]string{}}
	for _, a := range e.agents {
		if hyphenForm.MatchString(a.name) {
			names.agents = append(names.agents, a.name)
			names.fields[a.name] = answerOf(a.at)
		}
	}
	slices.SortFunc(names.agents, func(a, b string) int { return len(b) - len(a) })
	blocks := out.like(list, nil)
	for _, a := range e.agents {
		if block := e.agent(a, names); block != nil {
			blocks.items = append(blocks.items, block)
		}
	}
	e.out.Each = e.output == nil
	if len(blocks.items) == 0 {
		return
	}
	if e.output != nil {
		e.output.rename(names)
	}
	mapping := e.output
	if e.output != nil && (e.output.shape == list || e.output.get("when") != nil) {
		mapping = nil
	}
	out.put(blocks, "output", mapping)
	out.put(blocks, "blocks", blocks)
	e.native(out)
	e.settle(names)
	if mapping == nil && e.output != nil {
		e.choices(e.output)
	} else if e.output != nil {
		e.presented(e.output, true)
	}
}

// settle gives the blocks what the native form has no words for: the agents of a flow
// run also after those that were skipped, and conditions are true as in JavaScript.
func (e *ensemble) settle(names *renaming) {
	for _, d := range e.order {
		d.Asks = e.ordered
		d.Answer = names.fields[d.ID]
		if d.When != nil {
			d.When.Truthy = true
		}
	}
}

// loneAgent reads the definition of one agent, which answers with its output.
func (r *reader) loneAgent(top *node) {
	out := top.like(object, nil)
	at := top.like(object, nil)
	for i, key := range top.keys {
		if name := key.name(); !slices.Contains(ensembleAside, name) && name != "description" && name != "requires" {
			at.put(key, name, top.items[i])
		}
	}
	name, _ := top.get("name").text()
	if name == "" {
		name = "agent"
		at.put(top, "name", top.like(scalar, name))
	}
	for _, key := range []string{"name", "description", "requires"} {
		out.put(top, key, top.get(key))
	}
	if input := top.get("schema").get("input"); input != nil && input.shape == object {
		out.put(input, "inputs", input)
	}
	e := &ensemble{reader: r, agents: []agent{{name: name, at: at}}}
	e.finish(out)
	if len(r.out.Blocks) == 1 {
		r.out.Each, r.out.OutputBlock = false, r.out.Blocks[0].ID
	}
}

// choices reads an output with several mappings, of which the first counts whose
// condition holds.
func (e *ensemble) choices(output *node) {
	items := output.items
	if output.shape == object {
		items = []*node{output}
	}
	for _, item := range items {
		if item.shape != object {
			e.wrong(item, "a mapping of the output is a map, and this is %s", item.kindOf()).fix("write - {when: \"${agent.success}\", body: {answer: \"${agent.output}\"}}")
			continue
		}
		one, mapping := Choice{}, item.like(object, nil)
		for i, key := range item.keys {
			if key.name() != "when" {
				mapping.put(key, key.name(), item.items[i])
			}
		}
		if when := item.get("when"); !when.isNull() {
			one.When = e.template(when, "when", e.dialect, place{})
			one.When.Truthy = true
			e.checkCondition(when, "when", e.dialect)
		}
		e.presented(mapping, false)
		one.Value = e.template(mapping, "output", e.dialect, place{})
		e.out.Choices = append(e.out.Choices, one)
	}
}

// presentation are the keys of an output that say how a response to a request looks.
var presentation = []string{"status", "headers", "redirect", "cookies", "format", "contentType"}

// presented notes what of a mapping says how a response looks. Of an output without
// conditions, a key such as status may be a field like any other.
func (e *ensemble) presented(mapping *node, alone bool) {
	if mapping.shape != object || alone && !mapping.has("body") && !mapping.has("redirect") {
		return
	}
	for _, key := range mapping.keys {
		if slices.Contains(presentation, key.name()) {
			e.noted(key, "%s of the output is kept in what the run answers; no response is made of it", key.name())
		}
	}
}

// trimRef is the name of what a reference names, without its version.
func trimRef(ref string) string {
	name, _, _ := strings.Cut(ref, "@")
	return name
}
