package api

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

// Named is the path of one component.
type Named struct {
	Name string `path:"name" maxLength:"128" doc:"The component's name, in any case."`
}

func (h *handler) components() {
	const tag = "components"
	route(h, tag, spec{method: http.MethodGet, path: "/v1/components", id: "list-components", cost: pageCost, summary: "List components by name"},
		func(ctx context.Context, in *struct {
			Paging
			Kind     string   `query:"kind" maxLength:"128"`
			Tags     []string `query:"tag,explode" maxItems:"64" doc:"Only components that have all of these tags."`
			AnyTag   []string `query:"any_tag,explode" maxItems:"64" doc:"Only components that have one of these tags."`
			Archived bool     `query:"archived" doc:"With archived ones."`
			Versions bool     `query:"versions" doc:"With their versions, newest first."`
		},
		) (sluice.Page[sluice.Component], error) {
			return h.Services.Components(ctx, sluice.ComponentQuery{Kind: in.Kind, Tags: in.Tags, AnyTag: in.AnyTag, Archived: in.Archived, Versions: in.Versions, Paging: in.page()})
		})
	route(h, tag, spec{method: http.MethodPost, path: "/v1/components", id: "add-component", needs: sluice.MayPublish, summary: "Make a component without a version", status: http.StatusCreated},
		func(ctx context.Context, in *struct {
			Retry
			Body sluice.AddComponentRequest
		},
		) (sluice.Component, error) {
			in.Body.IdempotencyKey = in.Key
			return h.Services.AddComponent(ctx, in.Body)
		})
	route(h, tag, spec{method: http.MethodGet, path: "/v1/components/{name}", id: "get-component", cost: pageCost, summary: "Show a component with its versions"},
		func(ctx context.Context, in *Named) (sluice.Component, error) {
			return h.Services.Component(ctx, in.Name)
		})
	route(h, tag, spec{method: http.MethodPatch, path: "/v1/components/{name}", id: "edit-component", needs: sluice.MayPublish, summary: "Change, archive or revive a component"},
		func(ctx context.Context, in *struct {
			Named
			Retry
			Body sluice.EditComponentRequest
		},
		) (sluice.Component, error) {
			in.Body.Name, in.Body.IdempotencyKey = in.Name, in.Key
			return h.Services.EditComponent(ctx, in.Body)
		})
}
