package api

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

type Pinned struct {
	Named
	Ref string `path:"ref" maxLength:"160" doc:"A number, a label, sha256: and 8 or more digits, latest, an environment or a version's name."`
}

func (h *handler) versions() {
	const tag, path = "versions", "/v1/components/{name}/versions"
	route(h, tag, spec{method: http.MethodGet, path: path, id: "list-versions", cost: pageCost, summary: "List a component's versions, newest first"},
		func(ctx context.Context, in *struct {
			Named
			Paging
		},
		) (sluice.Page[sluice.Version], error) {
			return h.Services.Versions(ctx, sluice.VersionQuery{Component: in.Name, Paging: in.page()})
		})
	route(h, tag, spec{
		method: http.MethodPost, path: path, id: "publish-version", needs: sluice.MayPublish, summary: "Publish a version", body: maxContentBody,
		description: "Identical content returns the version that exists. With a new label it makes a new number with the same digest. A label that exists with other content is a conflict.",
	}, func(ctx context.Context, in *struct {
		Named
		Retry
		Body sluice.PublishRequest
	},
	) (sluice.Published, error) {
		in.Body.Component, in.Body.IdempotencyKey = in.Name, in.Key
		return h.Services.Publish(ctx, in.Body)
	})
	route(h, tag, spec{method: http.MethodGet, path: path + "/{ref}", id: "get-version", summary: "Show a version"},
		func(ctx context.Context, in *Pinned) (sluice.Version, error) {
			return h.Services.Version(ctx, in.Name, in.Ref)
		})
	route(h, tag, spec{method: http.MethodGet, path: path + "/{ref}/files/{path}", id: "get-file", cost: pageCost, summary: "Read one file of a version"},
		func(ctx context.Context, in *struct {
			Pinned
			Path string `path:"path" maxLength:"512" doc:"The file's path, with / written as %2F."`
		},
		) (sluice.File, error) {
			return h.Services.File(ctx, in.Name, in.Ref, in.Path)
		})
	route(h, tag, spec{method: http.MethodPatch, path: path + "/{ref}", id: "edit-version", needs: sluice.MayPublish, summary: "Name or annotate a version"},
		func(ctx context.Context, in *struct {
			Pinned
			Retry
			Body sluice.EditVersionRequest
		},
		) (sluice.Version, error) {
			in.Body.Component, in.Body.Version, in.Body.IdempotencyKey = in.Name, in.Ref, in.Key
			return h.Services.EditVersion(ctx, in.Body)
		})
	route(h, tag, spec{method: http.MethodPost, path: path + "/{ref}/quarantine", id: "quarantine-version", needs: sluice.MayQuarantine, summary: "Keep content from going live, or lift that"},
		func(ctx context.Context, in *struct {
			Pinned
			Retry
			Body sluice.QuarantineRequest
		},
		) (sluice.QuarantineReport, error) {
			in.Body.Component, in.Body.Version, in.Body.IdempotencyKey = in.Name, in.Ref, in.Key
			return h.Services.Quarantine(ctx, in.Body)
		})
	route(h, tag, spec{method: http.MethodPost, path: path + "/{ref}/purge", id: "purge-version", needs: sluice.MayAdminister, summary: "Remove the bytes of a version; its history stays"},
		func(ctx context.Context, in *struct {
			Pinned
			Retry
			Body sluice.PurgeRequest
		},
		) (sluice.Version, error) {
			in.Body.Component, in.Body.Version, in.Body.IdempotencyKey = in.Name, in.Ref, in.Key
			return h.Services.Purge(ctx, in.Body)
		})
}
