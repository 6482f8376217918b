package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// suggested is a command line as messages and pages show it.
var suggested = regexp.MustCompile("`sluice ([a-z][^`\n]*)`")

// plainWord is a word that would be a command's name.
var plainWord = regexp.MustCompile(`^[a-z][a-z-]*$`)

// TestSuggestedCommandsExist looks for every command that a message or a page
// tells people to type, and for its flags.
func TestSuggestedCommandsExist(t *testing.T) {
	t.Parallel()
	root := rootCommand(newEnv(Process{Stdout: os.Stdout}))
	found := 0
	err := filepath.WalkDir("../..", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == ".git") {
			return filepath.SkipDir
		}
		ext := filepath.Ext(name)
		if ext != ".go" && ext != ".md" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, m := range suggested.FindAllStringSubmatch(string(text), -1) {
			found++
			words := strings.Fields(m[1])
			if words[0] == "help" { // cobra adds it when it runs
				continue
			}
			cmd, rest, err := root.Find(words)
			if err != nil || cmd == root || cmd.HasSubCommands() && len(rest) > 0 && plainWord.MatchString(rest[0]) {
				t.Errorf("%s: there is no `sluice %s`", name, m[1])
				continue
			}
			for _, word := range rest {
				flag, _, _ := strings.Cut(strings.TrimLeft(word, "["), "=")
				long, is := strings.CutPrefix(strings.TrimRight(flag, "]"), "--")
				if is && long != "help" && cmd.Flag(long) == nil && root.PersistentFlags().Lookup(long) == nil {
					t.Errorf("%s: `sluice %s` has no flag --%s", name, cmd.Name(), long)
				}
			}
		}
		return nil
	})
	if err != nil || found < 100 {
		t.Errorf("found %d commands (%v), want 100 at least", found, err)
	}
}
