package cli

import (
	"context"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

// Process is what a command line takes from the process that it runs in.
type Process struct {
	Args    []string // without the name of the program
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Getenv  func(string) string
	Now     func() time.Time // in the zone of the caller
	Dir     string           // the working directory
	Version string           // of the program
}

// Run carries out one command line and returns its exit status.
func Run(ctx context.Context, p Process) int {
	e := newEnv(p)
	defer e.close()
	for i, arg := range p.Args {
		if err := sluice.CheckIsText("argument "+strconv.Itoa(i+1), arg); err != nil {
			return e.exit(ctx, err)
		}
	}
	root := rootCommand(e)
	root.SetArgs(p.Args)
	root.SetIn(e.Stdin)
	root.SetOut(e.Stdout)
	root.SetErr(e.Stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = e.afterChange(ctx, cmd)
	} else {
		e.awayNote()
	}
	if f := cmd.Flags().Lookup("dry-run"); err == nil && f != nil && f.Changed && f.Value.String() == "true" {
		e.note("dry run: nothing was changed")
	}
	return e.exit(ctx, err)
}

// The groups of commands, as help lists them.
const (
	groupRelease = "release"
	groupLook    = "look"
	groupRun     = "run"
	groupAuthor  = "author"
	groupOperate = "operate"
)

func rootCommand(e *env) *cobra.Command {
	root := group(e, "sluice", "Release control for AI components",
		"Sluice keeps prompts, workflows, scripts, agents and configs as immutable versions, says which\n"+
			"version is live in which environment, moves that pointer safely, and tells what ran when.")
	root.Version = e.Version
	root.SetVersionTemplate("sluice {{.Version}}\n")
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(e.flagError)
	root.SetHelpFunc(e.help)
	root.PersistentPreRunE = e.before
	root.SetHelpCommand(&cobra.Command{Use: "help", Hidden: true, RunE: func(cmd *cobra.Command, args []string) error { return helpOn(cmd.Root(), args) }})
	root.Example = "  sluice deploy set my-prompt v1.1.0 --to production\n" +
		"  sluice rollback my-prompt\n" +
		"  sluice history --date \"tuesday 14:47\""
	e.globalFlags(root)
	root.AddGroup(
		&cobra.Group{ID: groupRelease, Title: "Change what is live"},
		&cobra.Group{ID: groupLook, Title: "See what is, was and will be live"},
		&cobra.Group{ID: groupRun, Title: "Run versions, and see what became of it"},
		&cobra.Group{ID: groupAuthor, Title: "Write and publish"},
		&cobra.Group{ID: groupOperate, Title: "Set up and run"},
	)
	for _, g := range commandTable(e) {
		for _, cmd := range g.commands {
			cmd.GroupID = g.id
			root.AddCommand(cmd)
		}
	}
	return root
}

type commandGroup struct {
	id       string
	commands []*cobra.Command
}

// commandTable is every command, in the order of the help page.
func commandTable(e *env) []commandGroup {
	return []commandGroup{
		{groupRelease, []*cobra.Command{
			deployCommand(e), promoteCommand(e), rollbackCommand(e), restoreCommand(e), variableCommand(e),
		}},
		{groupLook, []*cobra.Command{
			historyCommand(e), diffCommand(e), watchCommand(e), auditCommand(e),
		}},
		{groupRun, []*cobra.Command{
			runCommand(e), threadCommand(e), compareCommand(e), logsCommand(e),
		}},
		{groupAuthor, []*cobra.Command{
			componentsCommand(e), draftCommand(e), tagCommand(e), versionCommand(e),
		}},
		{groupOperate, []*cobra.Command{
			initCommand(e), demoCommand(e), environmentCommand(e), gitCommand(e), serveCommand(e), doctorCommand(e), healthCommand(e),
			backupCommand(e), exportCommand(e), tokenCommand(e), completionCommand(e),
		}},
	}
}

// drawsTree marks the commands that can print a tree.
const drawsTree = "tree"

// before is what comes before every command: what it cannot print is refused, and
// what others changed is brought in before it changes anything.
func (e *env) before(cmd *cobra.Command, args []string) error {
	if err := e.checkFormat(cmd, args); err != nil {
		return err
	}
	return e.beforeChange(cmd.Context(), cmd)
}

// checkFormat refuses a form that a command cannot print, before it does anything.
func (e *env) checkFormat(cmd *cobra.Command, _ []string) error {
	if slices.Contains(exportForms, string(e.format)) && cmd.Annotations[writesExports] == "" {
		return misuse(cmd, "%s prints no %s", nameOf(cmd), e.format).fix("use -o table, json or yaml; `sluice env export` has dotenv and shell")
	}
	if e.format == "tree" && cmd.Annotations[drawsTree] == "" {
		return misuse(cmd, "%s prints no tree", nameOf(cmd)).fix("use -o table, json or yaml; `sluice components list` has a tree")
	}
	return nil
}

// globalFlags are those that every command takes.
func (e *env) globalFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.VarP(&e.format, "output", "o", "how to print the answer: table, json or yaml")
	f.Var(&e.format, "format", "the same as --output")
	f.StringVar(&e.flags.Server, "server", "", "`URL` of a server (SLUICE_SERVER); without one, the project's .sluice directory")
	f.StringVar(&e.flags.Token, "token", "", "`TOKEN` for the server (SLUICE_TOKEN)")
	f.StringVar(&e.flags.Org, "org", "", "`ORGANIZATION` (SLUICE_ORG)")
	f.StringVar(&e.flags.Data, "data", "", "`DIRECTORY` to work on without a server (SLUICE_DATA)")
	f.BoolVarP(&e.yes, "yes", "y", false, "answer yes to every question")
	for _, name := range []string{"output", "format"} {
		complete(root, name, e.fixed("table", "json", "yaml", "tree"))
	}
}
