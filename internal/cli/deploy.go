package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func deployCommand(e *env) *cobra.Command {
	return group(e, "deploy", "Put versions live, and see which are",
		"A deploy is one release of one environment, whatever number of components it names.",
		deploySetCommand(e), deployGetCommand(e), deployUnsetCommand(e), deployListCommand(e))
}

func deploySetCommand(e *env) *cobra.Command {
	var req sluice.DeployRequest
	var expect string
	var sets []string
	var always bool
	cmd := &cobra.Command{
		Use:   "set NAME VERSION [--to ENVIRONMENT] | set NAME@VERSION… [--to ENVIRONMENT]",
		Short: "Put one version live, or several at once",
		Long: "All versions that are named go live together or not at all. A version that was live before is rolled\n" +
			"back to, which no policy stops. A missing environment is made, unless its name looks like a slip.",
		Example: "  sluice deploy set my-prompt v1.1.0 --to production\n" +
			"  sluice deploy set extraction@v1.0.5 analysis@v1.9.2 --to debug --ticket INC-123\n" +
			"  sluice deploy set my-prompt v1.1.0 --to production --set LLM_MODEL=gpt-4o --expect v1.0.0",
		Args:              takes(1, -1),
		ValidArgsFunction: arguments(false, e.components, e.versions),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if req.Changes, err = deployChanges(cmd, args); err != nil {
				return err
			}
			if req.Environment == "" {
				if req.Environment, err = e.defaultEnvironment(cmd.Context()); err != nil {
					return err
				}
			}
			if expect != "" {
				if len(req.Changes) > 1 {
					return misuse(cmd, "deploy set: --expect goes with one component").fix("for several, use --expected-release")
				}
				req.Changes[0].Expect = expect
			}
			for _, text := range sets {
				change, err := e.overlaid(cmd, text)
				if err != nil {
					return err
				}
				req.Changes = append(req.Changes, change)
			}
			req.Create = sluice.CreateMissing
			if always {
				req.Create = sluice.CreateAlways
			}
			return e.deploy(cmd, req)
		},
	}
	e.environmentFlag(cmd, &req.Environment, "to", "the `ENVIRONMENT` to change (default: the project's)")
	cmd.Flags().StringVar(&expect, "expect", "", "only if this `VERSION` is live there now, or none")
	cmd.Flags().StringArrayVar(&sets, "set", nil, "set a variable too, as `KEY=VALUE` or KEY@COMPONENT=VALUE; may be repeated")
	expectedReleaseFlag(cmd, &req.ExpectedRelease)
	cmd.Flags().BoolVar(&always, "create", false, "make the environment even if its name looks like a slip for another")
	e.importFlags(cmd, &req.Author, &req.At)
	changeFlags(cmd, &req.Change)
	return cmd
}

func (e *env) deploy(cmd *cobra.Command, req sluice.DeployRequest) error {
	c, err := e.connect(cmd.Context())
	if err != nil {
		return err
	}
	o, err := c.Deploy(cmd.Context(), req)
	if err != nil {
		return err
	}
	return e.outcome(o)
}

// deployChanges reads `NAME VERSION`, also several such pairs, or NAME@VERSION
// once or more.
func deployChanges(cmd *cobra.Command, args []string) ([]sluice.ChangeRequest, error) {
	var changes []sluice.ChangeRequest
	for len(args) > 0 {
		name, version, found := strings.Cut(args[0], "@")
		args = args[1:]
		if !found {
			if len(args) == 0 {
				return nil, misuse(cmd, "deploy set: the version of %s is missing", name).
					fix("see which there are: `sluice version list %s`", name)
			}
			version, args = args[0], args[1:]
		}
		if version == "" {
			return nil, misuse(cmd, "deploy set: the version of %s is empty", name)
		}
		changes = append(changes, sluice.ChangeRequest{Component: name, Version: version})
	}
	return changes, nil
}

