package block

import (
	"context"
	"regexp"
	"strings"

	"github.com/sashabaranov/go-openai"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
)

// openAI is where models are asked unless the block or the environment says
// otherwise.
const openAI = "https://api.openai.com/v1"

// modelSettings are the names of settings that have a meaning here; what else the
// front matter of a prompt holds goes to the model's server as it is.
var modelSettings = map[string]bool{
	"model": true, "messages": true, "prompt": true, "component": true, "input": true, "system": true,
	"temperature": true, "max_tokens": true, "top_p": true, "seed": true, "stop": true, "schema": true,
	"response_format": true, "base_url": true, "api_key": true, "price": true, "parameters": true, "reasoning_effort": true,
	"on_cut": true,
}

// reasoners are the models that take max_completion_tokens in place of max_tokens, by
// way of another server too, and tuned.
var reasoners = regexp.MustCompile(`^(?:[\w.-]+/)?(?:ft:)?(?:o[1-9]|gpt-[5-9])`)

// runLLM asks a model through the protocol of OpenAI's chat completions, which
// most servers of models speak. The output is the text, or the value where the
// block asks for JSON. Extra holds finish_reason, model and usage. What was used
// is in the result of a failed attempt too, as far as the server said it. An answer
// that is not whole comes with a warning, or is an error: see [Call.whole].
func runLLM(ctx context.Context, call Call) (Result, error) {
	request, overlay, err := call.chat(ctx)
	if err != nil {
		return Result{}, err
	}
	base, key, err := call.server()
	if err != nil {
		return Result{}, err
	}
	tape := call.tape(sluice.EffectLLM)
	line := &wire{client: call.Client, overlay: overlay, query: base.RawQuery}
	base.RawQuery = ""
	config := openai.DefaultConfig(key)
	config.BaseURL, config.HTTPClient = base.String(), line
	said, err := line.converse(ctx, openai.NewClientWithConfig(config), request, call)
	usage := call.usage(said.usage)
	var output any = said.text.String()
	structured := request.ResponseFormat != nil && request.ResponseFormat.Type != openai.ChatCompletionResponseFormatTypeText
	var warnings []sluice.RunWarning
	if err == nil {
		warnings, err = call.whole(said, structured)
	}
	if err == nil && structured {
		output, err = said.value(call)
	}
	line.tape(tape, said)
	tape.end(err)
	if err != nil {
		return Result{Usage: usage}, err
	}
	return Result{Output: output, Usage: usage, Warnings: warnings, Extra: value.Pairs(
		"finish_reason", said.finish, "model", said.model,
		"usage", value.Pairs("input_tokens", usage.InputTokens, "output_tokens", usage.OutputTokens, "cost", value.FromFloat(usage.Cost)),
	)}, nil
}

func llmEffects(*value.Object) Effects { return Repeatable }

// chat is the request, and what of it the library has no words for: numbers that
// are zero, which it leaves out, and keys that only some servers know.
func (c Call) chat(ctx context.Context) (openai.ChatCompletionRequest, *value.Object, error) {
	request := openai.ChatCompletionRequest{
		Model: c.model(), Stop: c.stop(), ReasoningEffort: strings.TrimSpace(c.text("reasoning_effort")),
		StreamOptions: &openai.StreamOptions{IncludeUsage: true},
	}
	if request.Model == "" {
		return request, nil, Failf(sluice.Invalid, "no model is named").Fix("name one, such as `model: gpt-4o-mini`")
	}
	messages, err := c.conversation(ctx)
	if err != nil {
		return request, nil, err
	}
	sent := make([]any, len(messages))
	for i, m := range messages {
		sent[i] = m.asValue()
	}
	overlay := value.Pairs("messages", sent)
	for _, name := range []string{"temperature", "top_p"} {
		if n, set, err := c.number(name); err != nil {
			return request, nil, err
		} else if set {
			overlay.Set(name, n)
		}
	}
	for _, name := range []string{"max_tokens", "seed"} {
		n, set, err := c.integer(name)
		if err != nil {
			return request, nil, err
		}
		if name == "max_tokens" && reasoners.MatchString(request.Model) {
			name = "max_completion_tokens"
		}
		if set {
			overlay.Set(name, n)
		}
	}
	if request.ResponseFormat, err = c.responseFormat(); err != nil {
		return request, nil, err
	}
	more, err := c.furtherParameters()
	overlay.Merge(more)
	return request, overlay, err
}

// furtherParameters are what the front matter and the block send as it is.
func (c Call) furtherParameters() (*value.Object, error) {
	all := value.NewObject(0)
	if c.Prompt != nil {
		for name, v := range c.Prompt.Parameters.All() {
			if !modelSettings[name] {
				all.Set(name, v)
			}
		}
	}
	own, err := c.pairs("parameters")
	all.Merge(own)
	return all, err
}

// stop are the texts that end an answer.
func (c Call) stop() []string {
	switch v := c.setting("stop").(type) {
	case nil:
		return nil
	case []any:
		list := make([]string, len(v))
		for i, one := range v {
			list[i] = value.Text(one)
		}
		return list
	default:
		return []string{value.Text(v)}
	}
}

// usage is what the server counted, with its price.
func (c Call) usage(counted *openai.Usage) sluice.Usage {
	if counted == nil {
		return sluice.Usage{}
	}
	used := sluice.Usage{
		InputTokens:  int64(max(counted.PromptTokens, 0)),
		OutputTokens: int64(max(counted.CompletionTokens, 0)),
	}
	price, _ := c.setting("price").(*value.Object)
	of := Call{Settings: price}
	input, _, _ := of.float("input")
	output, _, _ := of.float("output")
	used.Cost = (float64(used.InputTokens)*input + float64(used.OutputTokens)*output) / 1e6
	return used
}
