package cli

import (
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func promoteCommand(e *env) *cobra.Command {
	var req sluice.PromoteRequest
	var all bool
	var config []string
	cmd := &cobra.Command{
		Use:   "promote NAME… --from ENVIRONMENT --to ENVIRONMENT",
		Short: "Copy what is live in one environment to another",
		Long: "Copies the versions of the components that are named, or with --all of every component, as one release.\n" +
			"--from may name a past state, such as staging#12.",
		Example: "  sluice promote my-prompt --from staging --to production --with-config LLM_MODEL\n" +
			"  sluice promote --all --from staging --to production --except analysis-prompt",
		Args:              takes(0, -1),
		ValidArgsFunction: arguments(true, e.components),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			switch {
			case req.From == "":
				return needEnvironment(cmd, "from")
			case req.Environment == "":
				return needEnvironment(cmd, "to")
			case len(args) == 0 && !all:
				return misuse(cmd, "promote: name the components, or say --all")
			case len(args) > 0 && all:
				return misuse(cmd, "promote: components are named and --all is given").fix("choose one of the two")
			case req.Expect != "" && len(args) != 1:
				return misuse(cmd, "promote: --expect goes with one component").fix("for several, use --expected-release")
			}
			req.Components = args
			for _, list := range config { // by hand: the flag's own parser would repeat what it cannot read
				req.WithConfig = append(req.WithConfig, strings.Split(list, ",")...)
			}
			if req.From, err = e.state(req.From); err != nil {
				return err
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			o, err := c.Promote(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.outcome(o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&req.From, "from", "", "the `ENVIRONMENT` to copy from, or one of its releases")
	complete(cmd, "from", e.environments)
	e.environmentFlag(cmd, &req.Environment, "to", "the `ENVIRONMENT` to change")
	f.BoolVar(&all, "all", false, "every component that is live in --from")
	exceptFlag(e, cmd, &req.Except)
	f.StringArrayVar(&config, "with-config", nil, "copy a variable too, as `KEY` or KEY@COMPONENT; may be repeated")
	f.StringVar(&req.Expect, "expect", "", "only if this `VERSION` is live in --to now, or none")
	expectedReleaseFlag(cmd, &req.ExpectedRelease)
	changeFlags(cmd, &req.Change)
	return cmd
}

// exceptFlag leaves components out of a change of a whole environment.
func exceptFlag(e *env, cmd *cobra.Command, into *[]string) {
	cmd.Flags().StringSliceVar(into, "except", nil, "a component `NAME` to leave as it is; may be repeated")
	complete(cmd, "except", e.components)
}
