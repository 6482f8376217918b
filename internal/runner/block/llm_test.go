package block_test

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/runner/block"
)

// asked is a request as a model's server got it.
type asked struct {
	path, query, auth, accept string
	body                      string
}

// modelServer speaks the protocol of chat completions: it hands out what it was
// asked, and answers with the given status, content type and body.
func modelServer(t testing.TB, status int, kind, body string) (url string, questions *[]asked) {
	t.Helper()
	questions = &[]asked{}
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		*questions = append(*questions, asked{r.URL.Path, r.URL.RawQuery, r.Header.Get("Authorization"), r.Header.Get("Accept"), string(text)})
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
	return server.URL + "/v1", questions
}

// stream writes chunks as a server does.
func stream(chunks ...string) string {
	var b strings.Builder
	for _, chunk := range chunks {
		b.WriteString("data: " + chunk + "\n\n")
	}
	return b.String()
}

func delta(content string) string {
	text, _ := json.Marshal(content)
	return `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"small-1","choices":[{"index":0,"delta":{"content":` + string(text) + `},"finish_reason":null}]}`
}

const (
	opening = `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"small-1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}`
	stopped = `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"small-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
	cutOff  = `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"small-1","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}`
	counted = `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"small-1","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200}}`
	done    = "[DONE]"
)

// ask runs an llm block against a server with a key.
func ask(t testing.TB, url string, settings, raw map[string]any) ran {
	t.Helper()
	all := map[string]any{"model": "small", "prompt": "hello", "base_url": url, "api_key": "sk-alice"}
	for name, value := range settings {
		all[name] = value
	}
	return run(t, t.Context(), "llm", block.Call{Settings: obj(all), Raw: raw})
}

// whole is an answer that is not streamed.
const whole = `{"id":"c1","object":"chat.completion","created":1,"model":"small-1","choices":[{"index":0,"message":{"role":"assistant","content":"Hi, Bob 🙂"},` +
	`"finish_reason":"stop"}],"usage":{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200}}`

// textAnswers are all ways in which servers say the same.
var textAnswers = []struct {
	name, kind, body string
	pieces           []string
}{
	{"a stream", "text/event-stream", stream(opening, delta("Hi, "), delta("Bob 🙂"), stopped, counted, done), []string{"Hi, ", "Bob 🙂"}},
	{"no streaming", "application/json", whole, []string{"Hi, Bob 🙂"}},
	{"no streaming, over several lines", "application/json; charset=utf-8", strings.ReplaceAll(whole, `,"`, ",\n\""), []string{"Hi, Bob 🙂"}},
	{"content in parts", "application/json", strings.Replace(whole, `"Hi, Bob 🙂"`, `[{"type":"text","text":"Hi, "},{"type":"text","text":"Bob 🙂"}]`, 1), []string{"Hi, Bob 🙂"}},
	{"a stream called something else", "text/plain", stream(delta("Hi, Bob 🙂"), stopped, counted, done), []string{"Hi, Bob 🙂"}},
	{
		"line ends of Windows, comments and events", "text/event-stream",
		": hello\r\n\r\n" + strings.Repeat(": wait\r\n\r\n", 500) + "event: message\r\nid: 1\r\nretry: 10\r\ndata:" + delta("Hi, Bob 🙂") + "\r\n\r\ndata: " + stopped +
			"\r\n\r\ndata:" + counted + "\r\n\r\ndata: [DONE]\r\n\r\n",
		[]string{"Hi, Bob 🙂"},
	},
	{"no empty lines between", "text/event-stream", strings.ReplaceAll(stream(delta("Hi, Bob 🙂"), stopped, counted, done), "\n\n", "\n"), []string{"Hi, Bob 🙂"}},
	{
		"a chunk in two lines", "text/event-stream",
		strings.Replace(stream(delta("Hi, Bob 🙂"), stopped, counted, done), `"created":1,`, "\"created\":1,\ndata: ", 1),
		[]string{"Hi, Bob 🙂"},
	},
	{"no end of the last line", "text/event-stream", strings.TrimSpace(stream(delta("Hi, Bob 🙂"), stopped, counted, done)), []string{"Hi, Bob 🙂"}},
	{"no [DONE]", "text/event-stream", stream(delta("Hi, Bob 🙂"), stopped, counted), []string{"Hi, Bob 🙂"}},
	{"no [DONE], and no end", "text/event-stream", strings.TrimSpace(stream(delta("Hi, Bob 🙂"), counted, stopped)), []string{"Hi, Bob 🙂"}},
	{"no reason for the end but [DONE]", "text/event-stream", stream(delta("Hi, Bob 🙂"), counted, done), []string{"Hi, Bob 🙂"}},
	{
		"the usage in the last delta", "text/event-stream",
		stream(delta("Hi, Bob 🙂"), strings.TrimSuffix(stopped, "}")+`,"usage":{"prompt_tokens":1000,"completion_tokens":200}}`, done),
		[]string{"Hi, Bob 🙂"},
	},
	{
		"another choice beside", "text/event-stream",
		stream(delta("Hi, Bob 🙂"), `{"model":"small-1","choices":[{"index":1,"delta":{"content":"No"},"finish_reason":"length"}]}`, stopped, counted, done),
		[]string{"Hi, Bob 🙂"},
	},
	{
		"deltas without content", "text/event-stream",
		stream(`{"choices":[{"index":0,"delta":{"content":null}}]}`, `{"choices":[{"index":0,"delta":{"tool_calls":[]}}]}`, `{"choices":[]}`, `{}`, delta("Hi, Bob 🙂"), stopped, counted, done),
		[]string{"Hi, Bob 🙂"},
	},
}

