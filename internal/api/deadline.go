package api

import (
	"net/http"
	"time"
)

// Bounds on a client that reads slowly or not at all: it has stallTimeout for each
// piece of an answer, so that a long answer may take long while it is read.
const (
	stallTimeout = 30 * time.Second
	piece        = 64 << 10
)

// paced writes an answer in pieces, each of which has a deadline of its own. Between
// them there is none: an answer may have nothing to say for long.
type paced struct {
	http.ResponseWriter
	control *http.ResponseController
}

func newPaced(w http.ResponseWriter) paced {
	p := paced{w, http.NewResponseController(w)}
	p.rest() // of the request before, on this connection
	return p
}

func (p paced) hurry() { _ = p.control.SetWriteDeadline(time.Now().Add(stallTimeout)) } // in process there is none
func (p paced) rest()  { _ = p.control.SetWriteDeadline(time.Time{}) }

// Write writes all, as long as the client goes on reading.
func (p paced) Write(b []byte) (n int, err error) {
	for more := true; more && err == nil; more = n < len(b) {
		p.hurry()
		var wrote int
		wrote, err = p.ResponseWriter.Write(b[n:min(n+piece, len(b))])
		n += wrote
	}
	if err == nil {
		p.rest()
	}
	return n, err
}

// flush sends what was written so far.
func (p paced) flush() error {
	p.hurry()
	err := p.control.Flush()
	if err == nil {
		p.rest()
	}
	return err
}
