package block_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/runner/block"
	"github.com/sluice-dev/sluice/internal/value"
)

// mirror answers with the request as it came in.
func mirror(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	header := map[string]string{}
	for _, name := range []string{"Content-Type", "Idempotency-Key", "User-Agent", "X-Api-Key", "X-Idempotency-Key"} {
		if value := r.Header.Values(name); len(value) > 0 {
			header[name] = strings.Join(value, ", ")
		}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	json.NewEncoder(w).Encode(map[string]any{"method": r.Method, "url": r.URL.String(), "header": header, "body": string(body)})
}

// httpRequests are settings, with a path for the URL, and what a server sees then.
var httpRequests = []struct {
	name     string
	settings map[string]any
	raw      map[string]any
	want     string
}{
	{"nothing but a URL", nil, nil, `{"method":"GET","url":"/","header":{"User-Agent":"sluice/1.0.0"},"body":""}`},
	{"a method in small letters", map[string]any{"method": " delete "}, nil, `{"method":"DELETE","url":"/","header":{"User-Agent":"sluice/1.0.0"},"body":""}`},
	{"a raw method", nil, map[string]any{"method": "PUT"}, `{"method":"PUT","url":"/","header":{"User-Agent":"sluice/1.0.0"},"body":""}`},
	{
		"a map as the body",
		map[string]any{"method": "POST", "body": map[string]any{"n": int64(9007199254740993), "html": "<b>&", "list": []any{nil, true, 0.5}}},
		nil,
		`{"method":"POST","url":"/","header":{"Content-Type":"application/json","Idempotency-Key":"run-7-step-2","User-Agent":"sluice/1.0.0"},` +
			`"body":"{\"html\":\"<b>&\",\"list\":[null,true,0.5],\"n\":9007199254740993}"}`,
	},
	{
		"text as the body, with the author's headers",
		map[string]any{"method": "PATCH", "body": "a=b", "headers": map[string]any{
			"content-type": "application/x-www-form-urlencoded", "idempotency-key": "mine", "X-Api-Key": int64(7), "User-Agent": "alice/1", "X-None": nil,
		}},
		nil,
		`{"method":"PATCH","url":"/","header":{"Content-Type":"application/x-www-form-urlencoded","Idempotency-Key":"mine","User-Agent":"alice/1","X-Api-Key":"7"},"body":"a=b"}`,
	},
	{
		"empty text as the body",
		map[string]any{"method": "POST", "body": ""},
		nil,
		`{"method":"POST","url":"/","header":{"Content-Type":"text/plain; charset=utf-8","Idempotency-Key":"run-7-step-2","User-Agent":"sluice/1.0.0"},"body":""}`,
	},
	{
		"a query beside the one in the URL",
		map[string]any{"url": "/find?a=1&b=2#part", "query": map[string]any{"b": "x y", "c": []any{int64(1), true}, "d": nil}},
		nil,
		`{"method":"GET","url":"/find?a=1&b=x+y&c=1&c=true","header":{"User-Agent":"sluice/1.0.0"},"body":""}`,
	},
}

func TestHTTPSendsWhatTheSettingsSay(t *testing.T) {
	t.Parallel()
	server := serve(t, mirror)
	for _, tt := range httpRequests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			settings := map[string]any{"url": "/"}
			maps.Copy(settings, tt.settings)
			settings["url"] = server.URL + settings["url"].(string)
			got := run(t, t.Context(), "http", block.Call{Settings: obj(settings), Raw: tt.raw})
			if got.err != nil {
				t.Fatal(got.err)
			}
			var want any
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if !same(got.Output, want) {
				t.Errorf("the server saw %v\nwant %v", got.Output, want)
			}
			if got.Extra.Get("status_code") != int64(200) {
				t.Errorf("status_code = %v, want 200", got.Extra.Get("status_code"))
			}
			if headers := got.Extra.Get("headers").(*value.Object); headers.Get("content-type") != "application/json; charset=utf-8" {
				t.Errorf("headers = %v, want one called content-type", headers)
			}
		})
	}
}

func TestHTTPRefusesWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		settings map[string]any
		want     string
	}{
		{map[string]any{}, "url is empty"},
		{map[string]any{"url": "/orders"}, "not an absolute http or https address"},
		{map[string]any{"url": "example.com/orders"}, "not an absolute"},
		{map[string]any{"url": "ftp://example.com/"}, "not an absolute"},
		{map[string]any{"url": "http://"}, "not an absolute"},
		{map[string]any{"url": "http://:80/"}, "not an absolute"},
		{map[string]any{"url": "http://exa mple.com/"}, "not an absolute"},
		{map[string]any{"url": "http://alice:secret@example.com/"}, "holds a user or a password"},
		{map[string]any{"url": "http://[::1]:http/"}, "not an absolute"},
		{map[string]any{"url": "http://example.com/", "method": "CONNECT"}, "not a method"},
		{map[string]any{"url": "http://example.com/", "method": "GET /"}, "not a method"},
		{map[string]any{"url": "http://example.com/", "method": int64(3)}, "not a method"},
		{map[string]any{"url": "http://example.com/", "headers": "X: y"}, "headers is \"X: y\", which is not a map"},
		{map[string]any{"url": "http://example.com/", "query": []any{}}, "query is [], which is not a map"},
		{map[string]any{"url": "http://example.com/", "headers": map[string]any{"X Y": "z"}}, "not the name of a header"},
		{map[string]any{"url": "http://example.com/", "headers": map[string]any{"": "z"}}, "not the name of a header"},
		{map[string]any{"url": "http://example.com/", "headers": map[string]any{"X-Y": "a\r\nHost: b"}}, "line break"},
		{map[string]any{"url": "http://example.com/", "headers": map[string]any{"host": "internal"}}, "the header Host is set by the connection"},
		{map[string]any{"url": "http://example.com/", "headers": map[string]any{"Content-Length": "1"}}, "Content-Length is set"},
	} {
		got := run(t, t.Context(), "http", block.Call{Settings: obj(tt.settings)})
		if got.err == nil || got.err.Code != sluice.Invalid || got.err.Sent || !strings.Contains(got.err.Message, tt.want) {
			t.Errorf("http with %v: %v, want invalid with %q", tt.settings, got.err, tt.want)
		}
		if got.err != nil && strings.Contains(got.err.Message, "secret") {
			t.Errorf("the message shows a password: %s", got.err.Message)
		}
		if len(got.effects) != 0 {
			t.Errorf("http with %v left %d effects, want none", tt.settings, len(got.effects))
		}
	}
}

func TestHTTPReadsAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind, body string
		want       any
		err        string
	}{
		{
			"application/json", `{"id":9007199254740993,"price":1.50,"big":123456789012345678901234567890,"e":1e3}`,
			value.Pairs("id", int64(9007199254740993), "price", value.Number("1.50"), "big", value.Number("123456789012345678901234567890"), "e", value.Number("1e3")),
			"",
		},
		{"application/problem+json", ` [1, "two", null] `, []any{int64(1), "two", nil}, ""},
		{"text/json", `3`, int64(3), ""},
		{"application/json", ``, nil, ""},
		{"text/plain", `{"id":1}`, `{"id":1}`, ""},
		{"", "", "", ""},
		{"application/octet-stream", "a\x00b\uFFFD", "a\x00b\uFFFD", ""},
		{"text/plain", "gr\xfcn", nil, ": the body of the answer is not text: line 1, column 3: this byte is not UTF-8"},
		{"application/json", "{\"a\": \"\xfc\"}", nil, "answered with JSON that cannot be taken: a: "},
		{"application/json", `["\ud800"]`, nil, "answered with JSON that cannot be taken: [0]: "},
		{"application/json", `{"id":`, nil, "says that it answers with JSON, and does not: it ends too early"},
		{"application/json", `{"id":1} {"id":2}`, nil, "something follows the value"},
		{"application/json", `{"id":1e1001}`, nil, "answered with JSON that cannot be taken: id: the exponent of 1e1001 is too large"},
		{"application/json", `{"id":1,"id":2}`, nil, "cannot be taken: the key \"id\" is there twice"},
		{"application/json", `<html>`, nil, "and does not: at byte 1, a value is wanted and not '<'"},
		{"application/json", strings.Repeat("[", 100_000), nil, "the value is nested deeper than 500 levels"},
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{tt.kind}
			io.WriteString(w, tt.body)
		})
		got := run(t, t.Context(), "http", block.Call{Settings: obj(map[string]any{"url": server.URL})})
		if tt.err != "" {
			wantError(t, got.err, sluice.Invalid, "error", true, tt.err)
			continue
		}
		if got.err != nil || !same(got.Output, tt.want) {
			t.Errorf("%s %.60q became %#v, %v, want %#v", tt.kind, tt.body, got.Output, got.err, tt.want)
		}
	}
}

func TestHTTPReadsHeadersOfEitherEncoding(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["X-Old"], w.Header()["X-New"] = []string{"gr\xfcn"}, []string{"grün"}
		io.WriteString(w, "ok")
	})
	got := run(t, t.Context(), "http", block.Call{Settings: obj(map[string]any{"url": server.URL})})
	headers, _ := got.Extra.Get("headers").(*value.Object)
	if got.err != nil || headers.Get("x-old") != "grün" || headers.Get("x-new") != "grün" {
		t.Errorf("got %v, %v, want grün twice", headers, got.err)
	}
}

func TestHTTPHeadOfJSONHasNoValue(t *testing.T) {
	t.Parallel()
	got := run(t, t.Context(), "http", block.Call{Settings: obj(map[string]any{"url": serve(t, mirror).URL, "method": "HEAD"})})
	if got.err != nil || got.Output != nil {
		t.Errorf("HEAD gave %v, %v, want nil", got.Output, got.err)
	}
}

func TestHTTPBoundsAnswers(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/failing" {
			w.WriteHeader(http.StatusBadRequest)
		}
		line := strings.Repeat("x", 1<<20)
		for range 64 {
			if _, err := io.WriteString(w, line); err != nil {
				return
			}
		}
	})
	for max, message := range map[any]string{
		nil: "more than 4194304 bytes", int64(1000): "more than 1000 bytes", int64(1 << 40): "more than 16777216 bytes", int64(-1): "more than 4194304 bytes",
	} {
		got := run(t, t.Context(), "http", block.Call{Settings: obj(map[string]any{"url": server.URL}), Raw: map[string]any{"max_bytes": max}})
		wantError(t, got.err, sluice.LimitExceeded, "error", true, message)
		if response := string(got.effects[0].Response); strings.Contains(response, "xxx") || !strings.Contains(response, `"status":200`) {
			t.Errorf("the tape holds %.200s, want the status and none of the body", response)
		}
	}
	exact := run(t, t.Context(), "http", block.Call{Settings: obj(map[string]any{"url": serve(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, strings.Repeat("x", 1000))
	}).URL}), Raw: map[string]any{"max_bytes": int64(1000)}})
	if exact.err != nil {
		t.Errorf("1000 bytes of at most 1000: %v", exact.err)
	}
	failing := run(t, t.Context(), "http", block.Call{Settings: obj(map[string]any{"url": server.URL + "/failing"})})
	wantError(t, failing.err, sluice.Invalid, "error", true, "answered 400 Bad Request: xxx")
	if len(failing.err.Message) > 500 {
		t.Errorf("the message has %d bytes", len(failing.err.Message))
	}
}

