package client

import (
	"context"
	"net/http"
	"strconv"

	"github.com/sluice-dev/sluice"
)

// State returns the manifest of an environment, now or then.
func (c *Client) State(ctx context.Context, ref sluice.EnvironmentRef) (out sluice.Manifest, err error) {
	query := values("at", ref.At)
	if ref.Exact {
		query.Set("release", strconv.FormatInt(ref.Release, 10))
	}
	err = c.call(ctx, request{method: http.MethodGet, path: environmentPath(ref.Name, "state"), query: query}, &out)
	return out, err
}

// Resolve returns the version of one component that a key gets.
func (c *Client) Resolve(ctx context.Context, req sluice.ResolveRequest) (out sluice.Resolution, err error) {
	query := values("key", req.Key, "content", req.Content, "at_least", req.AtLeast)
	err = c.call(ctx, request{method: http.MethodGet, path: environmentPath(req.Environment, "resolve", req.Component), query: query}, &out)
	return out, err
}

// Diff compares two environments or two versions.
func (c *Client) Diff(ctx context.Context, req sluice.DiffRequest) (out sluice.Diff, err error) {
	query := values("from", req.From, "to", req.To, "contents", req.Contents)
	err = c.call(ctx, request{method: http.MethodGet, path: []string{"v1", "diff"}, query: query}, &out)
	return out, err
}
