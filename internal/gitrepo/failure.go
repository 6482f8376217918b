package gitrepo

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/sluice-dev/sluice"
)

// Failure is a git process that ended with another status than 0. It unwraps
// to the [sluice.Error] that a user is to see.
type Failure struct {
	Args   []string // as they may be shown
	Status int      // -1 when a signal ended it
	Stderr string   // what it said, at most 64 KiB, as it may be shown
	shown  *sluice.Error
}

// Error returns the command and what it said, in one line.
func (f *Failure) Error() string { return f.shown.Message }

// Unwrap returns what a user is to see: [sluice.Denied] when Git does not trust
// the owner of the repository, [sluice.Unavailable] otherwise.
func (f *Failure) Unwrap() error { return f.shown }

var dubious = regexp.MustCompile(`detected dubious ownership|unsafe repository \(`)

func newFailure(args []string, status int, stderr, at string) *Failure {
	f := &Failure{Args: shownArgs(args), Status: status, Stderr: Shown(strings.ToValidUTF8(strings.TrimSpace(stderr), "�"))}
	switch {
	case dubious.MatchString(f.Stderr):
		f.shown = sluice.Errorf(sluice.Denied, "Git does not trust the repository %s, since it belongs to another user", at).
			Fix("if you do, say so with `git config --global --add safe.directory '%s'`", at)
	case strings.Contains(f.Stderr, "cannot use bare repository"):
		f.shown = sluice.Errorf(sluice.Denied, "Git is set up to refuse bare repositories such as %s (safe.bareRepository)", at).
			Fix("allow them with `git config --global safe.bareRepository all`, or use a clone with a work tree")
	default:
		said := f.Stderr
		if said == "" {
			said = fmt.Sprintf("it ended with status %d", status)
		}
		f.shown = sluice.Errorf(sluice.Unavailable, "git %s failed: %s", verb(args), oneLine(said))
	}
	return f
}

// oneLine shortens what git says to a line for people.
func oneLine(said string) string {
	lines := strings.FieldsFunc(said, func(c rune) bool { return c == '\n' || c == '\r' })
	text := strings.Join(lines, "; ")
	const most = 500
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// verb returns the git command of arguments that may begin with options.
func verb(args []string) string {
	for i := 0; i < len(args); i++ {
		if args[i] == "-c" || args[i] == "-C" {
			i++
			continue
		}
		if !strings.HasPrefix(args[i], "-") {
			return args[i]
		}
	}
	return strings.Join(args, " ")
}

func shownArgs(args []string) []string {
	shown := make([]string, len(args))
	for i, arg := range args {
		shown[i] = hideAccess(arg)
	}
	return shown
}
