package openai_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math/big"
	"slices"
	"testing"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/shared"
	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice/internal/runner/block"
	"github.com/sluice-dev/sluice/internal/value"
)

// closed is a schema that can be followed strictly.
var closed = map[string]any{
	"type": "object", "additionalProperties": false, "required": []any{"tier", "lines"}, "title": "Order list!",
	"properties": map[string]any{
		"tier": map[string]any{"enum": []any{"gold", "silver"}},
		"lines": map[string]any{"type": "array", "items": map[string]any{
			"type": "object", "additionalProperties": false, "required": []any{"price"},
			"properties": map[string]any{"price": map[string]any{"type": []any{"number", "null"}, "minimum": int64(0)}},
		}},
	},
}

// open is one that the service does not take as strict.
var open = map[string]any{
	"type": "object", "required": []any{"tier"},
	"properties": map[string]any{"tier": map[string]any{"type": "string"}, "lines": map[string]any{"type": "array", "items": map[string]any{}}},
}

// object is a map as runs carry it, by its sorted keys.
func object(m map[string]any) *value.Object {
	v, err := value.Of(m)
	if err != nil {
		panic(err)
	}
	return v.(*value.Object)
}

const ordered = `{"tier":"gold","lines":[{"price":1.5}]}`

// questions are what both clients are asked to send, one thing at a time.
var questions = []struct {
	name   string
	change func(*question)
}{
	{"a prompt", func(*question) {}},
	{"server and key from the environment", func(q *question) { q.byEnvironment = true }},
	{"a system text", func(q *question) { q.system = "Be kind." }},
	{"a conversation", func(q *question) {
		q.prompt, q.messages = nil, []message{{role: "developer", content: "Be brief."}, {role: "user", content: "a"}, {role: "assistant", content: "b"}, {role: "user", content: ""}}
	}},
	{"images", func(q *question) {
		q.messages = []message{{role: "user", parts: []part{{text: "Compare."}, {image: "https://example.com/a.png"}, {image: "data:image/png;base64,AAAA", detail: "low"}}}}
	}},
	{"letters that JSON may escape", func(q *question) { q.system = "<b>&\u2028\u2029\"\\\u0000\u001f\t\n🙂</b>" }},
	{"numbers", func(q *question) {
		q.temperature, q.topP, q.maxTokens, q.seed = some(0.7), some(0.25), some(int64(100)), some(int64(42))
	}},
	{"numbers that are zero", func(q *question) { q.temperature, q.topP, q.seed = some(0.0), some(0.0), some(int64(0)) }},
	{"large and small numbers", func(q *question) { q.temperature, q.seed = some(1e-7), some(int64(-1<<53)) }},
	{"one stop", func(q *question) { q.stop = []string{"END"} }},
	{"four stops", func(q *question) { q.stop = []string{"\n", "END", ".", "🙂"} }},
	{"a model of the o-series", func(q *question) { q.model, q.maxTokens, q.effort = "o3-mini", some(int64(500)), "low" }},
	{"a tuned model of the o-series", func(q *question) {
		q.model, q.maxTokens = "ft:o4-mini-2025-04-16:example::a1", some(int64(500))
	}},
	{"a model of the fifth series", func(q *question) { q.model, q.maxTokens, q.effort = "gpt-5-mini", some(int64(500)), "minimal" }},
	{"text", func(q *question) { q.format = "text" }},
	{"a JSON object", func(q *question) { q.format, q.prompt = "json_object", some("Answer with JSON.") }},
	{"a schema that is closed", func(q *question) { q.schema, q.schemaName, q.strict = closed, "Order_list", true }},
	{"a schema that is open", func(q *question) { q.schema, q.schemaName = open, "answer" }},
	{"further parameters", func(q *question) {
		q.further = map[string]any{
			"user": "bob", "presence_penalty": 0.5, "frequency_penalty": int64(-1), "logit_bias": map[string]any{"50256": int64(-100)}, "metadata": map[string]any{"team": "north"},
			"store": false, "service_tier": "flex", "verbosity": "low", "parallel_tool_calls": true, "logprobs": true, "top_logprobs": int64(2), "n": int64(1),
			"tools": []any{map[string]any{"type": "function", "function": map[string]any{"name": "look_up", "parameters": map[string]any{"type": "object"}}}}, "tool_choice": "auto",
		}
		q.typed = func(p *sdk.ChatCompletionNewParams) {
			p.User, p.PresencePenalty, p.FrequencyPenalty, p.LogitBias = sdk.String("bob"), sdk.Float(0.5), sdk.Float(-1), map[string]int64{"50256": -100}
			p.Metadata, p.Store, p.ServiceTier, p.Verbosity = shared.Metadata{"team": "north"}, sdk.Bool(false), "flex", "low"
			p.ParallelToolCalls, p.Logprobs, p.TopLogprobs, p.N = sdk.Bool(true), sdk.Bool(true), sdk.Int(2), sdk.Int(1)
			p.Tools = []sdk.ChatCompletionToolUnionParam{sdk.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "look_up", Parameters: shared.FunctionParameters{"type": "object"}})}
			p.ToolChoice.OfAuto = sdk.String("auto")
		}
	}},
	{"a prompt component", func(q *question) {
		q.model, q.prompt, q.temperature = "o3", nil, some(1.0)
		q.messages = []message{{role: "system", content: "You read invoices."}, {role: "user", content: "In EUR: 3 < 4 & 5"}}
		q.schema, q.schemaName, q.strict, q.maxTokens = closed, "Order_list", true, some(int64(600))
		q.input = map[string]any{"currency": "EUR", "text": "3 < 4 & 5"}
		q.component = &block.Prompt{
			Ref: "invoice@3", Model: "o3", Schema: object(closed), Parameters: object(map[string]any{"temperature": int64(1), "max_tokens": int64(600)}),
			Messages: []block.Message{{Role: "system", Content: "You read invoices."}, {Role: "user", Content: "In {{ currency }}: {{ text }}"}},
		}
	}},
}

