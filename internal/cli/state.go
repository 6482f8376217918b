package cli

import (
	"context"

	"github.com/sluice-dev/sluice"
)

// setting is what an environment holds for one component, now or then. When it
// holds nothing, the value is absent; a component that does not exist is an error.
func (e *env) setting(ctx context.Context, at sluice.EnvironmentRef, component string) (sluice.Setting, error) {
	c, err := e.connect(ctx)
	if err != nil {
		return sluice.Setting{}, err
	}
	m, err := c.State(ctx, at)
	if err != nil {
		return sluice.Setting{}, err
	}
	if s, found := m.Find(sluice.ComponentSlot(component)); found {
		return s, nil
	}
	known, err := c.Component(ctx, component) // tells a slip, and the name as it is written
	if err != nil {
		return sluice.Setting{}, err
	}
	slot := sluice.ComponentSlot(known.Name)
	if s, found := m.Find(slot); found {
		return s, nil
	}
	return sluice.Setting{Slot: slot}, nil
}
