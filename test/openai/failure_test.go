package openai_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestBothAreRefusedAlike(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer answer
		change func(*question)
		want   failure
	}{
		{"400", refuse(400, "", "This model's maximum context length is 8192 tokens."), nil, failure{Status: 400, Message: "maximum context length"}},
		{"401", nil, func(q *question) { q.key = "sk-mallory" }, failure{Status: 401}},
		{"403", refuse(403, "unsupported_country", "Country not supported"), nil, failure{Status: 403}},
		{"404", refuse(404, "model_not_found", "The model `small` does not exist"), nil, failure{Status: 404, Message: "`small` does not exist"}},
		{"422", refuse(422, "", "Not this way"), nil, failure{Status: 422, Message: "Not this way"}},
		{"429", refuse(429, "rate_limit_exceeded", "Rate limit reached", "Retry-After", "7"), nil, failure{Status: 429, Message: "Rate limit reached", Wait: 7 * time.Second}},
		{"429 with a fraction", refuse(429, "rate_limit_exceeded", "Rate limit reached", "Retry-After", "1.5"), nil, failure{Status: 429, Message: "Rate limit reached", Wait: 1500 * time.Millisecond}},
		{"500", refuse(500, "", "The server had an error"), nil, failure{Status: 500, Message: "The server had an error"}},
		{"503", refuse(503, "", "Overloaded", "Retry-After", "30"), nil, failure{Status: 503, Message: "Overloaded", Wait: 30 * time.Second}},
		{"a question with a wrong number", nil, func(q *question) { q.temperature = some(2.5) }, failure{Status: 400, Message: "at /temperature: maximum"}},
		{"a question with too many stops", nil, func(q *question) { q.stop = []string{"a", "b", "c", "d", "e"} }, failure{Status: 400, Message: "at /stop: maxItems"}},
		{"a stop for a model that takes none", nil, func(q *question) { q.model, q.stop = "o3", []string{"END"} }, failure{Status: 400, Message: "stop is not for this model"}},
		{"JSON that the messages do not ask for", nil, func(q *question) { q.format = "json_object" }, failure{Status: 400, Message: "messages must say JSON"}},
		{"an error within the stream", streamed(events(opening(), words("Hi"), `{"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}`)), nil, failure{Message: "The server had an error"}},
		{"an error as the whole stream", streamed(events(`{"error":{"message":"Overloaded","type":"server_error","code":503}}`)), nil, failure{Message: "Overloaded"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tt.answer)
			q := ask("hello")
			if tt.change != nil {
				tt.change(&q)
			}
			for _, a := range askers {
				got := a.ask(t.Context(), t, s.url, q, nil).Failed
				if got == nil || got.Kind != "server" || got.Status != tt.want.Status && tt.want.Status != 0 || !strings.Contains(got.Message, tt.want.Message) || got.Wait != tt.want.Wait {
					t.Errorf("%s failed with %+v, want %+v", a.name, got, tt.want)
				}
			}
		})
	}
}

func TestBothSeeThatAnAnswerIsNotWhole(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answer{
		"before the answer":          torn(""),
		"in the middle":              torn(events(opening(), words("Hi"))),
		"in a chunk":                 torn(events(opening()) + `data: {"id":"chatcmpl-1","cho`),
		"after the end of the text":  torn(events(opening(), words("Hi"), finish("stop"))),
		"a chunk that is no JSON":    streamed(events(opening(), "hello", done)),
		"a chunk that ends too soon": streamed(events(opening(), `{"choices":[`, done)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, a)
			for _, a := range askers {
				if got := a.ask(t.Context(), t, s.url, ask("hello"), nil); got.Failed == nil || got.Failed.Kind != "connection" {
					t.Errorf("%s reads %+v, %+v, want a broken connection", a.name, got, got.Failed)
				}
			}
		})
	}
}

// TestTheBlockAloneSees lists where the block is stricter on purpose: the SDK hands
// these on as an answer, or as none without an error, and leaves it to its user.
func TestTheBlockAloneSees(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, stream, want string }{
		{"an end without a reason", events(opening(), words("Hi")), "no answer"},
		{"nothing", "", "no answer"},
		{"a refusal", events(opening(), refusal("I cannot "), refusal("do that."), finish("stop"), done), "the model refuses to answer: I cannot do that."},
	} {
		s := serve(t, streamed(tt.stream))
		if got := askSDK(t.Context(), t, s.url, ask("hello"), nil); got.Failed != nil {
			t.Errorf("%s: the SDK sees it now: %+v: compare it with the block", tt.name, got.Failed)
		}
		if got := askBlock(t.Context(), t, s.url, ask("hello"), nil); got.Failed == nil || !strings.Contains(got.Failed.Message, tt.want) {
			t.Errorf("%s: the block reads %q, %+v, want an error with %q", tt.name, got.Text, got.Failed, tt.want)
		}
	}
}

func TestBothGiveUpInTime(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]string{"before the answer": "", "within the answer": events(opening(), words("Hi"))} {
		for _, a := range askers {
			ctx := expires(t)
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if first != "" {
					streamed(first)(w, r)
				}
				ctx.expire()
				<-r.Context().Done()
			})
			if got := a.ask(ctx, t, s.url, ask("hello"), nil).Failed; got == nil || got.Kind != "timeout" {
				t.Errorf("%s, %s: failed with %+v, want a timeout", a.name, name, got)
			}
		}
	}
}

// TestBothTryTheSameAgain compares the answers after which the SDK asks again by
// itself with those that a block's retry is for when its author names none.
func TestBothTryTheSameAgain(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 404, 408, 409, 410, 422, 429, 500, 502, 503, 504} {
		for _, should := range []string{"", "true", "false"} {
			headers := []string{"Retry-After-Ms", "1"}
			if should != "" {
				headers = append(headers, "X-Should-Retry", should)
			}
			s := serve(t, refuse(status, "", "no", headers...))
			q := ask("hello")
			askAgain := service(s.url, q.key, 1)
			stream := askAgain.NewStreaming(t.Context(), q.params())
			stream.Close()
			want := len(s.take()) == 2
			_, failed := runBlock(t.Context(), t, s.url, q, func(string) {})
			if failed == nil {
				t.Fatalf("%d: the block takes it for an answer", status)
			}
			if got := slices.Contains([]string{"timeout", "connection", "rate_limit", "server"}, failed.Class); got != want {
				t.Errorf("%d with X-Should-Retry %q: the block has class %s, and the SDK tries again: %v", status, should, failed.Class, want)
			}
			if failed.RetryAfter != time.Millisecond {
				t.Errorf("%d: the block waits for %v, want 1 ms as Retry-After-Ms says", status, failed.RetryAfter)
			}
		}
	}
}

// expiring is a context whose time is up when the test says so.
type expiring struct {
	context.Context
	up   chan struct{}
	once *sync.Once
}

func expires(t *testing.T) expiring {
	return expiring{t.Context(), make(chan struct{}), &sync.Once{}}
}

func (e expiring) expire()               { e.once.Do(func() { close(e.up) }) }
func (e expiring) Done() <-chan struct{} { return e.up }

func (e expiring) Err() error {
	select {
	case <-e.up:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
