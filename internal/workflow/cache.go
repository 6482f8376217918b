package workflow

import (
	"context"
	"sync"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
)

// Cache keeps workflows that were read, since many runs are of the same version.
// The zero value is ready, and safe for concurrent use.
type Cache struct {
	mu    sync.Mutex
	flows map[string]*Workflow // by kind and digest
}

// maxCached bounds a cache; when it is full it begins anew.
const maxCached = 128

// Read is [Read], once for each content. What it returns is shared and must not
// be changed.
func (c *Cache) Read(ctx context.Context, ev expr.Evaluator, kind string, files []sluice.File) (*Workflow, error) {
	_, digest, err := sluice.CheckFiles(files)
	if err != nil {
		return nil, err
	}
	key := kind + " " + string(digest)
	c.mu.Lock()
	flow := c.flows[key]
	c.mu.Unlock()
	if flow != nil {
		return flow, nil
	}
	if flow, err = Read(ctx, ev, kind, files); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flows == nil || len(c.flows) >= maxCached {
		c.flows = map[string]*Workflow{}
	}
	c.flows[key] = flow
	return flow, nil
}
