package client

import (
	"context"
	"io"
	"net/http"

	"github.com/sluice-dev/sluice"
)

// Entries lists ledger entries, newest first.
func (c *Client) Entries(ctx context.Context, q sluice.AuditQuery) (out sluice.Page[sluice.Entry], err error) {
	query := values("kind", q.Kind, "actor", q.Actor, "environment", q.Environment, "component", q.Component,
		"since", q.Since, "until", q.Until, "limit", q.Limit, "cursor", q.Cursor)
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

// Info describes the installation.
func (c *Client) Info(ctx context.Context) (out sluice.Info, err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: []string{"v1", "info"}}, &out)
	return out, err
}

// Backup writes a backup of everything to w. When it fails, what was written is
// not a backup.
func (c *Client) Backup(ctx context.Context, w io.Writer) error {
	resp, err := c.send(ctx, request{method: http.MethodGet, path: []string{"v1", "backup"}}, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return readProblem(resp, resp.Body)
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return sluice.Errorf(sluice.Unavailable, "the backup was cut short: %w", err).Fix("try again")
	}
	return nil
}
