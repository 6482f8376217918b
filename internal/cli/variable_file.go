package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

// readValue reads the value of a variable from standard input: all of it but one
// last line end, or on a terminal one line that is not shown.
func (e *env) readValue(ctx context.Context, key string) (string, error) {
	if f, ok := e.Stdin.(*os.File); ok && term.IsTerminal(f.Fd()) {
		return e.readHidden(ctx, f, key)
	}
	text, err := waiting(ctx, func() (string, error) { return readAtMost(e.Stdin, "standard input", sluice.MaxDotenvBytes) })
	if err != nil {
		return "", err
	}
	if text == "" {
		return "", sluice.Errorf(sluice.Invalid, "standard input is empty, and %s should get its value from there", key).
			Fix("write the value to standard input, or %s= for an empty value", key)
	}
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), nil
}

// readHidden reads one line from a terminal, which shows again what is typed when
// that ends, however it does.
func (e *env) readHidden(ctx context.Context, terminal *os.File, key string) (string, error) {
	if shown, err := term.GetState(terminal.Fd()); err == nil {
		defer func() { _ = term.Restore(terminal.Fd(), shown) }()
	}
	fmt.Fprintf(e.Stderr, "%s (not shown): ", key)
	b, err := waiting(ctx, func() ([]byte, error) { return term.ReadPassword(terminal.Fd()) })
	fmt.Fprintln(e.Stderr)
	if err != nil {
		return "", sluice.Errorf(sluice.Invalid, "no value was read; nothing was changed")
	}
	return string(b), nil
}

