package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func variableDiffCommand(e *env) *cobra.Command {
	var req sluice.DiffVariablesRequest
	cmd := &cobra.Command{
		Use:   "diff ENVIRONMENT ENVIRONMENT [--component NAME]",
		Short: "Compare the variables of two environments",
		Long: "Lists what the second lacks, has besides, or holds otherwise. Secrets are compared by a keyed\n" +
			"fingerprint and stay masked. Each environment may be a past state: production@yesterday, production#41.",
		Example:           "  sluice env diff staging production",
		Args:              takes(2, 2),
		ValidArgsFunction: arguments(false, e.environments, e.environments),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if req.From, err = e.state(args[0]); err != nil {
				return err
			}
			if req.To, err = e.state(args[1]); err != nil {
				return err
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			d, err := c.DiffVariables(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.show(d, func(w io.Writer) { e.variablesDiffText(w, d) })
		},
	}
	e.componentFlag(cmd, &req.Component, "what the component `NAME` gets in each")
	return cmd
}

func (e *env) variablesDiffText(w io.Writer, d sluice.VariablesDiff) {
	if len(d.Variables) == 0 {
		e.note("%s and %s have the same variables", d.From, d.To)
		return
	}
	statuses := map[string]string{sluice.DiffAdded: "extra", sluice.DiffRemoved: "missing", sluice.DiffChanged: "different"}
	t := table{header: []string{"KEY", "IS", d.From, d.To}}
	for _, v := range d.Variables {
		t.add(nameOfDiff(v), statuses[v.Status], sideName(v.From), sideName(v.To))
	}
	t.write(w)
}

func nameOfDiff(d sluice.VariableDiff) string {
	return sluice.Variable{Key: d.Key, Component: d.Component}.Name()
}

// sideName is one side of a difference. Secrets are told apart by the beginning
// of their fingerprints.
func sideName(v *sluice.Variable) string {
	switch {
	case v == nil:
		return "-"
	case v.Value == nil && v.Fingerprint != "":
		return v.Sealed.String()
	}
	return masked(*v)
}

func variableEffectiveCommand(e *env) *cobra.Command {
	var at place
	var req sluice.EffectiveRequest
	cmd := &cobra.Command{
		Use:   "effective [--component NAME] [-e ENVIRONMENT]",
		Short: "Show what a component gets, and from which layer",
		Long: "A component's own overlay comes before what all components get, and an environment before its\n" +
			"parents. HIDES lists the weaker layers that hold the key too.",
		Example: "  sluice env effective --component invoice-parser -e production",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if req.Environment, err = e.placeOf(cmd, at); err != nil {
				return err
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			set, err := c.Effective(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.show(set, func(w io.Writer) { e.effectiveText(w, set) })
		},
	}
	e.placeFlags(cmd, &at)
	e.componentFlag(cmd, &req.Component, "the component `NAME`; without one, what all get")
	cmd.Flags().BoolVar(&req.Reveal, "reveal", false, "secrets too, which is recorded")
	return cmd
}

func (e *env) effectiveText(w io.Writer, set sluice.EffectiveSet) {
	t := table{header: []string{"KEY", "VALUE", "FROM", "HIDES"}}
	for _, v := range set.Variables {
		var hides []string
		for _, l := range v.Hides {
			hides = append(hides, layerName(l.Environment, l.Component))
		}
		t.add(v.Key, masked(v), layerName(v.Environment, v.Component), strings.Join(hides, ", "))
	}
	t.write(w)
	e.noteUnavailable(set.Variables)
	if len(set.Variables) == 0 {
		e.note("no variable is set in %s", set.Environment)
	}
}

// layerName is a layer: an environment, or an overlay in it.
func layerName(environment, component string) string {
	if component == "" {
		return environment
	}
	return fmt.Sprintf("%s@%s", environment, component)
}
