package api

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

// OnTarget is what every change of what is live takes besides its body.
type OnTarget struct {
	InEnvironment
	Retry
	Matching
}

func (h *handler) releases() {
	const tag, path = "releases", "/v1/environments/{environment}"
	route(h, tag, spec{method: http.MethodPost, path: path + "/releases", id: "deploy", needs: sluice.MayDeploy, cost: pageCost, summary: "Deploy one atomic change set of versions and variables", body: maxContentBody},
		func(ctx context.Context, in *struct {
			OnTarget
			Body sluice.DeployRequest
		},
		) (out sluice.Outcome, err error) {
			in.Body.Environment, in.Body.IdempotencyKey = in.Environment, in.Key
			if in.Body.ExpectedRelease, err = in.expected(in.Body.ExpectedRelease); err != nil {
				return out, err
			}
			return h.Services.Deploy(ctx, in.Body)
		})
	route(h, tag, spec{method: http.MethodPost, path: path + "/promote", id: "promote", needs: sluice.MayDeploy, cost: pageCost, summary: "Copy what is live in another environment to this one"},
		func(ctx context.Context, in *struct {
			OnTarget
			Body sluice.PromoteRequest
		},
		) (out sluice.Outcome, err error) {
			in.Body.Environment, in.Body.IdempotencyKey = in.Environment, in.Key
			if in.Body.ExpectedRelease, err = in.expected(in.Body.ExpectedRelease); err != nil {
				return out, err
			}
			return h.Services.Promote(ctx, in.Body)
		})
	route(h, tag, spec{method: http.MethodPost, path: path + "/rollback", id: "rollback", needs: sluice.MayDeploy, cost: pageCost, summary: "Take components, one release or the whole environment back"},
		func(ctx context.Context, in *struct {
			OnTarget
			Body sluice.RollbackRequest
		},
		) (out sluice.Outcome, err error) {
			in.Body.Environment, in.Body.IdempotencyKey = in.Environment, in.Key
			if in.Body.ExpectedRelease, err = in.expected(in.Body.ExpectedRelease); err != nil {
				return out, err
			}
			return h.Services.Rollback(ctx, in.Body)
		})
	route(h, tag, spec{method: http.MethodPost, path: path + "/restore", id: "restore", needs: sluice.MayDeploy, cost: pageCost, summary: "Make this environment hold what another held"},
		func(ctx context.Context, in *struct {
			OnTarget
			Body sluice.RestoreRequest
		},
		) (out sluice.Outcome, err error) {
			in.Body.Environment, in.Body.IdempotencyKey = in.Environment, in.Key
			if in.Body.ExpectedRelease, err = in.expected(in.Body.ExpectedRelease); err != nil {
				return out, err
			}
			return h.Services.Restore(ctx, in.Body)
		})
	route(h, tag, spec{method: http.MethodGet, path: path + "/releases", id: "list-releases", cost: pageCost, summary: "List an environment's releases, newest first"},
		func(ctx context.Context, in *struct {
			InEnvironment
			Listing
		},
		) (sluice.Page[sluice.Release], error) {
			return h.list(ctx, in.Environment, in.Listing)
		})
}

// Listing are the query parameters that select releases.
type Listing struct {
	Paging
	Component string `query:"component" maxLength:"128" doc:"Only releases that changed it, with only that change."`
	Since     string `query:"since" maxLength:"40" doc:"RFC 3339."`
	Until     string `query:"until" maxLength:"40" doc:"RFC 3339."`
}

func (h *handler) list(ctx context.Context, environment string, in Listing) (sluice.Page[sluice.Release], error) {
	since, err := moment(in.Since)
	if err != nil {
		return sluice.Page[sluice.Release]{}, err
	}
	until, err := moment(in.Until)
	if err != nil {
		return sluice.Page[sluice.Release]{}, err
	}
	return h.Services.Releases(ctx, sluice.ReleaseQuery{
		Environment: environment, Component: in.Component, Since: since, Until: until, Paging: in.page(),
	})
}
