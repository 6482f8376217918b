package block_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/runner/block"
)

func TestLLMRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		body   string
		code   sluice.Code
		class  string
		want   string
		fix    string
	}{
		{401, `{"error":{"message":"Incorrect API key provided: sk-alice","type":"invalid_request_error","code":"invalid_api_key"}}`, sluice.Denied, "error", "the model's server refused the key", "OPENAI_API_KEY"},
		{403, `no`, sluice.Denied, "error", "the model's server refused the key", "configured: true"},
		{404, `{"error":{"message":"The model small does not exist"}}`, sluice.NotFound, "error", "answered 404 Not Found: The model small does not exist", "base_url"},
		{400, `{"error":{"message":["too","long"]}}`, sluice.Invalid, "error", "answered 400 Bad Request: too, long", ""},
		{429, `{"error":{"message":"slow down"}}`, sluice.LimitExceeded, "rate_limit", "answered 429 Too Many Requests: slow down", "retry"},
		{500, `<html>`, sluice.Unavailable, "server", "answered 500 Internal Server Error: <html>", ""},
		{503, ``, sluice.Unavailable, "server", "answered 503 Service Unavailable", ""},
		{304, ``, sluice.Invalid, "error", "answered 304", ""},
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "12")
			w.WriteHeader(tt.status)
			io.WriteString(w, tt.body)
		})
		got := ask(t, server.URL, nil, nil)
		wantError(t, got.err, tt.code, tt.class, true, tt.want)
		if got.err.Status != tt.status || got.err.RetryAfter != 12*time.Second || !strings.Contains(strings.Join(sluice.Texts(got.err.Fixes), " "), tt.fix) {
			t.Errorf("%d: status %d, wait %v, fixes %q; want 12 s and a fix with %q", tt.status, got.err.Status, got.err.RetryAfter, got.err.Fixes, tt.fix)
		}
		if strings.Contains(got.err.Message, "sk-alice") {
			t.Errorf("the message shows the key: %s", got.err.Message)
		}
		if e := got.effects[0]; e.Error != got.err.Message || !strings.Contains(string(e.Response), `"status":`) {
			t.Errorf("%d: the tape holds %+v, want the error and the status", tt.status, e)
		}
	}
}

// TestLLMHeedsWhatTheServerSaysOfAnotherAttempt has a server say it in the headers
// that the protocol's own clients heed.
func TestLLMHeedsWhatTheServerSaysOfAnotherAttempt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status      int
		again, wait string
		class       string
		want        time.Duration
	}{
		{408, "", "", "server", 12 * time.Second},
		{409, "", "", "server", 12 * time.Second},
		{409, "false", "", "error", 12 * time.Second},
		{400, "true", "", "server", 12 * time.Second},
		{429, "true", "250", "rate_limit", 250 * time.Millisecond},
		{429, "false", "0.5", "error", 500 * time.Microsecond},
		{503, "maybe", "soon", "server", 12 * time.Second},
		{503, "", "-1", "server", 12 * time.Second},
		{503, "", "NaN", "server", 12 * time.Second},
		{503, "", "1e300", "server", time.Hour},
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			for name, value := range map[string]string{"Retry-After": "12", "Retry-After-Ms": tt.wait, "X-Should-Retry": tt.again} {
				w.Header().Set(name, value)
			}
			w.WriteHeader(tt.status)
		})
		got := ask(t, server.URL, nil, nil)
		if got.err == nil || got.err.Class != tt.class || got.err.RetryAfter != tt.want {
			t.Errorf("%+v: failed with %+v, want class %s and %v", tt, got.err, tt.class, tt.want)
		}
	}
}

