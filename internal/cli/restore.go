package cli

import (
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func restoreCommand(e *env) *cobra.Command {
	var req sluice.RestoreRequest
	var at sluice.Time
	var always bool
	cmd := &cobra.Command{
		Use:   "restore [NAME…] --from ENVIRONMENT --at TIME --to ENVIRONMENT",
		Short: "Bring a past state back to life",
		Long: "Makes one environment hold exactly what another held at a time, or at a release (--from production#41),\n" +
			"as one release. Components that are named limit it to those. The target is made when it is missing.",
		Example: "  sluice restore --from production --at \"2024-11-12T14:47:00Z\" --to debug\n" +
			"  sluice restore --from production#41 --to debug",
		Args:              takes(0, -1),
		ValidArgsFunction: arguments(true, e.components),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			switch {
			case req.From == "":
				return needEnvironment(cmd, "from")
			case req.Environment == "":
				return needEnvironment(cmd, "to")
			case at != 0 && strings.ContainsAny(req.From, "#@"):
				return misuse(cmd, "restore: %s is one state already, and --at names another", req.From).fix("leave one of them out")
			}
			if at != 0 {
				req.From = sluice.EnvironmentRef{Name: req.From, At: at}.String()
			} else if req.From, err = e.state(req.From); err != nil {
				return err
			}
			req.Components, req.Create = args, sluice.CreateMissing
			if always {
				req.Create = sluice.CreateAlways
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			o, err := c.Restore(cmd.Context(), req)
			if err != nil {
				return err
			}
			if o.Release == nil {
				if err := e.noteUnbegunAt(cmd.Context(), req.From); err != nil {
					return err
				}
			}
			return e.outcome(o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&req.From, "from", "", "the `ENVIRONMENT` whose state to bring back, or one of its releases")
	complete(cmd, "from", e.environments)
	e.timeFlag(cmd, &at, then, "at", "when: a time, a date or \"2h ago\" (default: now)")
	e.environmentFlag(cmd, &req.Environment, "to", "the `ENVIRONMENT` to change")
	f.BoolVar(&always, "create", false, "make the environment even if its name looks like a slip for another")
	f.BoolVar(&req.AllowEmpty, "allow-empty", false, "take all away, when nothing was released yet at that time")
	exceptFlag(e, cmd, &req.Except)
	secretsFlag(e, cmd, &req.Secrets)
	expectedReleaseFlag(cmd, &req.ExpectedRelease)
	changeFlags(cmd, &req.Change)
	return cmd
}
