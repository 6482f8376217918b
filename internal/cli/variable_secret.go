package cli

import (
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

// secretFlags are --secret and --plain: of all values, or of single keys.
type secretFlags struct {
	all  *bool           // nil when not said
	keys map[string]bool // whether it is a secret
	bare bool            // --secret stood alone, so that keys may follow it
}

func (s *secretFlags) add(cmd *cobra.Command) {
	f := cmd.Flags().VarPF(secretFlag{s, true}, "secret", "", "keep the value of `KEY` masked, or all; --secret=false shows all, whatever they look like")
	f.NoOptDefVal = "true"
	cmd.Flags().VarPF(secretFlag{s, false}, "plain", "", "show the value of `KEY`, whatever it looks like")
}

// of says of a key whether it is a secret; nil leaves that to the rules.
func (s *secretFlags) of(key string) *bool {
	if said, found := s.keys[key]; found {
		return &said
	}
	return s.all
}

// take returns the arguments without the keys of --secret KEY, which stand among
// them since --secret may stand alone: with `env set` those that are assigned in another
// argument, with `env import` all behind the file. Each key must be one that is set.
func (s *secretFlags) take(cmd *cobra.Command, args []string) ([]string, error) {
	files := cmd.Name() == "import"
	assigned := map[string]bool{}
	for _, arg := range args {
		if key, _, given := strings.Cut(arg, "="); given {
			assigned[key] = true
		}
	}
	named := false
	rest := slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		if !s.bare || !assigned[arg] && (!files || arg == args[0]) {
			return false
		}
		named = true
		s.say(arg, true)
		return true
	})
	if named {
		s.all = nil
	}
	if files && len(rest) > 1 {
		return nil, misuse(cmd, "env import: it takes one file").fix("import them one after another")
	}
	for key := range s.keys {
		if err := sluice.CheckKey(key); err != nil {
			return nil, misuse(cmd, "%s: --secret and --plain take the name of a key", nameOf(cmd)).fix("a value is written KEY=VALUE")
		}
		if !files && !assigned[key] && !slices.Contains(rest, key) {
			return nil, misuse(cmd, "%s: --secret or --plain names a key that is not set here", nameOf(cmd)).fix("name one of those that are")
		}
	}
	return rest, nil
}

func (s *secretFlags) say(key string, secret bool) {
	if s.keys == nil {
		s.keys = map[string]bool{}
	}
	s.keys[key] = secret
}

// secretFlag is one of the two.
type secretFlag struct {
	into   *secretFlags
	secret bool
}

func (s secretFlag) String() string { return "" }

// Type is shown by the help.
func (s secretFlag) Type() string { return "KEY" }

// Set takes true and false for all, or a key. What it says does not repeat it.
func (s secretFlag) Set(text string) error {
	if s.secret && (text == "true" || text == "false") {
		all := text == "true"
		s.into.all, s.into.bare = &all, s.into.bare || all
		return nil
	}
	for key := range strings.SplitSeq(text, ",") {
		if sluice.CheckKey(key) != nil {
			return sluice.Errorf(sluice.Invalid, "it takes the name of a key").Fix("a value is written KEY=VALUE")
		}
		s.into.say(key, s.secret)
	}
	return nil
}
