package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/sluice-dev/sluice"
)

// Rejected is a push that moved nothing since refs at the remote are not what
// was expected: others were there first. It unwraps to a [sluice.Error] with the
// code [sluice.Conflict]. The caller fetches and looks again.
type Rejected struct {
	Refs   []string // PushRef.Ref of those that had moved, in the order given
	Reason string   // in Git's words: "stale info", "already exists", …
	shown  *sluice.Error
}

// Error names the refs.
func (r *Rejected) Error() string { return r.shown.Message }

// Unwrap returns what a user is to see.
func (r *Rejected) Unwrap() error { return r.shown }

// answer is what git reports of one ref that was not moved.
type answer struct {
	ref    PushRef
	remote bool   // it was the remote that said no
	reason string // in parentheses in the report
}

// What git or the remote says of a ref that another push had moved, of one that
// was held back only because others were, and of one whose fate is not a choice
// of the remote.
var (
	movedAway = regexp.MustCompile(`stale info|already exists|non-fast-forward|fetch first|needs force|remote ref updated` +
		`|failed to update ref|cannot lock ref|failed to lock|incorrect old value`)
	heldBack = regexp.MustCompile(`^atomic (push|transaction) fail|^transaction fail`)
	lostWord = regexp.MustCompile(`remote failed to report status|unpacker error|^$`)
	// lockedThere is what the remote says when it came to move all refs at once
	// and one was not what it had told us a moment before.
	lockedThere = regexp.MustCompile(`(?:cannot|failed to) lock ref '([^']+)'|incorrect old value`)
	brokenOff   = regexp.MustCompile(`(?m)^(error: RPC failed|send-pack: unexpected disconnect|fatal: the remote end hung up)`)
	hookThere   = regexp.MustCompile(`aborted by (the reference-transaction )?hook`)
)

// send pushes one batch and says how it went.
func (p *pusher) send(ctx context.Context, batch []PushRef) error {
	staged := ""
	if len(batch) > p.specs {
		pattern, clear, err := p.stage(ctx, batch)
		if err != nil {
			return err
		}
		defer clear()
		staged = pattern
	}
	out, err := p.repo.run(ctx, process{args: p.arguments(ctx, batch, staged)})
	var failure *Failure
	if !errors.As(err, &failure) {
		return trouble(p.remote, err)
	}
	answers := readAnswers(string(out), batch)
	if refused := p.declined(answers, failure); refused != nil {
		return refused
	}
	if rejected := p.rejected(answers, failure); rejected != nil {
		return rejected
	}
	if len(answers) == 0 && failure.Status == 1 && !brokenOff.MatchString(failure.Stderr) && p.hasHook(ctx) {
		return p.ownHook(string(out), failure)
	}
	return trouble(p.remote, err)
}

// readAnswers reads the report of `git push --porcelain` for refs that were not
// moved, and returns them in the order given: "!", the refspec, "[rejected]
// (reason)", with tabs between. What hooks print stands between the lines.
func readAnswers(out string, batch []PushRef) []answer {
	byTarget := make(map[string]PushRef, len(batch))
	for _, ref := range batch {
		byTarget[ref.target()] = ref
	}
	byRef := map[string]answer{}
	for line := range strings.SplitSeq(out, "\n") {
		fields := strings.SplitN(line, "\t", 3)
		if len(fields) != 3 || fields[0] != "!" {
			continue
		}
		_, target, _ := strings.Cut(fields[1], ":")
		ref, ok := byTarget[target]
		if !ok {
			continue
		}
		_, reason, _ := strings.Cut(fields[2], "] (")
		byRef[target] = answer{ref, strings.HasPrefix(fields[2], "[remote"), strings.TrimSuffix(reason, ")")}
	}
	var answers []answer
	for _, ref := range batch {
		if a, ok := byRef[ref.target()]; ok {
			answers = append(answers, a)
		}
	}
	return answers
}

// declined returns the error of a remote that did not want to, if that is what
// it was: a hook, a protected name, a rule of the host.
func (p *pusher) declined(answers []answer, failure *Failure) error {
	aborted := hookThere.MatchString(failure.Stderr)
	for _, a := range answers {
		if !a.remote || movedAway.MatchString(a.reason) || heldBack.MatchString(a.reason) && !aborted || lostWord.MatchString(a.reason) {
			continue
		}
		name := p.remote
		reason := strings.Join(words(a.reason), " ")
		err := sluice.Errorf(sluice.Refused, "%s declined the push of %s (%s)", name, a.ref.target(), reason)
		if said := remoteWords(failure.Stderr); said != "" {
			err = sluice.Errorf(sluice.Refused, "%s declined the push of %s (%s): %s", name, a.ref.target(), reason, said)
		}
		fix := "this is a rule of %s: change what is pushed, or ask those who look after it"
		if strings.Contains(a.reason, "shallow") {
			fix = "complete the history here with `git fetch --unshallow %s`, then push again"
		}
		return err.Fix(fix, name).Because(failure)
	}
	return nil
}

// rejected returns the error of a push that came too late, if that is what it
// was. The remote may name the refs in a sentence of its own instead.
func (p *pusher) rejected(answers []answer, failure *Failure) error {
	var moved []answer
	for _, a := range answers {
		if movedAway.MatchString(a.reason) {
			moved = append(moved, a)
		}
	}
	if said := lockedThere.FindStringSubmatch(failure.Stderr); len(moved) == 0 && said != nil {
		for _, a := range answers {
			if a.remote && (a.ref.target() == said[1] || said[1] == "") {
				a.reason = remoteWords(failure.Stderr)
				moved = append(moved, a)
			}
		}
	}
	if len(moved) == 0 {
		return nil
	}
	rejected := &Rejected{Reason: strings.Join(words(moved[0].reason), " ")}
	for _, a := range moved {
		rejected.Refs = append(rejected.Refs, a.ref.Ref)
	}
	more := ""
	if n := len(moved) - 1; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	rejected.shown = sluice.Errorf(sluice.Conflict, "%s has moved since it was last looked at: %s%s (%s)", p.remote, moved[0].ref.target(), more, rejected.Reason).
		Do(sluice.SyncGit(""), "try again; {} takes over what others did").Because(failure)
	return rejected
}

// hasHook reports whether the user has a pre-push hook, which makes git end the
// same way as some troubles do.
func (p *pusher) hasHook(ctx context.Context) bool {
	dir := filepath.Join(p.repo.Common, "hooks")
	if settings, err := p.repo.Settings(ctx); err == nil {
		dir = settings.HooksPath
	}
	info, err := os.Stat(filepath.Join(dir, "pre-push"))
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// ownHook is the error of a push that the user's hook stopped, with what the
// hook said: on either stream, depending on the version of git.
func (p *pusher) ownHook(out string, failure *Failure) error {
	said := words(out + "\n" + failure.Stderr)
	for len(said) > 0 && strings.HasPrefix(said[len(said)-1], "error: failed to push some refs") {
		said = said[:len(said)-1]
	}
	message := ""
	if len(said) > 0 {
		message = ": " + oneLine(strings.Join(said, "\n"))
	}
	return sluice.Errorf(sluice.Refused, "your pre-push hook declined the push to %s%s", p.remote, message).
		Fix("see what it asks for in `git rev-parse --git-path hooks`/pre-push").Because(failure)
}
