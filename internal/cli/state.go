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
	return c.Setting(ctx, at, component)
}
