package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

// mask stands in the place of a secret.
const mask = "••••••••"

func variableCommand(e *env) *cobra.Command {
	return group(e, "env", "Configuration and secrets of an environment",
		"Variables are part of an environment's releases: setting one appends a release, a rollback brings it back.\n"+
			"Secrets are sealed at rest and masked wherever they are shown. With --component a variable is an overlay,\n"+
			"which that component gets in the place of the wider one.",
		variableSetCommand(e), variableGetCommand(e), variableListCommand(e), variableDeleteCommand(e),
		variableImportCommand(e), variableExportCommand(e), variableDiffCommand(e), variableEffectiveCommand(e),
		variableShredCommand(e), rotateKeyCommand(e), newKeyCommand(e))
}

// componentFlag says whose variables are meant.
func (e *env) componentFlag(cmd *cobra.Command, into *string, usage string) {
	cmd.Flags().StringVar(into, "component", "", usage)
	complete(cmd, "component", e.components)
}

// place is where a reading of variables looks: an environment, now or then.
type place struct {
	environment string
	at          sluice.Time
}

func (e *env) placeFlags(cmd *cobra.Command, p *place) {
	e.environmentFlag(cmd, &p.environment, "", "the `ENVIRONMENT` to look at, or one of its releases (default: the project's)")
	e.timeFlag(cmd, &p.at, then, "at", "as it was then: a time, a date or \"2h ago\"")
}

func (e *env) placeOf(cmd *cobra.Command, p place) (sluice.EnvironmentRef, error) {
	var ref sluice.EnvironmentRef
	var err error
	if p.environment == "" {
		if p.environment, err = e.defaultEnvironment(cmd.Context()); err != nil {
			return ref, err
		}
	}
	if ref, err = e.stateRef(p.environment); err != nil || p.at == 0 {
		return ref, err
	}
	if ref.Exact || ref.At != 0 {
		return ref, misuse(cmd, "%s: %s is one state already, and --at names another", nameOf(cmd), p.environment).fix("leave one of them out")
	}
	ref.At = p.at
	return ref, nil
}

func variableSetCommand(e *env) *cobra.Command {
	var req sluice.DeployRequest
	var component, expect string
	var secrets secretFlags
	var always bool
	cmd := &cobra.Command{
		Use:   "set KEY=VALUE… [-e ENVIRONMENT] [--component NAME]",
		Short: "Set variables, as one release",
		Long: "KEY=@FILE takes the value from a file, and KEY alone asks for it, or reads it from standard input, so that\n" +
			"it stays out of the shell's history; a value that begins with an @ is written KEY=@@VALUE. Keys and values\n" +
			"that look like a credential's (API_KEY, DB_PWD, GITHUB_PAT, tokens of known forms, private keys, URLs with\n" +
			"a password) are secrets unless --plain KEY says otherwise; --secret KEY makes any key one. Without a key,\n" +
			"--secret and --secret=false are about all. Later values stay what the first one was.",
		Example: "  sluice env set LLM_MODEL=gpt-4o TEMPERATURE=0.2\n" +
			"  sluice env set API_TOKEN -e production < token.txt\n" +
			"  sluice env set LLM_MODEL=gpt-4o-mini --component invoice-parser",
		Args: takes(1, -1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if args, err = secrets.take(cmd, args); err != nil {
				return err
			}
			for _, arg := range args {
				change, err := e.assignment(cmd, arg)
				if err != nil {
					return err
				}
				change.Component, change.Secret = component, secrets.of(change.Variable)
				req.Changes = append(req.Changes, change)
			}
			if expect != "" {
				if len(args) > 1 {
					return misuse(cmd, "env set: --expect goes with one variable").fix("for several, use --expected-release")
				}
				req.Changes[0].Expect = expect
			}
			req.Create = sluice.CreateMissing
			if always {
				req.Create = sluice.CreateAlways
			}
			if req.Environment == "" {
				if req.Environment, err = e.defaultEnvironment(cmd.Context()); err != nil {
					return err
				}
			}
			return e.deploy(cmd, req)
		},
	}
	e.environmentFlag(cmd, &req.Environment, "", "the `ENVIRONMENT` to change (default: the project's)")
	e.componentFlag(cmd, &component, "only for this component: its overlay `NAME`")
	secrets.add(cmd)
	cmd.Flags().StringVar(&expect, "expect", "", "only if this `FINGERPRINT` is live there now, or none")
	expectedReleaseFlag(cmd, &req.ExpectedRelease)
	cmd.Flags().BoolVar(&always, "create", false, "make the environment even if its name looks like a slip for another")
	changeFlags(cmd, &req.Change)
	return cmd
}