func TestHTTPFollowsRedirectsAsBrowsersDo(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/", mirror)
	mux.HandleFunc("/go/{status}", func(w http.ResponseWriter, r *http.Request) {
		var status int
		fmt.Sscan(r.PathValue("status"), &status)
		w.Header().Set("Location", "/there")
		w.WriteHeader(status)
	})
	server := serve(t, mux.ServeHTTP)
	for status, want := range map[int][2]string{301: {"GET", ""}, 302: {"GET", ""}, 303: {"GET", ""}, 307: {"POST", "hello"}, 308: {"POST", "hello"}} {
		got := run(t, t.Context(), "http", block.Call{Settings: obj(map[string]any{"url": fmt.Sprintf("%s/go/%d", server.URL, status), "method": "POST", "body": "hello"})})
		seen, _ := got.Output.(*value.Object)
		if seen.Get("method") != want[0] || seen.Get("body") != want[1] || seen.Get("url") != "/there" {
			t.Errorf("after %d: %v, %v, want %v at /there", status, seen, got.err, want)
		}
	}
	away := run(t, t.Context(), "http", block.Call{Settings: obj(map[string]any{"url": serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusTemporaryRedirect)
	}).URL})})
	wantError(t, away.err, sluice.Denied, "error", true, "169.254.169.254 (link-local)")
	if len(away.err.Fixes) == 0 {
		t.Error("the refusal says nothing of what to do")
	}
}

func TestHTTPEffects(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		settings map[string]any
		want     block.Effects
	}{
		{nil, block.Repeatable},
		{map[string]any{"method": "head"}, block.Repeatable},
		{map[string]any{"method": "OPTIONS"}, block.Repeatable},
		{map[string]any{"method": "PUT"}, block.Repeatable},
		{map[string]any{"method": "delete"}, block.Repeatable},
		{map[string]any{"method": "POST"}, block.Once},
		{map[string]any{"method": "patch"}, block.Once},
		{map[string]any{"method": "POST", "idempotent": true}, block.Repeatable},
		{map[string]any{"method": "POST", "idempotent": false}, block.Once},
		{map[string]any{"method": int64(1)}, block.Once},
	} {
		if got := block.Table()["http"].Effects(obj(tt.settings)); got != tt.want {
			t.Errorf("effects of %v = %d, want %d", tt.settings, got, tt.want)
		}
	}
}

func TestHTTPTape(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, strings.Repeat("é", 40_000))
	})
	got := run(t, context.Background(), "http", block.Call{Settings: obj(map[string]any{
		"url": server.URL + "/a?b=c", "method": "PUT", "headers": map[string]any{"X-Api-Key": "k"}, "body": map[string]any{"a": int64(1)},
	})})
	if got.err != nil || len(got.effects) != 1 {
		t.Fatalf("%d effects, %v, want one", len(got.effects), got.err)
	}
	e := got.effects[0]
	if e.Kind != sluice.EffectHTTP || e.Attempt != 1 || e.At == 0 || e.Error != "" {
		t.Errorf("effect %+v, want one of kind http, attempt 1, with a time", e)
	}
	want := `{"method":"PUT","url":"` + server.URL + `/a?b=c","headers":{"content-type":"application/json","x-api-key":"k"},"body":"{\"a\":1}"}`
	if string(e.Request) != want {
		t.Errorf("request on the tape %s\nwant %s", e.Request, want)
	}
	var response struct {
		Status, Length int
		Truncated      bool
		Body           string
	}
	if err := json.Unmarshal(e.Response, &response); err != nil {
		t.Fatal(err)
	}
	if response.Status != 200 || !response.Truncated || response.Length != 80_000 || response.Body != strings.Repeat("é", 32<<10) {
		t.Errorf("response on the tape: status %d, truncated %v, length %d, %d bytes of body; want 200, true, 80000, 65536",
			response.Status, response.Truncated, response.Length, len(response.Body))
	}
}
