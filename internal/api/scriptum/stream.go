package scriptum

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-dev/sluice"
)

// bindStream serves one call that answers with many messages: each is a line of
// JSON. What goes wrong after the first is a last line {"error": …}.
func bindStream[I any, PI message[I], O proto.Message](s *service, mux routes, pattern string, call func(context.Context, PI, func(O) error) error) {
	pattern, names := pathOf(pattern)
	mux.name(pattern, new(I))
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		in := PI(new(I))
		if err := read(r, in, names); err != nil {
			problem(w, err)
			return
		}
		lines := &lines{w: w, control: http.NewResponseController(w)}
		// A whole request must arrive in time; this one has, and its answer may be long.
		_ = lines.control.SetReadDeadline(time.Time{})
		err := call(r.Context(), in, func(out O) error { return lines.write(out) })
		switch {
		case err != nil && !lines.begun:
			problem(w, err)
		case err != nil:
			s.log(r.Context(), r.Pattern, err)
			lines.fail(err)
		default:
			lines.begin()
		}
	})
}

// lines is an answer of JSON, one message a line.
type lines struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

func (l *lines) begin() {
	if l.begun {
		return
	}
	l.begun = true
	h := l.w.Header()
	h.Set("Content-Type", "application/x-ndjson")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	l.w.WriteHeader(http.StatusOK)
}

func (l *lines) write(out proto.Message) error {
	b, err := protojson.Marshal(out)
	if err != nil {
		return err
	}
	l.begin()
	if _, err := l.w.Write(append(b, '\n')); err != nil {
		return err
	}
	return l.control.Flush()
}

// fail ends the answer with what went wrong. Who went away is told nothing.
func (l *lines) fail(err error) {
	e := sluice.AsError(err)
	b, marshalErr := json.Marshal(map[string]any{"error": map[string]any{"code": e.Code, "detail": e.Message, "fixes": sluice.InWords(e.Fixes, speech)}})
	if marshalErr == nil {
		_, _ = l.w.Write(append(b, '\n'))
	}
}

// interceptStream turns the errors of calls that stream into those of gRPC.
// Reflection has its own.
func (s *service) interceptStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
	stream = checkedStream{stream, s.codec}
	if strings.HasPrefix(info.FullMethod, "/grpc.") {
		return handle(srv, stream)
	}
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
		if err != nil {
			s.log(stream.Context(), info.FullMethod, err)
			err = statusOf(err)
		}
	}()
	return handle(srv, stream)
}
