package client

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

// Components lists components by name.
func (c *Client) Components(ctx context.Context, q sluice.ComponentQuery) (sluice.Page[sluice.Component], error) {
	query := values("kind", q.Kind, "archived", q.Archived, "versions", q.Versions, "limit", q.Limit, "cursor", q.Cursor)
	for name, tags := range map[string][]string{"tag": q.Tags, "any_tag": q.AnyTag} {
		if len(tags) > 0 {
			query[name] = tags
		}
	}
	if q.At == 0 {
		var out sluice.Page[sluice.Component]
		err := c.call(ctx, request{method: http.MethodGet, path: []string{"v1", "components"}, query: query}, &out)
		return out, err
	}
	var out struct {
		Components []sluice.Component `json:"components"`
		Next       string             `json:"next"`
	}
	query.Set("at", q.At.String())
	err := c.call(ctx, request{method: http.MethodGet, path: []string{"v1", "history"}, query: query}, &out)
	return sluice.Page[sluice.Component]{Items: out.Components, Next: out.Next}, err
}

// Component returns one component with its versions.
func (c *Client) Component(ctx context.Context, name string) (out sluice.Component, err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: []string{"v1", "components", name}}, &out)
	return out, err
}

// AddComponent makes a component without a version.
func (c *Client) AddComponent(ctx context.Context, req sluice.AddComponentRequest) (out sluice.Component, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: []string{"v1", "components"}, body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, err
}

// EditComponent changes a component, archives or revives it.
func (c *Client) EditComponent(ctx context.Context, req sluice.EditComponentRequest) (out sluice.Component, err error) {
	err = c.call(ctx, request{method: http.MethodPatch, path: []string{"v1", "components", req.Name}, body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, err
}
