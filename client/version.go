package client

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

func versionPath(component string, more ...string) []string {
	return append([]string{"v1", "components", component, "versions"}, more...)
}

// Publish makes a version.
func (c *Client) Publish(ctx context.Context, req sluice.PublishRequest) (out sluice.Published, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: versionPath(req.Component), body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, err
}

// Versions lists a component's versions, newest first.
func (c *Client) Versions(ctx context.Context, q sluice.VersionQuery) (out sluice.Page[sluice.Version], err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: versionPath(q.Component), query: values("limit", q.Limit, "cursor", q.Cursor)}, &out)
	return out, err
}

// Version returns one version, by any form of reference.
func (c *Client) Version(ctx context.Context, component, ref string) (out sluice.Version, err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: versionPath(component, ref)}, &out)
	return out, err
}

// File returns one file of a version.
func (c *Client) File(ctx context.Context, component, ref, path string) (out sluice.File, err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: versionPath(component, ref, "files", path)}, &out)
	return out, err
}

// EditVersion names or annotates a version.
func (c *Client) EditVersion(ctx context.Context, req sluice.EditVersionRequest) (out sluice.Version, err error) {
	err = c.call(ctx, request{method: http.MethodPatch, path: versionPath(req.Component, req.Version), body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, err
}

// Quarantine keeps content from going live, or lifts that.
func (c *Client) Quarantine(ctx context.Context, req sluice.QuarantineRequest) (out sluice.QuarantineReport, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: versionPath(req.Component, req.Version, "quarantine"), body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, err
}

// Purge removes the bytes of a version.
func (c *Client) Purge(ctx context.Context, req sluice.PurgeRequest) (out sluice.Version, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: versionPath(req.Component, req.Version, "purge"), body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, err
}