func variableImportCommand(e *env) *cobra.Command {
	var req sluice.ImportVariablesRequest
	var secrets secretFlags
	var always bool
	cmd := &cobra.Command{
		Use:   "import FILE [-e ENVIRONMENT] [--component NAME]",
		Short: "Set variables from a dotenv file, as one release",
		Long: "Reads KEY=VALUE lines of UTF-8: with comments, export, quotes of all three kinds, values over several\n" +
			"lines and \\n escapes. One invalid line refuses the file. Keys that the file lacks stay, unless --prune\n" +
			"takes them away. FILE may be - for standard input. With --dialect docker it is read as `docker run\n" +
			"--env-file` reads it: a value is all that follows the =, with its quotes and #. What is stored plain and what\n" +
			"sealed as a secret is said; --plain KEY and --secret KEY decide it.",
		Example: "  sluice env import ./.env.prod\n" +
			"  sluice env import ./.env.prod -e production --prune --dry-run",
		Args: takes(1, -1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if args, err = secrets.take(cmd, args); err != nil {
				return err
			}
			req.Secret, req.Secrets = secrets.all, secrets.keys
			req.Text, err = e.readNamedFile(cmd.Context(), args[0], sluice.MaxDotenvBytes, func(why error) error {
				return sluice.Errorf(sluice.NotFound, "%s: the file %s cannot be read: %w", nameOf(cmd), args[0], why).Fix("check its path and mode")
			})
			if err != nil {
				return err
			}
			if req.File = args[0]; req.File == "-" {
				req.File = "standard input"
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
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			report, err := c.ImportVariables(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.importReport(report)
		},
	}
	e.environmentFlag(cmd, &req.Environment, "", "the `ENVIRONMENT` to change (default: the project's)")
	e.componentFlag(cmd, &req.Component, "into the overlay of the component `NAME`")
	cmd.Flags().StringVar(&req.Dialect, "dialect", sluice.DialectDotenv, "how the file is written: `dotenv` or docker")
	cmd.Flags().BoolVar(&req.Prune, "prune", false, "take away the environment's own keys that the file lacks")
	secrets.add(cmd)
	expectedReleaseFlag(cmd, &req.ExpectedRelease)
	cmd.Flags().BoolVar(&always, "create", false, "make the environment even if its name looks like a slip for another")
	changeFlags(cmd, &req.Change)
	return cmd
}

// importReport prints what an import did, masked.
func (e *env) importReport(r sluice.ImportReport) error {
	for _, again := range r.Repeated {
		e.note("line %d: %s is assigned again below, which counts", again.Line, again.Key)
	}
	if r.Created {
		e.note("created environment %s", r.Environment)
	}
	if r.Replayed {
		e.note("this request was carried out before; its answer is repeated")
	}
	return e.show(r, func(w io.Writer) {
		same := 0
		var t table
		for _, d := range r.Variables {
			if d.Status == sluice.DiffSame {
				same++
				continue
			}
			t.add(d.Status, nameOfDiff(d), sideName(d.From)+" → "+sideName(d.To))
		}
		t.write(w)
		switch {
		case r.Release == nil:
			fmt.Fprintf(w, "%s: no change\n", r.Environment)
		case r.DryRun:
			fmt.Fprintf(w, "%s would change %d variables, %d stay\n", r.Release.Ref(), len(t.rows), same)
		default:
			fmt.Fprintf(w, "%s changed %d variables, %d stay\n", r.Release.Ref(), len(t.rows), same)
		}
		for _, kept := range []struct {
			secret bool
			as     string
		}{{false, "plain, shown to all who may read"}, {true, "secret, masked wherever it is shown"}} {
			if keys := keptAs(r.Variables, kept.secret); len(keys) > 0 {
				fmt.Fprintf(w, "%s: %s\n", kept.as, strings.Join(keys, ", "))
			}
		}
		e.outcomeNotes(w, r.Outcome)
	})
}

// keptAs are the keys that an import brought as secrets, or as plain values.
func keptAs(diff []sluice.VariableDiff, secret bool) (keys []string) {
	for _, d := range diff {
		if d.Status != sluice.DiffSame && d.To != nil && !d.To.None && d.To.Secret == secret {
			keys = append(keys, d.Key)
		}
	}
	return keys
}

// exportForms are the forms of an export, besides those that every answer has.
var exportForms = []string{"dotenv", "shell"}

// writesExports marks the command that prints them.
const writesExports = "exports"

func variableExportCommand(e *env) *cobra.Command {
	var at place
	var req sluice.EffectiveRequest
	cmd := &cobra.Command{
		Use:   "export [-e ENVIRONMENT] [--component NAME] [--format dotenv|json|yaml|shell]",
		Short: "Print variables for a file or a shell",
		Long: "Prints what every component gets, or with --component what that one gets. Secrets are left out, and a\n" +
			"comment says so, unless --reveal prints them too, which the ledger records.",
		Example: "  sluice env export -e staging > .env.staging\n" +
			"  eval \"$(sluice env export --format shell --reveal)\"",
		Annotations: map[string]string{writesExports: "yes"},
		Args:        takes(0, 0),
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
			return e.export(set)
		},
	}
	e.placeFlags(cmd, &at)
	e.componentFlag(cmd, &req.Component, "what the component `NAME` gets")
	cmd.Flags().BoolVar(&req.Reveal, "reveal", false, "secrets too, which is recorded")
	return cmd
}

func (e *env) export(set sluice.EffectiveSet) error {
	values, given := map[string]string{}, []sluice.Assignment{}
	var left []string
	for _, v := range set.Variables {
		switch {
		case v.Value != nil:
			values[v.Key] = *v.Value
			given = append(given, sluice.Assignment{Key: v.Key, Value: *v.Value})
		case v.Hidden:
		default:
			left = append(left, v.Key+" "+reasonLeft(v))
		}
	}
	if e.structured() {
		for _, line := range left {
			e.note("left out: %s", line)
		}
		return e.show(values, nil)
	}
	for _, line := range left {
		fmt.Fprintf(e.Stdout, "# %s\n", line)
	}
	if e.format == "shell" {
		_, err := io.WriteString(e.Stdout, sluice.FormatShell(given))
		return err
	}
	_, err := io.WriteString(e.Stdout, sluice.FormatDotenv(given))
	return err
}

// reasonLeft says why a variable is not in an export.
func reasonLeft(v sluice.Variable) string {
	switch {
	case v.Stub:
		return "is a stub, without a value"
	case v.Shredded:
		return "was shredded"
	case v.Unavailable:
		return "was set elsewhere and is unavailable here (" + v.Sealed.String() + ")"
	}
	return "is a secret; --reveal prints it"
}
