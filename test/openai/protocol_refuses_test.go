package openai_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/shared"
)

// TestTheServerRefuses shows that the server is no pushover: each of these is a right
// question with one thing wrong.
func TestTheServerRefuses(t *testing.T) {
	t.Parallel()
	p, err := newProtocol()
	if err != nil {
		t.Fatal(err)
	}
	const right = `"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}]`
	if fault := p.fault([]byte("{" + right + "}")); fault != "" {
		t.Fatalf("the server refuses a right question: %s", fault)
	}
	for _, tt := range []struct{ body, want string }{
		{`{`, "no JSON"},
		{`{} {}`, "no JSON"},
		{`[]`, "at /: type"},
		{`{}`, "at /: required"},
		{`{` + right + `,"model_name":"x"}`, "at /: additionalProperties"},
		{`{"model":"","messages":[{"role":"user","content":""}]}`, "at /model: minLength"},
		{`{"model":"small","messages":[]}`, "at /messages: minItems"},
		{`{"model":"small","messages":[{"role":"boss","content":""}]}`, "at /messages/0/role"},
		{`{"model":"small","messages":[{"role":"user"}]}`, "at /messages/0: required"},
		{`{"model":"small","messages":[{"role":"user","content":"","tone":"kind"}]}`, "at /messages/0: additionalProperties"},
		{`{"model":"small","messages":[{"role":"tool","content":"4"}]}`, "at /messages/0: required"},
		{`{"model":"small","messages":[{"role":"system","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}`, "at /messages/0/content/0"},
		{`{` + right + `,"temperature":"0.5"}`, "at /temperature: type"},
		{`{` + right + `,"seed":0.5}`, "at /seed: type"},
		{`{` + right + `,"max_tokens":0}`, "at /max_tokens: minimum"},
		{`{` + right + `,"stop":[]}`, "at /stop: minItems"},
		{`{` + right + `,"metadata":{"a":1}}`, "at /metadata/a: type"},
		{`{` + right + `,"response_format":"json_object"}`, "at /response_format: type"},
		{`{` + right + `,"response_format":{"type":"json_schema"}}`, "at /response_format: required"},
		{`{` + right + `,"response_format":{"type":"json_schema","json_schema":{"name":"Order list!"}}}`, "at /response_format/json_schema/name: pattern"},
		{`{` + right + `,"response_format":{"type":"json_schema","json_schema":{"name":"a","strict":true,"schema":{"type":"array"}}}}`, "a strict schema is an object"},
		{`{` + right + `,"response_format":{"type":"json_schema","json_schema":{"name":"a","strict":true,"schema":{"type":"object"}}}}`, "at (), additionalProperties must be there"},
		{
			`{` + right + `,"response_format":{"type":"json_schema","json_schema":{"name":"a","strict":true,"schema":{"type":"object","additionalProperties":false,"required":["b"],"properties":{"b":{"type":["object","null"],"additionalProperties":false,"properties":{"c":{"type":"null"}}}}}}}}`,
			"at (/properties b), required must hold c",
		},
		{`{` + right + `,"stream_options":{"include_usage":true}}`, "stream_options is only for stream: true"},
		{`{` + right + `,"stream":true,"stream_options":{"usage":true}}`, "at /stream_options: additionalProperties"},
		{`{` + right + `,"max_tokens":1,"max_completion_tokens":1}`, "both set"},
		{`{` + right + `,"top_logprobs":1}`, "top_logprobs is only for"},
		{`{"model":"o3-mini","messages":[{"role":"user","content":"a"}],"max_tokens":5}`, "max_tokens is not for this model"},
	} {
		if got := p.fault([]byte(tt.body)); !strings.Contains(got, tt.want) {
			t.Errorf("the server says %q, want %q, of %s", got, tt.want, tt.body)
		}
	}
}

// TestTheServerRefusesUnknownFieldsAnywhere puts one into each object of what the SDK
// sends, where the documentation does not leave the fields to the user.
func TestTheServerRefusesUnknownFieldsAnywhere(t *testing.T) {
	t.Parallel()
	s := serve(t, streamed(events(finish("stop"), done)))
	objects := 0
	for _, tt := range questions {
		q := ask("hello")
		tt.change(&q)
		askSDK(t.Context(), t, s.url, q, nil)
		var document any
		if err := json.Unmarshal(s.take()[0].body, &document); err != nil {
			t.Fatal(err)
		}
		eachObject(document, func(object map[string]any) {
			object["surprise"] = true
			if s.protocol.fault(encode(document)) == "" {
				t.Errorf("%s: the server takes %s", tt.name, encode(document))
			}
			delete(object, "surprise")
			objects++
		})
	}
	if objects < 50 {
		t.Errorf("%d objects were tried, want the many that the questions have", objects)
	}
}