// assignment reads KEY=VALUE, KEY=@FILE, or KEY with its value on standard input.
// No message repeats what was typed, which may be a secret.
func (e *env) assignment(cmd *cobra.Command, arg string) (sluice.ChangeRequest, error) {
	key, value, given := strings.Cut(arg, "=")
	if err := sluice.CheckKey(key); err != nil {
		return sluice.ChangeRequest{}, sluice.AsError(err).Fix("write KEY=VALUE, or KEY alone to be asked for the value")
	}
	switch {
	case !given:
		text, err := e.readValue(cmd.Context(), key)
		if err != nil {
			return sluice.ChangeRequest{}, err
		}
		value = text
	case strings.HasPrefix(value, "@@"):
		value = value[1:]
	case strings.HasPrefix(value, "@"):
		text, err := e.readNamedFile(cmd.Context(), value[1:], sluice.MaxDotenvBytes, func(why error) error { // what was typed may be a secret
			return sluice.Errorf(sluice.NotFound, "%s: the file that %s=@… names cannot be read: %w", nameOf(cmd), key, why).
				Fix("check its path and mode; a value that begins with an @ is written %s=@@VALUE", key)
		})
		if err != nil {
			return sluice.ChangeRequest{}, err
		}
		value = text
	}
	return sluice.ChangeRequest{Variable: key, Value: &value}, sluice.CheckValue(key, value)
}

// overlaid reads KEY=VALUE or KEY@COMPONENT=VALUE.
func (e *env) overlaid(cmd *cobra.Command, arg string) (sluice.ChangeRequest, error) {
	name, rest, given := strings.Cut(arg, "=")
	key, component, overlay := strings.Cut(name, "@")
	if overlay {
		if err := sluice.CheckName("component", component); err != nil {
			return sluice.ChangeRequest{}, sluice.Errorf(sluice.Invalid, "what stands after KEY@ is not the name of a component").Fix("write KEY=VALUE or KEY@COMPONENT=VALUE")
		}
	}
	if given {
		key += "=" + rest
	}
	change, err := e.assignment(cmd, key)
	change.Component = component
	return change, err
}

func variableGetCommand(e *env) *cobra.Command {
	var at place
	var req sluice.VariableRequest
	cmd := &cobra.Command{
		Use:   "get KEY [-e ENVIRONMENT] [--component NAME]",
		Short: "Print one variable",
		Long: "Prints the value and nothing else; of a secret a mask. --reveal prints a secret's value, for those who\n" +
			"may see it, and the ledger records that they did.",
		Example: "  sluice env get LLM_MODEL\n" +
			"  sluice env get API_TOKEN -e staging --reveal",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.variables),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			req.Key = args[0]
			if req.Environment, err = e.placeOf(cmd, at); err != nil {
				return err
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			v, err := c.Variable(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.show(v, func(w io.Writer) {
				switch {
				case v.Stub:
					e.note("%s is a stub in %s, without a value: `sluice env set %s -e %s`", v.Name(), v.Environment, v.Key, v.Environment)
				case v.Shredded:
					e.note("the value that %s had then was shredded", v.Name())
				case v.Unavailable:
					e.noteUnavailable([]sluice.Variable{v})
				case v.Value == nil:
					fmt.Fprintln(w, mask)
				default:
					fmt.Fprintln(w, *v.Value)
				}
			})
		},
	}
	e.placeFlags(cmd, &at)
	e.componentFlag(cmd, &req.Component, "as the component `NAME` gets it")
	cmd.Flags().BoolVar(&req.Reveal, "reveal", false, "a secret's value too, which is recorded")
	return cmd
}

func variableListCommand(e *env) *cobra.Command {
	var at place
	var component string
	cmd := &cobra.Command{
		Use:     "list [-e ENVIRONMENT] [--component NAME]",
		Short:   "List variables and overlays, secrets masked",
		Example: "  sluice env list -e production\n  sluice env list --at \"tuesday 14:47\"",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ref, err := e.placeOf(cmd, at)
			if err != nil {
				return err
			}
			all, err := e.listVariables(cmd.Context(), sluice.VariableQuery{Environment: ref, Component: component})
			if err != nil {
				return err
			}
			return e.show(list(all), func(w io.Writer) {
				t := table{header: []string{"KEY", "VALUE", "FROM", "NOTE"}}
				for _, v := range all {
					t.add(v.Name(), masked(v), v.Environment, variableNote(v))
				}
				t.write(w)
				e.noteUnavailable(all)
				if len(all) == 0 {
					e.note("no variable is set in %s", ref)
				}
			})
		},
	}
	e.placeFlags(cmd, &at)
	e.componentFlag(cmd, &component, "only the overlay of the component `NAME`")
	return cmd
}

