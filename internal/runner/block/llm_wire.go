package block

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
)

// wire carries the library's request out: with what the library cannot say put
// into it, and with an answer that the library can read, within bounds. It is for
// one request.
type wire struct {
	client  *http.Client
	overlay *value.Object // entries of the body, over the library's own
	query   string        // of the base URL

	request *http.Request // nil until something is sent
	sent    json.RawMessage
	refused *httpRecord // an answer that was no success
	stream  *events     // nil until an answer begins
}

// Do sends the request. The error is an *[Error].
func (w *wire) Do(request *http.Request) (*http.Response, error) {
	body, err := w.merged(request.Body)
	if err != nil {
		return nil, err
	}
	again := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	request.Body, _ = again()
	request.GetBody, request.ContentLength = again, int64(len(body))
	request.URL.RawQuery = w.query
	request.Header.Del("Connection")
	watched, connected := watch(request)
	w.request, w.sent = watched, body
	response, err := w.client.Do(watched)
	if err != nil {
		return nil, connectionError(request, err, connected())
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		defer response.Body.Close()
		answered, _ := io.ReadAll(io.LimitReader(response.Body, maxFailure)) // what could be read must do
		record := httpRecord{Status: response.StatusCode}.with(string(answered))
		w.refused = &record
		return nil, w.refusal(response.StatusCode, response.Header, answered)
	}
	w.stream = newEvents(response.Body, isJSON(response.Header))
	response.Body = w.stream
	return response, nil
}

// merged is the library's body with the overlay on it.
func (w *wire) merged(body io.ReadCloser) ([]byte, error) {
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	entries := new(value.Object)
	if err := entries.UnmarshalJSON(text); err != nil {
		return nil, Failf(sluice.Internal, "the request to the model cannot be written").Fix("report it, with the block")
	}
	entries.Merge(w.overlay)
	return jsonOf(entries), nil
}

// tape writes down what was sent and what came back.
func (w *wire) tape(t *tape, said *spoken) {
	if len(w.sent) > maxTaped {
		t.request(httpRecord{}.with(string(w.sent)))
	} else if w.sent != nil {
		t.request(w.sent)
	}
	switch {
	case w.refused != nil:
		t.response(w.refused)
	case w.stream != nil:
		t.response(said.record())
	}
}
