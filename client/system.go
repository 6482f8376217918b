package client

import (
	"context"
	"io"
	"net/http"

	"github.com/sluice-dev/sluice"
)

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
		return readProblem(resp)
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return sluice.Errorf(sluice.Unavailable, "the backup was cut short: %w", err).Fix("try again")
	}
	return nil
}
