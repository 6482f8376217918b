package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/sluice-dev/sluice"
)

// State returns the manifest of an environment, now or then.
func (c *Client) State(ctx context.Context, ref sluice.EnvironmentRef) (out sluice.Manifest, err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: environmentPath(ref.Name, "state"), query: moment(ref)}, &out)
	return out, err
}

// Setting returns what one component has there.
func (c *Client) Setting(ctx context.Context, ref sluice.EnvironmentRef, component string) (out sluice.Setting, err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: environmentPath(ref.Name, "state", component), query: moment(ref)}, &out)
	return out, err
}

// moment is the part of a reference that says when.
func moment(ref sluice.EnvironmentRef) url.Values {
	query := values("at", ref.At)
	if ref.Exact {
		query.Set("release", strconv.FormatInt(ref.Release, 10))
	}
	return query
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
