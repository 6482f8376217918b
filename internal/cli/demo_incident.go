package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/sluice-dev/sluice"
)

func playRollback(ctx context.Context, d *demo) error {
	if err := d.types(ctx, "sluice deploy set analysis-prompt v1.9.0 --to prod --ticket INC-2047"); err != nil {
		return err
	}
	if err := d.seen(ctx, "analysis-prompt", "v1.9.0"); err != nil {
		return err
	}
	for component, version := range map[string]string{"extraction-prompt": "v1.1.0", "validation-config": "v1.5.0"} {
		if err := d.holds(ctx, sluice.EnvironmentRef{Name: "production"}, component, version); err != nil {
			return err
		}
	}
	return d.types(ctx, "sluice deploy list -e prod")
}

func playRun(ctx context.Context, d *demo) error {
	err := d.types(ctx,
		"sluice run transform-script --version v2.1.3 -e prod --env --input @smoke/ticket.json --result",
		"sluice thread steps last",
	)
	if err != nil {
		return err
	}
	page, err := d.services.Runs(ctx, sluice.RunQuery{Component: "transform-script", Paging: sluice.Paging{Limit: 1}})
	if err != nil {
		return err
	}
	if len(page.Items) != 1 || page.Items[0].Status != sluice.RunCompleted || page.Items[0].Label != "v2.1.3" {
		return fmt.Errorf("the last run is not one of transform-script v2.1.3 that completed: %+v", page.Items)
	}
	return nil
}

func playHistory(ctx context.Context, d *demo) error {
	err := d.types(ctx,
		"sluice history analysis-prompt --from prod",
		fmt.Sprintf("sluice history --date=%q", d.broken),
	)
	if err != nil {
		return err
	}
	return d.holds(ctx, sluice.EnvironmentRef{Name: "production", At: d.broken}, "analysis-prompt", "v2.0.0")
}

func playRestore(ctx context.Context, d *demo) error {
	if err := d.types(ctx, fmt.Sprintf("sluice restore --from prod --at %q --to debug", d.broken)); err != nil {
		return err
	}
	then, err := d.services.State(ctx, sluice.EnvironmentRef{Name: "production", At: d.broken})
	if err != nil {
		return err
	}
	now, err := d.services.State(ctx, sluice.EnvironmentRef{Name: "debug"})
	if err != nil {
		return err
	}
	if now.Root != then.Root {
		return fmt.Errorf("debug has root %s, production had %s", now.Root, then.Root)
	}
	d.note("debug is what production was then: both have root %s", now.Root.Short())
	return d.types(ctx,
		"sluice diff debug production",
		"sluice version diff analysis-prompt v1.9.0 v2.0.0",
	)
}

func playFix(ctx context.Context, d *demo) error {
	err := d.types(ctx,
		`sluice version quarantine analysis-prompt@v2.0.0 --reason "answers with a number"`,
		"cp -r history/02-keep-the-four-words/. .",
		`sluice tag create analysis-prompt v2.0.1 --note "Weighs the urgency, answers with the four words"`,
		"sluice deploy set analysis-prompt v2.0.1 --to debug",
		"sluice promote analysis-prompt --from debug --to staging",
		"sluice promote analysis-prompt --from staging --to production --ticket INC-2047",
	)
	if err != nil {
		return err
	}
	if err := d.seen(ctx, "analysis-prompt", "v2.0.1"); err != nil {
		return err
	}
	return d.exits(ctx, exitStatus(sluice.Refused), "sluice deploy set analysis-prompt v2.0.0 --to prod")
}

// drills is how often the drill is repeated after it was shown.
const drills = 20

func playDrill(ctx context.Context, d *demo) error {
	const (
		out  = "sluice deploy set analysis-prompt v999.0.0 --to prod-drill"
		back = "sluice rollback analysis-prompt --in prod-drill"
	)
	err := d.types(ctx,
		"sluice deploy set analysis-prompt v1.9.0 --to prod-drill",
		"sluice tag create analysis-prompt v999.0.0 --file history/99-drill/analysis-prompt.md",
		out, back,
	)
	if err != nil {
		return err
	}
	var times []time.Duration
	for range drills {
		if _, err := d.quietly(ctx, out); err != nil {
			return err
		}
		took, err := d.quietly(ctx, back)
		if err != nil {
			return err
		}
		times = append(times, took)
		if err := d.holds(ctx, sluice.EnvironmentRef{Name: "prod-drill"}, "analysis-prompt", "v1.9.0"); err != nil {
			return err
		}
	}
	slices.Sort(times)
	d.note("%d times more, each time v1.9.0 is back and on disk: median %s, slowest %s", drills, milliseconds(times[drills/2]), milliseconds(times[drills-1]))
	return nil
}

// quietly carries out a command line that must succeed, without its output.
func (d *demo) quietly(ctx context.Context, line string) (time.Duration, error) {
	p := d.process(words(line)[1:])
	p.Stdout, p.Stderr = io.Discard, io.Discard
	began := time.Now()
	if status := Run(ctx, p); status != 0 {
		return 0, fmt.Errorf("`%s` exited with %d", line, status)
	}
	return time.Since(began), nil
}

func playAudit(ctx context.Context, d *demo) error {
	return d.types(ctx, "sluice audit verify")
}

// farewell says what to try next.
func (d *demo) farewell(keep string, took time.Duration) {
	d.say("\n%s", d.e.style(bold, fmt.Sprintf("That was all, in %.1f s.", took.Seconds())))
	if keep == "" {
		d.say("Play it again and keep the project: sluice demo --keep ./desk")
		d.say("Start with files of yours:          sluice init")
		return
	}
	d.say("The project is in %s. Try there:\n", d.dir)
	for _, line := range []string{
		"cd " + keep, "sluice components list --format tree", "sluice history --from prod",
		"sluice diff production#2 prod --contents", "sluice rollback analysis-prompt --in prod", "sluice serve",
	} {
		d.say("  %s", line)
	}
}
