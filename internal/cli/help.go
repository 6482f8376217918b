package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// help prints the page of a command: what it is for, how it is written, an
// example to copy, and its flags.
func (e *env) help(cmd *cobra.Command, _ []string) {
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "%s.\n", cmd.Short)
	if cmd.Long != "" {
		fmt.Fprintf(w, "\n%s\n", cmd.Long)
	}
	e.heading(w, "Usage")
	fmt.Fprintf(w, "  %s\n", usageLine(cmd))
	if cmd.Example != "" {
		e.heading(w, "Examples")
		fmt.Fprintln(w, cmd.Example)
	}
	e.helpCommands(w, cmd)
	if cmd.HasParent() {
		e.helpFlags(w, "Flags", cmd.NonInheritedFlags())
		fmt.Fprintf(w, "\nFlags of all commands (-o, --server, --data, -y …): `sluice --help`.\n")
		return
	}
	e.helpFlags(w, "Flags of all commands", cmd.PersistentFlags())
	fmt.Fprintf(w, "\nMore about a command: `sluice COMMAND --help`.\n")
}

func (e *env) heading(w io.Writer, text string) {
	fmt.Fprintf(w, "\n%s\n", e.style(bold, text+":"))
}

func (e *env) helpCommands(w io.Writer, cmd *cobra.Command) {
	for _, g := range cmd.Groups() {
		e.helpGroup(w, g.Title, cmd, g.ID)
	}
	e.helpGroup(w, "Commands", cmd, "")
}

func (e *env) helpGroup(w io.Writer, title string, cmd *cobra.Command, id string) {
	var t table
	for _, sub := range cmd.Commands() {
		if sub.GroupID == id && sub.IsAvailableCommand() {
			t.add("  "+sub.Name(), sub.Short)
		}
	}
	if len(t.rows) > 0 {
		e.heading(w, title)
		t.write(w)
	}
}

func (e *env) helpFlags(w io.Writer, title string, flags *pflag.FlagSet) {
	var t table
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" || f.Name == "version" && f.Value.Type() == "bool" {
			return
		}
		kind, text := pflag.UnquoteUsage(f)
		name := "      --" + f.Name
		if f.Shorthand != "" {
			name = "  -" + f.Shorthand + ", --" + f.Name
		}
		switch kind {
		case "":
		case "string", "strings":
			name += " TEXT"
		case "int":
			name += " N"
		default:
			name += " " + strings.ToUpper(kind)
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "0s" && f.DefValue != "[]" {
			text += " (default " + f.DefValue + ")"
		}
		t.add(name, text)
	})
	if len(t.rows) > 0 {
		e.heading(w, title)
		t.write(w)
	}
}

// helpOn is `sluice help COMMAND…`.
func helpOn(root *cobra.Command, args []string) error {
	cmd, rest, err := root.Find(args)
	if err != nil || len(rest) > 0 {
		return unknownCommand(cmd, rest[0])
	}
	return cmd.Help()
}
