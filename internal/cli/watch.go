package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func watchCommand(e *env) *cobra.Command {
	var environment, after string
	cmd := &cobra.Command{
		Use:   "watch [-e ENVIRONMENT]",
		Short: "Follow releases as they happen",
		Long: "Prints one line for each release of an environment until it is interrupted; with -o json one JSON object\n" +
			"for each. --after resumes behind an event that was seen before.",
		Example: "  sluice watch -e production -o json | jq -r .release",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if environment == "" {
				if environment, err = e.defaultEnvironment(cmd.Context()); err != nil {
					return err
				}
			}
			return e.watch(cmd.Context(), sluice.WatchRequest{Environment: environment, After: after})
		},
	}
	e.environmentFlag(cmd, &environment, "", "the `ENVIRONMENT` to follow (default: the project's)")
	cmd.Flags().StringVar(&after, "after", "", "the `ID` of the last event that was seen")
	return cmd
}

func (e *env) watch(ctx context.Context, req sluice.WatchRequest) error {
	c, err := e.connect(ctx)
	if err != nil {
		return err
	}
	// A watch waits for its server to come back. One that was never there is a mistake.
	if _, err := c.Environment(ctx, req.Environment); err != nil {
		return err
	}
	away := false
	e.lost = func(err error) {
		if !away {
			e.note("%s; trying again until it answers", sluice.AsError(err).Message)
		}
		away = true
	}
	for event, err := range c.Watch(ctx, req) {
		away = false
		switch {
		case ctx.Err() != nil:
			return nil // interrupting is how a person ends it
		case err != nil:
			return err
		case event.Snapshot != nil:
			e.note("%s is at release %d (event %s)", event.Snapshot.Environment, event.Snapshot.Release, event.ID)
		case event.Release != nil:
			if err := e.watched(*event.Release); err != nil {
				return err
			}
		}
		if e.out.err != nil {
			return nil // nobody reads on
		}
	}
	return nil
}

// watched prints one release on one line.
func (e *env) watched(r sluice.Release) error {
	if e.structured() {
		return writeLine(e.Stdout, r)
	}
	var changes []string
	for _, c := range r.Changes {
		changes = append(changes, fmt.Sprintf("%s %s → %s", slotName(c.Slot), valueName(c.From), valueName(c.To)))
	}
	line := fmt.Sprintf("%s  %s  %s  (%s)", e.clock(r.At), r.Ref(), sluice.Listing(changes, 5), deed(r))
	if r.Reason != "" {
		line += "  " + oneLine(r.Reason)
	}
	_, err := fmt.Fprintln(e.Stdout, strings.TrimSpace(line))
	return err
}