func TestLLMAnswersWithText(t *testing.T) {
	t.Parallel()
	for _, tt := range textAnswers {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url, _ := modelServer(t, 200, tt.kind, tt.body)
			got := ask(t, url, nil, map[string]any{"price": map[string]any{"input": 2.5, "output": int64(10)}})
			if got.err != nil {
				t.Fatal(got.err)
			}
			finish := "stop"
			if !strings.Contains(tt.body, finish) {
				finish = ""
			}
			want := map[string]any{
				"finish_reason": finish, "model": "small-1",
				"usage": map[string]any{"input_tokens": int64(1000), "output_tokens": int64(200), "cost": 0.0045},
			}
			if got.Output != "Hi, Bob 🙂" || !same(got.Extra, want) || !reflect.DeepEqual(got.partial, tt.pieces) {
				t.Errorf("got %q in pieces %q with %v\nwant %q with %v", got.Output, got.partial, got.Extra, tt.pieces, want)
			}
			if want := (sluice.Usage{InputTokens: 1000, OutputTokens: 200, Cost: 0.0045}); got.Usage != want {
				t.Errorf("usage %+v, want %+v", got.Usage, want)
			}
		})
	}
}

// TestLLMCharactersMayBeSplit has the server send byte by byte.
func TestLLMCharactersMayBeSplit(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, b := range []byte(stream(delta("né 🙂"), stopped, done)) {
			w.Write([]byte{b})
			w.(http.Flusher).Flush()
		}
	})
	if got := ask(t, server.URL, nil, nil); got.err != nil || got.Output != "né 🙂" {
		t.Errorf("got %q, %v, want né 🙂", got.Output, got.err)
	}
}

func TestLLMWithoutUsageCostsNothingKnown(t *testing.T) {
	t.Parallel()
	url, _ := modelServer(t, 200, "text/event-stream", stream(delta("Hi"), stopped, done))
	got := ask(t, url, nil, map[string]any{"price": map[string]any{"input": 1.0, "output": 1.0}})
	if got.err != nil || got.Usage != (sluice.Usage{}) {
		t.Errorf("usage %+v, %v, want none", got.Usage, got.err)
	}
}

const (
	tail  = `"stream":true,"stream_options":{"include_usage":true}`
	hello = `"messages":[{"role":"user","content":"hello"}]`
)

