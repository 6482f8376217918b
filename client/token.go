package client

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

// Tokens lists all tokens, without secrets.
func (c *Client) Tokens(ctx context.Context) ([]sluice.Token, error) {
	var out sluice.Page[sluice.Token]
	err := c.call(ctx, request{method: http.MethodGet, path: []string{"v1", "tokens"}}, &out)
	return out.Items, err
}

// CreateToken makes a token; its secret is in this answer alone.
func (c *Client) CreateToken(ctx context.Context, req sluice.CreateTokenRequest) (out sluice.Token, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: []string{"v1", "tokens"}, body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, lost(out, req.Change, err)
}

// RotateToken replaces a token's secret.
func (c *Client) RotateToken(ctx context.Context, req sluice.RotateTokenRequest) (out sluice.Token, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: []string{"v1", "tokens", req.ID, "rotate"}, body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, lost(out, req.Change, err)
}

// lost is the error for an answer without its secret: an earlier try made it,
// and its answer did not arrive. No server keeps a secret to tell it again.
func lost(t sluice.Token, ch sluice.Change, err error) error {
	if err != nil || t.Secret != "" || ch.DryRun {
		return err
	}
	return sluice.Errorf(sluice.Unavailable, "token %s was made, and its secret was lost on the way", t.ID).
		Do(sluice.RenewToken(t.ID), "make its secret anew")
}

// RevokeToken ends a token at once.
func (c *Client) RevokeToken(ctx context.Context, req sluice.RevokeTokenRequest) (out sluice.Token, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: []string{"v1", "tokens", req.ID, "revoke"}, body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, err
}
