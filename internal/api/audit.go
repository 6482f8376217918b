package api

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

func (h *handler) audit() {
	const tag = "audit"
	route(h, tag, spec{method: http.MethodGet, path: "/v1/audit", id: "list-audit", summary: "List ledger entries, newest first"},
		func(ctx context.Context, in *struct {
			Listing
			Kind        string `query:"kind" maxLength:"64" example:"release"`
			Actor       string `query:"actor" maxLength:"256"`
			Environment string `query:"environment" maxLength:"128"`
		}) (out sluice.Page[sluice.Entry], err error) {
			q := sluice.AuditQuery{Kind: in.Kind, Actor: in.Actor, Environment: in.Environment, Component: in.Component, Paging: in.page()}
			if q.Since, err = moment(in.Since); err != nil {
				return out, err
			}
			if q.Until, err = moment(in.Until); err != nil {
				return out, err
			}
			return h.Services.Entries(ctx, q)
		})
	route(h, tag, spec{
		method: http.MethodPost, path: "/v1/audit/verify", id: "verify", summary: "Check the whole ledger and everything that follows from it",
		description: "Names the first thing that does not hold. With a checkpoint, finds truncation and rewriting too.",
	}, func(ctx context.Context, in *struct{ Body sluice.VerifyRequest }) (sluice.VerifyReport, error) {
		return h.Services.Verify(ctx, in.Body)
	})
	route(h, tag, spec{method: http.MethodPost, path: "/v1/audit/checkpoint", id: "checkpoint", summary: "Export a signed head of the ledger's tree"},
		func(ctx context.Context, _ *struct{}) (sluice.Checkpoint, error) { return h.Services.Checkpoint(ctx) })
}

func (h *handler) tokens() {
	const tag, path = "tokens", "/v1/tokens"
	type one struct {
		ID string `path:"id" maxLength:"64"`
		Retry
	}
	route(h, tag, spec{method: http.MethodGet, path: path, id: "list-tokens", summary: "List tokens, without secrets"},
		func(ctx context.Context, _ *struct{}) (sluice.Page[sluice.Token], error) {
			items, err := h.Services.Tokens(ctx)
			return sluice.Page[sluice.Token]{Items: items}, err
		})
	route(h, tag, spec{
		method: http.MethodPost, path: path, id: "create-token", summary: "Make a token", status: http.StatusCreated,
		description: "The secret is in this answer alone; a Retry with the same idempotency key returns the token without it.",
	}, func(ctx context.Context, in *struct {
		Retry
		Body sluice.CreateTokenRequest
	}) (sluice.Token, error) {
		in.Body.IdempotencyKey = in.Key
		return h.Services.CreateToken(ctx, in.Body)
	})
	route(h, tag, spec{method: http.MethodPost, path: path + "/{id}/rotate", id: "rotate-token", summary: "Replace a token's secret"},
		func(ctx context.Context, in *struct {
			one
			Body sluice.RotateTokenRequest
		}) (sluice.Token, error) {
			in.Body.ID, in.Body.IdempotencyKey = in.ID, in.Key
			return h.Services.RotateToken(ctx, in.Body)
		})
	route(h, tag, spec{method: http.MethodPost, path: path + "/{id}/revoke", id: "revoke-token", summary: "End a token at once"},
		func(ctx context.Context, in *struct {
			one
			Body sluice.RevokeTokenRequest
		}) (sluice.Token, error) {
			in.Body.ID, in.Body.IdempotencyKey = in.ID, in.Key
			return h.Services.RevokeToken(ctx, in.Body)
		})
}
