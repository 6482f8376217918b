package sandbox

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
)

// A message is its length in four bytes, the most significant first, and that
// many bytes: the length of its head in four bytes, the head, which is JSON, and
// the values that go with it, a list as package value writes it. A child greets
// with an empty message once it is ready.

// maxRequest is how long a request may be, in bytes.
const maxRequest = 32 << 20

// request is one job. One of the three is set. Its values are the tree, nil for a
// script, and the scope.
type request struct {
	Check  []expr.Text  `json:"check,omitempty"`
	Render *expr.Render `json:"render,omitempty"`
	Run    *expr.Script `json:"run,omitempty"`
	Limits expr.Limits  `json:"limits"`
}

// reply is the answer to a request, or the problem with it. Its value is the tree,
// or what the script returned.
type reply struct {
	Checked  []expr.Checked `json:"checked,omitempty"`
	Rendered *expr.Rendered `json:"rendered,omitempty"`
	Result   *expr.Result   `json:"result,omitempty"`
	Problem  *expr.Problem  `json:"problem,omitempty"`
}

// maxReply is how long a reply may be: a character of the output can take six
// bytes in JSON, and logs and problems come on top.
func maxReply(l expr.Limits) int { return 6*l.Output + 1<<20 }

var errTooLong = errors.New("the message is too long")

// encode makes a message of a request or reply and its values.
func encode(head any, values ...any) ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 2*lengthBytes, 512))
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(head); err != nil {
		return nil, err
	}
	message := b.Bytes()
	binary.BigEndian.PutUint32(message[lengthBytes:], uint32(len(message)-2*lengthBytes))
	message = append(message, '[')
	for i, v := range values {
		if i > 0 {
			message = append(message, ',')
		}
		var err error
		if message, err = value.Append(message, v); err != nil {
			return nil, err
		}
	}
	message = append(message, ']')
	binary.BigEndian.PutUint32(message, uint32(len(message)-lengthBytes))
	return message, nil
}

// lengthBytes are those of a length.
const lengthBytes = 4

// receive reads the body of one message of at most the given length.
func receive(r *bufio.Reader, most int) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(head[:])
	if uint64(length) > uint64(most) {
		return nil, fmt.Errorf("%w: %d bytes", errTooLong, length)
	}
	body := make([]byte, length)
	_, err := io.ReadFull(r, body)
	return body, err
}

var errMessage = errors.New("the message has another form")

// decode reads the body of a message: its head, and the values that go with it.
func decode(body []byte, head any) (values []any, err error) {
	if len(body) < lengthBytes {
		return nil, errMessage
	}
	length, rest := binary.BigEndian.Uint32(body), body[lengthBytes:]
	if uint64(length) > uint64(len(rest)) {
		return nil, errMessage
	}
	if err := json.Unmarshal(rest[:length], head); err != nil {
		return nil, err
	}
	v, err := value.DecodeWithin(rest[length:], value.MaxDepth+1)
	if err != nil {
		return nil, err
	}
	values, _ = v.([]any)
	return values, nil
}
