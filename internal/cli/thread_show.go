package cli

import (
	"context"
	"io"
	"strconv"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func threadGetCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:               "get ID",
		Short:             "Show one run",
		Long:              "What ran, where, with which components, input and output. It exits 0 however the run ended.",
		Example:           "  sluice thread get last\n  sluice thread get 3f2a9c1b7d4e -o json | jq .status",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.runIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, err := e.run(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			why, err := e.explain(cmd.Context(), run)
			if err != nil {
				return err
			}
			return e.show(run, func(w io.Writer) { e.runDetails(w, run, why) })
		},
	}
}

func threadResultCommand(e *env) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "result ID [--save DIR]",
		Short: "Print the output of a run",
		Long: "Prints the output as JSON, and nothing else on standard output. Exits 12 when there is none, and says\n" +
			"why. --save keeps input, output and every step as files.",
		Example:           "  sluice thread result last | jq .total\n  sluice thread result 3f2a9c1b7d4e --save incident-81/",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.runIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, err := e.run(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if dir != "" {
				if err := e.saveRun(cmd.Context(), run, dir); err != nil {
					return err
				}
			}
			if run.Status != sluice.RunCompleted {
				return e.noOutput(cmd.Context(), run)
			}
			e.noteWarnings(run)
			return e.showOutput(run)
		},
	}
	cmd.Flags().StringVar(&dir, "save", "", "keep input, output and every step as files in this `DIR`")
	return cmd
}

// listedRuns is how many runs a list shows when nobody says how many.
const listedRuns = 50

func threadListCommand(e *env) *cobra.Command {
	var q sluice.RunQuery
	limit := listedRuns
	cmd := &cobra.Command{
		Use:   "list [--component NAME] [--status STATUS] [-e ENVIRONMENT] [--since TIME]",
		Short: "List runs, newest first",
		Long:  "Shows the newest ones. `sluice logs` shows them with the releases between them.",
		Example: "  sluice thread list --status failed,paused\n" +
			"  sluice thread list --script invoice-parser -e production --since \"2h ago\" -o json",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, more, err := e.listRuns(cmd.Context(), q, limit)
			if err != nil {
				return err
			}
			return e.show(list(found), func(w io.Writer) {
				t := table{header: []string{"RUN", "STARTED", "WHAT", "WHERE", "STATUS", "STEPS", "DURATION", "COST"}}
				for _, r := range found {
					t.add(e.runCells(r)...)
				}
				t.write(w)
				e.listNotes(len(found), more)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&q.Component, "component", "", "only runs of the component `NAME`")
	f.StringVar(&q.Component, "script", "", "the same as --component")
	f.Lookup("script").Hidden = true
	runStatusFlag(e, cmd, &q.Status)
	e.environmentFlag(cmd, &q.Environment, "", "only runs in this `ENVIRONMENT` (default: all)")
	e.timeFlag(cmd, &q.Since, since, "since", "only runs from this time on")
	f.StringVar(&q.Session, "session", "", "only runs of this session, by its `WORD`")
	f.IntVar(&limit, "limit", listedRuns, "how many to show; 0 is all")
	complete(cmd, "component", e.components)
	complete(cmd, "script", e.components)
	return cmd
}

// listRuns are the newest runs like that, and whether there are more.
func (e *env) listRuns(ctx context.Context, q sluice.RunQuery, limit int) (found []sluice.Run, more bool, err error) {
	runs, err := e.runs(ctx)
	if err != nil {
		return nil, false, err
	}
	enough := limit
	if limit > 0 {
		enough++
	}
	found, err = pages(ctx, enough, func(ctx context.Context, p sluice.Paging) (sluice.Page[sluice.Run], error) {
		q.Paging = p
		return runs.Runs(ctx, q)
	})
	if limit > 0 && len(found) > limit {
		return found[:limit], true, err
	}
	return found, false, err
}

func (e *env) runCells(r sluice.Run) []string {
	return []string{
		shortID(r.ID), e.moment(r.CreatedAt), r.Ref(), r.Environment + "#" + strconv.FormatInt(r.Release, 10),
		e.runStatus(r.Status), strconv.Itoa(r.Steps), took(r.Duration(sluice.TimeOf(e.Now()))), dollars(r.Usage.Cost),
	}
}

// moment is a time to the second: runs come faster than releases.
func (e *env) moment(t sluice.Time) string {
	if t.IsZero() {
		return ""
	}
	return e.typable(t, "2006-01-02 15:04:05")
}

func (e *env) listNotes(n int, more bool) {
	switch {
	case n == 0:
		e.note("no run is like that")
	case more:
		e.note("these are the newest %d; for more, --limit N, or 0 for all", n)
	}
}
