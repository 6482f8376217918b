package block

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
)

// maxFailure is how many bytes of the answer to a failed request are read.
const maxFailure = 64 << 10

// answer is what a server said.
type answer struct {
	status int
	header http.Header
	body   []byte
	empty  bool // none was expected, as after HEAD
}

// exchange sends a request and reads at most limit bytes of the answer. With an
// error the answer is nil, or without a body where its head came.
func exchange(call Call, request *http.Request, limit int64) (*answer, error) {
	request, sent := watch(request)
	response, err := call.Client.Do(request)
	if err != nil {
		return nil, connectionError(request, err, sent())
	}
	defer response.Body.Close()
	got := &answer{status: response.StatusCode, header: response.Header, empty: request.Method == http.MethodHead}
	body, err := call.read(io.LimitReader(response.Body, limit+1))
	var refused *Error
	switch {
	case errors.As(err, &refused):
		return got, refused
	case err != nil:
		return got, connectionError(request, err, true)
	case int64(len(body)) > limit && got.status >= 400:
		body = body[:limit]
	case int64(len(body)) > limit:
		failed := Failf(sluice.LimitExceeded, "%s answered with more than %d bytes", place(request), limit).
			Fix("ask for less, or raise max_bytes, up to %d", maxAnswer)
		failed.Status, failed.Sent = got.status, true
		return got, failed
	}
	got.body = body
	return got, nil
}

// read reads a body as far as there is memory for it. What comes compressed counts
// as it is read.
func (c Call) read(from io.Reader) ([]byte, error) {
	const step = 64 << 10
	var body []byte
	for {
		if len(body) == cap(body) {
			more := max(step, len(body))
			if err := c.take(int64(len(body) + more)); err != nil { // what it was in before is garbage for a while
				return nil, err
			}
			body = append(make([]byte, 0, len(body)+more), body...)
		}
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if errors.Is(err, io.EOF) {
			return body, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// output is the body as a value, exactly: a body that cannot be one is a failure.
func (a *answer) output(call Call, request *http.Request) (any, error) {
	if err := call.take(2 * int64(len(a.body))); err != nil { // as a text, for the output and the tape
		return nil, err
	}
	if !isJSON(a.header) {
		text := string(a.body)
		if err := sluice.CheckUTF8("the body of the answer", text); err != nil {
			failed := Failf(sluice.Invalid, "%s: %v", place(request), err).
				Fix("ask for text in UTF-8, or for JSON; binary content is passed on by its address")
			failed.Status, failed.Sent = a.status, true
			return nil, failed
		}
		return text, nil
	}
	if a.empty || len(a.body) == 0 {
		return nil, nil
	}
	if err := call.takeTree(a.body); err != nil {
		return nil, err
	}
	read, err := treeOf(a.body)
	if err != nil {
		failed := Failf(sluice.Invalid, "%s says that it answers with JSON, and does not: %v", place(request), err)
		if value.IsRefused(err) {
			failed = Failf(sluice.Invalid, "%s answered with JSON that cannot be taken: %v", place(request), err)
		}
		failed.Status, failed.Sent = a.status, true
		return nil, failed
	}
	return read, nil
}

// failure is what a status that the author does not take means.
func (a *answer) failure(request *http.Request, call Call) *Error {
	message := place(request) + " answered " + statusLine(a.status)
	if text := excerpt(call.hidden(string(a.body)), 300); text != "" {
		message += ": " + text
	}
	return statusError(a.status, a.header, message)
}

// isJSON reports whether the content type is one of JSON.
func isJSON(header http.Header) bool {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil && kind == "" {
		return false
	}
	return kind == "application/json" || kind == "text/json" || strings.HasSuffix(kind, "+json")
}

// headerTree are headers as templates see them: by their names in lower case,
// because names have no case, and those that repeat joined.
func headerTree(header http.Header) *value.Object {
	tree := make(map[string]string, len(header))
	for name, values := range header {
		tree[strings.ToLower(name)] = headerText(strings.Join(values, ", "))
	}
	return value.Sorted(tree)
}

// headerText is the value of a header: UTF-8, or else in the encoding that headers
// had before, ISO 8859-1, in which each byte is the character of its number.
func headerText(value string) string {
	if utf8.ValidString(value) {
		return value
	}
	text := make([]rune, len(value))
	for i := range len(value) {
		text[i] = rune(value[i])
	}
	return string(text)
}