// eachObject visits the objects of a document, but for the schemas in it.
func eachObject(value any, visit func(map[string]any)) {
	switch value := value.(type) {
	case []any:
		for _, one := range value {
			eachObject(one, visit)
		}
	case map[string]any:
		visit(value)
		for name, one := range value {
			if name != "schema" && name != "parameters" {
				eachObject(one, visit)
			}
		}
	}
}

// TestTheServerTakesWhatTheSDKMakes sends what a block has no words for.
func TestTheServerTakesWhatTheSDKMakes(t *testing.T) {
	t.Parallel()
	s := serve(t, streamed(events(opening(), words("Hi"), finish("stop"), done)))
	call := sdk.ChatCompletionMessageToolCallUnionParam{OfFunction: &sdk.ChatCompletionMessageFunctionToolCallParam{
		ID: "call_1", Function: sdk.ChatCompletionMessageFunctionToolCallFunctionParam{Name: "look_up", Arguments: `{"id":7}`},
	}}
	for name, change := range map[string]func(*sdk.ChatCompletionNewParams){
		"a call of a tool": func(p *sdk.ChatCompletionNewParams) {
			p.Messages = append(p.Messages,
				sdk.ChatCompletionMessageParamUnion{OfAssistant: &sdk.ChatCompletionAssistantMessageParam{ToolCalls: []sdk.ChatCompletionMessageToolCallUnionParam{call}}},
				sdk.ToolMessage("42", "call_1"))
		},
		"a tool that must be called": func(p *sdk.ChatCompletionNewParams) {
			p.Tools = []sdk.ChatCompletionToolUnionParam{sdk.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "look_up", Strict: sdk.Bool(true), Description: sdk.String("Looks up.")})}
			p.ToolChoice = sdk.ToolChoiceOptionFunctionToolChoice(sdk.ChatCompletionNamedToolChoiceFunctionParam{Name: "look_up"})
		},
		"a recording and a file": func(p *sdk.ChatCompletionNewParams) {
			p.Messages = append(p.Messages, sdk.UserMessage([]sdk.ChatCompletionContentPartUnionParam{
				sdk.InputAudioContentPart(sdk.ChatCompletionContentPartInputAudioInputAudioParam{Data: "AAAA", Format: "wav"}),
				sdk.FileContentPart(sdk.ChatCompletionContentPartFileFileParam{FileID: sdk.String("file-1")}),
			}))
		},
		"texts in parts": func(p *sdk.ChatCompletionNewParams) {
			p.Messages = append(p.Messages, sdk.SystemMessage([]sdk.ChatCompletionContentPartTextParam{{Text: "Be kind."}, {Text: "Be brief."}}))
		},
		"one stop as a text": func(p *sdk.ChatCompletionNewParams) { p.Stop.OfString = sdk.String("END") },
		"a prediction": func(p *sdk.ChatCompletionNewParams) {
			p.Prediction.Content.OfString = sdk.String("func main() {}")
		},
		"caches and identifiers": func(p *sdk.ChatCompletionNewParams) {
			p.PromptCacheKey, p.SafetyIdentifier, p.PromptCacheRetention, p.Modalities = sdk.String("a"), sdk.String("b"), "24h", []string{"text"}
			p.StreamOptions.IncludeObfuscation = sdk.Bool(false)
		},
	} {
		params := ask("hello").params()
		change(&params)
		completions := service(s.url, theKey, 0)
		stream := completions.NewStreaming(t.Context(), params)
		if stream.Close(); stream.Err() != nil {
			t.Errorf("%s: the server refuses it: %s", name, s.take()[0].fault)
		}
	}
}

func TestTheServerLooksAtMoreThanTheBody(t *testing.T) {
	t.Parallel()
	s := serve(t, streamed(events(finish("stop"), done)))
	for _, tt := range []struct {
		method, path, key, kind string
		want                    int
	}{
		{"POST", "/chat/completions", "Bearer " + theKey, "application/json", 200},
		{"POST", "/chat/completions", "Bearer " + theKey, "application/json; charset=utf-8", 200},
		{"GET", "/chat/completions", "Bearer " + theKey, "application/json", 405},
		{"POST", "/completions", "Bearer " + theKey, "application/json", 404},
		{"POST", "/chat/completions?version=1", "Bearer " + theKey, "application/json", 404},
		{"POST", "/chat/completions", theKey, "application/json", 401},
		{"POST", "/chat/completions", "", "application/json", 401},
		{"POST", "/chat/completions", "Bearer " + theKey, "text/plain", 400},
		{"POST", "/chat/completions", "Bearer " + theKey, "", 400},
	} {
		body := []byte(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}]}`)
		request, err := http.NewRequestWithContext(t.Context(), tt.method, s.url+tt.path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", tt.key)
		request.Header.Set("Content-Type", tt.kind)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != tt.want {
			t.Errorf("%+v: answered %d %s", tt, response.StatusCode, text)
		}
	}
}
