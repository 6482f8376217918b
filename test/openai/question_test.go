package openai_test

import (
	"maps"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"

	"github.com/sluice-dev/sluice/internal/runner/block"
	"github.com/sluice-dev/sluice/internal/value"
)

// question is what a user wants of a model, in the words of neither client. What is
// nil or empty is not said.
type question struct {
	key           string
	model         string
	system        string // said first
	messages      []message
	prompt        *string // the user's last word
	temperature   *float64
	topP          *float64
	maxTokens     *int64
	seed          *int64
	stop          []string
	effort        string
	format        string // text or json_object
	schema        map[string]any
	schemaName    string
	strict        bool                               // as the documentation allows it for the schema
	further       map[string]any                     // for the block: parameters that it hands on
	typed         func(*sdk.ChatCompletionNewParams) // for the SDK: the same
	component     *block.Prompt                      // for the block, in place of all above, with its input
	input         map[string]any
	byEnvironment bool // the block has server and key from the environment's variables
}

// message is one message. Parts stand in place of a content.
type message struct {
	role, content string
	parts         []part
}

// part is text, or an image with its detail.
type part struct{ text, image, detail string }

// ask is the question that most tests need.
func ask(prompt string) question {
	return question{key: theKey, model: "gpt-4o-mini", prompt: &prompt}
}

// call is the question as a workflow's author asks it of the block.
func (q question) call(url string) block.Call {
	settings := map[string]any{"model": q.model}
	raw := map[string]any{}
	env := map[string]string{}
	if q.byEnvironment {
		env = map[string]string{"OPENAI_BASE_URL": url, "OPENAI_API_KEY": q.key}
	} else {
		settings["base_url"], settings["api_key"] = url, q.key
	}
	if q.component != nil { // which says the rest
		settings["input"], settings["model"] = q.input, nil
		return block.Call{Settings: object(settings), Env: env, Prompt: q.component}
	}
	set := func(name string, value any, said bool) {
		if said {
			settings[name] = value
		}
	}
	set("system", q.system, q.system != "")
	set("reasoning_effort", q.effort, q.effort != "")
	if q.prompt != nil {
		settings["prompt"] = *q.prompt
	}
	for name, value := range map[string]*float64{"temperature": q.temperature, "top_p": q.topP} {
		if value != nil {
			settings[name] = *value
		}
	}
	for name, value := range map[string]*int64{"max_tokens": q.maxTokens, "seed": q.seed} {
		if value != nil {
			settings[name] = *value
		}
	}
	stops := make([]any, len(q.stop))
	for i, text := range q.stop {
		stops[i] = text
	}
	set("stop", stops, len(stops) > 0)
	var messages []any
	for _, m := range q.messages {
		messages = append(messages, m.entry())
	}
	set("messages", messages, messages != nil)
	for name, setting := range map[string]any{"response_format": q.format, "schema": q.schema, "parameters": q.further} {
		raw[name], _ = valueOf(setting)
	}
	return block.Call{Settings: object(settings), Raw: raw, Env: env}
}

func (m message) entry() map[string]any {
	if m.parts == nil {
		return map[string]any{"role": m.role, "content": m.content}
	}
	var parts []any
	for _, p := range m.parts {
		if p.image == "" {
			parts = append(parts, map[string]any{"type": "text", "text": p.text})
			continue
		}
		image := map[string]any{"url": p.image}
		if p.detail != "" {
			image["detail"] = p.detail
		}
		parts = append(parts, map[string]any{"type": "image_url", "image_url": image})
	}
	return map[string]any{"role": m.role, "content": parts}
}

// params are the question as a user of the SDK asks it, with what the documentation
// says of each model.
func (q question) params() sdk.ChatCompletionNewParams {
	p := sdk.ChatCompletionNewParams{
		Model: q.model, StreamOptions: sdk.ChatCompletionStreamOptionsParam{IncludeUsage: sdk.Bool(true)},
		Temperature: optional(q.temperature), TopP: optional(q.topP), Seed: optional(q.seed),
		ReasoningEffort: shared.ReasoningEffort(q.effort),
	}
	if reasoners.MatchString(q.model) {
		p.MaxCompletionTokens = optional(q.maxTokens)
	} else {
		p.MaxTokens = optional(q.maxTokens)
	}
	if len(q.stop) > 0 {
		p.Stop.OfStringArray = q.stop
	}
	if q.system != "" {
		p.Messages = append(p.Messages, sdk.SystemMessage(q.system))
	}
	for _, m := range q.messages {
		p.Messages = append(p.Messages, m.param())
	}
	if q.prompt != nil {
		p.Messages = append(p.Messages, sdk.UserMessage(*q.prompt))
	}
	switch {
	case q.schema != nil:
		p.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{
			Name: q.schemaName, Schema: maps.Clone(q.schema), Strict: sdk.Bool(q.strict),
		}}
	case q.format == "json_object":
		p.ResponseFormat.OfJSONObject = &shared.ResponseFormatJSONObjectParam{}
	case q.format == "text":
		p.ResponseFormat.OfText = &shared.ResponseFormatTextParam{}
	}
	if q.typed != nil {
		q.typed(&p)
	}
	return p
}

func (m message) param() sdk.ChatCompletionMessageParamUnion {
	switch m.role {
	case "system":
		return sdk.SystemMessage(m.content)
	case "developer":
		return sdk.DeveloperMessage(m.content)
	case "assistant":
		return sdk.AssistantMessage(m.content)
	}
	if m.parts == nil {
		return sdk.UserMessage(m.content)
	}
	var parts []sdk.ChatCompletionContentPartUnionParam
	for _, p := range m.parts {
		if p.image == "" {
			parts = append(parts, sdk.TextContentPart(p.text))
		} else {
			parts = append(parts, sdk.ImageContentPart(sdk.ChatCompletionContentPartImageImageURLParam{URL: p.image, Detail: p.detail}))
		}
	}
	return sdk.UserMessage(parts)
}

func optional[T comparable](value *T) param.Opt[T] {
	if value == nil {
		return param.Opt[T]{}
	}
	return param.NewOpt(*value)
}

// valueOf is a setting as runs carry it.
func valueOf(setting any) (any, error) {
	if m, is := setting.(map[string]any); is && m == nil {
		return nil, nil
	}
	return value.Of(setting)
}
