package block

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sluice-dev/sluice"
)

// maxRetryAfter bounds how long another side can ask to wait.
const maxRetryAfter = time.Hour

// watch returns the request with a watch on it, and a function that says whether
// it got a connection: from then on the other side may have read of it.
func watch(request *http.Request) (*http.Request, func() bool) {
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	return request.WithContext(httptrace.WithClientTrace(request.Context(), trace)), connected.Load
}

// connectionError says why no answer came, or no whole one.
func connectionError(request *http.Request, err error, sent bool) *Error {
	var (
		refused *sluice.Error
		network net.Error
	)
	failed := &Error{Sent: sent}
	switch {
	case errors.As(err, &refused):
		failed.Code, failed.Message, failed.Class = refused.Code, refused.Message, "error"
		failed.Fixes = append(failed.Fixes, refused.Fixes...)
	case errors.Is(request.Context().Err(), context.Canceled):
		failed.Code, failed.Class = sluice.TimedOut, "error"
		failed.Message = place(request) + " was not waited for: the run was stopped"
	case request.Context().Err() != nil, errors.As(err, &network) && network.Timeout():
		failed.Code, failed.Class = sluice.TimedOut, "timeout"
		failed.Message = place(request) + " did not answer in time"
		failed.Fix("raise the block's timeout, or let it retry")
	default:
		failed.Code, failed.Class = sluice.Unavailable, "connection"
		failed.Message = fmt.Sprintf("%s: %s", place(request), reason(err, sent))
	}
	return failed
}

// reason names a broken connection in words of the network, without the URL that
// net/http puts before them, which may hold a secret in its query.
func reason(err error, sent bool) string {
	var (
		name      *net.DNSError
		operation *net.OpError
	)
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return "no such host"
	case errors.As(err, &operation) && operation.Op == "dial":
		return "cannot connect: " + excerpt(operation.Err.Error(), 200)
	case sent:
		return "the connection broke before the whole answer was there"
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return "cannot connect: " + excerpt(err.Error(), 200)
}

// statusError classifies an HTTP status that is a failure.
func statusError(status int, header http.Header, message string) *Error {
	failed := &Error{Code: sluice.Invalid, Message: message, Class: "error", Status: status, Sent: true}
	switch {
	case status == http.StatusTooManyRequests:
		failed.Code, failed.Class = sluice.LimitExceeded, "rate_limit"
	case status >= 500:
		failed.Code, failed.Class = sluice.Unavailable, "server"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		failed.Code = sluice.Denied
	case status == http.StatusNotFound, status == http.StatusGone:
		failed.Code = sluice.NotFound
	case status == http.StatusConflict, status == http.StatusPreconditionFailed:
		failed.Code = sluice.Conflict
	}
	failed.RetryAfter = retryAfter(header.Get("Retry-After"), time.Now())
	return failed
}

// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// statusLine is a status with its name.
func statusLine(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

// place names a request without its query, which may hold a secret.
func place(request *http.Request) string {
	return request.Method + " " + request.URL.Scheme + "://" + request.URL.Host + request.URL.EscapedPath()
}
