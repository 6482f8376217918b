package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// InProcess returns a transport that calls a handler without a socket. The
// answer is returned as soon as its header is written, and its body can be read
// while the handler still writes; closing the body ends the handler's context.
func InProcess(h http.Handler) http.RoundTripper { return inProcess{h} }

type inProcess struct{ handler http.Handler }

// RoundTrip runs the handler on a goroutine that ends when it returns.
func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	served := req.Clone(ctx)
	served.RequestURI = req.URL.RequestURI()
	served.RemoteAddr = "@"
	if served.Host == "" {
		served.Host = req.URL.Host
	}
	if served.Body == nil {
		served.Body = http.NoBody
	}
	r, w := io.Pipe()
	answer := &pipeWriter{header: http.Header{}, body: w, ready: make(chan struct{})}
	go func() {
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				answer.begin(http.StatusInternalServerError)
				_ = w.CloseWithError(io.ErrUnexpectedEOF)
				return
			}
			answer.begin(http.StatusOK)
			_ = w.Close()
		}()
		t.handler.ServeHTTP(answer, served)
	}()
	select {
	case <-answer.ready:
	case <-req.Context().Done():
		_ = r.CloseWithError(req.Context().Err())
		return nil, req.Context().Err()
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", answer.status, http.StatusText(answer.status)), StatusCode: answer.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: answer.sent, Body: &pipeBody{r, cancel}, ContentLength: -1, Request: req,
	}, nil
}

// pipeWriter is a ResponseWriter whose body is a pipe.
type pipeWriter struct {
	header http.Header
	sent   http.Header
	status int
	body   *io.PipeWriter
	once   sync.Once
	ready  chan struct{} // closed when status and sent are set
}

// Header is the answer's header until it is sent.
func (p *pipeWriter) Header() http.Header { return p.header }

func (p *pipeWriter) begin(status int) {
	p.once.Do(func() {
		p.status, p.sent = status, p.header.Clone()
		close(p.ready)
	})
}

// WriteHeader sends the header.
func (p *pipeWriter) WriteHeader(status int) { p.begin(status) }

// Write sends a part of the body.
func (p *pipeWriter) Write(b []byte) (int, error) {
	p.begin(http.StatusOK)
	return p.body.Write(b)
}

// Flush has nothing to wait for: what is written is there to be read.
func (p *pipeWriter) Flush() { p.begin(http.StatusOK) }

// pipeBody ends the handler when the reader has had enough.
type pipeBody struct {
	*io.PipeReader
	cancel func()
}

// Close ends the handler's context and refuses what it still writes.
func (b *pipeBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}
