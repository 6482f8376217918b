package openai_test

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// answers are streams that the documentation allows.
var answers = []struct {
	name, stream string
	want         said
}{
	{"in one piece", events(opening(), words("Hi, Bob 🙂"), finish("stop"), counted(7, 3), done), said{Text: "Hi, Bob 🙂", Finish: "stop", Input: 7, Output: 3}},
	{"in many pieces", events(opening(), words("Hi"), words(", "), words("Bob"), finish("stop"), counted(7, 3), done), said{Text: "Hi, Bob", Finish: "stop", Input: 7, Output: 3}},
	{"without a word", events(opening(), finish("stop"), counted(7, 0), done), said{Finish: "stop", Input: 7}},
	{"cut off by max_tokens", events(opening(), words("Once upon"), finish("length"), counted(7, 2), done), said{Text: "Once upon", Finish: "length", Input: 7, Output: 2}},
	{"cut off by a filter", events(opening(), words("Once"), finish("content_filter"), counted(7, 1), done), said{Text: "Once", Finish: "content_filter", Input: 7, Output: 1}},
	{"without usage", events(opening(), words("Hi"), finish("stop"), done), said{Text: "Hi", Finish: "stop"}},
	{"without [DONE]", events(opening(), words("Hi"), finish("stop"), counted(7, 3)), said{Text: "Hi", Finish: "stop", Input: 7, Output: 3}},
	{"with comments", ": wait\n\n" + events(opening()) + ":\n\n" + events(words("Hi")) + ": wait\n" + events(finish("stop"), counted(7, 3), done), said{Text: "Hi", Finish: "stop", Input: 7, Output: 3}},
	{"with other fields of events", "id: 7\nretry: 10\n\nevent: message\n" + events(opening(), words("Hi"), finish("stop"), counted(7, 3), done), said{Text: "Hi", Finish: "stop", Input: 7, Output: 3}},
	{"with CR LF", strings.ReplaceAll(events(opening(), words("Hi\n"), finish("stop"), counted(7, 3), done), "\n", "\r\n"), said{Text: "Hi\n", Finish: "stop", Input: 7, Output: 3}},
	{"with CR LF in chunks of two lines", strings.ReplaceAll(strings.ReplaceAll(events(opening(), words("Hi"), finish("stop"), counted(7, 3), done), `,"id"`, ",\ndata: \"id\""), "\n", "\r\n"), said{Text: "Hi", Finish: "stop", Input: 7, Output: 3}},
	{"without spaces", strings.ReplaceAll(events(opening(), words("data: Hi"), finish("stop"), counted(7, 3), done), "data: {", "data:{"), said{Text: "data: Hi", Finish: "stop", Input: 7, Output: 3}},
	{"with chunks in two lines", strings.ReplaceAll(events(opening(), words("Hi"), finish("stop"), counted(7, 3), done), `,"id"`, ",\ndata: \"id\""), said{Text: "Hi", Finish: "stop", Input: 7, Output: 3}},
	{
		"with a second choice",
		events(opening(), words("Hi"), chunk(choice(1, map[string]any{"content": "No"}, nil)), chunk(choice(1, map[string]any{}, "length")), words(", Bob"), finish("stop"), counted(7, 3), done),
		said{Text: "Hi, Bob", Finish: "stop", Input: 7, Output: 3},
	},
	{"with a large word", events(opening(), words(strings.Repeat("Hi 🙂 ", 200_000)), finish("stop"), counted(7, 3), done), said{Text: strings.Repeat("Hi 🙂 ", 200_000), Finish: "stop", Input: 7, Output: 3}},
}

func TestBothReadTheSame(t *testing.T) {
	t.Parallel()
	for _, tt := range answers {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, streamed(tt.stream))
			sameAnswer(t, s, tt.want)
		})
	}
}

