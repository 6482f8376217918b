package client

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

func draftPath(component string, more ...string) []string {
	return append([]string{"v1", "components", component, "draft"}, more...)
}

// Draft returns a component's working copy.
func (c *Client) Draft(ctx context.Context, component string) (out sluice.Draft, err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: draftPath(component)}, &out)
	return out, err
}

// SaveDraft replaces a component's working copy.
func (c *Client) SaveDraft(ctx context.Context, req sluice.SaveDraftRequest) (out sluice.Draft, err error) {
	err = c.call(ctx, request{method: http.MethodPut, path: draftPath(req.Component), body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, err
}

// DiscardDraft removes a component's working copy.
func (c *Client) DiscardDraft(ctx context.Context, component string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: draftPath(component)}, nil)
}

// PublishDraft makes a version of the working copy.
func (c *Client) PublishDraft(ctx context.Context, req sluice.PublishDraftRequest) (out sluice.Published, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: draftPath(req.Component, "publish"), body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, err
}
