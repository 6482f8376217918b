// Package scout speaks the wire format of Scout's workflow API: its paths under
// /v2, with its bodies, its errors and its streams. A workflow is a component, a
// revision a version, and an environment is what it is here. It translates, and
// must hold no rule and no state of its own.
package scout

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api"
)

// prefix is what all paths of the API begin with.
const prefix = "/v2/"

// Config says what the adapter speaks for.
type Config struct {
	// Services do the work. Required.
	Services sluice.Services
	// Log takes every internal error with its cause. Defaults to discarding.
	Log *slog.Logger
	// Heartbeat is the time between two comments on a stream that has nothing to
	// say. Defaults to 15 s.
	Heartbeat time.Duration
}

// Adapter serves the wire format. It implements the API's adapter.
type Adapter struct {
	Config
	mux *http.ServeMux
}

// New returns the adapter.
func New(cfg Config) *Adapter {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Heartbeat <= 0 {
		cfg.Heartbeat = 15 * time.Second
	}
	a := &Adapter{Config: cfg, mux: http.NewServeMux()}
	for pattern, h := range map[string]handler{
		"GET workflows":         a.listWorkflows,
		"POST workflows":        a.createWorkflow,
		"GET workflows/{id}":    a.getWorkflow,
		"PUT workflows/{id}":    a.updateWorkflow,
		"DELETE workflows/{id}": a.deleteWorkflow,

		"POST workflows/revisions":                      a.createRevision,
		"GET workflows/{id}/revisions":                  a.listRevisions,
		"PUT workflows/{id}/revisions/{rid}":            a.nameRevision,
		"PUT workflows/{id}/revisions/{rid}/promote":    a.promoteRevision,
		"DELETE workflows/{id}/revisions/{rid}":         a.deleteRevision,
		"GET workflows/{id}/environments":               a.listEnvironments,
		"PUT workflows/{id}/environments/{environment}": a.updateEnvironment,

		"POST workflows/execute":      a.executeConfig,
		"POST workflows/{id}/execute": a.execute,
		"GET run_logs":                a.listLogs,
		"GET run_logs/details":        a.showLog,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		a.mux.HandleFunc(method+" "+prefix+path, a.serve(h))
	}
	return a
}

// handler answers one request, or returns why it does not.
type handler func(http.ResponseWriter, *http.Request) error

func (a *Adapter) serve(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			a.fail(w, r, err)
		}
	}
}

// needs is what requests need that change something, by method and path.
var needs = map[string]sluice.Permission{
	"POST workflows": sluice.MayPublish, "PUT workflows/{id}": sluice.MayPublish, "DELETE workflows/{id}": sluice.MayPublish,
	"POST workflows/revisions": sluice.MayPublish, "PUT workflows/{id}/revisions/{rid}": sluice.MayPublish,
	"PUT workflows/{id}/revisions/{rid}/promote": sluice.MayDeploy, "PUT workflows/{id}/environments/{environment}": sluice.MayDeploy,
	"POST workflows/execute": sluice.MayRun, "POST workflows/{id}/execute": sluice.MayRun,
}

// costs are the memory that answers take that may be large, by method and path:
// those with a config of each revision.
var costs = map[string]int64{
	"GET workflows": listCost, "GET workflows/{id}/revisions": listCost,
}

const listCost = 16 * sluice.MaxFileBytes

// Route says what a request is: all of /v2 is the adapter's. Each needs a token.
func (a *Adapter) Route(r *http.Request) api.Route {
	if !strings.HasPrefix(r.URL.Path, prefix) {
		return api.Route{}
	}
	_, pattern := a.mux.Handler(r)
	if pattern == "" {
		return api.Route{Pattern: prefix, Body: maxBody}
	}
	call := strings.Replace(pattern, prefix, "", 1)
	return api.Route{Pattern: pattern, Needs: needs[call], Body: maxBody, Cost: costs[call]}
}

// ServeHTTP answers a request whose context knows the actor.
func (a *Adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := a.mux.Handler(r); pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	if allow := a.methods(r); allow != "" {
		w.Header().Set("Allow", allow)
		a.fail(w, r, &refusal{http.StatusMethodNotAllowed, sluice.Errorf(sluice.Invalid, "%s is not a method of this path", r.Method).Fix("use %s", allow)})
		return
	}
	a.fail(w, r, sluice.Errorf(sluice.NotFound, "there is nothing at this path of Scout's API").Fix("see docs/scout.md for what there is"))
}

// Refuse answers a request that was not let in.
func (a *Adapter) Refuse(w http.ResponseWriter, r *http.Request, err error) { a.fail(w, r, err) }

// methods are those that the path of a request has.
func (a *Adapter) methods(r *http.Request) string {
	var allow []string
	for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodPost, http.MethodPut} {
		other := *r
		other.Method = method
		if _, pattern := a.mux.Handler(&other); pattern != "" {
			allow = append(allow, method)
		}
	}
	return strings.Join(allow, ", ")
}
