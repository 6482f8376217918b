package api

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

func (h *handler) drafts() {
	const tag, path = "drafts", "/v1/components/{name}/draft"
	route(h, tag, spec{method: http.MethodGet, path: path, id: "get-draft", needs: sluice.MayPublish, cost: contentCost, summary: "Show a component's working copy"},
		func(ctx context.Context, in *Named) (sluice.Draft, error) { return h.Services.Draft(ctx, in.Name) })
	route(h, tag, spec{method: http.MethodPut, path: path, id: "save-draft", needs: sluice.MayPublish, summary: "Replace a component's working copy", body: maxContentBody},
		func(ctx context.Context, in *struct {
			Named
			Retry
			Body sluice.SaveDraftRequest
		},
		) (sluice.Draft, error) {
			in.Body.Component, in.Body.IdempotencyKey = in.Name, in.Key
			return h.Services.SaveDraft(ctx, in.Body)
		})
	act(h, tag, spec{method: http.MethodDelete, path: path, id: "discard-draft", needs: sluice.MayPublish, summary: "Remove a component's working copy"},
		func(ctx context.Context, in *Named) error { return h.Services.DiscardDraft(ctx, in.Name) })
	route(h, tag, spec{method: http.MethodPost, path: path + "/publish", id: "publish-draft", needs: sluice.MayPublish, summary: "Make a version of the working copy"},
		func(ctx context.Context, in *struct {
			Named
			Retry
			Body sluice.PublishDraftRequest
		},
		) (sluice.Published, error) {
			in.Body.Component, in.Body.IdempotencyKey = in.Name, in.Key
			return h.Services.PublishDraft(ctx, in.Body)
		})
}
