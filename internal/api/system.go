package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sluice-dev/sluice"
)

// Health is the answer of /healthz and /readyz.
type Health struct {
	Status string `json:"status" example:"ok"`
}

func (h *handler) system() {
	const tag = "system"
	route(h, tag, spec{method: http.MethodGet, path: "/v1/info", id: "info", summary: "Describe this installation and who you are to it"},
		func(ctx context.Context, _ *struct{}) (sluice.Info, error) { return h.Services.Info(ctx) })
	route(h, tag, spec{method: http.MethodGet, path: "/healthz", id: "healthz", summary: "The process answers", public: true},
		func(context.Context, *struct{}) (Health, error) { return Health{Status: "ok"}, nil })
	ready := &readiness{ask: h.askDatabase}
	route(h, tag, spec{
		method: http.MethodGet, path: "/readyz", id: "readyz", summary: "The database answers too", public: true,
		description: "Answered within 2 seconds: a database that has not answered by then does not count as ready.",
	}, func(ctx context.Context, _ *struct{}) (Health, error) { return Health{Status: "ok"}, ready.check(ctx) })
	raw(h, tag, spec{
		method: http.MethodGet, path: "/v1/backup", id: "backup", needs: sluice.MayAdminister, patience: -1, summary: "Download a backup of everything",
		description: "For administrators. A body that ends before its last chunk is not a backup.",
	}, answers("application/octet-stream", "One file."), h.backup)
	raw(h, tag, spec{method: http.MethodGet, path: "/metrics", id: "metrics", summary: "Counts and durations of requests, for Prometheus"},
		answers("text/plain", "The text format of Prometheus."), h.showMetrics)
	raw(h, tag, spec{method: http.MethodGet, path: "/openapi.json", id: "openapi", summary: "This document", public: true},
		answers("application/json", "OpenAPI 3.1."), h.showDocument)
	raw(h, tag, spec{
		method: http.MethodGet, path: "/schemas/workflow.json", id: "workflow-schema", summary: "The JSON Schema of workflow files, for editors", public: true,
	}, answers("application/schema+json", "JSON Schema, draft 2020-12."), func(w http.ResponseWriter, _ *http.Request) error {
		if len(h.WorkflowSchema) == 0 {
			return sluice.Errorf(sluice.Unavailable, "this server has no schema of workflow files")
		}
		w.Header().Set("Content-Type", "application/schema+json")
		_, _ = w.Write(h.WorkflowSchema) // who went away needs none
		return nil
	})
}

// askDatabase asks the database something. What is asked tells nothing to whoever asks.
func (h *handler) askDatabase(ctx context.Context) error {
	_, err := h.Services.Info(sluice.WithActor(ctx, sluice.Actor{Name: "readyz", Roles: []sluice.Role{sluice.RoleViewer}}))
	return err
}

// answers describes an answer that is not made from a type.
func answers(mediaType, description string) func(*huma.Operation) {
	return func(op *huma.Operation) {
		op.Responses["200"] = &huma.Response{Description: description, Content: map[string]*huma.MediaType{mediaType: {}}}
	}
}

func (h *handler) showMetrics(w http.ResponseWriter, r *http.Request) error {
	h.metrics().page.ServeHTTP(w, r)
	return nil
}

func (h *handler) showDocument(w http.ResponseWriter, _ *http.Request) error {
	doc, err := h.document()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(doc) // who went away gets no answer
	return nil
}

func (h *handler) backup(w http.ResponseWriter, r *http.Request) error {
	if err := sluice.ActorOf(r.Context()).May(sluice.MayAdminister, ""); err != nil {
		return err
	}
	if h.Backup == nil {
		return sluice.Errorf(sluice.Unavailable, "this server makes no backups")
	}
	out := &lateHeader{w: w}
	err := h.Backup(r.Context(), out)
	if err != nil && out.begun {
		note(w, problemOf(err))
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
