package cli

import (
	"context"
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

// tellLater tells a person what is waited for, unless it is over by then. The function
// that it returns says that it is over.
func (e *env) tellLater(format string, args ...any) (over func()) {
	told := make(chan struct{})
	timer := time.AfterFunc(silencePause, func() {
		defer close(told)
		e.note(format, args...)
	})
	return func() {
		if !timer.Stop() {
			<-told
		}
	}
}

// unsent says what of a project's releases and versions the remote does not have yet,
// in a sentence, and "" when it has all of it or is not sent anything by itself. It
// asks no remote; what cannot be told is not said.
func (e *env) unsent(ctx context.Context) string {
	g, err := e.gitProject(ctx)
	if err != nil || g == nil || g.Push != config.PushOnRelease || g.Remote == "" {
		return ""
	}
	bridge, err := e.bridgeOf(ctx, g)
	if err != nil {
		return ""
	}
	refs, err := bridge.Unsent(ctx)
	if err != nil || len(refs) == 0 {
		return ""
	}
	var environments []string
	for _, ref := range refs {
		if display, ok := gitsync.ParseEnvironmentRef(ref); ok {
			environments = append(environments, display)
		}
	}
	of := ""
	if len(environments) > 0 {
		of = ", with releases of " + sluice.Listing(environments, 4)
	}
	return fmt.Sprintf("not sent to %s yet: %s%s; send them with `sluice git push`", g.Remote, counted(len(refs), "ref"), of)
}

// without are commands that have nothing to do with what waits to be sent, or send it
// when they are told to.
var without = []string{"git", "init", "doctor", "completion", "serve", "demo", "backup", "health"}

// pushAgain tries once more to send what an earlier command could not send. It is no
// reason to fail, and asks no remote unless something waits.
func (e *env) pushAgain(ctx context.Context, cmd *cobra.Command) {
	first, _, _ := strings.Cut(nameOf(cmd), " ")
	if e.client == nil || slices.Contains(without, first) {
		return
	}
	g, err := e.gitProject(ctx)
	if err != nil || g == nil || g.Push != config.PushOnRelease || g.Remote == "" {
		return
	}
	bridge, err := e.bridgeOf(ctx, g)
	if err != nil || !bridge.Retries() {
		return
	}
	reach, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	defer e.tellLater("sending %s what waits here, for %.0f s at most", g.Remote, lookPatience.Seconds())()
	sent, err := bridge.Push(reach)
	if err != nil {
		return
	}
	bridge.Retry(false)
	if len(sent.Refs) > 0 {
		e.note("pushed %s, which waited, to %s in %s", counted(len(sent.Refs), "ref"), g.Remote, seconds(sent.Remote))
	}
}

// syncedNotes tell what a sync brought in, before a change is made.
func (e *env) syncedNotes(s gitsync.Synced) {
	const few = 10 // more tell less
	if len(s.Recorded) > few {
		e.note("took in %s", amounts(s))
	}
	for _, r := range s.Recorded {
		for _, c := range r.Changes {
			if len(s.Recorded) > few {
				break
			}
			e.note("took in %s: %s %s (%s)", r.Ref(), slotName(c.Slot), movement(c, r.Action), deed(r))
		}
	}
	for _, ref := range s.PutBack {
		e.note("put back: %s", gitrepo.ShortRef(ref))
	}
	for _, r := range s.Refused {
		e.note("not taken in: %s: %s", gitrepo.ShortRef(r.Ref), r.Reason)
		for _, fix := range advice(r.Fixes) {
			e.note("  fix: %s", fix)
		}
	}
	for _, n := range s.Notes {
		e.note("%s", n)
	}
	e.byHandNotes(s.ByHand)
}

func (e *env) byHandNotes(tags []string) {
	for _, tag := range tags {
		e.note("%s was moved by hand and is left as it is: `sluice git sync` takes it in", gitrepo.ShortRef(tag))
	}
}
