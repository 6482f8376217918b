package scout

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/sluice-dev/sluice"
)

// statuses is the one table from codes to the statuses of Scout's API.
var statuses = map[sluice.Code]int{
	sluice.Invalid:         http.StatusUnprocessableEntity,
	sluice.Unauthenticated: http.StatusUnauthorized,
	sluice.Denied:          http.StatusForbidden,
	sluice.NotFound:        http.StatusNotFound,
	sluice.Conflict:        http.StatusConflict,
	sluice.LimitExceeded:   http.StatusRequestEntityTooLarge,
	sluice.TimedOut:        http.StatusGatewayTimeout,
	sluice.Unavailable:     http.StatusServiceUnavailable,
	sluice.Refused:         http.StatusUnprocessableEntity,
	sluice.Internal:        http.StatusInternalServerError,
}

// retryAfter is how many seconds a client is asked to wait before it tries again.
const retryAfter = "2"

// misplaced is an error of one part of a request. Where is a path such as body,
// deployments, 0, traffic.
type misplaced struct {
	where []any
	err   *sluice.Error
}

func (m *misplaced) Error() string { return m.err.Message }
func (m *misplaced) Unwrap() error { return m.err }

// at says which part of a request an error is about.
func at(err error, where ...any) error {
	if err == nil {
		return nil
	}
	return &misplaced{where, sluice.AsError(err)}
}

// wrong is an error of a part of a request that is malformed.
func wrong(fix string, where []any, format string, args ...any) error {
	return &misplaced{where, sluice.Errorf(sluice.Invalid, format, args...).Fix("%s", fix)}
}

// invalid makes what is not found where it was named an error of the request.
func invalid(err error, where ...any) error {
	if e := sluice.AsError(err); e != nil && e.Code == sluice.NotFound {
		return &misplaced{where, &sluice.Error{Code: sluice.Invalid, Message: e.Message, Fixes: e.Fixes}}
	}
	return err
}

// refusal is for the few statuses that no code has.
type refusal struct {
	status int
	err    *sluice.Error
}

func (r *refusal) Error() string { return r.err.Message }
func (r *refusal) Unwrap() error { return r.err }

// detail is one thing that is wrong with a request.
type detail struct {
	Where []any  `json:"loc"`
	Text  string `json:"msg"`
	Type  string `json:"type"`
}

// fail answers a request with an error: a sentence, or with status 422 a list.
func (a *Adapter) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := sluice.AsError(err)
	a.note(r, e)
	status, known := statuses[e.Code]
	if !known {
		status = http.StatusInternalServerError
	}
	if other := (*refusal)(nil); errors.As(err, &other) {
		status = other.status
	}
	head := w.Header()
	switch status {
	case http.StatusUnauthorized:
		head.Set("WWW-Authenticate", `Bearer realm="sluice"`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		head.Set("Retry-After", retryAfter)
	}
	if status != http.StatusUnprocessableEntity {
		answer(w, status, map[string]string{"detail": sentence(e)})
		return
	}
	if m := (*mistaken)(nil); errors.As(err, &m) {
		answer(w, status, map[string][]detail{"detail": m.details})
		return
	}
	d := detail{Where: []any{"body"}, Text: sentence(e), Type: "value_error"}
	if e.Code == sluice.Refused {
		d.Type = string(sluice.Refused)
	}
	if m := (*misplaced)(nil); errors.As(err, &m) {
		d.Where = m.where
	}
	answer(w, status, map[string][]detail{"detail": {d}})
}

// sentence is an error for people: what is wrong, and what to do next.
func sentence(e *sluice.Error) string {
	fixes := sluice.InWords(e.Fixes, speech)
	if len(fixes) == 0 {
		return e.Message
	}
	return e.Message + " (fix: " + joined(fixes) + ")"
}

// joined are several ways in one sentence; some begin with "or" already.
func joined(fixes []string) string {
	var b strings.Builder
	for i, fix := range fixes {
		if i > 0 {
			b.WriteString("; or ")
			fix = strings.TrimPrefix(strings.TrimPrefix(fix, "or "), "or, ")
		}
		b.WriteString(fix)
	}
	return b.String()
}

// note logs what no caller is told.
func (a *Adapter) note(r *http.Request, e *sluice.Error) {
	level := slog.LevelDebug
	switch e.Code {
	case sluice.Internal:
		level = slog.LevelError
	case sluice.Unavailable:
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{slog.String("route", r.Pattern), slog.String("code", string(e.Code)), slog.String("error", e.Message)}
	if cause := errors.Unwrap(e); cause != nil {
		attrs = append(attrs, slog.String("cause", cause.Error()))
	}
	a.Log.LogAttrs(r.Context(), level, "Scout", attrs...)
}
