package cli

import (
	"context"
	"time"

	"github.com/sluice-dev/sluice"
)

// story is what the demo plays, up to the incident; what follows is in
// demo_incident.go.
func story() []chapter {
	return []chapter{
		{
			"Publish", "Each file becomes an immutable version with a label. No server is needed; development follows by itself.",
			func(ctx context.Context, d *demo) error {
				return d.types(ctx,
					"sluice tag create extraction-prompt v1.0.0",
					"sluice tag create analysis-prompt v1.9.0",
					"sluice tag create reply-prompt v1.0.0",
					"sluice tag create ticket-triage v1.0.0",
					"sluice tag create validation-config v1.4.0",
					"sluice tag create transform-script v2.1.3",
				)
			},
		},
		{
			"Promote", "sluice.yaml says that production takes only what was live in staging, so the short cut is refused.",
			func(ctx context.Context, d *demo) error {
				if err := d.types(ctx, "sluice environment apply"); err != nil {
					return err
				}
				if err := d.exits(ctx, exitStatus(sluice.Refused), "sluice deploy set analysis-prompt v1.9.0 --to production"); err != nil {
					return err
				}
				return d.types(ctx,
					"sluice promote --all --from development --to staging",
					"sluice promote --all --from staging --to production",
				)
			},
		},
		{
			"Serve", "A server pushes each change to the programs that use the prompts. One of them connects and follows production.",
			playServe,
		},
		{
			"Release three at once", "Three components are edited and go live together, as one release. One of them is broken.",
			playRelease,
		},
		{
			"Production is broken", "analysis-prompt now answers with a score; the desk knows four words, and takes every ticket for low.",
			func(ctx context.Context, d *demo) error {
				d.broken = sluice.TimeOf(d.e.Now())
				return d.types(ctx,
					"sluice deploy get analysis-prompt --from prod",
					"sluice version show analysis-prompt@prod --path analysis-prompt.md",
				)
			},
		},
		{"Roll back", "Only the broken one goes back. No gate and nobody's approval stands in the way of what was live before.", playRollback},
		{"Run what is live", "What is versioned also runs, here the script that makes the ticket; every step is on record.", playRun},
		{"What happened, and what ran when", "The history says who did what; --date says what ran at a moment, here while it was broken.", playHistory},
		{"Bring that moment back", "The whole state of that moment goes to debug, where it can be tried, and compared with production.", playRestore},
		{"Fix forward", "The bad content is barred, and the fix takes the same way as everything: debug, staging, production.", playFix},
		{"Drill", "Going back is practised where nobody is hurt, so that it is known to work and how long it takes.", playDrill},
		{"Check the ledger", "Everything above is in one append-only ledger. The check recomputes each entry, state and content.", playAudit},
	}
}

func playServe(ctx context.Context, d *demo) error {
	address, token, err := d.serve(ctx)
	if err != nil {
		return err
	}
	if err := d.connect(ctx, address, token); err != nil {
		return err
	}
	if err := d.holds(ctx, sluice.EnvironmentRef{Name: "production"}, "analysis-prompt", "v1.9.0"); err != nil {
		return err
	}
	pin, _ := d.program.live.Resolve("analysis-prompt", "")
	d.note("the program is connected and has analysis-prompt %s", pin)
	const questions = 100_000
	began := time.Now()
	for range questions {
		d.program.live.Resolve("analysis-prompt", "")
	}
	d.note("it asks %d times which version to run: %d ns each, since the answer is in its own memory",
		questions, time.Since(began).Nanoseconds()/questions)
	return nil
}

func playRelease(ctx context.Context, d *demo) error {
	err := d.types(ctx,
		"cp -r history/01-score-urgency/. .",
		`sluice tag create extraction-prompt v1.1.0 --note "Reads the language"`,
		`sluice tag create analysis-prompt v2.0.0 --note "Weighs the urgency"`,
		`sluice tag create validation-config v1.5.0 --note "Longer problems"`,
		"sluice deploy set extraction-prompt@v1.1.0 analysis-prompt@v2.0.0 validation-config@v1.5.0 --to staging",
		"sluice promote --all --from staging --to production --ticket CHG-81",
	)
	if err != nil {
		return err
	}
	return d.seen(ctx, "analysis-prompt", "v2.0.0")
}
