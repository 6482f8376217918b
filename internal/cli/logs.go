package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func logsCommand(e *env) *cobra.Command {
	var q sluice.RunQuery
	var release string
	var follow bool
	limit := listedRuns
	cmd := &cobra.Command{
		Use:   "logs [NAME] [-e ENVIRONMENT] [--release N] [--since TIME] [--text WORDS]",
		Short: "See runs with the releases between them, and which release broke what",
		Long: "Lists runs, newest first, with a line where a release came between them; below that the sums of each\n" +
			"version in each release, over all runs whatever their status and text, and the release since which far more\n" +
			"of them fail than before, if there is one. -f goes on with runs as they end.",
		Example: "  sluice logs invoice-parser -e production --since \"2h ago\"\n" +
			"  sluice logs --status failed --text \"rate limit\"\n" +
			"  sluice logs invoice-parser --release production#41 -o json | jq .stats.total",
		Args:              takes(0, 1),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if len(args) > 0 {
				if q.Component, q.Version, err = whatToRun(cmd, args[0], q.Version); err != nil {
					return err
				}
			}
			if err := e.aimLogs(cmd, &q, release); err != nil {
				return err
			}
			if follow {
				return e.followLogs(cmd.Context(), q, limit)
			}
			found, err := e.readLogs(cmd.Context(), q, limit)
			if err != nil {
				return err
			}
			return e.show(found, func(w io.Writer) { e.logsText(w, found) })
		},
	}
	f := cmd.Flags()
	e.environmentFlag(cmd, &q.Environment, "", "only runs in this `ENVIRONMENT` (default: all)")
	f.StringVar(&q.Version, "version", "", "only runs of this `VERSION` of NAME")
	f.StringVar(&release, "release", "", "only runs in this `RELEASE`, such as production#41")
	runStatusFlag(e, cmd, &q.Status)
	e.timeFlag(cmd, &q.Since, since, "since", "only runs from this time on")
	e.timeFlag(cmd, &q.Until, until, "until", "only runs before this time")
	f.StringVar(&q.Text, "text", "", "only runs with these `WORDS` in their error, input or output")
	f.StringVar(&q.Session, "session", "", "only runs of this session, by its `WORD`")
	f.IntVar(&limit, "limit", listedRuns, "how many to show; 0 is all")
	f.BoolVarP(&follow, "follow", "f", false, "go on with runs as they end")
	complete(cmd, "version", e.versions)
	return cmd
}

// aimLogs works out the release and what has to stand beside it.
func (e *env) aimLogs(cmd *cobra.Command, q *sluice.RunQuery, release string) error {
	if q.Version != "" && q.Component == "" {
		return misuse(cmd, "logs: --version needs the component that it is of").fix("write `sluice logs NAME --version %s`", q.Version)
	}
	if q.Since != 0 && q.Until != 0 && q.Since >= q.Until {
		return misuse(cmd, "logs: --since is not before --until").fix("swap them")
	}
	if release == "" {
		return nil
	}
	name, number, err := releaseOf(cmd, release)
	if err != nil {
		return err
	}
	if name != "" && q.Environment != "" && sluice.FoldName(name) != sluice.FoldName(q.Environment) {
		return misuse(cmd, "logs: %s is not a release of %s", release, q.Environment).fix("leave -e out")
	}
	if q.Release, q.Environment = number, valueOr(name, q.Environment); q.Environment == "" {
		q.Environment, err = e.defaultEnvironment(cmd.Context())
	}
	return err
}

// runLog is a stretch of runs with what happened between them.
type runLog struct {
	Runs     []sluice.Run     `json:"runs"`
	Releases []sluice.Release `json:"releases"` // of the runs and between them, newest first
	Stats    sluice.RunStats  `json:"stats"`
	Suspect  *suspect         `json:"suspect,omitempty"`

	more bool
}

func (e *env) readLogs(ctx context.Context, q sluice.RunQuery, limit int) (runLog, error) {
	var out runLog
	runs, err := e.runs(ctx)
	if err != nil {
		return out, err
	}
	if out.Runs, out.more, err = e.listRuns(ctx, q, limit); err != nil {
		return out, err
	}
	// How many fail is a question about all runs, not only about those that failed.
	all := q
	all.Status, all.Text, all.Paging = nil, "", sluice.Paging{}
	if out.Stats, err = runs.RunStats(ctx, all); err != nil {
		return out, err
	}
	if out.Suspect = suspectOf(out.Stats.Groups); out.Suspect != nil {
		if err := e.changedSince(ctx, out.Suspect); err != nil {
			return out, err
		}
	}
	out.Releases, err = e.releasesAround(ctx, out.Runs, q.Until == 0 && q.Release == 0)
	out.Runs, out.Stats.Groups = list(out.Runs), list(out.Stats.Groups)
	return out, err
}

// releasesAround are the releases that runs ran in, and those between them; up to
// now also those that came after.
func (e *env) releasesAround(ctx context.Context, runs []sluice.Run, now bool) ([]sluice.Release, error) {
	first, last := map[string]int64{}, map[string]int64{}
	for _, r := range runs {
		if low, seen := first[r.Environment]; !seen || r.Release < low {
			first[r.Environment] = r.Release
		}
		last[r.Environment] = max(last[r.Environment], r.Release)
		if now {
			last[r.Environment] = math.MaxInt64
		}
	}
	all := []sluice.Release{}
	for name, low := range first {
		found, err := e.releasesBetween(ctx, name, low, last[name])
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b sluice.Release) int {
		return cmp.Or(cmp.Compare(b.RecordedAt, a.RecordedAt), cmp.Compare(b.Epoch, a.Epoch))
	})
	return all, nil
}

// releasesBetween are the releases of one environment with numbers from low to
// high, newest first.
func (e *env) releasesBetween(ctx context.Context, environment string, low, high int64) ([]sluice.Release, error) {
	c, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	var out []sluice.Release
	paging := sluice.Paging{}
	for {
		page, err := c.Releases(ctx, sluice.ReleaseQuery{Environment: environment, Paging: paging})
		if err != nil {
			return nil, err
		}
		for _, r := range page.Items {
			switch {
			case r.Number < low:
				return out, nil
			case r.Number <= high:
				out = append(out, r)
			}
		}
		if page.Next == "" {
			return out, nil
		}
		paging.Cursor = page.Next
	}
}

// logsText is the runs, the sums and the suspect.
func (e *env) logsText(w io.Writer, l runLog) {
	e.logLines(w, l.Runs, l.Releases)
	e.listNotes(len(l.Runs), l.more)
	if l.Stats.Total.Runs > 0 {
		fmt.Fprintln(w)
		e.statsTable(w, l.Stats)
	}
	if l.Suspect != nil {
		fmt.Fprintln(w, e.style(red, l.Suspect.String()))
	}
}
