package control

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// readWorkflow reads what is to be published as a workflow, outside of the
// transaction, since it may take a while. Whether the component is one is known
// inside of it.
func (c *Control) readWorkflow(ctx context.Context, p *publishing) error {
	kind := p.Kind
	if kind == "" {
		err := c.db.View(ctx, c.org, func(tx *store.Tx) error {
			found, _, err := tx.Component(p.Component)
			kind = found.Kind
			return err
		})
		if err != nil {
			return err
		}
	}
	if !sluice.IsWorkflow(kind) {
		return nil
	}
	if c.eval == nil {
		return noEvaluator()
	}
	p.flow, p.misread = workflow.Read(ctx, c.eval, sluice.KindWorkflow, p.Files)
	if code := sluice.CodeOf(p.misread); code == sluice.Unavailable || code == sluice.TimedOut || code == sluice.Internal {
		return p.misread
	}
	return nil
}

// pinsOf checks a workflow, and pins what its references to versions that may
// move mean now.
func pinsOf(tx *store.Tx, component sluice.Component, p publishing) (map[string]int, error) {
	switch {
	case !sluice.IsWorkflow(component.Kind):
		return nil, nil
	case p.misread != nil:
		return nil, p.misread
	case p.flow == nil:
		return nil, sluice.Errorf(sluice.Conflict, "component %s became a workflow meanwhile", component.Name).Fix("publish it again")
	}
	var pins map[string]int
	for _, call := range Calls(p.flow.Blocks) {
		asked := fmt.Sprint(call.Calls.Tree)
		if !call.Calls.Plain || !strings.Contains(asked, "@") {
			continue
		}
		ref, err := sluice.ParseComponentRef(asked)
		if err != nil {
			return nil, fault(call, err)
		}
		v, err := versionOf(tx, ref.Component, ref.Version.String())
		if err != nil {
			return nil, fault(call, err)
		}
		if ref.Version.Number == 0 && ref.Version.Label == "" && ref.Version.Digest == "" {
			if pins == nil {
				pins = map[string]int{}
			}
			pins[asked] = v.Number
		}
	}
	return pins, nil
}
