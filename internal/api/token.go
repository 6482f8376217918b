package api

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

func (h *handler) tokens() {
	const tag, path = "tokens", "/v1/tokens"
	type One struct {
		ID string `path:"id" maxLength:"64" doc:"The token's id."`
		Retry
	}
	route(h, tag, spec{method: http.MethodGet, path: path, id: "list-tokens", needs: sluice.MayAdminister, cost: pageCost, summary: "List tokens, without secrets"},
		func(ctx context.Context, _ *struct{}) (sluice.Page[sluice.Token], error) {
			items, err := h.Services.Tokens(ctx)
			return sluice.Page[sluice.Token]{Items: items}, err
		})
	route(h, tag, spec{
		method: http.MethodPost, path: path, id: "create-token", needs: sluice.MayAdminister, summary: "Make a token", status: http.StatusCreated,
		description: "The secret is in this answer alone; a Retry with the same idempotency key returns the token without it.",
	}, func(ctx context.Context, in *struct {
		Retry
		Body sluice.CreateTokenRequest
	},
	) (sluice.Token, error) {
		in.Body.IdempotencyKey = in.Key
		return h.Services.CreateToken(ctx, in.Body)
	})
	route(h, tag, spec{method: http.MethodPost, path: path + "/{id}/rotate", id: "rotate-token", needs: sluice.MayAdminister, summary: "Replace a token's secret"},
		func(ctx context.Context, in *struct {
			One
			Body *sluice.RotateTokenRequest
		},
		) (sluice.Token, error) {
			req := given(in.Body)
			req.ID, req.IdempotencyKey = in.ID, in.Key
			return h.Services.RotateToken(ctx, req)
		})
	route(h, tag, spec{method: http.MethodPost, path: path + "/{id}/revoke", id: "revoke-token", needs: sluice.MayAdminister, summary: "End a token at once"},
		func(ctx context.Context, in *struct {
			One
			Body *sluice.RevokeTokenRequest
		},
		) (sluice.Token, error) {
			req := given(in.Body)
			req.ID, req.IdempotencyKey = in.ID, in.Key
			return h.Services.RevokeToken(ctx, req)
		})
}
