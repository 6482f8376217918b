package block

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/sashabaranov/go-openai"

	"github.com/sluice-dev/sluice"
)

// The bounds on a streamed answer, in bytes.
const (
	maxEvent  = sluice.MaxOutputBytes
	maxStream = 8 * sluice.MaxOutputBytes // each word comes with some hundred bytes around it
)

// events is the body of an answer in the form that the library reads: each event
// in one line, and nothing but data. Servers send more than that, such as
// comments that keep a connection open and lines without an end. An answer that
// is no stream at all becomes one event.
type events struct {
	body    io.ReadCloser
	lines   *bufio.Reader
	whole   bool // the answer is one JSON document
	pending []byte
	read    int
	err     error
	done    bool // the server said that the answer is complete
}

func newEvents(body io.ReadCloser, whole bool) *events {
	return &events{body: body, lines: bufio.NewReader(body), whole: whole}
}

// Close closes the answer.
func (e *events) Close() error { return e.body.Close() }

// Read gives lines of data, as they come.
func (e *events) Read(p []byte) (int, error) {
	for len(e.pending) == 0 {
		if e.err != nil {
			return 0, e.err
		}
		event, err := e.next()
		if bad := sluice.CheckJSONText("it", event); bad != nil { // which the library would alter
			event, err = nil, fmt.Errorf("%w: %v", errUnreadable, bad)
		}
		e.err = err
		if len(event) > 0 {
			e.done = e.done || string(event) == "[DONE]"
			// An empty line follows, because the library reads on after an error.
			e.pending = append(append([]byte("data: "), event...), "\n\n"...)
		}
	}
	n := copy(p, e.pending)
	e.pending = e.pending[n:]
	return n, nil
}

// next returns the data of the next event. With an error there may be data too.
func (e *events) next() ([]byte, error) {
	if e.whole {
		return e.document()
	}
	var event []byte
	for {
		line, err := e.line()
		if data, is := bytes.CutPrefix(line, []byte("data:")); is {
			data = bytes.TrimSpace(data)
			if len(event) == 0 && json.Valid(data) {
				return bytes.Clone(data), err // whole, whether or not an empty line follows
			}
			event = append(append(event, data...), ' ')
		}
		if len(event) > maxEvent {
			return nil, tooMuch()
		}
		if err != nil || len(line) == 0 && len(event) > 0 {
			return bytes.TrimSpace(event), err
		}
	}
}

// line returns the next line without its end. What follows the last end of a line
// is a line too.
func (e *events) line() ([]byte, error) {
	var line []byte
	for {
		piece, err := e.lines.ReadSlice('\n')
		e.read += len(piece)
		line = append(line, piece...)
		if e.read > maxStream || len(line) > maxEvent {
			return nil, tooMuch()
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimRight(bytes.TrimPrefix(line, []byte("\uFEFF")), "\r\n"), err
		}
	}
}

// document reads an answer that is not streamed, as one event.
func (e *events) document() ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(e.lines, maxEvent+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxEvent:
		return nil, tooMuch()
	}
	var failed openai.ErrorResponse
	if json.Unmarshal(text, &failed) == nil && failed.Error != nil {
		return oneLine(jsonOf(failed)), io.EOF
	}
	var answer openai.ChatCompletionResponse
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("%w: %v", errUnreadable, err)
	}
	if len(answer.Choices) == 0 {
		return nil, fmt.Errorf("%w: it holds no choices", errUnreadable)
	}
	e.done = true
	return jsonOf(chunkOf(answer)), io.EOF
}

// errUnreadable marks an answer that breaks the protocol.
var errUnreadable = errors.New("the answer cannot be read")

// chunkOf is a whole answer as a stream that has one chunk.
func chunkOf(answer openai.ChatCompletionResponse) openai.ChatCompletionStreamResponse {
	chunk := openai.ChatCompletionStreamResponse{Model: answer.Model, Usage: &answer.Usage}
	for _, choice := range answer.Choices {
		content := choice.Message.Content
		for _, part := range choice.Message.MultiContent {
			content += part.Text
		}
		chunk.Choices = append(chunk.Choices, openai.ChatCompletionStreamChoice{
			Index: choice.Index, FinishReason: choice.FinishReason,
			Delta: openai.ChatCompletionStreamChoiceDelta{Content: content, Refusal: choice.Message.Refusal, ToolCalls: choice.Message.ToolCalls, FunctionCall: choice.Message.FunctionCall},
		})
	}
	return chunk
}

func oneLine(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte(" ")) }

func tooMuch() *Error {
	failed := Failf(sluice.LimitExceeded, "the model's server sent more than %d bytes", maxEvent).Fix("set max_tokens")
	failed.Sent = true
	return failed
}
