package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func environmentCommand(e *env) *cobra.Command {
	cmd := group(e, "environment", "See and keep environments",
		"An environment is a named sequence of releases. It inherits from its parent what it does not hold itself.",
		environmentListCommand(e), environmentShowCommand(e), environmentCreateCommand(e),
		environmentEditCommand(e), environmentDeleteCommand(e), environmentApplyCommand(e))
	cmd.Aliases = []string{"environments"}
	return cmd
}

func environmentListCommand(e *env) *cobra.Command {
	var deleted bool
	cmd := &cobra.Command{
		Use:     "list [--deleted]",
		Short:   "List environments",
		Example: "  sluice environment list",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			all, err := c.Environments(cmd.Context(), deleted)
			if err != nil {
				return err
			}
			return e.show(list(all), func(w io.Writer) {
				t := table{header: []string{"NAME", "ALIAS", "PARENT", "RELEASE", "SINCE", "TRACKS", "PROMOTES FROM", "NOTE"}}
				for _, v := range all {
					note := ""
					if v.Deleted {
						note = "deleted"
					}
					t.add(v.Name, v.Alias, v.Parent, releaseName(v), e.clock(v.At), v.Tracks, strings.Join(v.PromotesFrom, ", "), note)
				}
				t.write(w)
			})
		},
	}
	cmd.Flags().BoolVar(&deleted, "deleted", false, "deleted ones too")
	return cmd
}

func releaseName(v sluice.Environment) string {
	if v.Release == 0 {
		return "-"
	}
	return fmt.Sprintf("#%d", v.Release)
}

func environmentShowCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:               "show ENVIRONMENT",
		Short:             "Show an environment and what is live in it",
		Long:              "Lists the versions that run there, and which of them a rollback pinned against the parent's.",
		Example:           "  sluice environment show production",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.environments),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			v, err := c.Environment(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			m, err := c.State(cmd.Context(), sluice.EnvironmentRef{Name: v.Name})
			if err != nil {
				return err
			}
			answer := struct {
				sluice.Environment
				Slots []sluice.Setting `json:"slots"`
			}{v, list(m.Slots)}
			return e.show(answer, func(w io.Writer) {
				e.environmentText(w, v)
				if len(m.Components()) > 0 {
					fmt.Fprintln(w)
				}
				e.manifestText(w, m)
				if n := variablesOf(m); n > 0 {
					e.note("%s: `sluice env list -e %s`", counted(n, "variable"), v.Name)
				}
				if n := len(m.Pinned()); n > 0 {
					e.note("%d pinned by a rollback or restore; %s lets go", n, unpin(m))
				}
			})
		},
	}
}

// variablesOf counts the variables and overlays that have an effect.
func variablesOf(m sluice.Manifest) int {
	n := 0
	for _, s := range m.Slots {
		if _, _, is := s.Slot.Variable(); is && s.Value.Live() {
			n++
		}
	}
	return n
}

func keptFor(v sluice.Environment) string {
	if v.KeepRuns == 0 {
		return ""
	}
	return fmt.Sprintf("%d days", v.KeepRuns)
}

func (e *env) environmentText(w io.Writer, v sluice.Environment) {
	var t table
	for _, row := range [][2]string{
		{"name", v.Name},
		{"alias", v.Alias},
		{"parent", v.Parent},
		{"tracks", v.Tracks},
		{"promotes from", strings.Join(v.PromotesFrom, ", ")},
		{"keeps runs", keptFor(v)},
		{"release", strings.TrimSpace(releaseName(v) + "  " + e.clock(v.At))},
		{"root", v.Root.Short()},
	} {
		if row[1] != "" {
			t.add(row[0], row[1])
		}
	}
	t.write(w)
}

