package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usageError is a mistake in the command line itself; it shows how the command
// is written.
type usageError struct {
	reason *sluice.Error
	line   string
}

// Error is the reason alone.
func (u usageError) Error() string { return u.reason.Message }

// Unwrap makes the reason what the error is.
func (u usageError) Unwrap() error { return u.reason }

func misuse(cmd *cobra.Command, format string, args ...any) usageError {
	return usageError{sluice.Errorf(sluice.Invalid, format, args...), usageLine(cmd)}
}

func (u usageError) fix(format string, args ...any) usageError {
	u.reason.Fix(format, args...)
	return u
}

func usageLine(cmd *cobra.Command) string {
	if cmd.HasSubCommands() {
		return cmd.CommandPath() + " COMMAND"
	}
	if parent := cmd.Parent(); parent != nil {
		return parent.CommandPath() + " " + cmd.Use
	}
	return cmd.Use
}

// nameOf is a command as a person types it, without the program.
func nameOf(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), "sluice ")
}

// group is a command that only holds others.
func group(e *env, use, short, long string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Args: cobra.ArbitraryArgs}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) > 0:
			return unknownCommand(cmd, args[0])
		case cmd.HasParent():
			return misuse(cmd, "%s needs a command: %s", nameOf(cmd), strings.Join(commandNames(cmd), ", "))
		}
		return cmd.Help()
	}
	cmd.AddCommand(subs...)
	return cmd
}

func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}

func unknownCommand(cmd *cobra.Command, word string) error {
	names := commandNames(cmd)
	err := misuse(cmd, "%s has no command %q", nameOf(cmd), word)
	if !cmd.HasParent() {
		err = misuse(cmd, "there is no command %q", word)
	}
	if of, _, found := cmd.Root().Find([]string{"components", word}); !cmd.HasParent() && found == nil && of.Name() == word {
		return err.fix("did you mean `sluice components %s`?", word)
	}
	if near := valueOr(beginning(word, names), sluice.Suggest(word, names)); near != "" {
		return err.fix("did you mean `%s %s`?", cmd.CommandPath(), near)
	}
	if !cmd.HasParent() {
		return err.fix("see `sluice --help`")
	}
	if other, _, found := cmd.Root().Find([]string{"environment", word}); cmd.Name() == "env" && found == nil && other.Name() == word {
		err = err.fix("variables are `sluice env`; for environments, `sluice environment %s`", word)
	}
	return err.fix("choose from: %s", strings.Join(names, ", "))
}

// beginning returns the one name that begins with a word, or "".
func beginning(word string, names []string) string {
	found := ""
	for _, name := range names {
		if !strings.HasPrefix(name, word) {
			continue
		}
		if found != "" {
			return ""
		}
		found = name
	}
	return found
}

// takes checks the number of arguments; most < 0 sets no upper bound.
func takes(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		words := argumentWords(cmd)
		switch {
		case len(args) < least && len(args) < len(words):
			return misuse(cmd, "%s: %s is missing", nameOf(cmd), words[len(args)])
		case len(args) < least:
			return misuse(cmd, "%s: an argument is missing", nameOf(cmd))
		case most >= 0 && len(args) > most:
			return misuse(cmd, "%s: unexpected argument %q", nameOf(cmd), args[most])
		}
		return nil
	}
}

// argumentWords are the words of the usage line that stand for arguments.
func argumentWords(cmd *cobra.Command) []string {
	words := strings.Fields(cmd.Use)[1:]
	if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(strings.Trim(w, "["), "-") }); i >= 0 {
		words = words[:i]
	}
	for i := range words {
		words[i] = strings.Trim(words[i], "[]…")
	}
	return words
}

// flagError answers a flag that does not exist or cannot be read.
func (e *env) flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		return e.unknownFlag(cmd, unknown.GetSpecifiedName())
	}
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return invalidValue(cmd, invalid)
	}
	var valueless *pflag.ValueRequiredError
	if errors.As(err, &valueless) {
		kind, text := pflag.UnquoteUsage(valueless.GetFlag())
		return misuse(cmd, "%s needs a value", dashed(valueless.GetSpecifiedName())).
			fix("write --%s %s: %s", valueless.GetFlag().Name, kind, text)
	}
	return misuse(cmd, "%v", err)
}

func (e *env) unknownFlag(cmd *cobra.Command, name string) error {
	if cmd.HasSubCommands() { // a mistyped command that has flags is still a mistyped command
		if _, rest, err := cmd.Root().Find(e.Args); err == nil {
			if i := slices.IndexFunc(rest, func(a string) bool { return !strings.HasPrefix(a, "-") }); i >= 0 {
				return unknownCommand(cmd, rest[i])
			}
		}
	}
	err := misuse(cmd, "%s has no flag %s", nameOf(cmd), dashed(name))
	if name == "env" && cmd.Flags().Lookup("environment") != nil {
		return err.fix("use `-e %s`", e.valueOf("--env"))
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if near := sluice.Suggest(name, names); near != "" && len(name) > 1 {
		return err.fix("did you mean --%s?", near)
	}
	return err.fix("see `%s --help`", cmd.CommandPath())
}

// valueOf is what stands after a flag on the command line.
func (e *env) valueOf(flag string) string {
	for i, a := range e.Args {
		if value, ok := strings.CutPrefix(a, flag+"="); ok {
			return value
		}
		if a == flag && i+1 < len(e.Args) && !strings.HasPrefix(e.Args[i+1], "-") {
			return e.Args[i+1]
		}
	}
	return "ENVIRONMENT"
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// invalidValue answers a value that a flag cannot take. A reason of our own
// brings what to do.
func invalidValue(cmd *cobra.Command, invalid *pflag.InvalidValueError) error {
	var known *sluice.Error
	if !errors.As(invalid, &known) {
		return misuse(cmd, "--%s cannot be %q: %s", invalid.GetFlag().Name, invalid.GetValue(), plainReason(invalid))
	}
	out := misuse(cmd, "--%s: %s", invalid.GetFlag().Name, known.Message)
	for _, fix := range advice(known.Fixes) {
		out = out.fix("%s", fix)
	}
	return out
}

// plainReason says what a flag takes, where Go's own parsers only say that they
// failed.
func plainReason(invalid *pflag.InvalidValueError) string {
	switch invalid.GetFlag().Value.Type() {
	case "int":
		return "it takes a whole number such as 3"
	case "bool":
		return "it takes true or false"
	case "duration":
		return "it takes a duration such as 90m or 720h"
	}
	return invalid.Unwrap().Error()
}

// formatFlag is how an answer is printed.
type formatFlag string

func (f *formatFlag) String() string { return string(*f) }
func (f *formatFlag) Type() string   { return "FORMAT" }

func (f *formatFlag) Set(s string) error {
	if !slices.Contains(append([]string{"table", "json", "yaml", "tree"}, exportForms...), s) {
		return fmt.Errorf("use table, json or yaml")
	}
	*f = formatFlag(s)
	return nil
}