func TestLLMBrokenStreams(t *testing.T) {
	t.Parallel()
	const kind = "text/event-stream"
	for _, tt := range []struct {
		name, kind, body string
		code             sluice.Code
		class, want      string
	}{
		{"nothing", kind, "", sluice.Unavailable, "connection", "no answer"},
		{"an end in the middle", kind, stream(opening, delta("Hi")), sluice.Unavailable, "connection", "no answer"},
		{"half a chunk", kind, stream(opening) + `data: {"id":"c1","cho`, sluice.Unavailable, "connection", "no answer"},
		{"no JSON", kind, stream("hello"), sluice.Unavailable, "connection", "no answer"},
		{"a number", kind, stream("7"), sluice.Unavailable, "connection", "no answer"},
		{"choices that are none", kind, stream(`{"choices":"x"}`), sluice.Unavailable, "connection", "no answer"},
		{"a page", "text/html", "<html><body>hello</body></html>", sluice.Unavailable, "connection", "no answer"},
		{"JSON that is cut off", "application/json", `{"choices":[`, sluice.Unavailable, "connection", "no answer"},
		{"JSON without choices", "application/json", `{"id":"c1"}`, sluice.Unavailable, "connection", "it holds no choices"},
		{"an error instead", "application/json", `{"error":{"message":"out of memory"}}`, sluice.Unavailable, "server", "failed while it answered: out of memory"},
		{"an error in the middle", kind, stream(delta("Hi"), `{"error":{"message":"out of memory","type":"server_error"}}`), sluice.Unavailable, "server", "failed while it answered: out of memory"},
		{"an error with its status", kind, ": wait\n\n" + stream(`{"error":{"message":"slow down","code":429}}`, done), sluice.LimitExceeded, "rate_limit", "slow down"},
		{"a limit in the middle", kind, stream(`{"error":{"message":"slow down","type":"tokens","code":"rate_limit_exceeded"}}`), sluice.LimitExceeded, "rate_limit", "slow down"},
		{"an error of the request", kind, stream(`{"error":{"message":"too long","type":"invalid_request_error"}}`), sluice.Invalid, "error", "too long"},
		{"an error of no form", kind, stream(`{"error":"x"}`), sluice.Unavailable, "connection", "no answer"},
		{"too much in one line", kind, "data: " + strings.Repeat("x", 17<<20), sluice.LimitExceeded, "error", "more than 16777216 bytes"},
		{"too much in a comment", kind, ": " + strings.Repeat("x", 17<<20), sluice.LimitExceeded, "error", "more than 16777216 bytes"},
		{"too much JSON", "application/json", `{"choices":[` + strings.Repeat(" ", 17<<20) + `]}`, sluice.LimitExceeded, "error", "more than 16777216 bytes"},
		{"a refusal", kind, stream(`{"choices":[{"index":0,"delta":{"refusal":"I cannot "}}]}`, `{"choices":[{"index":0,"delta":{"refusal":"do that"}}]}`, stopped, done), sluice.Invalid, "error", "the model refuses to answer: I cannot do that"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url, _ := modelServer(t, 200, tt.kind, tt.body)
			got := ask(t, url, nil, nil)
			wantError(t, got.err, tt.code, tt.class, true, tt.want)
			if len(got.effects) != 1 || got.effects[0].Error != got.err.Message {
				t.Errorf("effects %+v, want one with the error", got.effects)
			}
		})
	}
}

func TestLLMConnectionsThatBreak(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	for name, answer := range map[string]string{
		"before the answer": "",
		"in a chunk":        head + "Transfer-Encoding: chunked\r\n\r\n400\r\n" + stream(delta("Hi")) + "\x00",
		"after the finish":  head + "Transfer-Encoding: chunked\r\n\r\n4000\r\n" + stream(delta("Hi"), stopped) + "\x00",
		"in a body":         "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\x00",
	} {
		url := rawServer(t, func(r *http.Request) string {
			io.Copy(io.Discard, r.Body)
			return answer
		})
		got := ask(t, url, nil, nil)
		if got.err == nil {
			t.Errorf("%s: it succeeded with %q", name, got.Output)
			continue
		}
		wantError(t, got.err, sluice.Unavailable, "connection", true, "the connection broke before the whole answer was there")
	}
}

func TestLLMTimesOut(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]string{"before the answer": "", "within the answer": stream(delta("Hi"))} {
		ctx := expires(t)
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // or the end of the connection goes unnoticed
			if first != "" {
				w.Header().Set("Content-Type", "text/event-stream")
				io.WriteString(w, first)
				w.(http.Flusher).Flush()
			}
			ctx.expire()
			<-r.Context().Done()
		})
		got := run(t, ctx, "llm", block.Call{Settings: obj(map[string]any{"model": "small", "prompt": "hello", "base_url": server.URL, "api_key": "sk-alice"})})
		wantError(t, got.err, sluice.TimedOut, "timeout", true, "did not answer in time")
		if len(got.effects) != 1 {
			t.Errorf("%s: %d effects, want one", name, len(got.effects))
		}
	}
}

