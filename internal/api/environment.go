package api

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

type InEnvironment struct {
	Environment string `path:"environment" maxLength:"128" doc:"An environment's name or alias."`
}

func (h *handler) environments() {
	const tag, path = "environments", "/v1/environments"
	route(h, tag, spec{method: http.MethodGet, path: path, id: "list-environments", cost: pageCost, summary: "List environments"},
		func(ctx context.Context, in *struct {
			Deleted bool `query:"deleted" doc:"With deleted ones."`
		},
		) (sluice.Page[sluice.Environment], error) {
			items, err := h.Services.Environments(ctx, in.Deleted)
			return sluice.Page[sluice.Environment]{Items: items}, err
		})
	route(h, tag, spec{method: http.MethodPost, path: path, id: "create-environment", needs: sluice.MayAdminister, summary: "Make an environment, or bring a deleted one back", status: http.StatusCreated},
		func(ctx context.Context, in *struct {
			Retry
			Body sluice.CreateEnvironmentRequest
		},
		) (sluice.EnvironmentChange, error) {
			in.Body.IdempotencyKey = in.Key
			return h.Services.CreateEnvironment(ctx, in.Body)
		})
	route(h, tag, spec{method: http.MethodGet, path: path + "/{environment}", id: "get-environment", summary: "Show an environment"},
		func(ctx context.Context, in *InEnvironment) (sluice.Environment, error) {
			return h.Services.Environment(ctx, in.Environment)
		})
	route(h, tag, spec{method: http.MethodPatch, path: path + "/{environment}", id: "edit-environment", needs: sluice.MayAdminister, summary: "Change an environment's alias, parent, tracking or policy"},
		func(ctx context.Context, in *struct {
			InEnvironment
			Retry
			Body sluice.EditEnvironmentRequest
		},
		) (sluice.EnvironmentChange, error) {
			in.Body.Name, in.Body.IdempotencyKey = in.Environment, in.Key
			return h.Services.EditEnvironment(ctx, in.Body)
		})
	route(h, tag, spec{method: http.MethodDelete, path: path + "/{environment}", id: "delete-environment", needs: sluice.MayAdminister, summary: "End an environment; its history stays"},
		func(ctx context.Context, in *struct {
			InEnvironment
			Retry
			Reason string `query:"reason" maxLength:"4096"`
			Ticket string `query:"ticket" maxLength:"256"`
			DryRun bool   `query:"dry_run"`
		},
		) (sluice.EnvironmentChange, error) {
			return h.Services.DeleteEnvironment(ctx, sluice.DeleteEnvironmentRequest{
				Name:   in.Environment,
				Change: sluice.Change{Reason: in.Reason, Ticket: in.Ticket, DryRun: in.DryRun, IdempotencyKey: in.Key},
			})
		})
}
