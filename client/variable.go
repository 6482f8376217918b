package client

import (
	"context"
	"maps"
	"net/http"

	"github.com/sluice-dev/sluice"
)

// Variables lists an environment's variables, now or then.
func (c *Client) Variables(ctx context.Context, q sluice.VariableQuery) (out sluice.Page[sluice.Variable], err error) {
	query := moment(q.Environment)
	maps.Copy(query, values("component", q.Component, "wide", q.Wide, "limit", q.Limit, "cursor", q.Cursor))
	err = c.call(ctx, request{method: http.MethodGet, path: environmentPath(q.Environment.Name, "variables"), query: query}, &out)
	return out, err
}

// Variable returns one variable, as a component gets it when one is named.
func (c *Client) Variable(ctx context.Context, req sluice.VariableRequest) (out sluice.Variable, err error) {
	if err := sluice.CheckKey(req.Key); err != nil {
		return out, err // before it stands in an address, which others log
	}
	r := request{method: http.MethodGet, path: environmentPath(req.Environment.Name, "variables", req.Key), query: moment(req.Environment)}
	if req.Reveal {
		r.method, r.path = http.MethodPost, append(r.path, "reveal")
	}
	maps.Copy(r.query, values("component", req.Component))
	err = c.call(ctx, r, &out)
	return out, err
}

// Effective returns all that a component gets.
func (c *Client) Effective(ctx context.Context, req sluice.EffectiveRequest) (out sluice.EffectiveSet, err error) {
	r := request{method: http.MethodGet, path: environmentPath(req.Environment.Name, "effective"), query: moment(req.Environment)}
	if req.Reveal {
		r.method, r.path = http.MethodPost, append(r.path, "reveal")
	}
	maps.Copy(r.query, values("component", req.Component))
	err = c.call(ctx, r, &out)
	return out, err
}

// ImportVariables sets variables from the text of a dotenv file.
func (c *Client) ImportVariables(ctx context.Context, req sluice.ImportVariablesRequest) (out sluice.ImportReport, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: environmentPath(req.Environment, "variables", "import"), body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, err
}

// DiffVariables compares two environments.
func (c *Client) DiffVariables(ctx context.Context, req sluice.DiffVariablesRequest) (out sluice.VariablesDiff, err error) {
	query := values("from", req.From, "to", req.To, "component", req.Component)
	err = c.call(ctx, request{method: http.MethodGet, path: []string{"v1", "diff", "variables"}, query: query}, &out)
	return out, err
}

// ShredVariable makes past values unrecoverable.
func (c *Client) ShredVariable(ctx context.Context, req sluice.ShredRequest) (out sluice.ShredReport, err error) {
	if err := sluice.CheckKey(req.Key); err != nil {
		return out, err
	}
	err = c.call(ctx, request{method: http.MethodPost, path: environmentPath(req.Environment, "variables", req.Key, "shred"), body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, err
}

// RotateKey replaces the key that values are sealed with.
func (c *Client) RotateKey(ctx context.Context, req sluice.RotateKeyRequest) (out sluice.KeyReport, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: []string{"v1", "keys", "rotate"}, body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, err
}
