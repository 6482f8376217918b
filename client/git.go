package client

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

var _ sluice.GitService = (*Client)(nil)

// GitStatus tells how the server and the Git repositories that it follows and
// writes to stand to each other.
func (c *Client) GitStatus(ctx context.Context) (out sluice.GitStatus, err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: []string{"v1", "git"}}, &out)
	return out, err
}

// SyncGit has the server look at the repositories at once.
func (c *Client) SyncGit(ctx context.Context, req sluice.SyncGitRequest) (out sluice.GitStatus, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: []string{"v1", "git", "sync"}, body: req}, &out)
	return out, err
}