func (e *env) listVariables(ctx context.Context, q sluice.VariableQuery) ([]sluice.Variable, error) {
	c, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	return pages(ctx, 0, func(ctx context.Context, p sluice.Paging) (sluice.Page[sluice.Variable], error) {
		q.Paging = p
		return c.Variables(ctx, q)
	})
}

// shownBytes is how much of a value a table shows.
const shownBytes = 60

// masked is a variable's value in a table.
func masked(v sluice.Variable) string {
	switch {
	case v.None, v.Hidden:
		return "(hidden)"
	case v.Stub:
		return "(stub)"
	case v.Shredded:
		return "(shredded)"
	case v.Unavailable:
		return "(unavailable here)"
	case v.Value == nil:
		return mask
	case *v.Value == "":
		return `""`
	}
	line, rest, _ := strings.Cut(*v.Value, "\n")
	if cut := []rune(line); len(cut) > shownBytes {
		return string(cut[:shownBytes]) + "…"
	}
	if rest != "" {
		return line + " …"
	}
	return line
}

func variableNote(v sluice.Variable) string {
	var notes []string
	if v.Unavailable {
		notes = append(notes, v.Sealed.String())
	}
	if v.PinnedBy > 0 {
		notes = append(notes, fmt.Sprintf("pinned by #%d", v.PinnedBy))
	}
	return strings.Join(notes, ", ")
}

// noteUnavailable says which values were set elsewhere, and how to have them here.
func (e *env) noteUnavailable(all []sluice.Variable) {
	for _, v := range all {
		if !v.Unavailable {
			continue
		}
		e.note("the value of %s in %s (%s) was set elsewhere and is unavailable here: %s", v.Name(), v.Environment, v.Sealed,
			saying(sluice.Do(sluice.SetVariables(v.Environment, v.Component, v.Key), "")))
	}
}

func variableDeleteCommand(e *env) *cobra.Command {
	var req sluice.DeployRequest
	var component string
	var hide bool
	cmd := &cobra.Command{
		Use:   "delete KEY… [-e ENVIRONMENT] [--component NAME]",
		Short: "Take variables away, as one release",
		Long: "Takes the environment's own values away, so that the wider ones show again: the parent's, or for an\n" +
			"overlay what every component gets. --hide hides those too.",
		Example: "  sluice env delete LEGACY_MODEL -e production\n" +
			"  sluice env delete DEBUG --component invoice-parser --hide",
		Args:              takes(1, -1),
		ValidArgsFunction: arguments(true, e.variables),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			for _, key := range args {
				if err := sluice.CheckKey(key); err != nil {
					return err
				}
				req.Changes = append(req.Changes, sluice.ChangeRequest{Component: component, Variable: key, Unset: !hide, Hide: hide})
			}
			if req.Environment == "" {
				if req.Environment, err = e.defaultEnvironment(cmd.Context()); err != nil {
					return err
				}
			}
			return e.deploy(cmd, req)
		},
	}
	e.environmentFlag(cmd, &req.Environment, "", "the `ENVIRONMENT` to change (default: the project's)")
	e.componentFlag(cmd, &component, "from the overlay of the component `NAME`")
	cmd.Flags().BoolVar(&hide, "hide", false, "hide what is wider too")
	expectedReleaseFlag(cmd, &req.ExpectedRelease)
	changeFlags(cmd, &req.Change)
	return cmd
}

// variables are keys to complete.
func (e *env) variables(ctx context.Context, _ []string) []string {
	environment, err := e.defaultEnvironment(ctx)
	if err != nil {
		return nil
	}
	all, err := e.listVariables(ctx, sluice.VariableQuery{Environment: sluice.EnvironmentRef{Name: environment}, Wide: true})
	if err != nil {
		return nil
	}
	keys := make([]string, len(all))
	for i, v := range all {
		keys[i] = v.Key
	}
	return keys
}
