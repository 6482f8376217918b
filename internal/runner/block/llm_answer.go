package block

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/sashabaranov/go-openai"

	"github.com/sluice-dev/sluice"
)

// spoken is what a model said, as far as it came.
type spoken struct {
	text    strings.Builder
	refusal strings.Builder // why it does not answer, in models that say so
	finish  string          // stop, length, content_filter …; "" when the server named none
	calls   bool            // it asks for tools to be called
	model   string
	usage   *openai.Usage // nil when the server counted nothing
}

// spokenRecord is what a model said as the tape holds it. Text is cut as bodies
// are: then Truncated is set, and Length are the bytes it had.
type spokenRecord struct {
	Text         string        `json:"text"`
	Refusal      string        `json:"refusal,omitempty"`
	FinishReason string        `json:"finish_reason,omitempty"`
	Model        string        `json:"model,omitempty"`
	Usage        *sluice.Usage `json:"usage,omitempty"`
	Truncated    bool          `json:"truncated,omitempty"`
	Length       int           `json:"length,omitempty"`
}

// converse asks and listens to the end. What was said until then comes with an
// error too, and is never nil.
func (w *wire) converse(ctx context.Context, client *openai.Client, request openai.ChatCompletionRequest, call Call) (*spoken, error) {
	said := &spoken{}
	stream, err := client.CreateChatCompletionStream(ctx, request)
	if err != nil {
		return said, w.broken(err)
	}
	defer stream.Close()
	taken := 0
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return said, w.broken(err)
		}
		piece := said.add(chunk)
		if said.text.Len()+said.refusal.Len() > sluice.MaxOutputBytes {
			return said, tooMuch()
		}
		if n := said.text.Cap() + said.refusal.Cap(); n > taken {
			if err := call.take(int64(n - taken)); err != nil {
				return said, err
			}
			taken = n
		}
		if piece != "" {
			call.Partial(piece)
		}
	}
	if !w.stream.done && said.finish == "" {
		return said, w.broken(io.ErrUnexpectedEOF)
	}
	if refusal := said.refusal.String(); refusal != "" && said.text.Len() == 0 {
		return said, sentFailure("the model refuses to answer: " + excerpt(refusal, 300))
	}
	return said, nil
}

// add takes one chunk, and returns the text in it. Only the first choice counts.
func (s *spoken) add(chunk openai.ChatCompletionStreamResponse) string {
	if chunk.Model != "" {
		s.model = chunk.Model
	}
	if chunk.Usage != nil {
		s.usage = chunk.Usage
	}
	piece := ""
	for _, choice := range chunk.Choices {
		if choice.Index != 0 {
			continue
		}
		piece += choice.Delta.Content
		s.refusal.WriteString(choice.Delta.Refusal)
		s.calls = s.calls || len(choice.Delta.ToolCalls) > 0 || choice.Delta.FunctionCall != nil
		if choice.FinishReason != "" {
			s.finish = string(choice.FinishReason)
		}
	}
	s.text.WriteString(piece)
	return piece
}

// broken says why there is no answer, or no whole one.
func (w *wire) broken(err error) error {
	var (
		failed *Error
		api    *openai.APIError
	)
	switch {
	case errors.As(err, &failed):
		return failed
	case w.request == nil:
		return Failf(sluice.Invalid, "the model cannot be asked: %s", excerpt(err.Error(), 300))
	case errors.As(err, &api):
		return streamed(api)
	}
	if w.request.Context().Err() == nil && w.stream != nil && w.stream.intact() {
		failed = sentFailure("the model's server sent what is no answer: " + excerpt(err.Error(), 200))
		failed.Code, failed.Class = sluice.Unavailable, "connection"
		return failed
	}
	return connectionError(w.request, err, true)
}

// intact reports whether the connection itself did not fail.
func (e *events) intact() bool {
	return e.err == nil || errors.Is(e.err, io.EOF) && !errors.Is(e.err, io.ErrUnexpectedEOF) || errors.Is(e.err, errUnreadable)
}

// record is what the tape holds of it.
func (s *spoken) record() spokenRecord {
	cut := httpRecord{}.with(s.text.String())
	r := spokenRecord{
		Text: cut.Body, Truncated: cut.Truncated, Length: cut.Length,
		Refusal: excerpt(s.refusal.String(), 1000), FinishReason: s.finish, Model: s.model,
	}
	if s.usage != nil {
		r.Usage = &sluice.Usage{InputTokens: int64(s.usage.PromptTokens), OutputTokens: int64(s.usage.CompletionTokens)}
	}
	return r
}

func sentFailure(message string) *Error {
	failed := Failf(sluice.Invalid, "%s", message)
	failed.Sent = true
	return failed
}
