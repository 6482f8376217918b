package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func threadCommand(e *env) *cobra.Command {
	return group(e, "thread", "Run versions, and see what each run did",
		"A run executes one version with one input, and is recorded step by step: what it took, what it did and\n"+
			"what came of it. ID is the id of a run, 8 or more characters of its beginning or end, or the word last.",
		threadRunCommand(e), threadCreateCommand(e), threadWatchCommand(e), threadGetCommand(e), threadListCommand(e),
		threadResultCommand(e), threadStepsCommand(e), threadCancelCommand(e), threadResumeCommand(e))
}

// runs is the service that all commands about runs speak to.
func (e *env) runs(ctx context.Context) (sluice.RunService, error) {
	c, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// The bounds on ids that are not written in full.
const (
	leastOfID  = 8    // characters
	fullID     = 36   // characters
	recentRuns = 1000 // runs that a short id is looked up among
)

// lastRun is the word for the newest run.
const lastRun = "last"

// findRun returns the full id of the run that a person named.
func (e *env) findRun(ctx context.Context, word string) (string, error) {
	id := strings.ToLower(strings.TrimSpace(word))
	switch {
	case id == lastRun:
		found, err := e.recent(ctx, 1)
		if err == nil && len(found) == 0 {
			err = sluice.Errorf(sluice.NotFound, "nothing has run yet").Fix("run something: `sluice thread run NAME`")
		}
		if err != nil {
			return "", err
		}
		return found[0].ID, nil
	case strings.Trim(id, "0123456789abcdef-") != "" || len(id) < leastOfID || len(id) > fullID:
		return "", sluice.Errorf(sluice.Invalid, "%q is not the id of a run", shortened(word)).
			Fix("write the id, %d or more characters of its beginning or end, or the word last; see `sluice thread list`", leastOfID)
	case len(id) == fullID:
		return id, nil
	}
	return e.completeID(ctx, id)
}

// completeID looks a part of an id up among the newest runs.
func (e *env) completeID(ctx context.Context, part string) (string, error) {
	recent, err := e.recent(ctx, recentRuns)
	if err != nil {
		return "", err
	}
	var found []string
	for _, r := range recent {
		if strings.HasPrefix(r.ID, part) || strings.HasSuffix(r.ID, part) {
			found = append(found, r.ID)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", sluice.Errorf(sluice.Conflict, "%s is a part of the ids of several runs: %s", part, sluice.Listing(found, 5)).
			Fix("write more of it, or its end: ids that begin alike were made at about the same time")
	}
	err = sluice.Errorf(sluice.NotFound, "no run's id begins or ends with %s", part).Fix("see `sluice thread list`")
	if len(recent) == recentRuns {
		err = sluice.Errorf(sluice.NotFound, "of the last %d runs, none has an id that begins or ends with %s", recentRuns, part).
			Fix("write the whole id")
	}
	return "", err
}

// recent are the newest runs.
func (e *env) recent(ctx context.Context, n int) ([]sluice.Run, error) {
	runs, err := e.runs(ctx)
	if err != nil {
		return nil, err
	}
	page, err := runs.Runs(ctx, sluice.RunQuery{Paging: sluice.Paging{Limit: n}})
	return page.Items, err
}

// run finds the run that a person named.
func (e *env) run(ctx context.Context, word string) (sluice.Run, error) {
	id, err := e.findRun(ctx, word)
	if err != nil {
		return sluice.Run{}, err
	}
	runs, err := e.runs(ctx)
	if err != nil {
		return sluice.Run{}, err
	}
	return runs.Run(ctx, id)
}

// shortID is the part of an id that differs most between runs; the commands take
// it for the whole.
func shortID(id string) string { return id[strings.LastIndexByte(id, '-')+1:] }

// shortened is what a person typed, as far as a message should repeat it.
func shortened(s string) string {
	if runes := []rune(s); len(runes) > shownBytes {
		return string(runes[:shownBytes]) + "…"
	}
	return s
}

// runIDs are the newest runs, to complete.
func (e *env) runIDs(ctx context.Context, _ []string) []string {
	if _, ok := e.quietly(ctx); !ok {
		return nil
	}
	found, err := e.recent(ctx, 50)
	if err != nil {
		return nil
	}
	ids := []string{lastRun}
	for _, r := range found {
		ids = append(ids, r.ID)
	}
	return ids
}

// runStatusFlag takes one status or several.
func runStatusFlag(e *env, cmd *cobra.Command, into *[]sluice.RunStatus) {
	cmd.Flags().Var(&statusesFlag{into}, "status", "only runs with this `STATUS`, or one of several, such as failed,paused")
	names := make([]string, 0, len(sluice.RunStatuses()))
	for _, s := range sluice.RunStatuses() {
		names = append(names, string(s))
	}
	complete(cmd, "status", e.fixed(names...))
}

type statusesFlag struct{ into *[]sluice.RunStatus }

func (f *statusesFlag) Type() string   { return "status" }
func (f *statusesFlag) String() string { return "" }

func (f *statusesFlag) Set(text string) error {
	for word := range strings.SplitSeq(text, ",") {
		status, err := sluice.ParseRunStatus(strings.ToLower(strings.TrimSpace(word)))
		if err != nil {
			return err
		}
		if !slices.Contains(*f.into, status) {
			*f.into = append(*f.into, status)
		}
	}
	return nil
}
