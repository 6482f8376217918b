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
)

// A message is its length in four bytes, the most significant first, and that
// many bytes of JSON. A child greets with an empty message once it is ready.

// maxRequest is how long a request may be, in bytes.
const maxRequest = 64 << 20

// request is one job. One of the three is set.
type request struct {
	Check  []expr.Text  `json:"check,omitempty"`
	Render *expr.Render `json:"render,omitempty"`
	Run    *expr.Script `json:"run,omitempty"`
	Limits expr.Limits  `json:"limits"`
}

// reply is the answer to a request, or the problem with it.
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

// encode makes a message of a request or reply.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	b.Write(make([]byte, 4))
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	message := b.Bytes()
	binary.BigEndian.PutUint32(message, uint32(len(message)-4))
	return message, nil
}

// receive reads the JSON of one message of at most the given length.
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

// decode reads JSON and keeps the digits of numbers.
func decode(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	return d.Decode(v)
}
