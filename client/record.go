package client

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

// Record takes in what happened elsewhere.
func (c *Client) Record(ctx context.Context, req sluice.RecordRequest) (out sluice.RecordReport, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: []string{"v1", "records"}, body: req, key: req.IdempotencyKey, change: true}, &out)
	return out, err
}
