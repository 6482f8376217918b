package api

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

func (h *handler) audit() {
	const tag = "audit"
	route(h, tag, spec{method: http.MethodGet, path: "/v1/audit", id: "list-audit", cost: pageCost, summary: "List ledger entries"},
		func(ctx context.Context, in *struct {
			Listing
			Kind        string `query:"kind" maxLength:"64" example:"release"`
			Actor       string `query:"actor" maxLength:"256"`
			Environment string `query:"environment" maxLength:"128"`
			Ascending   bool   `query:"ascending" doc:"Oldest first; the cursor is then the epoch of the last entry that is known."`
		},
		) (out sluice.Page[sluice.Entry], err error) {
			q := sluice.AuditQuery{Kind: in.Kind, Actor: in.Actor, Environment: in.Environment, Component: in.Component, Ascending: in.Ascending, Paging: in.page()}
			if q.Since, err = moment(in.Since); err != nil {
				return out, err
			}
			if q.Until, err = moment(in.Until); err != nil {
				return out, err
			}
			return h.Services.Entries(ctx, q)
		})
	route(h, tag, spec{
		method: http.MethodPost, path: "/v1/audit/verify", id: "verify", patience: -1, summary: "Check the whole ledger and everything that follows from it",
		description: "Names the first thing that does not hold. With a checkpoint, finds truncation and rewriting too.",
	}, func(ctx context.Context, in *struct{ Body *sluice.VerifyRequest }) (sluice.VerifyReport, error) {
		return h.Services.Verify(ctx, given(in.Body))
	})
	route(h, tag, spec{method: http.MethodPost, path: "/v1/audit/checkpoint", id: "checkpoint", patience: -1, summary: "Export a signed head of the ledger's tree"},
		func(ctx context.Context, _ *struct{}) (sluice.Checkpoint, error) { return h.Services.Checkpoint(ctx) })
}
