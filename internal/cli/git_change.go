package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/gitrepo"
	"github.com/sluice-dev/sluice/internal/gitsync"
	"github.com/spf13/cobra"
)

// How long a remote is waited for. A change is made on top of what others did, since
// what a rollback goes back to depends on that; but it does not wait long to know.
const (
	lookPatience  = 2 * time.Second // before a change, and by what comes after one that was not sent
	sharePatience = 5 * time.Second // around a change, altogether
	firstPatience = time.Minute     // by the first command in a clone
	silencePause  = time.Second     // until a person is told what is waited for
)

// apart are groups of commands whose changes concern this installation alone.
var apart = []string{"components", "token", "audit", "thread", "run", "git"}

// shares reports whether a command changes what others see through Git.
func shares(cmd *cobra.Command) bool {
	flag := cmd.Flags().Lookup("no-push")
	dry := cmd.Flags().Lookup("dry-run")
	first, _, _ := strings.Cut(nameOf(cmd), " ")
	return flag != nil && !slices.Contains(apart, first) && (dry == nil || dry.Value.String() != "true")
}

// keeps reports whether a command was told not to push.
func keeps(cmd *cobra.Command) bool { return cmd.Flags().Lookup("no-push").Value.String() == "true" }

// beforeChange brings in what others did, so that a change is made on top of it.
// When the remote cannot be reached, the change is made all the same.
func (e *env) beforeChange(ctx context.Context, cmd *cobra.Command) error {
	if !shares(cmd) || keeps(cmd) {
		return nil
	}
	g, err := e.gitProject(ctx)
	if err != nil || g == nil || g.Push != config.PushOnRelease {
		return err
	}
	e.syncs = true
	bridge, err := e.bridgeOf(ctx, g)
	if err != nil {
		return err
	}
	began := time.Now()
	reach, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	told := e.tellLater("asking %s what others did, for %.0f s at most", g.Remote, lookPatience.Seconds())
	done, err := bridge.Sync(reach, gitsync.SyncOptions{})
	told()
	g.waited = time.Since(began)
	if err != nil && ctx.Err() == nil && (unreachable(err) || declined(err)) {
		g.away = err
		done, err = bridge.Sync(ctx, gitsync.SyncOptions{Offline: true}) // a clone has the tags at least
	}
	if err != nil {
		return err
	}
	e.syncedNotes(done)
	return notTaken(g, done)
}

// awayNote tells, when a change failed, that the remote was not reached before it:
// what it is about may only be there.
func (e *env) awayNote() {
	if e.git != nil && e.git.away != nil {
		e.note("%s was not reached before this: %s", e.git.Remote, sluice.AsError(e.git.away).Message)
	}
}

// firstSync brings what the repository has into an installation that was just made:
// in a fresh clone every answer would else be that there is nothing. It is no
// reason to fail.
func (e *env) firstSync(ctx context.Context) {
	g, err := e.gitProject(ctx)
	if err != nil || g == nil {
		return // whoever needs it is told
	}
	bridge, err := e.bridgeOf(ctx, g)
	if err == nil {
		reach, cancel := context.WithTimeout(ctx, firstPatience)
		defer cancel()
		defer e.tellLater("asking %s what there is, for %.0f s at most", firstOf(g.Remote, "the repository"), firstPatience.Seconds())()
		var done gitsync.Synced
		if done, err = bridge.Sync(reach, gitsync.SyncOptions{}); err == nil && done.Versions+len(done.Recorded) > 0 {
			e.note("started with what %s has: %s", firstOf(g.Remote, "the repository"), amounts(done))
		}
	}
	if err != nil && bridge != nil { // a clone has the tags at least
		if _, failed := bridge.Sync(ctx, gitsync.SyncOptions{Offline: true}); failed != nil {
			err = failed
		}
	}
	if err != nil {
		e.note("started with what is in this clone, since what %s has could not be brought in: %s; try again with `sluice git sync`", firstOf(g.Remote, "the repository"), sluice.AsError(err).Message)
	}
}

// amounts are how much a sync brought in.
func amounts(s gitsync.Synced) string {
	return counted(s.Versions, "version") + ", " + counted(len(s.Recorded), "release")
}

// notTaken refuses a change after a sync that could not take in releases: it would
// be made apart from them.
func notTaken(g *gitProject, s gitsync.Synced) error {
	for _, r := range s.Refused {
		if display, ok := gitsync.ParseEnvironmentRef(r.Ref); ok {
			return sluice.Errorf(sluice.Refused, "nothing was changed, since what %s has of %s is not taken in", g.Remote, display).
				Fix("see why, and have it mended: `sluice git sync`").Fix("or make the change here alone: --no-push")
		}
	}
	return nil
}

