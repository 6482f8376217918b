package api

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/sluice-dev/sluice"
)

// statuses is the one table from codes to HTTP statuses.
var statuses = map[sluice.Code]int{
	sluice.Invalid:         http.StatusBadRequest,
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

// problem is an error on the wire: RFC 9457, with our code and fixes. The type
// is about:blank, since the code says what kind it is.
type problem struct {
	Type   string          `json:"type"`
	Title  string          `json:"title"`
	Status int             `json:"status"`
	Detail string          `json:"detail"`
	Code   sluice.Code     `json:"code"`
	Fixes  []sluice.Advice `json:"fixes"`
	// Mistakes are those of a file, with their places, where the detail tells of them.
	Mistakes []sluice.Mistake `json:"mistakes,omitempty"`

	err *sluice.Error // with its cause, for the log
}

// Error is the detail.
func (p *problem) Error() string { return p.Detail }

// GetStatus is how huma asks for the status.
func (p *problem) GetStatus() int { return p.Status }

// ContentType is how huma asks for the media type.
func (p *problem) ContentType(string) string { return "application/problem+json" }

// problemOf returns an error as it goes over the wire.
func problemOf(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	e := sluice.AsError(err)
	status, known := statuses[e.Code]
	if !known {
		status = http.StatusInternalServerError
	}
	if errors.Is(err, sluice.ErrFull) {
		status = http.StatusTooManyRequests
	}
	return problemWith(status, e)
}

// problemWith is for the few statuses that no code has.
func problemWith(status int, e *sluice.Error) *problem {
	fixes := e.Fixes
	if fixes == nil {
		fixes = []sluice.Advice{}
	}
	return &problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: e.Message, Code: e.Code, Fixes: fixes, Mistakes: e.Mistakes, err: e,
	}
}

// Fail answers a request with an error, for adapters that answer as the API does.
func Fail(w http.ResponseWriter, err error) { fail(w, err) }

// fail answers a request with an error.
func fail(w http.ResponseWriter, err error) {
	p := problemOf(err)
	note(w, p)
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = encode(w, p) // who went away gets no answer
}

// report turns the errors that huma is about to write into ours.
func report(ctx huma.Context, _ string, v any) (any, error) {
	var p *problem
	switch e := v.(type) {
	case *problem:
		p = e
	case *huma.ErrorModel:
		p = fromHuma(ctx.Operation(), e)
	default:
		return v, nil
	}
	_, w := humago.Unwrap(ctx)
	if rec, ok := w.(*recorder); ok && rec.refused != nil {
		p = rec.refused
	}
	note(w, p)
	return p, nil
}

// note keeps the problem for the log, and sets the headers that belong to it.
func note(w http.ResponseWriter, p *problem) {
	if rec, ok := w.(*recorder); ok {
		rec.problem = p
	}
	if p.Code == sluice.Internal && errors.Unwrap(p.err) != nil { // which the log alone shows
		p.Fixes = []sluice.Advice{sluice.Advise("find its cause in %s, at the request %s, and report both", logPlace(w), w.Header().Get(requestHeader))}
	}
	switch p.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="sluice"`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryAfter)
	}
	w.Header().Set("Cache-Control", "no-store")
}

// logPlace is where people find the log of the handler that answers.
func logPlace(w http.ResponseWriter) string {
	if rec, ok := w.(*recorder); ok && rec.logPlace != "" {
		return rec.logPlace
	}
	return "the server's log, which is the server's standard error"
}

// fromHuma returns an error that huma found in a request before our code saw it.
func fromHuma(op *huma.Operation, e *huma.ErrorModel) *problem {
	switch e.Status {
	case http.StatusRequestEntityTooLarge:
		return problemOf(sluice.Errorf(sluice.LimitExceeded, "the body of the request is over the limit of %d bytes", op.MaxBodyBytes).
			Fix("send less in one request"))
	case http.StatusRequestTimeout:
		return problemOf(sluice.Errorf(sluice.TimedOut, "the body of the request did not arrive within %s", op.BodyReadTimeout))
	case http.StatusUnsupportedMediaType:
		return problemWith(e.Status, sluice.Errorf(sluice.Invalid, "the body of the request is not JSON").
			Fix("send it with Content-Type: application/json"))
	}
	details := make([]string, 0, len(e.Errors))
	code := sluice.Invalid
	for _, d := range e.Errors {
		details = append(details, describeDetail(d))
		if d != nil && overLimit(d) {
			code = sluice.LimitExceeded
		}
	}
	if len(details) == 0 {
		details = []string{e.Detail}
	}
	const shown = 5
	if len(details) > shown {
		details = append(details[:shown], fmt.Sprintf("and %d more", len(details)-shown))
	}
	out := sluice.Errorf(code, "%s", strings.Join(details, "; "))
	if strings.HasPrefix(details[0], "body: "+bodyItself+" is not text") {
		return problemOf(out.Fix(sluice.WriteUTF8))
	}
	return problemOf(out.Fix("see %s %s in /openapi.json", op.Method, op.Path))
}

// overLimit tells what is too large from what is wrong, as the rules of the
// domain do. A cursor that is too long is none of ours.
func overLimit(d *huma.ErrorDetail) bool {
	return strings.HasPrefix(d.Message, "expected ") && strings.Contains(d.Message, " <= ") && d.Location != "query.cursor"
}

// describeDetail names what is wrong by its place in the request.
func describeDetail(d *huma.ErrorDetail) string {
	if d == nil {
		return "the request could not be read"
	}
	message := strings.TrimPrefix(d.Message, "invalid value: ")
	place := d.Location
	if number, found := strings.CutPrefix(message, "json: cannot unmarshal number "); found { // and repeats it
		message = "the number is out of range"
		if m := unfit.FindStringSubmatch(number); m != nil {
			place = m[1]
		}
	}
	if where, name, found := strings.Cut(place, "."); found && (where == "query" || where == "path" || where == "header") {
		place = where + " parameter " + shownName(name)
	}
	if name, found := strings.CutPrefix(place, "body."); found {
		if d.Message == "unexpected property" {
			return "the body has an unknown field " + shownName(name)
		}
		place = shownName(name)
	}
	if place == "" {
		return message
	}
	return place + ": " + message
}

// unfit finds the field for which encoding/json says that a number does not fit.
var unfit = regexp.MustCompile(` into Go struct field \w+\.([\w.]+) of type `)

var fieldForm = regexp.MustCompile(`^[A-Za-z_-]{1,40}\d{0,2}(\[\d{1,5}\])?(\.[A-Za-z_-]{1,40}\d{0,2}(\[\d{1,5}\])?)*$`)

// shownName is the name of a field or parameter, unless it looks like none of
// ours: what stands in its place by mistake may be a value.
func shownName(name string) string {
	if fieldForm.MatchString(name) {
		return name
	}
	return "(its name is left out, since it may be a value)"
}
