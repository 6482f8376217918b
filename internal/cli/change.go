package cli

import (
	"strconv"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

// changeFlags are those of every change.
func changeFlags(cmd *cobra.Command, c *sluice.Change) {
	f := cmd.Flags()
	f.StringVar(&c.Reason, "reason", "", "`WHY`, for the history")
	f.StringVar(&c.Ticket, "ticket", "", "the `TICKET` or incident it belongs to")
	f.BoolVar(&c.DryRun, "dry-run", false, "say what would happen and change nothing")
	f.StringVar(&c.IdempotencyKey, "idempotency-key", "", "a retry with the same `KEY` returns the first answer")
	f.Bool("no-push", false, "keep it here, and send it later with 'sluice git push'")
}

// expectedReleaseFlag makes a change conditional on the environment's last release.
func expectedReleaseFlag(cmd *cobra.Command, into **int64) {
	cmd.Flags().Var(&optionalNumber{into}, "expected-release", "only if this `NUMBER` is still the environment's last release")
}

// optionalNumber tells 0 from absent.
type optionalNumber struct{ into **int64 }

func (n *optionalNumber) Type() string { return "int" }

func (n *optionalNumber) String() string {
	if n.into == nil || *n.into == nil {
		return ""
	}
	return strconv.FormatInt(**n.into, 10)
}

func (n *optionalNumber) Set(s string) error {
	v, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return err
	}
	number := int64(v)
	*n.into = &number
	return nil
}

// environmentFlag is the flag that names an environment: by the word that the
// command uses, such as --to, and always by -e.
func (e *env) environmentFlag(cmd *cobra.Command, into *string, name, usage string) {
	f := cmd.Flags()
	if name == "" {
		f.StringVarP(into, "environment", "e", "", usage)
	} else {
		f.StringVar(into, name, "", usage)
		f.StringVarP(into, "environment", "e", "", "the same as --"+name)
		f.Lookup("environment").Hidden = true
		complete(cmd, name, e.environments)
	}
	complete(cmd, "environment", e.environments)
}

// needEnvironment is the answer to a command that must be told where to act.
func needEnvironment(cmd *cobra.Command, flag string) error {
	return misuse(cmd, "%s: --%s is missing", nameOf(cmd), flag).fix("name the environment: --%s production", flag)
}

// importFlags let an import carry who and when.
func (e *env) importFlags(cmd *cobra.Command, author *string, at *sluice.Time) {
	cmd.Flags().StringVar(author, "author", "", "`WHO` did it, when it happened elsewhere (importers only)")
	e.timeFlag(cmd, at, since, "at", "when it happened elsewhere (importers only)")
}

// did is a deed in the past tense, or as a dry run tells it.
func did(verb string, dryRun bool) string {
	if dryRun {
		return "would have " + verb
	}
	return verb
}