func unreachable(err error) bool {
	code := sluice.CodeOf(err)
	return code == sluice.Unavailable || code == sluice.TimedOut
}

// declined reports whether it was a hook here that stopped git.
func declined(err error) bool {
	var git *gitrepo.Failure
	return sluice.CodeOf(err) == sluice.Refused && errors.As(err, &git)
}

// afterChange writes a change to the repository and sends it to the remote.
func (e *env) afterChange(ctx context.Context, cmd *cobra.Command) error {
	imported := nameOf(cmd) == "git import" && cmd.Flags().Lookup("dry-run").Value.String() != "true"
	if !imported && !shares(cmd) {
		e.pushAgain(ctx, cmd)
		return nil
	}
	g, err := e.gitProject(ctx)
	if err != nil || g == nil {
		return err
	}
	bridge, err := e.bridgeOf(ctx, g)
	if err != nil {
		return err
	}
	done, err := bridge.Export(ctx)
	if err != nil {
		return stands(err)
	}
	e.byHandNotes(done.ByHand)
	if imported && len(done.Refs) > 0 && g.Remote != "" {
		e.note("wrote %s; send them with `sluice git push`", counted(len(done.Refs), "ref"))
	}
	if imported || g.Push != config.PushOnRelease {
		return nil
	}
	if keeps(cmd) {
		if len(done.Refs) > 0 {
			e.note("kept from %s: %s; send them with `sluice git push`", g.Remote, counted(len(done.Refs), "ref"))
		}
		return nil
	}
	if g.away != nil && declined(g.away) {
		return stands(g.away)
	}
	if g.away != nil && !errors.Is(g.away, context.DeadlineExceeded) {
		bridge.Retry(true)
		return waits(g, g.away)
	}
	return e.push(ctx, g, bridge)
}

// push sends what the remote lacks, and says how long that took.
func (e *env) push(ctx context.Context, g *gitProject, bridge *gitsync.Bridge) error {
	patience := max(sharePatience-g.waited, time.Second)
	reach, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	bridge.Retry(true) // also when somebody ends this command meanwhile
	sent, done, err := e.pushOrSync(reach, bridge, g.Remote, patience)
	e.syncedNotes(done)
	if err == nil || ctx.Err() == nil && !unreachable(err) {
		bridge.Retry(false)
	}
	for _, tag := range sent.Kept {
		e.note("not sent: %s has %s with other content", g.Remote, gitrepo.ShortRef(tag))
	}
	switch {
	case err != nil && ctx.Err() == nil && unreachable(err):
		return waits(g, err)
	case err != nil:
		return stands(err)
	}
	if len(sent.Refs) > 0 {
		e.note("pushed %s to %s in %s", counted(len(sent.Refs), "ref"), g.Remote, seconds(sent.Remote))
	}
	return nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// pushOrSync sends what the remote lacks; when others were there first, what they did
// is brought in before.
func (e *env) pushOrSync(ctx context.Context, bridge *gitsync.Bridge, remote string, patience time.Duration) (sent gitsync.Pushed, done gitsync.Synced, err error) {
	defer e.tellLater("the change is made; sending it to %s, for %.0f s at most", remote, patience.Seconds())()
	sent, err = bridge.Push(ctx)
	if sluice.CodeOf(err) == sluice.Conflict { // they may have released elsewhere, and there is room for both
		if done, err = bridge.Sync(ctx, gitsync.SyncOptions{}); err == nil {
			sent, err = bridge.Push(ctx)
		}
	}
	return sent, done, err
}

// waits is the error of a release that the remote did not get. The next command tries
// again.
func waits(g *gitProject, err error) error {
	known := sluice.AsError(err)
	out := sluice.Errorf(sluice.Unavailable, "%s was not reached: %s; the change stands here, and waits to be sent", g.Remote, known.Message)
	return out.Do(sluice.PushGit(), "send it when %s is there again", g.Remote)
}

// stands says of an error after a change that the change was made.
func stands(err error) error {
	known := sluice.AsError(err)
	if known.Code == sluice.Internal {
		return err
	}
	out := sluice.Errorf(known.Code, "the change stands here, and is not shared: %s", known.Message)
	out.Fixes = slices.Clone(known.Fixes)
	return out.Do(sluice.PushGit(), "then send it").Because(err)
}
