package scriptum

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api"
)

// statuses is the one table from codes to those of gRPC.
var statuses = map[sluice.Code]codes.Code{
	sluice.Invalid:         codes.InvalidArgument,
	sluice.Unauthenticated: codes.Unauthenticated,
	sluice.Denied:          codes.PermissionDenied,
	sluice.NotFound:        codes.NotFound,
	sluice.Conflict:        codes.FailedPrecondition,
	sluice.LimitExceeded:   codes.ResourceExhausted,
	sluice.TimedOut:        codes.DeadlineExceeded,
	sluice.Unavailable:     codes.Unavailable,
	sluice.Refused:         codes.FailedPrecondition,
	sluice.Internal:        codes.Internal,
}

// unsupported is a call that this server knows and does not carry out.
type unsupported struct{ why string }

func (u *unsupported) Error() string { return u.why }

// statusOf is an error on the wire of gRPC: the sentence, and what to do next.
func statusOf(err error) error {
	var none *unsupported
	switch {
	case errors.As(err, &none):
		return status.Error(codes.Unimplemented, none.why)
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, "the caller went away")
	}
	e := sluice.AsError(err)
	code, known := statuses[e.Code]
	switch {
	case !known:
		code = codes.Internal
	case errors.Is(err, sluice.ErrExists):
		code = codes.AlreadyExists
	}
	message := e.Message
	for _, fix := range sluice.InWords(e.Fixes, speech) {
		message += "\n  fix: " + fix
	}
	return status.Error(code, message)
}

// problem answers an HTTP request with an error.
func problem(w http.ResponseWriter, err error) {
	var none *unsupported
	if errors.As(err, &none) {
		err = sluice.Errorf(sluice.NotFound, "%s", none.why)
	}
	api.Fail(w, err)
}

// Refuse answers a request that was not let in.
func (a *Adapter) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	if !isGRPC(r) {
		api.Fail(w, err)
		return
	}
	s := status.Convert(statusOf(err))
	h := w.Header()
	h.Set("Content-Type", "application/grpc")
	h.Set("Grpc-Status", strconv.Itoa(int(s.Code())))
	h.Set("Grpc-Message", escaped(s.Message()))
	w.WriteHeader(http.StatusOK) // gRPC has its own status
}

// escaped is a message as a header of gRPC holds it: percent-encoded outside of
// printable ASCII.
func escaped(message string) string {
	var b strings.Builder
	for _, c := range []byte(message) {
		if c >= ' ' && c <= '~' && c != '%' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func panicked(p any) error {
	return sluice.AsError(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
}

// log shows the causes that no caller is told.
func (s *service) log(ctx context.Context, method string, err error) {
	e := sluice.AsError(err)
	level := slog.LevelDebug
	switch e.Code {
	case sluice.Internal:
		level = slog.LevelError
	case sluice.Unavailable:
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{slog.String("method", method), slog.String("code", string(e.Code)), slog.String("error", e.Message)}
	if cause := errors.Unwrap(e); cause != nil {
		attrs = append(attrs, slog.String("cause", cause.Error()))
	}
	s.Log.LogAttrs(ctx, level, "gRPC", attrs...)
}

type keyOf struct{}

// withKey keeps the idempotency key that a call brings.
func withKey(ctx context.Context) context.Context {
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		if keys := md.Get("idempotency-key"); len(keys) > 0 {
			return context.WithValue(ctx, keyOf{}, keys[0])
		}
	}
	return ctx
}

// change is what every change of a call carries.
func change(ctx context.Context) sluice.Change {
	key, _ := ctx.Value(keyOf{}).(string)
	return sluice.Change{IdempotencyKey: key}
}
