package api

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

func (a *API) audit() {
	const tag = "audit"
	route(a, tag, operation{method: http.MethodGet, path: "/v1/audit", id: "list-audit", summary: "List ledger entries, newest first"},
		func(ctx context.Context, in *struct {
			listing
			Kind        string `query:"kind" maxLength:"64" example:"release"`
			Actor       string `query:"actor" maxLength:"256"`
			Environment string `query:"environment" maxLength:"128"`
		}) (out sluice.Page[sluice.Entry], err error) {
			q := sluice.AuditQuery{Kind: in.Kind, Actor: in.Actor, Environment: in.Environment, Component: in.Component, Paging: in.paging.paging()}
			if q.Since, err = moment(in.Since); err != nil {
				return out, err
			}
			if q.Until, err = moment(in.Until); err != nil {
				return out, err
			}
			return a.Services.Entries(ctx, q)
		})
	route(a, tag, operation{
		method: http.MethodPost, path: "/v1/audit/verify", id: "verify", summary: "Check the whole ledger and everything that follows from it",
		description: "Names the first thing that does not hold. With a checkpoint, finds truncation and rewriting too.",
	}, func(ctx context.Context, in *struct{ Body sluice.VerifyRequest }) (sluice.VerifyReport, error) {
		return a.Services.Verify(ctx, in.Body)
	})
	route(a, tag, operation{method: http.MethodPost, path: "/v1/audit/checkpoint", id: "checkpoint", summary: "Export a signed head of the ledger's tree"},
		func(ctx context.Context, _ *struct{}) (sluice.Checkpoint, error) { return a.Services.Checkpoint(ctx) })
}

func (a *API) tokens() {
	const tag, path = "tokens", "/v1/tokens"
	type one struct {
		ID string `path:"id" maxLength:"64"`
		retry
	}
	route(a, tag, operation{method: http.MethodGet, path: path, id: "list-tokens", summary: "List tokens, without secrets"},
		func(ctx context.Context, _ *struct{}) (sluice.Page[sluice.Token], error) {
			items, err := a.Services.Tokens(ctx)
			return sluice.Page[sluice.Token]{Items: items}, err
		})
	route(a, tag, operation{
		method: http.MethodPost, path: path, id: "create-token", summary: "Make a token", status: http.StatusCreated,
		description: "The secret is in this answer alone; a retry with the same idempotency key returns the token without it.",
	}, func(ctx context.Context, in *struct {
		retry
		Body sluice.CreateTokenRequest
	}) (sluice.Token, error) {
		in.Body.IdempotencyKey = in.Key
		return a.Services.CreateToken(ctx, in.Body)
	})
	route(a, tag, operation{method: http.MethodPost, path: path + "/{id}/rotate", id: "rotate-token", summary: "Replace a token's secret"},
		func(ctx context.Context, in *struct {
			one
			Body sluice.RotateTokenRequest
		}) (sluice.Token, error) {
			in.Body.ID, in.Body.IdempotencyKey = in.ID, in.Key
			return a.Services.RotateToken(ctx, in.Body)
		})
	route(a, tag, operation{method: http.MethodPost, path: path + "/{id}/revoke", id: "revoke-token", summary: "End a token at once"},
		func(ctx context.Context, in *struct {
			one
			Body sluice.RevokeTokenRequest
		}) (sluice.Token, error) {
			in.Body.ID, in.Body.IdempotencyKey = in.ID, in.Key
			return a.Services.RevokeToken(ctx, in.Body)
		})
}
