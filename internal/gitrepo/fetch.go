package gitrepo

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/sluice-dev/sluice"
)

// fetchOptions keep a fetch to what was asked for, however git is set up: no
// tags that follow, no FETCH_HEAD, no refs of the user's own fetch settings, no
// submodules, and nothing that goes on in the background.
var fetchOptions = []string{
	"fetch", "--quiet", "--no-tags", "--no-prune-tags", "--no-write-fetch-head", "--refmap=", "--no-recurse-submodules",
	"--no-auto-maintenance", "--no-write-commit-graph", "--stdin",
}

// lockedOut is what git says when another process moves the same local refs, or
// when refs of the remote became directories.
var lockedOut = regexp.MustCompile(`cannot lock ref|Unable to create '.*\.lock'|unable to (update|delete) local ref|some local refs could not be updated`)

// Fetch brings refs of a remote, and all that they hold, into local refs: each
// spec is "[+]<theirs>:<ours>", both full names or patterns with one *. With
// prune, local refs go that a pattern covers and the remote no longer has. The
// remote is the name of one or an address; nobody is asked anything at the
// terminal, and how long it may take is up to the context.
//
// The local refs change together or not at all, except when a name became the
// directory of another one. When another process fetches the same refs
// meanwhile, it is tried again.
//
// Errors: [sluice.Unavailable] when the remote cannot be reached, does not let
// us in, has no such repository or says nothing until the deadline;
// [sluice.NotFound] when it has no ref of a spec without *; [sluice.Conflict]
// when a spec without + would move a ref other than forwards, or others go on
// moving our refs; [sluice.Invalid] for a remote or spec that is malformed.
func (r *Repo) Fetch(ctx context.Context, remote Remote, prune bool, specs ...string) error {
	if err := checkRemote(remote); err != nil {
		return err
	}
	if len(specs) == 0 {
		return sluice.Errorf(sluice.Invalid, "nothing to fetch from %s was named", remote)
	}
	for _, spec := range specs {
		if strings.ContainsFunc(spec, unicode.IsControl) || !strings.HasPrefix(strings.TrimPrefix(spec, "+"), "refs/") {
			return sluice.Errorf(sluice.Invalid, "%q does not say which refs to fetch", shortened(spec)).Fix("write it as +refs/theirs/*:refs/ours/*")
		}
	}
	options := fetchOptions[:len(fetchOptions):len(fetchOptions)]
	if prune {
		options = append(options, "--prune")
	} else {
		options = append(options, "--no-prune")
	}
	if !slices.ContainsFunc(specs, func(spec string) bool { return spec[0] != '+' }) {
		options = append(options, "--no-show-forced-updates") // else git would look, for each ref, whether it moved forwards
	}
	stdin := []byte(strings.Join(specs, "\n") + "\n")
	// First all or none. What is locked out of that is tried one ref at a time:
	// within one transaction a name cannot become a directory.
	var err error
	for _, way := range []string{"--atomic", "--no-atomic", "--atomic", "--no-atomic"} {
		_, err = r.run(ctx, process{args: append(options[:len(options):len(options)], way, "--", string(remote)), stdin: stdin})
		var failure *Failure
		if !errors.As(err, &failure) || !lockedOut.MatchString(failure.Stderr) {
			break
		}
	}
	return fetchTrouble(remote, err)
}

// fetchTrouble tells what went wrong here from what went wrong there.
func fetchTrouble(remote Remote, err error) error {
	var failure *Failure
	if !errors.As(err, &failure) {
		return trouble(remote, err)
	}
	name := remote
	switch {
	case strings.Contains(failure.Stderr, "ref updates aborted by hook"):
		return sluice.Errorf(sluice.Refused, "a hook of the repository declined what %s has: %s", name, hookWords(failure.Stderr)).
			Fix("see the hook reference-transaction, in the directory that `git rev-parse --git-path hooks` prints").Because(err)
	case lockedOut.MatchString(failure.Stderr):
		return sluice.Errorf(sluice.Conflict, "what %s has cannot be recorded here, since other processes move the same refs: %s", name, lastWords(failure.Stderr)).
			Fix("try again; when it stays like this, look for leftover *.lock files with `git fsck` and in the Git directory").Because(err)
	case failure.Status == 1 && lastWords(failure.Stderr) == noWords: // a rejection, of which a quiet git does not speak
		return sluice.Errorf(sluice.Conflict, "refs of %s have moved other than forwards", name).
			Fix("see them with `git ls-remote %s`", name).Because(err)
	}
	return trouble(remote, err)
}

// hookWords is what a hook that stopped a fetch said last.
func hookWords(stderr string) string {
	var said []string
	for _, line := range words(stderr) {
		if !strings.Contains(line, "aborted by hook") && !strings.Contains(line, "forced-updates") && !strings.Contains(line, "showForcedUpdates") && !strings.Contains(line, "forced update") {
			said = append(said, line)
		}
	}
	if len(said) == 0 {
		return "it does not say why"
	}
	return oneLine(said[len(said)-1])
}