// protocolCases are settings, and the body that they become.
var protocolCases = []struct {
	name          string
	settings, raw map[string]any
	want          string
}{
	{"a prompt", nil, nil, `{"model":"small",` + hello + `,` + tail + `}`},
	{
		"a system text and messages",
		map[string]any{"system": "Be kind.", "prompt": nil, "messages": []any{
			map[string]any{"role": "user", "content": "a"},
			map[string]any{"role": "assistant", "content": ""},
			map[string]any{"role": "user", "content": []any{map[string]any{"type": "text", "text": "b"}}},
		}},
		nil,
		`{"model":"small","messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"a"},{"role":"assistant","content":""},` +
			`{"role":"user","content":[{"type":"text","text":"b"}]}],` + tail + `}`,
	},
	{
		"numbers that are zero, and numbers as text",
		map[string]any{"temperature": int64(0), "top_p": " 0.25 ", "max_tokens": "100", "seed": int64(0), "stop": []any{"END", "."}},
		nil,
		`{"model":"small",` + hello + `,"temperature":0,"top_p":0.25,"max_tokens":100,"seed":0,"stop":["END","."],` + tail + `}`,
	},
	{
		"a model that reasons",
		map[string]any{"model": "o3-mini", "max_tokens": int64(50), "reasoning_effort": "low", "temperature": 0.5, "stop": "END"},
		nil,
		`{"model":"o3-mini",` + hello + `,"max_completion_tokens":50,"reasoning_effort":"low","temperature":0.5,"stop":["END"],` + tail + `}`,
	},
	{
		"a model that reasons, by way of another server",
		map[string]any{"model": "openai/gpt-5-mini", "max_tokens": int64(50)},
		nil,
		`{"model":"openai/gpt-5-mini",` + hello + `,"max_completion_tokens":50,` + tail + `}`,
	},
	{
		"a model that reasons and was tuned",
		map[string]any{"model": "ft:o4-mini-2025-04-16:example::a1", "max_tokens": int64(50)},
		nil,
		`{"model":"ft:o4-mini-2025-04-16:example::a1",` + hello + `,"max_completion_tokens":50,` + tail + `}`,
	},
	{
		"a JSON object", nil,
		map[string]any{"response_format": "json_object"},
		`{"model":"small",` + hello + `,"response_format":{"type":"json_object"},` + tail + `}`,
	},
	{
		"a schema", nil,
		map[string]any{"schema": map[string]any{
			"type": "object", "title": "Order list!", "properties": map[string]any{"n": map[string]any{"type": "integer"}},
		}},
		`{"model":"small",` + hello + `,"response_format":{"type":"json_schema","json_schema":{"name":"Order_list","strict":false,"schema":` +
			`{"type":"object","title":"Order list!","properties":{"n":{"type":"integer"}}}}},` + tail + `}`,
	},
	{
		"a schema that a server can follow strictly", nil,
		map[string]any{"schema": map[string]any{
			"type": "object", "required": []any{"n"}, "additionalProperties": false, "properties": map[string]any{"n": map[string]any{"type": "integer"}},
		}},
		`{"model":"small",` + hello + `,"response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":true,"schema":` +
			`{"type":"object","required":["n"],"additionalProperties":false,"properties":{"n":{"type":"integer"}}}}},` + tail + `}`,
	},
	{
		"parameters that only some servers know", nil,
		map[string]any{"parameters": map[string]any{"top_k": int64(40), "extra": map[string]any{"a": []any{"<b>"}}, "user": "alice", "stream_options": nil}},
		`{"model":"small",` + hello + `,"top_k":40,"extra":{"a":["<b>"]},"user":"alice","stream":true,"stream_options":null}`,
	},
}

func TestLLMAsksAsTheProtocolSays(t *testing.T) {
	t.Parallel()
	for _, tt := range protocolCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url, questions := modelServer(t, 200, "text/event-stream", stream(delta(`{"n":1}`), stopped, done))
			if got := ask(t, url+"/?version=1", tt.settings, tt.raw); got.err != nil {
				t.Fatal(got.err)
			}
			question := (*questions)[0]
			var sent, want any
			if err := json.Unmarshal([]byte(question.body), &sent); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(sent, want) {
				t.Errorf("sent %s\nwant %s", question.body, tt.want)
			}
			question.body = ""
			if want := (asked{"/v1/chat/completions", "version=1", "Bearer sk-alice", "text/event-stream", ""}); question != want {
				t.Errorf("asked %+v, want %+v", question, want)
			}
		})
	}
}

