package live

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/sluice-dev/sluice"
)

// Stream answers a request with server-sent events. An error before the first
// byte is returned for the caller to answer; nil means that the response is not
// the caller's any more. A connection of HTTP/1.1 is taken over and Stream
// returns at once; any other is served until it ends.
func (s *State) Stream(w http.ResponseWriter, r *http.Request, req sluice.WatchRequest) error {
	if req.After == "" {
		req.After = r.Header.Get("Last-Event-ID")
	}
	at, err := s.reserve(r.Context(), req)
	if err != nil {
		return err
	}
	if canWriteDirectly && r.ProtoMajor == 1 && r.TLS == nil {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			s.takeOver(at, conn, head(w.Header()))
			return nil
		}
		if !errors.Is(err, http.ErrNotSupported) {
			s.leave()
			return sluice.Errorf(sluice.Unavailable, "the connection is lost").Because(err)
		}
	}
	return s.serve(at, w, r)
}

// takeOver gives a connection to a shard. One that hides its file descriptor is
// written to from here until it ends.
func (s *State) takeOver(at seat, conn net.Conn, head []byte) {
	if sc, ok := conn.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			err = s.attach(at, func(first []*frame) {
				sh := s.shard()
				sk := &socket{conn: conn, raw: raw, feed: at.feed, shard: sh, seq: first[len(first)-1].seq, rights: s.rights.Load()}
				sh.post(op{kind: opAdd, socket: sk, head: head, bytes: encodeAll(first)})
			})
			if err != nil {
				s.leave()
				_ = conn.Close() // the client will ask again and be told why
			}
			return
		}
	}
	defer conn.Close()
	stop := context.AfterFunc(s.ctx, func() { _ = conn.Close() })
	defer stop()
	write := func(b []byte) error {
		if err := conn.SetWriteDeadline(time.Now().Add(s.cfg.Drain)); err != nil {
			return err
		}
		_, err := conn.Write(b)
		return err
	}
	if write(head) != nil {
		s.leave()
		return
	}
	_ = s.pump(s.ctx, at, write) // the response has begun: nobody can be told
}

// serve writes to a response that cannot be taken over.
func (s *State) serve(at seat, w http.ResponseWriter, r *http.Request) error {
	setHead(w.Header())
	control := http.NewResponseController(w)
	begun := false
	err := s.pump(r.Context(), at, func(b []byte) error {
		begun = true
		// Not every response knows deadlines; then the transport's own hold.
		if err := control.SetWriteDeadline(time.Now().Add(s.cfg.Drain)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		return control.Flush()
	})
	if begun {
		return nil
	}
	return err
}

// pump writes events until the context ends or a write fails.
func (s *State) pump(ctx context.Context, at seat, write func([]byte) error) error {
	q, err := s.enqueue(at)
	if err != nil {
		s.leave()
		return err
	}
	defer s.unsubscribe(q)
	for {
		frames, err := s.take(ctx, q)
		if len(frames) > 0 {
			if err := write(encodeAll(frames)); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

func setHead(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	h.Del("Content-Length")
}

// head is the head of a response, with what was set before.
func head(h http.Header) []byte {
	h = h.Clone()
	if h == nil {
		h = http.Header{}
	}
	setHead(h)
	h.Set("Connection", "close")
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 200 OK\r\n")
	_ = h.Write(&b) // a buffer takes everything
	b.WriteString("\r\n")
	return b.Bytes()
}
