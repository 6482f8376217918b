package api

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

func (h *handler) record() {
	route(h, "records", spec{
		method: http.MethodPost, path: "/v1/records", id: "record", needs: sluice.MayImport, values: maxRecordsOf, patience: -1, summary: "Take in versions and releases that were made elsewhere", body: maxRecordsBody,
		description: "They are recorded as they were made there, all or none: no policy is asked unless a release says so, nothing follows a publish, and times are kept.",
	}, func(ctx context.Context, in *struct {
		Retry
		Body sluice.RecordRequest
	},
	) (sluice.RecordReport, error) {
		in.Body.IdempotencyKey = in.Key
		return h.Services.Record(ctx, in.Body)
	})
}
