package client

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

// Deploy applies one atomic change set.
func (c *Client) Deploy(ctx context.Context, req sluice.DeployRequest) (sluice.Outcome, error) {
	return c.change(ctx, req.Environment, "releases", req, req.IdempotencyKey)
}

// Promote copies what is live in one environment to another.
func (c *Client) Promote(ctx context.Context, req sluice.PromoteRequest) (sluice.Outcome, error) {
	return c.change(ctx, req.Environment, "promote", req, req.IdempotencyKey)
}

// Rollback takes components, one release or a whole environment back.
func (c *Client) Rollback(ctx context.Context, req sluice.RollbackRequest) (sluice.Outcome, error) {
	return c.change(ctx, req.Environment, "rollback", req, req.IdempotencyKey)
}

// Restore makes one environment hold what another held.
func (c *Client) Restore(ctx context.Context, req sluice.RestoreRequest) (sluice.Outcome, error) {
	return c.change(ctx, req.Environment, "restore", req, req.IdempotencyKey)
}

func (c *Client) change(ctx context.Context, environment, deed string, body any, key string) (out sluice.Outcome, err error) {
	if environment == "" {
		return out, sluice.Errorf(sluice.Invalid, "no environment was named").Fix("name one, such as production")
	}
	err = c.call(ctx, request{method: http.MethodPost, path: environmentPath(environment, deed), body: body, key: key, change: true}, &out)
	return out, err
}

// Releases lists releases, newest first.
func (c *Client) Releases(ctx context.Context, q sluice.ReleaseQuery) (sluice.Page[sluice.Release], error) {
	query := values("environment", q.Environment, "component", q.Component, "since", q.Since, "until", q.Until, "limit", q.Limit, "cursor", q.Cursor)
	var out struct {
		Releases []sluice.Release `json:"releases"`
		Next     string           `json:"next"`
	}
	err := c.call(ctx, request{method: http.MethodGet, path: []string{"v1", "history"}, query: query}, &out)
	return sluice.Page[sluice.Release]{Items: out.Releases, Next: out.Next}, err
}
