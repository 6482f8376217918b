package openai_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
)

// done is the end of each stream.
const done = "[DONE]"

// chunk is one piece of an answer as the service writes it, with all that is
// documented beside the choices.
func chunk(choices ...map[string]any) map[string]any {
	if choices == nil {
		choices = []map[string]any{}
	}
	return map[string]any{
		"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": "gpt-4o-mini-2024-07-18",
		"service_tier": "default", "system_fingerprint": "fp_1", "choices": choices, "usage": nil, "obfuscation": "x7",
	}
}

// choice is a part of a chunk: what is new, and why it ends or nil.
func choice(index int, delta map[string]any, finish any) map[string]any {
	return map[string]any{"index": index, "delta": delta, "logprobs": nil, "finish_reason": finish}
}

// opening starts an answer, with the role and no text.
func opening() map[string]any {
	return chunk(choice(0, map[string]any{"role": "assistant", "content": "", "refusal": nil}, nil))
}

func words(text string) map[string]any {
	return chunk(choice(0, map[string]any{"content": text}, nil))
}

func refusal(text string) map[string]any {
	return chunk(choice(0, map[string]any{"refusal": text}, nil))
}

func finish(reason string) map[string]any { return chunk(choice(0, map[string]any{}, reason)) }

// counted is the last chunk, which comes where stream_options asks for it.
func counted(input, output int64) map[string]any {
	c := chunk()
	c["usage"] = map[string]any{
		"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
		"prompt_tokens_details":     map[string]any{"cached_tokens": 0, "audio_tokens": 0},
		"completion_tokens_details": map[string]any{"reasoning_tokens": output / 2, "audio_tokens": 0},
	}
	return c
}

// events writes chunks, and texts as they are, each as an event.
func events(chunks ...any) string {
	var b strings.Builder
	for _, c := range chunks {
		text, is := c.(string)
		if !is {
			text = string(encode(c))
		}
		b.WriteString("data: " + text + "\n\n")
	}
	return b.String()
}

// streamed answers with a stream, sent in pieces that end at the given places.
func streamed(text string, cuts ...int) answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		from := 0
		for _, to := range append(slices.Sorted(slices.Values(cuts)), len(text)) {
			_, _ = io.WriteString(w, text[from:to]) // who asks may have gone
			w.(http.Flusher).Flush()
			from = to
		}
	}
}

// torn answers with a part of a stream, and breaks the connection.
func torn(text string) answer {
	return func(w http.ResponseWriter, r *http.Request) {
		if text != "" {
			streamed(text)(w, r)
		}
		panic(http.ErrAbortHandler)
	}
}
