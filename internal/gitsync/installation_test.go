package gitsync

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"

	"github.com/sluice-dev/sluice/internal/api"
	"github.com/sluice-dev/sluice/internal/control"
	"github.com/sluice-dev/sluice/internal/expr"
	watching "github.com/sluice-dev/sluice/internal/live"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/store"
)

// installation is the real thing for one process. Package server would build it, but
// for its own use of this package.
type installation struct {
	db      *store.DB
	state   *watching.State
	control *control.Control
}

func openInstallation(ctx context.Context, dir string) (*installation, error) {
	db, err := store.Open(ctx, store.Config{Dir: dir})
	if err != nil {
		return nil, err
	}
	i := &installation{db: db, state: watching.Open(watching.Config{Source: db.Source(control.DefaultOrganization), Log: slog.New(slog.DiscardHandler)})}
	i.control = control.New(db, i.state, control.Config{
		Version: "test", Master: seal.Config{File: filepath.Join(dir, "master.key"), Make: true}, Eval: expr.Direct{},
	})
	if _, err := i.control.Bootstrap(ctx); err != nil {
		return nil, errors.Join(err, i.Close())
	}
	return i, nil
}

// Local answers who is in this process.
func (i *installation) Local() http.Handler {
	return api.New(api.Config{Services: i.control, Auth: i.control, Trusted: true})
}

// Close closes the installation.
func (i *installation) Close() error { return errors.Join(i.state.Close(), i.db.Close()) }
