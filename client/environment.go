package client

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

func environmentPath(name string, more ...string) []string {
	return append([]string{"v1", "environments", name}, more...)
}

// Environments lists all environments.
func (c *Client) Environments(ctx context.Context, deleted bool) ([]sluice.Environment, error) {
	var out sluice.Page[sluice.Environment]
	err := c.call(ctx, request{method: http.MethodGet, path: []string{"v1", "environments"}, query: values("deleted", deleted)}, &out)
	return out.Items, err
}

// Environment returns one environment by name or alias.
func (c *Client) Environment(ctx context.Context, name string) (out sluice.Environment, err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: environmentPath(name)}, &out)
	return out, err
}

// CreateEnvironment makes an environment.
func (c *Client) CreateEnvironment(ctx context.Context, req sluice.CreateEnvironmentRequest) (out sluice.EnvironmentChange, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: []string{"v1", "environments"}, body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, err
}

// EditEnvironment changes an environment.
func (c *Client) EditEnvironment(ctx context.Context, req sluice.EditEnvironmentRequest) (out sluice.EnvironmentChange, err error) {
	err = c.call(ctx, request{method: http.MethodPatch, path: environmentPath(req.Name), body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, err
}

// DeleteEnvironment ends an environment.
func (c *Client) DeleteEnvironment(ctx context.Context, req sluice.DeleteEnvironmentRequest) (out sluice.EnvironmentChange, err error) {
	err = c.call(ctx, request{
		method: http.MethodDelete, path: environmentPath(req.Name), key: req.IdempotencyKey, change: true,
		query: values("reason", req.Reason, "ticket", req.Ticket, "dry_run", req.DryRun),
	}, &out)
	return out, err
}
