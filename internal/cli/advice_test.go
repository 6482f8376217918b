package cli

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluice-dev/sluice"
)

// allArguments are arguments of all operations.
var allArguments = sluice.Arguments{
	sluice.ArgComponent: "bot", sluice.ArgEnvironment: "production", sluice.ArgVersion: "v1.0.0", sluice.ArgKeys: "MODEL API_TOKEN",
	sluice.ArgFrom: "staging", sluice.ArgTo: "v1.0.0", sluice.ArgExpect: "v1.1.0", sluice.ArgSecrets: "exact", sluice.ArgParent: "base",
	sluice.ArgChange: "promotes_from", sluice.ArgRun: "last", sluice.ArgHow: "retry", sluice.ArgStatus: "running", sluice.ArgRole: "deployer",
	sluice.ArgToken: "ci", sluice.ArgSetting: "git",
}

// TestOperationsAreCommands checks that the command line has a command for every
// operation, with any arguments and with none, and that cobra can parse it.
func TestOperationsAreCommands(t *testing.T) {
	t.Parallel()
	release, theirs := maps.Clone(allArguments), maps.Clone(allArguments)
	release[sluice.ArgRelease], theirs[sluice.ArgHow] = "production#4", "theirs"
	for _, name := range sluice.Operations() {
		for _, arguments := range []sluice.Arguments{nil, allArguments, release, theirs} {
			if name == sluice.OpResumeRun && arguments[sluice.ArgHow] == "theirs" || name == sluice.OpSyncGit && arguments[sluice.ArgHow] == "retry" {
				continue
			}
			line, ok := commandOf(sluice.Operation{Name: name, Arguments: arguments})
			if !ok {
				t.Errorf("%s is no command", name)
				continue
			}
			root := rootCommand(newEnv(Process{Stdout: os.Stdout}))
			cmd, rest, err := root.Find(strings.Fields(line)[1:])
			if err != nil || cmd == root || cmd.HasSubCommands() {
				t.Errorf("%s: there is no `%s`", name, line)
			} else if err := cmd.ParseFlags(rest); err != nil {
				t.Errorf("%s: `%s`: %v", name, line, err)
			} else if cmd.Args != nil {
				if err := cmd.Args(cmd, cmd.Flags().Args()); err != nil {
					t.Errorf("%s: `%s`: %v", name, line, err)
				}
			}
		}
	}
	if len(commands) != len(sluice.Operations()) {
		t.Errorf("there are %d commands for %d operations", len(commands), len(sluice.Operations()))
	}
}

// TestFieldsAreFlags checks that every field has words, and that each flag is one
// of some command.
func TestFieldsAreFlags(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"token": true, "data": true}
	commandFlags(rootCommand(newEnv(Process{Stdout: os.Stdout})), known)
	for _, f := range sluice.Fields() {
		text, ok := speech.Field(f, "")
		if !ok {
			t.Errorf("%s has no words", f)
		}
		for word := range strings.FieldsSeq(strings.Trim(text, "`")) {
			if name, is := strings.CutPrefix(word, "--"); is && !known[name] {
				t.Errorf("%s: no command has a flag %s", f, word)
			}
		}
	}
}

// TestAdviceOnTheCommandLine shows what advice looks like there.
func TestAdviceOnTheCommandLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		advice sluice.Advice
		want   string
	}{
		{sluice.Advise("try {}again {further}"), "try {}again {further}"},
		{sluice.Do(sluice.SetVariables("production", "", "MODEL"), "set it"), "set it: `sluice env set MODEL=… -e production`"},
		{sluice.Do(sluice.SetVariables("production", "", "API_TOKEN"), "set it"), "set it: `sluice env set API_TOKEN -e production`"},
		{sluice.Do(sluice.SetVariable("eu", "var/MODEL@bot"), ""), "`sluice env set MODEL=… --component bot -e eu`"},
		{sluice.Do(sluice.DeployVersion("bot", "v1.0.0", "eu", "MODEL", "API_KEY"), "or"), "or: `sluice deploy set bot v1.0.0 --to eu --set MODEL=… --set API_KEY`"},
		{sluice.Do(sluice.RollbackTo("bot", "eu", "{version}", ""), "name a version"), "name a version: `sluice rollback bot --to VERSION --in eu`"},
		{sluice.Do(sluice.RestoreFrom("production@2h ago", "debug"), ""), "`sluice restore --from 'production@2h ago' --to debug`"},
		{sluice.Do(sluice.MakeEnvironment("eu"), "{}, then {sync-git}"), "`sluice environment create eu`, then `sluice git sync`"},
		{sluice.Ask(`say where to: {to="2h ago"}`), `say where to: --to "2h ago"`},
		{sluice.Ask("name a time: {from=eu@TIME}"), "name a time: --from eu --at TIME"},
	} {
		if got := saying(tt.advice); got != tt.want {
			t.Errorf("%+v: got %s, want %s", tt.advice, got, tt.want)
		}
	}
	undo := sluice.Do(sluice.RollbackTo("bot", "eu", "eu#3", "v1.0.0"), "")
	if got := undoing(&undo); got != "sluice rollback bot --to eu#3 --expect v1.0.0" {
		t.Errorf("undo: %s", got)
	}
	if got := slices.Collect(maps.Keys(flags)); len(got) != len(sluice.Fields()) {
		t.Errorf("words for %d fields, want %d", len(got), len(sluice.Fields()))
	}
}

// commandFlags notes the flags of a command and of all below it.
func commandFlags(cmd *cobra.Command, known map[string]bool) {
	note := func(f *pflag.Flag) { known[f.Name] = true }
	cmd.Flags().VisitAll(note)
	cmd.PersistentFlags().VisitAll(note)
	for _, child := range cmd.Commands() {
		commandFlags(child, known)
	}
}