func TestBothSendTheSame(t *testing.T) {
	t.Parallel()
	for _, tt := range questions {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, streamed(events(opening(), words(ordered), finish("stop"), counted(7, 3), done)))
			q := ask("hello")
			tt.change(&q)
			sameRequest(t, s, q)
		})
	}
}

// TestBothSendTheSameForAnything asks what chance puts together.
func TestBothSendTheSameForAnything(t *testing.T) {
	t.Parallel()
	s := serve(t, streamed(events(opening(), words(ordered), finish("stop"), counted(7, 3), done)))
	rapid.Check(t, func(r *rapid.T) {
		q := ask(rapid.String().Draw(r, "prompt"))
		q.model = rapid.SampledFrom([]string{"gpt-4o-mini", "gpt-4.1", "o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5.2-pro", "chatgpt-4o-latest", "ft:gpt-4o:example::b2"}).Draw(r, "model")
		q.system = rapid.StringMatching(`|[^\s]\PC*`).Draw(r, "system")
		for _, role := range rapid.SliceOfN(rapid.SampledFrom([]string{"system", "developer", "user", "assistant"}), 0, 4).Draw(r, "roles") {
			q.messages = append(q.messages, message{role: role, content: rapid.String().Draw(r, "content")})
		}
		q.temperature = rapid.Ptr(rapid.Float64Range(0, 2), true).Draw(r, "temperature")
		q.topP = rapid.Ptr(rapid.Float64Range(0, 1), true).Draw(r, "top_p")
		q.maxTokens = rapid.Ptr(rapid.Int64Range(1, 1<<31), true).Draw(r, "max_tokens")
		q.seed = rapid.Ptr(rapid.Int64Range(-1<<53, 1<<53), true).Draw(r, "seed")
		if !stopTakers.MatchString(q.model) {
			q.stop = rapid.SliceOfN(rapid.String(), 0, 4).Draw(r, "stop")
		}
		q.effort = rapid.SampledFrom([]string{"", "low", "medium", "high"}).Draw(r, "effort")
		if rapid.Bool().Draw(r, "with a schema") {
			q.schema, q.schemaName, q.strict = closed, "Order_list", true
		}
		sameRequest(r, s, q)
	})
}

// sameRequest asks with both clients, and compares what came over the wire. Both must
// have been taken for right.
func sameRequest(t reporter, s *server, q question) {
	t.Helper()
	for _, a := range askers {
		if got := a.ask(context.Background(), t, s.url, q, nil); got.Failed != nil {
			t.Errorf("%s failed: %+v", a.name, *got.Failed)
		}
	}
	all := s.take()
	if len(all) != len(askers) {
		t.Fatalf("%d requests came, want one of each client", len(all))
	}
	bySDK, byBlock := all[0], all[1]
	if got, want := canonical(t, byBlock.body), canonical(t, bySDK.body); got != want {
		t.Errorf("the block sends %s\nthe SDK sends   %s", got, want)
	}
	for _, name := range []string{"Authorization", "Content-Type"} {
		if got, want := byBlock.header.Values(name), bySDK.header.Values(name); !slices.Equal(got, want) {
			t.Errorf("the block sends %s %q, the SDK %q", name, got, want)
		}
	}
	// The SDK asks for application/json even where it asks for a stream, and servers
	// that look at it at all would have to refuse that.
	if got := byBlock.header.Values("Accept"); !slices.Equal(got, []string{"text/event-stream"}) {
		t.Errorf("the block accepts %q, want what a stream is", got)
	}
	for name := range byBlock.header {
		if !slices.Contains([]string{"Accept", "Accept-Encoding", "Authorization", "Cache-Control", "Content-Length", "Content-Type", "User-Agent"}, name) {
			t.Errorf("the block sends a header %s, which no client of the protocol does", name)
		}
	}
}

// canonical writes JSON in one way: keys in order, and numbers as fractions, so that
// 1 and 1.0 are equal and large ones exact.
func canonical(t reporter, text []byte) string {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%q is no JSON: %v", text, err)
	}
	return string(encode(exact(value)))
}

func exact(value any) any {
	switch value := value.(type) {
	case json.Number:
		if fraction, is := new(big.Rat).SetString(value.String()); is {
			return "number " + fraction.String()
		}
	case []any:
		for i := range value {
			value[i] = exact(value[i])
		}
	case map[string]any:
		for name := range value {
			value[name] = exact(value[name])
		}
	}
	return value
}

func some[T any](value T) *T { return &value }
