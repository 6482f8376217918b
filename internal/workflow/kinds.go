package workflow

import "slices"

// setting is one setting of a kind of block.
type setting struct {
	name string
	// alias is another name of it.
	alias string
	// raw says that it is never a template.
	raw      bool
	required bool
	check    check
}

// kindForm is how a kind of block is written.
type kindForm struct {
	settings []setting
	// choices are settings of which one must be there, and no more than one.
	choices [][]string
}

// common are the settings of all kinds.
var common = []string{"id", "block", "name", "needs", "when", "retry", "timeout", "on_error"}

// modelSettings are those of whatever asks a language model.
var modelSettings = []setting{
	{name: "messages", check: isMessages},
	{name: "prompt", check: isText},
	{name: "component", check: isText},
	{name: "input", check: isMap},
	{name: "system", check: isText},
	{name: "temperature", check: isNumber(0, 2)},
	{name: "max_tokens", check: isInteger(1, 1<<24)},
	{name: "top_p", check: isNumber(0, 1)},
	{name: "seed", check: isInteger(-1<<53, 1<<53)},
	{name: "stop", check: isTextOrList},
	{name: "reasoning_effort", check: isText},
	{name: "base_url", check: isURL},
	{name: "api_key", check: isText},
	{name: "schema", raw: true, check: isSchema},
	{name: "response_format", raw: true, check: isOneOf("text", "json_object")},
	{name: "on_cut", raw: true, check: isOneOf("warn", "fail")},
	{name: "price", raw: true, check: isPrice},
	{name: "parameters", raw: true, check: isMap},
}

// kinds says how each kind is written. The lead column of docs/workflows.md and
// workflow.schema.json say the same; tests compare them.
var kinds = map[Kind]kindForm{
	HTTP: {settings: []setting{
		{name: "url", required: true, check: isURL},
		{name: "method", check: isMethod},
		{name: "headers", check: isTextMap},
		{name: "query", check: isMap},
		{name: "body", check: isAnything},
		{name: "ok", raw: true, check: isStatuses},
		{name: "idempotent", raw: true, check: isBool},
		{name: "max_bytes", raw: true, check: isInteger(1, 16<<20)},
	}},
	LLM: {
		settings: append([]setting{{name: "model", required: true, check: isText}}, modelSettings...),
		choices:  [][]string{{"messages", "prompt", "component"}},
	},
	Prompt: {
		settings: append([]setting{{name: "model", check: isText}}, modelSettings...),
		choices:  [][]string{{"component", "prompt", "messages"}},
	},
	Text: {settings: []setting{{name: "template", required: true, check: isAnything}}},
	Script: {
		settings: []setting{
			{name: "code", raw: true, check: isText},
			{name: "component", check: isText},
			{name: "input", check: isMap},
			{name: "memory_mb", raw: true, check: isInteger(16, 1024)},
		},
		choices: [][]string{{"code", "component"}},
	},
	Condition: {settings: []setting{
		{name: "condition", required: true, check: isCondition},
		{name: "block_on_true", raw: true, check: isTextOrList},
		{name: "block_on_false", raw: true, check: isTextOrList},
	}},
	ContinueIf: {settings: []setting{{name: "condition", required: true, check: isCondition}}},
	StopIf:     {settings: []setting{{name: "condition", required: true, check: isCondition}}},
	Foreach: {settings: []setting{
		{name: "items", required: true, check: isList},
		{name: "blocks", raw: true, required: true, check: isAnything},
		{name: "concurrency", raw: true, check: isInteger(1, MaxConcurrency)},
		{name: "as", raw: true, check: isName},
		{name: "output", check: isAnything},
	}},
	Reduce: {settings: []setting{
		{name: "items", required: true, check: isList},
		{name: "initial", check: isAnything},
		{name: "value", required: true, check: isAnything},
	}},
	Call: {settings: []setting{
		{name: "component", required: true, check: isText},
		{name: "input", check: isMap},
	}},
	Delay: {
		settings: []setting{{name: "for", check: isDuration}, {name: "until", check: isTime}},
		choices:  [][]string{{"for", "until"}},
	},
	Ask: {settings: []setting{
		{name: "prompt", required: true, check: isText},
		{name: "type", raw: true, check: isOneOf("text", "number", "boolean", "choice", "json")},
		{name: "options", check: isList},
		{name: "default", raw: true, check: isAnything},
		{name: "wait", raw: true, check: isDuration},
	}},
	Echo: {
		settings: []setting{{name: "value", alias: "message", check: isAnything}},
		choices:  [][]string{{"value", "message"}},
	},
	Fail: {settings: []setting{
		{name: "message", required: true, check: isText},
		{name: "code", raw: true, check: isText},
	}},
}

// kindNames are the names of all kinds, in the order in which people meet them.
func kindNames() []string {
	return []string{
		string(HTTP), string(LLM), string(Prompt), string(Text), string(Script), string(Condition), string(ContinueIf), string(StopIf),
		string(Foreach), string(Reduce), string(Call), string(Delay), string(Ask), string(Echo), string(Fail),
	}
}

// aliases are other words for a kind.
var aliases = map[string]Kind{
	"text": Text, "transform": Text, "javascript": Script, "code": Script, "http_request": HTTP, "conditional": Condition,
}

// names are the settings that a kind has, those of all kinds first.
func (k kindForm) names() []string {
	out := slices.Clone(common)
	for _, s := range k.settings {
		out = append(out, s.name)
		if s.alias != "" {
			out = append(out, s.alias)
		}
	}
	return out
}

func (k kindForm) setting(name string) (setting, bool) {
	i := slices.IndexFunc(k.settings, func(s setting) bool { return s.name == name })
	if i < 0 {
		return setting{}, false
	}
	return k.settings[i], true
}
