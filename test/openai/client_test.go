package openai_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/runner/block"
	"github.com/sluice-dev/sluice/internal/runner/outbound"
)

// asker is one of the two clients: it asks a server, and reads the answer to its
// end. heard is called after each piece of text, with that piece; it may be nil.
type asker struct {
	name string
	ask  func(ctx context.Context, t reporter, url string, q question, heard func(string)) said
}

// reporter is what a test and one run of a random test have in common.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// askers are the two whose words must agree.
var askers = []asker{{"the SDK", askSDK}, {"the block", askBlock}}

// said is an answer as a client understands it.
type said struct {
	Text, Finish, Model string
	Input, Output       int64 // tokens
	Pieces              []string
	Failed              *failure // nil when the client takes the answer for whole
}

func (s said) String() string {
	text := fmt.Sprintf("%.200q by %s, finish %q, %d + %d tokens", s.Text, s.Model, s.Finish, s.Input, s.Output)
	if s.Failed != nil {
		text += fmt.Sprintf(", failure %+v", *s.Failed)
	}
	return text
}

// failure is why a client has no answer, as far as both can tell.
type failure struct {
	Kind    string // server, when it said so; timeout; connection, when no whole answer came
	Status  int    // 0 without one
	Message string
	Wait    time.Duration // as the server asked for
}

// askSDK asks with the official SDK, and has the SDK put the answer together.
func askSDK(ctx context.Context, t reporter, url string, q question, heard func(string)) (s said) {
	t.Helper()
	completions := service(url, q.key, 0)
	stream := completions.NewStreaming(ctx, q.params())
	defer stream.Close()
	var whole sdk.ChatCompletionAccumulator
	for stream.Next() {
		current := stream.Current()
		if !whole.AddChunk(current) {
			t.Fatalf("the SDK cannot add %s", current.RawJSON())
		}
		for _, c := range current.Choices {
			if c.Index == 0 && c.Delta.Content != "" {
				s.Pieces = append(s.Pieces, c.Delta.Content)
				if heard != nil {
					heard(c.Delta.Content)
				}
			}
		}
	}
	s.Model, s.Input, s.Output = whole.Model, whole.Usage.PromptTokens, whole.Usage.CompletionTokens
	if len(whole.Choices) > 0 {
		s.Text, s.Finish = whole.Choices[0].Message.Content, whole.Choices[0].FinishReason
	}
	s.Failed = failureOfSDK(stream.Err())
	return s
}

// service is the SDK without what it reads from the environment of the process.
func service(url, key string, retries int) sdk.ChatCompletionService {
	return sdk.NewChatCompletionService(
		option.WithBaseURL(url), option.WithAPIKey(key), option.WithMaxRetries(retries),
		option.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}),
	)
}

func failureOfSDK(err error) *failure {
	var (
		api    *sdk.Error
		broken *ssestream.StreamError
		late   net.Error
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &api):
		seconds, _ := strconv.ParseFloat(api.Response.Header.Get("Retry-After"), 64)
		return &failure{"server", api.StatusCode, api.Message, time.Duration(seconds * float64(time.Second))}
	case errors.As(err, &broken):
		return &failure{Kind: "server", Message: broken.Message}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &late) && late.Timeout():
		return &failure{Kind: "timeout", Message: err.Error()}
	}
	return &failure{Kind: "connection", Message: err.Error()}
}

// askBlock asks with the llm block.
func askBlock(ctx context.Context, t reporter, url string, q question, heard func(string)) (s said) {
	t.Helper()
	result, err := runBlock(ctx, t, url, q, func(text string) {
		s.Pieces = append(s.Pieces, text)
		if heard != nil {
			heard(text)
		}
	})
	s.Input, s.Output = result.Usage.InputTokens, result.Usage.OutputTokens
	s.Model, _ = result.Extra.Get("model").(string)
	s.Finish, _ = result.Extra.Get("finish_reason").(string)
	if text, is := result.Output.(string); is {
		s.Text = text
	} else if err == nil {
		s.Text = string(encode(result.Output))
	}
	if err != nil {
		s.Failed = &failure{"server", err.Status, err.Message, err.RetryAfter}
		if err.Class == "timeout" || err.Class == "connection" {
			s.Failed.Kind = err.Class
		}
	}
	return s
}

// runBlock runs the block once, as a worker does.
func runBlock(ctx context.Context, t reporter, url string, q question, partial func(string)) (block.Result, *block.Error) {
	t.Helper()
	client, err := outbound.New(outbound.Config{})
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer client.CloseIdleConnections()
	call := q.call(url)
	call.Client, call.Eval, call.Attempt, call.Key = client, expr.Direct{}, 1, "run-7-step-2"
	call.Record = func(sluice.Effect) {}
	call.Partial = partial
	result, err := block.Table()["llm"].Run(ctx, call)
	var failed *block.Error
	if err != nil && !errors.As(err, &failed) {
		t.Fatalf("the block failed with %T %v, want a *block.Error", err, err)
	}
	return result, failed
}
