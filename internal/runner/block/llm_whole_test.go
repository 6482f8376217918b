package block_test

import (
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// ending is a last chunk with a reason.
func ending(reason string) string { return strings.Replace(stopped, `"stop"`, `"`+reason+`"`, 1) }

const toolCall = `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"1","type":"function","function":{"name":"look","arguments":"{}"}}]},"finish_reason":null}]}`

// TestLLMAnswersThatAreNotWhole: what a server says of the end of an answer is a
// warning, an error where the author or the form of the answer asks for that, and
// nothing where the answer is whole.
func TestLLMAnswersThatAreNotWhole(t *testing.T) {
	t.Parallel()
	json := map[string]any{"response_format": "json_object"}
	fails := map[string]any{"on_cut": "fail"}
	for _, tt := range []struct {
		name string
		body string
		raw  map[string]any
		want sluice.WarningCode
		fail string // the error has this in it
	}{
		{"whole", stream(delta("Hi"), stopped, done), nil, "", ""},
		{"whole in another server's words", stream(delta("Hi"), ending("end_turn"), done), fails, "", ""},
		{"cut", stream(delta("Hi"), cutOff, done), nil, sluice.WarnAnswerCut, ""},
		{"cut, where that is an error", stream(delta("Hi"), cutOff, done), fails, "", "it reached the most tokens"},
		{"cut JSON that can be read", stream(delta(`{"n": 1}`), cutOff, done), json, "", "it reached the most tokens"},
		{"filtered", stream(delta("Hi"), ending("content_filter"), done), nil, sluice.WarnAnswerFiltered, ""},
		{"filtered to nothing", stream(ending("content_filter"), done), nil, sluice.WarnAnswerFiltered, ""},
		{"filtered JSON", stream(delta(`{"n": 1}`), ending("content_filter"), done), json, "", "a content filter"},
		{"calls of tools alone", stream(toolCall, ending("tool_calls"), done), nil, sluice.WarnAnswerCalls, ""},
		{"calls of tools that end with stop", stream(toolCall, stopped, done), nil, sluice.WarnAnswerCalls, ""},
		{"a call of a function, where that is an error", stream(ending("function_call"), done), fails, "", "there is no text in it"},
		{"nothing", stream(opening, stopped, done), nil, sluice.WarnAnswerEmpty, ""},
		{"nothing, and no reason", stream(opening, done), nil, sluice.WarnAnswerEmpty, ""},
		{"nothing in place of JSON", stream(opening, stopped, done), json, "", "the answer is empty"},
		{"an unknown reason", stream(delta("Hi"), ending("overheated"), done), nil, sluice.WarnAnswerUnfinished, ""},
		{"an unknown reason, where that is an error", stream(delta("Hi"), ending("overheated"), done), fails, "", "not known here: overheated"},
		{"an unknown reason behind whole JSON", stream(delta(`{"n": 1}`), ending("overheated"), done), json, "", ""},
		{"cut, not streamed", strings.Replace(whole, `"stop"`, `"length"`, 1), nil, sluice.WarnAnswerCut, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			kind := "text/event-stream"
			if strings.HasPrefix(tt.body, "{") {
				kind = "application/json"
			}
			url, _ := modelServer(t, 200, kind, tt.body)
			got := ask(t, url, nil, tt.raw)
			if tt.fail != "" {
				wantError(t, got.err, sluice.Invalid, "error", true, tt.fail)
				if got.err != nil && len(got.err.Fixes) == 0 {
					t.Error("the error says no fix")
				}
				return
			}
			var codes []sluice.WarningCode
			for _, w := range got.Warnings {
				codes = append(codes, w.Code)
			}
			if got.err != nil || tt.want == "" && len(codes) > 0 || tt.want != "" && (len(codes) != 1 || codes[0] != tt.want) {
				t.Errorf("got the warnings %v and the error %v, want %q", codes, got.err, tt.want)
			}
		})
	}
}
