package api

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/budget"
)

// recorder remembers what was answered, for the log and the metrics, and is what
// every answer is written through.
type recorder struct {
	paced
	status  int
	problem *problem
	scope   *budget.Scope // the memory that the request holds
	refused *problem      // why the rest of the body was not read
	gone    bool          // the connection was taken over
	// logPlace is where people find what is logged, if not where servers log.
	logPlace string
}

// requestHeader names the request, for the log.
const requestHeader = "X-Request-Id"

// WriteHeader sends the status; a problem's own is the one that holds.
func (rec *recorder) WriteHeader(status int) {
	if rec.problem != nil {
		status = rec.problem.Status
	}
	if rec.status == 0 {
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

// Write sends bytes of the body.
func (rec *recorder) Write(b []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	return rec.paced.Write(b)
}

// Flush sends what was written so far.
func (rec *recorder) Flush() { _ = rec.flush() } // who cannot, sends it at the end

// FlushError is Flush for an [http.ResponseController].
func (rec *recorder) FlushError() error { return rec.flush() }

// Hijack takes the connection over, whose deadlines are then its new owner's.
func (rec *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := rec.control.Hijack()
	rec.gone = err == nil
	return conn, rw, err
}

// Unwrap lets an [http.ResponseController] flush and hijack.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

// ServeHTTP answers one request: whatever happens is logged and counted, and
// what panics is an internal error.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start, id := time.Now(), requestID()
	ctx, scope := budget.WithScope(r.Context())
	defer scope.Release()
	rec := &recorder{paced: newPaced(w), scope: scope, logPlace: h.LogPlace}
	r = r.WithContext(ctx)
	head := w.Header()
	head.Set(requestHeader, id)
	head.Set("X-Content-Type-Options", "nosniff")
	defer func() {
		broken := h.recovered(rec, recover())
		h.finish(rec, r, id, time.Since(start))
		if !rec.gone {
			rec.hurry() // what is left in buffers is sent after this
		}
		if broken {
			panic(http.ErrAbortHandler) // the answer had begun: cut it, so that nobody takes it for whole
		}
	}()
	h.dispatch(rec, r)
}

func requestID() string {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil.String()
	}
	return id.String()
}

// recovered answers for a panic, and reports whether it came too late for that.
func (h *handler) recovered(rec *recorder, panicked any) (broken bool) {
	if panicked == nil {
		return false
	}
	if err, ok := panicked.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		return true
	}
	begun := rec.status != 0
	err := sluice.AsError(fmt.Errorf("panic: %v\n%s", panicked, debug.Stack()))
	if begun {
		rec.problem = problemOf(err)
		return true
	}
	fail(rec, err)
	return false
}

// variablePaths is what stands before the key of a variable in an address.
var variablePaths = regexp.MustCompile(`^/v1/(?:environments/[^/]*/variables|scriptum/env)/`)

// discreet is a path as a log may have it: where the key of a variable belongs,
// something else may be a secret, and in a path that nothing answers anything may.
func discreet(r *http.Request) string {
	path := r.URL.Path
	if r.Pattern == "" {
		if parts := strings.SplitN(path, "/", 4); len(parts) == 4 {
			return strings.Join(parts[:3], "/") + "/…"
		}
		return path
	}
	at := variablePaths.FindString(path)
	if at == "" {
		return path
	}
	key, rest, _ := strings.Cut(path[len(at):], "/")
	if sluice.CheckKey(key) != nil || rest != "" && rest != "reveal" && rest != "shred" {
		return at + "…"
	}
	return path
}

// finish logs and counts one request. Causes are shown here and nowhere else.
func (h *handler) finish(rec *recorder, r *http.Request, id string, took time.Duration) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	route := r.Pattern
	if route == "" {
		route = "none"
	}
	h.count(route, rec.status, took)
	level, attrs := slog.LevelDebug, []slog.Attr{
		slog.String("request", id), slog.String("method", r.Method), slog.String("path", discreet(r)),
		slog.Int("status", rec.status), slog.Duration("took", took),
	}
	if p := rec.problem; p != nil {
		attrs = append(attrs, slog.String("code", string(p.Code)), slog.String("error", p.Detail))
		if cause := errors.Unwrap(p.err); cause != nil {
			attrs = append(attrs, slog.String("cause", cause.Error()))
		}
		switch p.Code {
		case sluice.Internal:
			level = slog.LevelError
		case sluice.Unavailable:
			level = slog.LevelWarn
		}
	}
	h.Log.LogAttrs(r.Context(), level, "request", attrs...)
}