func environmentCreateCommand(e *env) *cobra.Command {
	var req sluice.CreateEnvironmentRequest
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make an environment, or bring a deleted one back",
		Example: "  sluice environment create prod-us-west --parent production\n" +
			"  sluice environment create release --promotes-from staging",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Name = args[0]
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			done, err := c.CreateEnvironment(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.environmentChange("created", done)
		},
	}
	f := cmd.Flags()
	f.StringVar(&req.Alias, "alias", "", "a short `NAME`, for people and other systems")
	f.StringVar(&req.Parent, "parent", "", "the `ENVIRONMENT` to inherit from (default: base)")
	f.StringVar(&req.Tracks, "tracks", "", "`VERSION` to follow: latest, which is every publish")
	f.StringSliceVar(&req.PromotesFrom, "promotes-from", nil, "an `ENVIRONMENT` where a version must have been live before; may be repeated")
	f.IntVar(&req.KeepRuns, "keep-runs", 0, "how many `DAYS` the records of runs are kept (default 90)")
	complete(cmd, "parent", e.environments)
	complete(cmd, "promotes-from", e.environments)
	complete(cmd, "tracks", e.fixed(sluice.TracksLatest))
	changeFlags(cmd, &req.Change)
	return cmd
}

func environmentEditCommand(e *env) *cobra.Command {
	var req sluice.EditEnvironmentRequest
	var alias, parent, tracks string
	var from []string
	var keep int
	cmd := &cobra.Command{
		Use:   "edit ENVIRONMENT",
		Short: "Change an environment's settings",
		Long:  "Changes what is named and leaves the rest. An empty value takes a setting away.",
		Example: "  sluice environment edit production --promotes-from staging\n" +
			"  sluice environment edit development --tracks \"\"",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.environments),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Name = args[0]
			for flag, set := range map[string]func(){
				"alias": func() { req.Alias = &alias }, "parent": func() { req.Parent = &parent },
				"tracks": func() { req.Tracks = &tracks }, "promotes-from": func() { req.PromotesFrom = &from },
				"keep-runs": func() { req.KeepRuns = &keep },
			} {
				if cmd.Flags().Changed(flag) {
					set()
				}
			}
			if req.Alias == nil && req.Parent == nil && req.Tracks == nil && req.PromotesFrom == nil && req.KeepRuns == nil {
				return misuse(cmd, "environment edit: say what to change").fix("with --alias, --parent, --tracks, --promotes-from or --keep-runs")
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			done, err := c.EditEnvironment(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.environmentChange("changed", done)
		},
	}
	f := cmd.Flags()
	f.StringVar(&alias, "alias", "", "a short `NAME`, for people and other systems")
	f.StringVar(&parent, "parent", "", "the `ENVIRONMENT` to inherit from")
	f.StringVar(&tracks, "tracks", "", "`VERSION` to follow: latest, which is every publish")
	f.StringSliceVar(&from, "promotes-from", nil, "an `ENVIRONMENT` where a version must have been live before; may be repeated")
	f.IntVar(&keep, "keep-runs", 0, "how many `DAYS` the records of runs are kept (0: the default, 90)")
	complete(cmd, "parent", e.environments)
	complete(cmd, "promotes-from", e.environments)
	complete(cmd, "tracks", e.fixed(sluice.TracksLatest))
	changeFlags(cmd, &req.Change)
	return cmd
}

func environmentDeleteCommand(e *env) *cobra.Command {
	var req sluice.DeleteEnvironmentRequest
	cmd := &cobra.Command{
		Use:               "delete ENVIRONMENT",
		Short:             "End an environment",
		Long:              "Nothing runs in it any more. Its history stays readable, and `environment create` brings it back.",
		Example:           "  sluice environment delete debug -y",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.environments),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Name = args[0]
			if !req.DryRun {
				if err := e.confirm(cmd.Context(), "deleting environment "+req.Name); err != nil {
					return err
				}
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			done, err := c.DeleteEnvironment(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.environmentChange("deleted", done)
		},
	}
	changeFlags(cmd, &req.Change)
	return cmd
}

// environmentChange prints what a change of an environment did, there and in
// those that inherit from it.
func (e *env) environmentChange(verb string, c sluice.EnvironmentChange) error {
	return e.show(c, func(w io.Writer) {
		if !c.Changed {
			fmt.Fprintf(w, "%s: no change\n", c.Environment.Name)
			return
		}
		fmt.Fprintf(w, "%s environment %s\n", did(verb, c.DryRun), c.Environment.Name)
		e.releasesText(w, c.Releases, c.DryRun)
	})
}
