package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sluice-dev/sluice"
)

// Health is the answer of /healthz and /readyz.
type Health struct {
	Status string `json:"status" example:"ok"`
}

func (a *API) system() {
	const tag = "system"
	route(a, tag, operation{method: http.MethodGet, path: "/v1/info", id: "info", summary: "Describe this installation and who you are to it"},
		func(ctx context.Context, _ *struct{}) (sluice.Info, error) { return a.Services.Info(ctx) })
	route(a, tag, operation{method: http.MethodGet, path: "/healthz", id: "healthz", summary: "The process answers"},
		func(context.Context, *struct{}) (Health, error) { return Health{Status: "ok"}, nil })
	route(a, tag, operation{method: http.MethodGet, path: "/readyz", id: "readyz", summary: "The database answers too"},
		func(ctx context.Context, _ *struct{}) (Health, error) {
			// What is asked tells nothing to whoever asks.
			ctx = sluice.WithActor(ctx, sluice.Actor{Name: "readyz", Roles: []sluice.Role{sluice.RoleViewer}})
			_, err := a.Services.Info(ctx)
			return Health{Status: "ok"}, err
		})
	a.raw(huma.Operation{
		Method: http.MethodGet, Path: "/v1/watch", OperationID: "watch", Tags: []string{tag}, Summary: "Follow one environment (Server-Sent Events)",
		Description: "Events are snapshot, release and heartbeat; each id is <ledger id>-<epoch>. Resume with after, or the header Last-Event-ID.",
		Parameters: []*huma.Param{
			{Name: "environment", In: "query", Required: true, Schema: &huma.Schema{Type: "string"}},
			{Name: "after", In: "query", Schema: &huma.Schema{Type: "string"}},
		},
		Responses: map[string]*huma.Response{"200": {Description: "A stream.", Content: map[string]*huma.MediaType{"text/event-stream": {}}}},
	}, a.watch)
	a.raw(huma.Operation{
		Method: http.MethodGet, Path: "/v1/backup", OperationID: "backup", Tags: []string{tag}, Summary: "Download a backup of everything (administrators)",
		Responses: map[string]*huma.Response{"200": {Description: "One file.", Content: map[string]*huma.MediaType{"application/octet-stream": {}}}},
	}, a.backup)
	a.mux.HandleFunc("GET /openapi.json", a.openapi)
	if a.Metrics != nil {
		a.mux.Handle("GET /metrics", a.Metrics.handler())
	}
}

// raw registers a route that writes its answer itself.
func (a *API) raw(op huma.Operation, h func(http.ResponseWriter, *http.Request) error) {
	a.huma.OpenAPI().AddOperation(&op)
	a.mux.HandleFunc(op.Method+" "+op.Path, func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			a.problem(r.Context(), err).write(w)
		}
	})
}

func (a *API) watch(w http.ResponseWriter, r *http.Request) error {
	if err := sluice.ActorOf(r.Context()).May(sluice.MayRead, ""); err != nil {
		return err
	}
	q := r.URL.Query()
	req := sluice.WatchRequest{Environment: q.Get("environment"), After: q.Get("after")}
	if req.After == "" {
		req.After = r.Header.Get("Last-Event-ID")
	}
	if req.Environment == "" {
		return sluice.Errorf(sluice.Invalid, "no environment was named").Fix("add ?environment=production")
	}
	if _, err := sluice.ParsePosition(req.After); err != nil {
		return err
	}
	return a.Streamer.Stream(w, r, req)
}

func (a *API) backup(w http.ResponseWriter, r *http.Request) error {
	if err := sluice.ActorOf(r.Context()).May(sluice.MayAdminister, ""); err != nil {
		return err
	}
	out := &lateHeader{w: w}
	err := a.Backup(r.Context(), out)
	if err != nil && out.begun {
		a.Log.Error("a backup was cut short", "error", err)
		panic(http.ErrAbortHandler) // the client sees a broken body, not a whole file
	}
	return err
}

// lateHeader names the type of the body only once there is one, so that an
// error before that can still be an error.
type lateHeader struct {
	w     http.ResponseWriter
	begun bool
}

// Write passes on.
func (l *lateHeader) Write(b []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.w.Header().Set("Content-Type", "application/octet-stream")
	}
	return l.w.Write(b)
}

func (a *API) openapi(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a.huma.OpenAPI()) // the client may have gone
}