func TestLLMAnswersWithJSON(t *testing.T) {
	t.Parallel()
	schema := map[string]any{"schema": map[string]any{
		"type": "object", "required": []any{"tier"}, "additionalProperties": false,
		"properties": map[string]any{"tier": map[string]any{"enum": []any{"gold", "silver"}}, "n": map[string]any{"type": "integer"}},
	}}
	object := map[string]any{"response_format": "json_object"}
	for _, tt := range []struct {
		name   string
		raw    map[string]any
		text   string
		finish string
		want   any
		err    string
	}{
		{"an object", object, `{"tier": "gold", "n": 9007199254740993}`, stopped, map[string]any{"tier": "gold", "n": int64(9007199254740993)}, ""},
		{"an object that matches", schema, ` {"tier":"gold","n":3} `, stopped, map[string]any{"tier": "gold", "n": int64(3)}, ""},
		{"text where text is asked for", map[string]any{"response_format": "text"}, `{"a":1}`, stopped, `{"a":1}`, ""},
		{"text that was cut off", nil, `once upon`, cutOff, `once upon`, ""},
		{"no JSON", object, `Sure! Here it is: {}`, stopped, nil, "the answer is not JSON"},
		{"nothing", object, ``, stopped, nil, "the answer is empty, and JSON was asked for"},
		{"JSON that was cut off", object, `{"tier":"go`, cutOff, nil, "the answer was cut off: it reached the most tokens"},
		{"a wrong value", schema, `{"tier":"iron"}`, stopped, nil, "the answer does not match the schema: at $.tier"},
		{"a missing value", schema, `{"n":1}`, stopped, nil, "the answer does not match the schema: at $.tier, it is missing"},
		{"one value too many", schema, `{"tier":"gold","x":1}`, stopped, nil, "does not match the schema: at $.x"},
		{"a list", schema, `[]`, stopped, nil, "the answer does not match the schema: at $"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url, _ := modelServer(t, 200, "text/event-stream", stream(delta(tt.text), tt.finish, counted, done))
			got := ask(t, url, nil, tt.raw)
			if got.Usage.InputTokens != 1000 || got.Usage.OutputTokens != 200 {
				t.Errorf("usage %+v, want what was used, whether or not it was of use", got.Usage)
			}
			if tt.err != "" {
				wantError(t, got.err, sluice.Invalid, "error", true, tt.err)
				return
			}
			if got.err != nil || !same(got.Output, tt.want) {
				t.Errorf("got %#v, %v, want %#v", got.Output, got.err, tt.want)
			}
		})
	}
}

// FuzzLLMAnswer has a server answer with anything: it must end in a result or an
// error, and in one effect.
func FuzzLLMAnswer(f *testing.F) {
	for _, body := range []string{
		stream(opening, delta("Hi"), stopped, counted, done), stream(`{"error":{"message":"x","code":429}}`), "data: \n\n", "data:{}\ndata:[DONE]",
		`{"choices":[{"message":{"content":"x"}}]}`, "\uFEFFdata: {\ndata: }\n\n", "data: null\n\n: x\n\ndata: [DONE]\n\n", `data: {"error":null}` + "\n\n", "\r\n\r\n\x00\xff",
		`data: {"choices":[{"delta":{"content":"\ud83d"},"finish_reason":""}],"usage":{"prompt_tokens":-1}}` + "\n\n",
	} {
		f.Add([]byte(body), true)
		f.Add([]byte(body), false)
	}
	var kind, answer string // one input is tried at a time
	server := serve(f, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		io.WriteString(w, answer)
	})
	shared := client(f)
	f.Fuzz(func(t *testing.T, body []byte, whole bool) {
		kind, answer = "text/event-stream", string(body)
		if whole {
			kind = "application/json"
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		got := run(t, ctx, "llm", block.Call{
			Client: shared, Raw: map[string]any{"response_format": "json_object"},
			Settings: obj(map[string]any{"model": "small", "prompt": "hello", "base_url": server.URL, "api_key": "sk-alice"}),
		})
		switch {
		case len(got.effects) != 1:
			t.Errorf("%d effects, want one", len(got.effects))
		case got.err == nil && got.Extra.Get("model") == nil:
			t.Errorf("neither a result nor an error: %+v", got)
		case got.err != nil && (got.err.Message == "" || got.err.Class == "timeout"):
			t.Errorf("%+v, want an error that says something, and comes at once", got.err)
		}
	})
}
