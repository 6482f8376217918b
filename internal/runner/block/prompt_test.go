package block_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/runner/block"
)

// greeting is a prompt component with two messages.
func greeting() *block.Prompt {
	return &block.Prompt{Ref: "greeting@2", Messages: []block.Message{
		{Role: "system", Content: "You write for {{ env.SHOP }}."},
		{Role: "user", Content: "Greet {{ name }}, who is {{ inputs.age }}."},
	}}
}

// scope is what a workflow around a prompt holds.
func scope() map[string]any {
	return map[string]any{"env": map[string]any{"SHOP": "Acme"}, "name": "not this one", "fetch": map[string]any{"output": "hidden"}}
}

func TestPromptRenders(t *testing.T) {
	t.Parallel()
	input := map[string]any{"name": "Bob", "age": int64(41)}
	single := greeting()
	single.Messages = single.Messages[1:]
	for _, tt := range []struct {
		name     string
		prompt   *block.Prompt
		settings map[string]any
		want     any
	}{
		{"one message as text", single, map[string]any{"input": input}, "Greet Bob, who is 41."},
		{"several messages as a list", greeting(), map[string]any{"input": input}, []any{
			map[string]any{"role": "system", "content": "You write for Acme."}, map[string]any{"role": "user", "content": "Greet Bob, who is 41."},
		}},
		{"its own prompt, rendered before", nil, map[string]any{"prompt": "Greet {{ nobody }}."}, "Greet {{ nobody }}."},
		{"its own messages", nil, map[string]any{"messages": []any{map[string]any{"role": "user", "content": int64(7)}}}, "7"},
		{"a system text and a prompt", nil, map[string]any{"system": "Be kind.", "prompt": "Hi"}, []any{
			map[string]any{"role": "system", "content": "Be kind."}, map[string]any{"role": "user", "content": "Hi"},
		}},
		{"a component and a last word", single, map[string]any{"input": input, "prompt": "In French."}, []any{
			map[string]any{"role": "user", "content": "Greet Bob, who is 41."}, map[string]any{"role": "user", "content": "In French."},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := run(t, t.Context(), "prompt", block.Call{Settings: obj(tt.settings), Scope: obj(scope()), Prompt: tt.prompt, Eval: expr.Direct{}})
			if got.err != nil || !same(got.Output, tt.want) {
				t.Errorf("got %#v, %v, want %#v", got.Output, got.err, tt.want)
			}
			if len(got.effects) != 0 {
				t.Errorf("%d effects, want none", len(got.effects))
			}
		})
	}
}

func TestPromptSeesItsInputAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"{{ fetch.output }}", "{{ name }}", "{{ inputs.name }}"} {
		prompt := &block.Prompt{Ref: "greeting@2", Messages: []block.Message{{Role: "user", Content: content}}}
		got := run(t, t.Context(), "prompt", block.Call{Scope: obj(scope()), Prompt: prompt, Eval: expr.Direct{}})
		wantError(t, got.err, sluice.Invalid, "error", false, "the prompt greeting@2: ")
	}
}

// TestPromptAsksTheModelItNames has settings in the front matter, in the block,
// and in both.
func TestPromptAsksTheModelItNames(t *testing.T) {
	t.Parallel()
	url, questions := modelServer(t, 200, "text/event-stream", stream(delta(`{"tier":"gold"}`), stopped, counted, done))
	prompt := greeting()
	prompt.Model = "small"
	prompt.Parameters = obj(map[string]any{"temperature": 0.5, "max_tokens": int64(10), "top_k": int64(3), "price": map[string]any{"input": int64(1), "output": int64(1)}})
	prompt.Schema = obj(map[string]any{"type": "object"})
	got := run(t, t.Context(), "prompt", block.Call{
		Settings: obj(map[string]any{"input": map[string]any{"name": "Bob", "age": int64(41)}, "max_tokens": int64(20)}),
		Scope:    obj(scope()), Prompt: prompt, Eval: expr.Direct{},
		Env: map[string]string{"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-alice"},
	})
	if got.err != nil || !same(got.Output, map[string]any{"tier": "gold"}) || got.Usage.Cost != 0.0012 {
		t.Fatalf("got %v, usage %+v, %v, want the object and a cost of 0.0012", got.Output, got.Usage, got.err)
	}
	var sent, want any
	if err := json.Unmarshal([]byte((*questions)[0].body), &sent); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(`{"model":"small","messages":[{"role":"system","content":"You write for Acme."},{"role":"user","content":"Greet Bob, who is 41."}],
		"temperature":0.5,"max_tokens":20,"top_k":3,"stream":true,"stream_options":{"include_usage":true},
		"response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":false,"schema":{"type":"object"}}}}`), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(sent, want) {
		t.Errorf("sent %v\nwant %v", sent, want)
	}
}

func TestPromptThatCannotBeRendered(t *testing.T) {
	t.Parallel()
	prompt := &block.Prompt{Ref: "greeting@2", Messages: []block.Message{{Role: "user", Content: "Greet {{ name"}}}
	got := run(t, t.Context(), "prompt", block.Call{Prompt: prompt, Eval: expr.Direct{}})
	wantError(t, got.err, sluice.Invalid, "error", false, "the prompt greeting@2: messages[0], line 1")
}
