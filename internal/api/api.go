// Package api serves Sluice over HTTP: REST under /v1 with its OpenAPI document,
// the watch stream, health and metrics. It translates between the wire and the
// services of the root package: it binds parameters, checks who may speak to it
// at all, and writes answers and errors. It must never hold a rule of its own,
// keep state between requests, or know how the services do their work.
package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/budget"
)

// Authenticator finds out whom a token speaks for.
type Authenticator interface {
	// Authenticate returns the actor of a secret. Unauthenticated.
	Authenticate(ctx context.Context, secret string) (sluice.Actor, error)
}

// Streamer serves watches.
type Streamer interface {
	// Stream answers with server-sent events and may take the connection over. An
	// error that it returns before its first byte is answered by the API.
	Stream(w http.ResponseWriter, r *http.Request, req sluice.WatchRequest) error
}

// Adapter serves another system's wire format behind the same door.
type Adapter interface {
	// Route says what a request is; its pattern is "" when it is not the adapter's.
	Route(r *http.Request) Route
	// ServeHTTP answers a request whose context knows the actor.
	http.Handler
	// Refuse answers a request that was not let in.
	Refuse(w http.ResponseWriter, r *http.Request, err error)
}

// Route is what is known of a request before anything but its head is read.
type Route struct {
	// Pattern is what it is counted under.
	Pattern string
	// Public requests need no token.
	Public bool
	// Needs is what who asks must be allowed somewhere; "" is to read.
	Needs sluice.Permission
	// Body is the most bytes that the body may have.
	Body int64
	// Cost is the memory that its answer takes until it is written; 0 for a small one.
	Cost int64
}

// Config says what a handler serves, and to whom.
type Config struct {
	// Services do the work. Required.
	Services sluice.Services
	// Auth finds out whom a token speaks for. Required unless Trusted.
	Auth Authenticator
	// Streamer serves watches. Without one they are answered as unavailable.
	Streamer Streamer
	// Adapters are asked in their order, before the API's own routes.
	Adapters []Adapter
	// Backup writes a copy of the whole store. Without one backups are unavailable.
	Backup func(context.Context, io.Writer) error
	// WorkflowSchema is the JSON Schema of workflow files. Without one it is
	// unavailable.
	WorkflowSchema []byte
	// Memory bounds what large requests and answers hold together. Without one nothing
	// does.
	Memory *budget.Budget
	// Trusted is for callers whom the operating system has let in: over the Unix
	// socket and in process. They need no token, and name themselves.
	Trusted bool
	// Hosts are names that requests may be addressed to, besides loopback ones.
	Hosts []string
	// Log takes one line a request at debug level, and every internal error with
	// its cause. Defaults to discarding.
	Log *slog.Logger
	// LogPlace says to people where Log goes. Defaults to the server's standard error.
	LogPlace string
	// Metrics counts requests; several handlers may share one. Defaults to one of
	// the handler's own, made when it is first needed.
	Metrics *Metrics
}

// handler serves one configuration.
type handler struct {
	Config
	mux        *http.ServeMux
	operations map[string]*operation // by the pattern of the mux
	document   func() ([]byte, error)
	metrics    func() *Metrics
}

// New returns the handler. It makes no schema: each operation's is made when it
// is first asked for, so that a process that serves one question starts fast.
func New(cfg Config) http.Handler {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	h := &handler{Config: cfg, mux: http.NewServeMux(), operations: map[string]*operation{}}
	h.document = sync.OnceValues(h.writeDocument)
	h.metrics = sync.OnceValue(func() *Metrics {
		if cfg.Metrics != nil {
			return cfg.Metrics
		}
		return NewMetrics()
	})
	h.components()
	h.drafts()
	h.versions()
	h.environments()
	h.releases()
	h.state()
	h.variables()
	h.watches()
	h.runs()
	h.audit()
	h.record()
	h.tokens()
	h.system()
	return h
}
