package runner

import (
	"context"
	"sync"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// flowCache keeps workflows that were read, since many runs are of the same
// version.
type flowCache struct {
	mu    sync.Mutex
	flows map[string]*workflow.Workflow // by kind and digest
}

// maxFlows bounds the cache; when it is full it begins anew.
const maxFlows = 128

func (c *flowCache) read(ctx context.Context, eval expr.Evaluator, kind string, files []sluice.File) (*workflow.Workflow, error) {
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
	if flow, err = workflow.Read(ctx, eval, kind, files); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flows == nil || len(c.flows) >= maxFlows {
		c.flows = map[string]*workflow.Workflow{}
	}
	c.flows[key] = flow
	return flow, nil
}
