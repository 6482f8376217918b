package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestEveryCommandIsExplained holds each page of help to one form: one line,
// an example to copy, and no line that a terminal would break.
func TestEveryCommandIsExplained(t *testing.T) {
	e, stdout, _ := printing("")
	root := rootCommand(e)
	root.SetOut(e.Stdout)
	walk(root, func(cmd *cobra.Command) {
		if cmd.Hidden {
			return
		}
		path := cmd.CommandPath()
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") || len(cmd.Short) > 72 {
			t.Errorf("%s: the one-line summary %q is empty, too long or ends with a full stop", path, cmd.Short)
		}
		if cmd.Long != "" && !strings.HasSuffix(cmd.Long, ".") {
			t.Errorf("%s: the text must be sentences", path)
		}
		if !cmd.HasSubCommands() && !strings.Contains(cmd.Example, "sluice "+nameOf(cmd)) && path != "sluice" {
			t.Errorf("%s: the example does not show it: %q", path, cmd.Example)
		}
		stdout.Reset()
		if err := cmd.Help(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for line := range strings.Lines(stdout.String()) {
			if len([]rune(line)) > 121 {
				t.Errorf("%s: a line of help is too long:\n%s", path, line)
			}
		}
	})
}

// TestEveryChangeCanBeExplainedAndTried checks that what changes something
// takes --reason, --ticket, --dry-run and --idempotency-key.
func TestEveryChangeCanBeExplainedAndTried(t *testing.T) {
	e, _, _ := printing("")
	root := rootCommand(e)
	for _, path := range []string{
		"deploy set", "deploy unset", "promote", "rollback", "restore", "version rollback",
		"components add", "components archive", "draft save", "draft publish", "tag create",
		"version edit", "version quarantine", "version lift", "version purge",
		"environment create", "environment edit", "environment delete", "environment apply",
		"token create", "token rotate", "token revoke",
	} {
		cmd, rest, err := root.Find(strings.Fields(path))
		if err != nil || len(rest) > 0 {
			t.Errorf("there is no command %q", path)
			continue
		}
		for _, flag := range []string{"reason", "ticket", "dry-run", "idempotency-key"} {
			if cmd.Flags().Lookup(flag) == nil {
				t.Errorf("%s has no flag --%s", path, flag)
			}
		}
	}
}

// TestEveryAnswerIsDocumented checks that the JSON of each command is described,
// and held to its shape by a story.
func TestEveryAnswerIsDocumented(t *testing.T) {
	doc := contentsOf(t, "../../docs/cli-json.md")
	story := contentsOf(t, "../../cmd/sluice/testdata/script/json_shapes.txtar")
	e, _, _ := printing("")
	walk(rootCommand(e), func(cmd *cobra.Command) {
		name := nameOf(cmd)
		if cmd.Hidden || cmd.HasSubCommands() || name == "serve" || name == "demo" || name == "completion" {
			return
		}
		if !regexp.MustCompile("`" + name + "[ `]").MatchString(doc) {
			t.Errorf("docs/cli-json.md does not say what %s prints", name)
		}
		if !regexp.MustCompile("(?m)^" + name + "( .*)?$").MatchString(story) {
			t.Errorf("json_shapes.txtar does not show what %s prints", name)
		}
	})
}

func contentsOf(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		walk(sub, visit)
	}
}
