package api

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

// onTarget is what every change of what is live takes besides its body.
type onTarget struct {
	inEnvironment
	retry
	matching
}

func (a *API) releases() {
	const tag, path = "releases", "/v1/environments/{environment}"
	route(a, tag, operation{method: http.MethodPost, path: path + "/releases", id: "deploy", summary: "Deploy one atomic change set"},
		func(ctx context.Context, in *struct {
			onTarget
			Body sluice.DeployRequest
		}) (out sluice.Outcome, err error) {
			in.Body.Environment, in.Body.IdempotencyKey = in.Environment, in.Key
			if in.Body.ExpectedRelease, err = in.expected(in.Body.ExpectedRelease); err != nil {
				return out, err
			}
			return a.Services.Deploy(ctx, in.Body)
		})
	route(a, tag, operation{method: http.MethodPost, path: path + "/promote", id: "promote", summary: "Copy what is live in another environment to this one"},
		func(ctx context.Context, in *struct {
			onTarget
			Body sluice.PromoteRequest
		}) (out sluice.Outcome, err error) {
			in.Body.Environment, in.Body.IdempotencyKey = in.Environment, in.Key
			if in.Body.ExpectedRelease, err = in.expected(in.Body.ExpectedRelease); err != nil {
				return out, err
			}
			return a.Services.Promote(ctx, in.Body)
		})
	route(a, tag, operation{method: http.MethodPost, path: path + "/rollback", id: "rollback", summary: "Take components, one release or the whole environment back"},
		func(ctx context.Context, in *struct {
			onTarget
			Body sluice.RollbackRequest
		}) (out sluice.Outcome, err error) {
			in.Body.Environment, in.Body.IdempotencyKey = in.Environment, in.Key
			if in.Body.ExpectedRelease, err = in.expected(in.Body.ExpectedRelease); err != nil {
				return out, err
			}
			return a.Services.Rollback(ctx, in.Body)
		})
	route(a, tag, operation{method: http.MethodPost, path: path + "/restore", id: "restore", summary: "Make this environment hold what another held"},
		func(ctx context.Context, in *struct {
			onTarget
			Body sluice.RestoreRequest
		}) (out sluice.Outcome, err error) {
			in.Body.Environment, in.Body.IdempotencyKey = in.Environment, in.Key
			if in.Body.ExpectedRelease, err = in.expected(in.Body.ExpectedRelease); err != nil {
				return out, err
			}
			return a.Services.Restore(ctx, in.Body)
		})
	route(a, tag, operation{method: http.MethodGet, path: path + "/releases", id: "list-releases", summary: "List an environment's releases, newest first"},
		func(ctx context.Context, in *struct {
			inEnvironment
			listing
		}) (sluice.Page[sluice.Release], error) {
			return a.list(ctx, in.Environment, in.listing)
		})
}

// listing are the query parameters that select releases.
type listing struct {
	paging
	Component string `query:"component" maxLength:"128" doc:"Only releases that changed it, with only that change."`
	Since     string `query:"since" maxLength:"40" doc:"RFC 3339."`
	Until     string `query:"until" maxLength:"40" doc:"RFC 3339."`
}

func (a *API) list(ctx context.Context, environment string, in listing) (sluice.Page[sluice.Release], error) {
	since, err := moment(in.Since)
	if err != nil {
		return sluice.Page[sluice.Release]{}, err
	}
	until, err := moment(in.Until)
	if err != nil {
		return sluice.Page[sluice.Release]{}, err
	}
	return a.Services.Releases(ctx, sluice.ReleaseQuery{
		Environment: environment, Component: in.Component, Since: since, Until: until, Paging: in.paging.paging(),
	})
}