func deployUnsetCommand(e *env) *cobra.Command {
	var req sluice.DeployRequest
	var hide bool
	cmd := &cobra.Command{
		Use:   "unset NAME… --from ENVIRONMENT",
		Short: "Take an environment's own version away",
		Long: "What the parent environment holds shows again, also where a rollback had pinned another version.\n" +
			"With --hide nothing runs, whatever the parent holds.",
		Example: "  sluice deploy unset my-prompt --from production\n" +
			"  sluice deploy unset my-prompt --from debug --hide",
		Args:              takes(1, -1),
		ValidArgsFunction: arguments(true, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			if req.Environment == "" {
				return needEnvironment(cmd, "from")
			}
			for _, name := range args {
				req.Changes = append(req.Changes, sluice.ChangeRequest{Component: name, Unset: !hide, Hide: hide})
			}
			return e.deploy(cmd, req)
		},
	}
	e.environmentFlag(cmd, &req.Environment, "from", "the `ENVIRONMENT` to change")
	cmd.Flags().BoolVar(&hide, "hide", false, "run nothing, even if the parent holds a version")
	expectedReleaseFlag(cmd, &req.ExpectedRelease)
	changeFlags(cmd, &req.Change)
	return cmd
}

func deployGetCommand(e *env) *cobra.Command {
	var environment string
	cmd := &cobra.Command{
		Use:   "get NAME [--from ENVIRONMENT]",
		Short: "Print the version that is live",
		Long: "Prints the bare version and nothing else; nothing at all when none is live. Of a split it prints the\n" +
			"settled version, and the split itself on standard error.",
		Example:           "  CURRENT=$(sluice deploy get my-prompt --from production)",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if environment == "" {
				if environment, err = e.defaultEnvironment(cmd.Context()); err != nil {
					return err
				}
			}
			s, err := e.setting(cmd.Context(), sluice.EnvironmentRef{Name: environment}, args[0])
			if err != nil {
				return err
			}
			if line := e.unsent(cmd.Context()); line != "" {
				e.note("%s", line)
			}
			return e.showSetting(s)
		},
	}
	e.environmentFlag(cmd, &environment, "from", "the `ENVIRONMENT` to look at (default: the project's)")
	return cmd
}

// showSetting prints the bare version of a setting.
func (e *env) showSetting(s sluice.Setting) error {
	if !s.Value.Live() {
		s.Value = sluice.Value{}
	}
	return e.show(s, func(w io.Writer) {
		if s.Value.Live() {
			fmt.Fprintln(w, s.Value.Pin)
		}
		if len(s.Value.Split) > 0 {
			e.note("split: %s", s.Value)
		}
		for _, m := range s.Unchecked {
			e.note("unchecked: %s", m)
		}
	})
}

func deployListCommand(e *env) *cobra.Command {
	var environment string
	cmd := &cobra.Command{
		Use:     "list [--from ENVIRONMENT]",
		Short:   "List what is live",
		Long:    "Lists each component that an environment runs, with the environment that it is inherited from, if any.",
		Example: "  sluice deploy list --from production",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			ctx := cmd.Context()
			if environment == "" {
				if environment, err = e.defaultEnvironment(ctx); err != nil {
					return err
				}
			}
			c, err := e.connect(ctx)
			if err != nil {
				return err
			}
			m, err := c.State(ctx, sluice.EnvironmentRef{Name: environment})
			if err != nil {
				return err
			}
			return e.show(m, func(w io.Writer) { e.manifestText(w, m) })
		},
	}
	e.environmentFlag(cmd, &environment, "from", "the `ENVIRONMENT` to look at (default: the project's)")
	return cmd
}

func (e *env) manifestText(w io.Writer, m sluice.Manifest) {
	t := table{header: []string{"COMPONENT", "VERSION", "SINCE", "NOTE"}}
	for _, s := range m.Components() {
		note := ""
		switch {
		case s.Origin != "":
			note = "inherited from " + s.Origin
		case s.PinnedBy > 0:
			note = fmt.Sprintf("pinned by %s#%d", m.Environment, s.PinnedBy)
		}
		t.add(slotName(s.Slot), s.Value.String(), fmt.Sprintf("%s#%d", m.Environment, s.Since), note)
	}
	t.write(w)
	if len(t.rows) == 0 {
		e.note("nothing is live in %s", m.Environment)
	}
}