// TestBothReadTheSameFromAnything has chance write a stream, and cut it into what a
// network delivers.
func TestBothReadTheSameFromAnything(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	rapid.Check(t, func(r *rapid.T) {
		texts := rapid.SliceOfN(rapid.String(), 0, 8).Draw(r, "texts")
		want := said{
			Text:   strings.Join(texts, ""),
			Finish: rapid.SampledFrom([]string{"stop", "length", "content_filter", "tool_calls", "function_call"}).Draw(r, "finish"),
			Input:  rapid.Int64Range(0, 1<<40).Draw(r, "input"), Output: rapid.Int64Range(0, 1<<40).Draw(r, "output"),
		}
		var chunks []any
		if rapid.Bool().Draw(r, "opening") {
			chunks = append(chunks, opening())
		}
		for _, text := range texts {
			chunks = append(chunks, words(text))
			if rapid.IntRange(0, 3).Draw(r, "beside") == 0 {
				chunks = append(chunks, chunk(choice(1, map[string]any{"content": text}, nil)), chunk(choice(0, map[string]any{"content": nil}, nil)), chunk())
			}
		}
		stream := events(append(chunks, finish(want.Finish), counted(want.Input, want.Output), done)...)
		for _, comment := range rapid.SliceOfN(rapid.StringMatching(`\PC*`), 0, 3).Draw(r, "comments") {
			stream = strings.Replace(stream, "\n\n", "\n\n: "+comment+"\n\n", 1)
		}
		if rapid.Bool().Draw(r, "CR LF") {
			stream = strings.ReplaceAll(stream, "\n", "\r\n")
		}
		s.say(streamed(stream, rapid.SliceOfN(rapid.IntRange(0, len(stream)), 0, 20).Draw(r, "cuts")...))
		sameAnswer(r, s, want)
	})
}

// TestBothHearWordByWord has the server say a word only when the one before was
// heard: a client that waits for the end waits in vain.
func TestBothHearWordByWord(t *testing.T) {
	t.Parallel()
	for _, a := range askers {
		next := make(chan struct{})
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			for _, word := range []string{"one", "two", "three"} {
				streamed(events(words(word)))(w, r)
				select {
				case <-next:
				case <-r.Context().Done():
					return
				}
			}
			streamed(events(finish("stop"), counted(7, 3), done))(w, r)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // for who waits in vain
		defer cancel()
		got := a.ask(ctx, t, s.url, ask("hello"), func(string) {
			select {
			case next <- struct{}{}:
			case <-ctx.Done():
			}
		})
		if want := []string{"one", "two", "three"}; got.Failed != nil || !slices.Equal(got.Pieces, want) {
			t.Errorf("%s: heard %q, %+v, want %q", a.name, got.Pieces, got.Failed, want)
		}
	}
}

// TestJSONIsReadAlike: what the block hands on as a value is what the SDK has as text.
func TestJSONIsReadAlike(t *testing.T) {
	t.Parallel()
	for _, text := range []string{ordered, ` {"lines":[{"price":null}],"tier":"silver"} ` + "\n", `{"tier":"gold","lines":[]}`, `{"tier":"gold","lines":[{"price":123456789.25}]}`} {
		s := serve(t, streamed(events(opening(), words(text[:5]), words(text[5:]), finish("stop"), counted(7, 3), done)))
		q := ask("hello")
		q.schema, q.schemaName, q.strict = closed, "Order_list", true
		for _, a := range askers {
			got := a.ask(t.Context(), t, s.url, q, nil)
			if got.Failed != nil || canonical(t, []byte(got.Text)) != canonical(t, []byte(text)) {
				t.Errorf("%s reads %s, %+v, want %s", a.name, got.Text, got.Failed, text)
			}
		}
	}
}

// sameAnswer has both clients read what the server says, and compares it with what
// it meant. The pieces of text must be those that were sent.
func sameAnswer(t reporter, s *server, want said) {
	t.Helper()
	var pieces [][]string
	for _, a := range askers {
		got := a.ask(context.Background(), t, s.url, ask("hello"), nil)
		pieces = append(pieces, got.Pieces)
		got.Pieces = nil
		want.Model = "gpt-4o-mini-2024-07-18"
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s reads %s\nwant %s", a.name, got, want)
		}
	}
	if !slices.Equal(pieces[0], pieces[1]) {
		t.Errorf("the SDK hears %q\nthe block hears %q", pieces[0], pieces[1])
	}
}
