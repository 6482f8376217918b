package gitrepo

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"unicode"

	"github.com/sluice-dev/sluice"
)

// maxRemote bounds the name or address of a remote, in bytes.
const maxRemote = 4096

// checkRemote refuses what git would take for an option, and what no name or
// address of a remote holds. Both the name of a remote that is set up and any
// address that git knows will do: a path, file://, https://, ssh://,
// git@host:path.
func checkRemote(named Remote) error {
	remote := string(named)
	odd := strings.ContainsFunc(remote, unicode.IsControl) || strings.HasPrefix(remote, "-") || len(remote) > maxRemote
	if remote == "" || odd {
		return sluice.Errorf(sluice.Invalid, "%q is not the name or the address of a remote", shortened(named.String())).
			Fix("see the names with `git remote -v`; an address is a path or such as https://example.com/team/repository.git")
	}
	return nil
}

func shortened(text string) string {
	const most = 100
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// troubles are the ways in which git cannot do its business with a remote, told
// from what it says last. The first that fits is the one. In message and fix, %s
// is the remote.
var troubles = []struct {
	said    *regexp.Regexp
	code    sluice.Code
	message string
	fix     string
}{
	{
		regexp.MustCompile(`does not support --atomic`), sluice.Refused,
		"%s cannot move several refs all or none, and Sluice moves them no other way",
		"let %s allow it with `git config receive.advertiseAtomic true` there, or use a host with Git 2.4 or later",
	},
	{
		regexp.MustCompile(`--mirror can't be combined with refspecs`), sluice.Refused,
		"%s is set up as a mirror, which git pushes as a whole or not at all",
		"take remote.%s.mirror out with `git config --edit`, or name another remote",
	},
	{
		regexp.MustCompile(`couldn't find remote ref`), sluice.NotFound,
		"%s does not have that ref", "see what there is with `git ls-remote %s`",
	},
	{
		regexp.MustCompile(`(?i)Authentication failed|could not read (Username|Password)|Permission (to .* )?denied|Host key verification failed` +
			`|returned error: 40[13]|marked as read only|access .*(not granted|denied)|invalid credentials`), sluice.Unavailable,
		"%s does not let you in", "set up an SSH key or a credential helper, so that `git ls-remote %s` works without a question",
	},
	{
		regexp.MustCompile(`(?i)does not appear to be a git repository|not a git repository|repository .*not found|returned error: 404|does not exist`), sluice.Unavailable,
		"there is no repository at %s", "see the addresses with `git remote -v`, and whether `git ls-remote %s` works",
	},
}

// trouble makes an error of a process that was to speak with a remote into one
// that says what to do: the first of troubles that fits, or that the remote
// cannot be reached. Errors that are not git's own stay as they are, save for a
// deadline: a remote that says nothing is [sluice.Unavailable].
func trouble(remote Remote, err error) error {
	name := remote
	var failure *Failure
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return sluice.Errorf(sluice.Unavailable, "%s did not answer in time", name).
			Fix("see whether `git ls-remote %s` answers, and try again", name).Because(err)
	case !errors.As(err, &failure):
		return err
	}
	said := lastWords(failure.Stderr)
	for _, t := range troubles {
		if t.said.MatchString(failure.Stderr) {
			return sluice.Errorf(t.code, t.message+": %s", name, said).Fix(t.fix, name).Because(err)
		}
	}
	return sluice.Errorf(sluice.Unavailable, "%s cannot be reached: %s", name, said).
		Fix("see that the network is up and that `git ls-remote %s` works, then try again", name).Because(err)
}

// empty are lines of git that say nothing when there is another one.
var empty = []string{
	"Please make sure you have the correct access rights", "and the repository exists.", "Could not read from remote repository.",
	"the remote end hung up unexpectedly", "failed to push some refs to",
}

// lastWords returns the end of what git said, for people: at most three lines
// that say something, as one.
func lastWords(stderr string) string {
	const most = 3
	var said []string
	for _, line := range words(stderr) {
		for _, prefix := range []string{"remote:", "fatal:", "error:"} {
			line = strings.TrimSpace(strings.TrimPrefix(line, prefix))
		}
		if says(line) {
			said = append(said, line)
		}
	}
	if len(said) == 0 {
		return noWords
	}
	return oneLine(strings.Join(said[max(0, len(said)-most):], "\n"))
}

// noWords stands for what git did not say.
const noWords = "git does not say more"

func says(line string) bool {
	if line == "" {
		return false
	}
	for _, phrase := range empty {
		if strings.HasPrefix(line, phrase) {
			return false
		}
	}
	return true
}

// remoteWords returns what the remote itself said, its hooks above all, in one
// line.
func remoteWords(stderr string) string {
	var said []string
	for _, line := range words(stderr) {
		if line, ok := strings.CutPrefix(line, "remote:"); ok && strings.TrimSpace(line) != "" {
			said = append(said, strings.TrimSpace(line))
		}
	}
	return oneLine(strings.Join(said, "\n"))
}

// words returns the lines of what a process said that are not blank, without
// what gives access to a remote or would play tricks on a terminal.
func words(said string) []string {
	var lines []string
	for line := range strings.FieldsFuncSeq(Shown(said), func(c rune) bool { return c == '\n' || c == '\r' }) {
		line = strings.Map(func(c rune) rune {
			if unicode.IsControl(c) && c != '\t' {
				return -1
			}
			return c
		}, escapes.ReplaceAllString(line, ""))
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// escapes are the sequences that colour a terminal or move its cursor.
var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)
