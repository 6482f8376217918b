package client

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

// Entries lists ledger entries, newest first.
func (c *Client) Entries(ctx context.Context, q sluice.AuditQuery) (out sluice.Page[sluice.Entry], err error) {
	query := values("kind", q.Kind, "actor", q.Actor, "environment", q.Environment, "component", q.Component,
		"since", q.Since, "until", q.Until, "ascending", q.Ascending, "limit", q.Limit, "cursor", q.Cursor)
	err = c.call(ctx, request{method: http.MethodGet, path: []string{"v1", "audit"}, query: query}, &out)
	return out, err
}

// Verify checks the whole ledger.
func (c *Client) Verify(ctx context.Context, req sluice.VerifyRequest) (out sluice.VerifyReport, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: []string{"v1", "audit", "verify"}, body: req}, &out)
	return out, err
}

// Checkpoint exports a signed head of the ledger's tree.
func (c *Client) Checkpoint(ctx context.Context) (out sluice.Checkpoint, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: []string{"v1", "audit", "checkpoint"}}, &out)
	return out, err
}
