package api

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

type Named struct {
	Name string `path:"name" maxLength:"128" doc:"The component's name, in any case."`
}

func (h *handler) components() {
	const tag = "components"
	route(h, tag, spec{method: http.MethodGet, path: "/v1/components", id: "list-components", summary: "List components by name"},
		func(ctx context.Context, in *struct {
			Paging
			Kind     string `query:"kind" maxLength:"128"`
			Archived bool   `query:"archived" doc:"With archived ones."`
			Versions bool   `query:"versions" doc:"With their versions, newest first."`
		}) (sluice.Page[sluice.Component], error) {
			return h.Services.Components(ctx, sluice.ComponentQuery{Kind: in.Kind, Archived: in.Archived, Versions: in.Versions, Paging: in.page()})
		})
	route(h, tag, spec{method: http.MethodPost, path: "/v1/components", id: "add-component", summary: "Make a component without a version", status: http.StatusCreated},
		func(ctx context.Context, in *struct {
			Retry
			Body sluice.AddComponentRequest
		}) (sluice.Component, error) {
			in.Body.IdempotencyKey = in.Key
			return h.Services.AddComponent(ctx, in.Body)
		})
	route(h, tag, spec{method: http.MethodGet, path: "/v1/components/{name}", id: "get-component", summary: "Show a component with its versions"},
		func(ctx context.Context, in *Named) (sluice.Component, error) {
			return h.Services.Component(ctx, in.Name)
		})
	route(h, tag, spec{method: http.MethodPatch, path: "/v1/components/{name}", id: "edit-component", summary: "Change, archive or revive a component"},
		func(ctx context.Context, in *struct {
			Named
			Retry
			Body sluice.EditComponentRequest
		}) (sluice.Component, error) {
			in.Body.Name, in.Body.IdempotencyKey = in.Name, in.Key
			return h.Services.EditComponent(ctx, in.Body)
		})
}

func (h *handler) drafts() {
	const tag, path = "drafts", "/v1/components/{name}/draft"
	route(h, tag, spec{method: http.MethodGet, path: path, id: "get-draft", summary: "Show a component's working copy"},
		func(ctx context.Context, in *Named) (sluice.Draft, error) { return h.Services.Draft(ctx, in.Name) })
	route(h, tag, spec{method: http.MethodPut, path: path, id: "save-draft", summary: "Replace a component's working copy", body: maxContentBody},
		func(ctx context.Context, in *struct {
			Named
			Retry
			Body sluice.SaveDraftRequest
		}) (sluice.Draft, error) {
			in.Body.Component, in.Body.IdempotencyKey = in.Name, in.Key
			return h.Services.SaveDraft(ctx, in.Body)
		})
	route(h, tag, spec{method: http.MethodDelete, path: path, id: "discard-draft", summary: "Remove a component's working copy", status: http.StatusOK},
		func(ctx context.Context, in *Named) (struct{}, error) {
			return struct{}{}, h.Services.DiscardDraft(ctx, in.Name)
		})
	route(h, tag, spec{method: http.MethodPost, path: path + "/publish", id: "publish-draft", summary: "Make a version of the working copy"},
		func(ctx context.Context, in *struct {
			Named
			Retry
			Body sluice.PublishDraftRequest
		}) (sluice.Published, error) {
			in.Body.Component, in.Body.IdempotencyKey = in.Name, in.Key
			return h.Services.PublishDraft(ctx, in.Body)
		})
}