func TestLLMTakesServerAndKeyFromTheEnvironment(t *testing.T) {
	t.Parallel()
	url, questions := modelServer(t, 200, "text/event-stream", stream(delta("Hi"), stopped, done))
	settings := map[string]any{"model": "small", "prompt": "hello"}
	got := run(t, t.Context(), "llm", block.Call{Settings: obj(settings), Env: map[string]string{"OPENAI_BASE_URL": url, "OPENAI_API_KEY": " sk-bob\n"}})
	if got.err != nil || (*questions)[0].auth != "Bearer sk-bob" {
		t.Errorf("%v with %q, want the environment's key", got.err, *questions)
	}
	for name, tt := range map[string]struct {
		settings map[string]any
		env      map[string]string
		want     string
	}{
		"no key":          {nil, nil, "no API key: OPENAI_API_KEY is not among the variables that were loaded"},
		"a broken key":    {nil, map[string]string{"OPENAI_API_KEY": "sk\nbob"}, "the API key holds"},
		"no model":        {map[string]any{"model": " "}, nil, "no model is named"},
		"nothing to say":  {map[string]any{"prompt": nil}, nil, "there is nothing to say"},
		"a bad base URL":  {map[string]any{"base_url": "models.example.com"}, nil, "base_url is \"models.example.com\""},
		"a bad role":      {map[string]any{"messages": []any{map[string]any{"role": "boss", "content": "x"}}}, nil, "message 1 has the role \"boss\""},
		"no messages":     {map[string]any{"messages": "hello"}, nil, "messages is \"hello\", which is not a list"},
		"a message alone": {map[string]any{"messages": []any{"hello"}}, nil, "message 1 has the role nothing"},
		"temperature":     {map[string]any{"temperature": "warm"}, nil, "temperature is \"warm\", which is not a number"},
		"max_tokens":      {map[string]any{"max_tokens": 1.5}, nil, "max_tokens is 1.5, which is not a whole number"},
		"response_format": {map[string]any{"response_format": "xml"}, nil, "response_format is \"xml\""},
		"schema":          {map[string]any{"schema": map[string]any{"type": "order"}}, nil, "schema is no JSON Schema"},
		"parameters":      {map[string]any{"parameters": "x"}, nil, "parameters is \"x\", which is not a map"},
	} {
		all := map[string]any{"model": "small", "prompt": "hello"}
		for name, value := range tt.settings {
			all[name] = value
		}
		got := run(t, t.Context(), "llm", block.Call{Settings: obj(all), Env: tt.env})
		if got.err == nil || got.err.Code != sluice.Invalid || got.err.Sent || !strings.Contains(got.err.Message, tt.want) || len(got.err.Fixes) == 0 {
			t.Errorf("%s: %v, want invalid with %q and what to do", name, got.err, tt.want)
		}
	}
}

func TestLLMTape(t *testing.T) {
	t.Parallel()
	url, questions := modelServer(t, 200, "text/event-stream", stream(delta("Hi"), stopped, counted, done))
	got := ask(t, url, nil, nil)
	if got.err != nil || len(got.effects) != 1 {
		t.Fatalf("%d effects, %v, want one", len(got.effects), got.err)
	}
	e := got.effects[0]
	if e.Kind != sluice.EffectLLM || e.Attempt != 1 || string(e.Request) != (*questions)[0].body || strings.Contains(string(e.Request), "sk-alice") {
		t.Errorf("effect %+v, want what was sent, %s", e, (*questions)[0].body)
	}
	want := `{"text":"Hi","finish_reason":"stop","model":"small-1","usage":{"input_tokens":1000,"output_tokens":200}}`
	if string(e.Response) != want {
		t.Errorf("response on the tape %s, want %s", e.Response, want)
	}
	long := ask(t, url, map[string]any{"prompt": strings.Repeat("x", 100_000)}, nil)
	var request struct {
		Body      string
		Length    int
		Truncated bool
	}
	if err := json.Unmarshal(long.effects[0].Request, &request); err != nil || len(request.Body) != 64<<10 || !request.Truncated || request.Length < 100_000 {
		t.Errorf("a long request is on the tape with %d bytes of %d, truncated %v, %v", len(request.Body), request.Length, request.Truncated, err)
	}
}
