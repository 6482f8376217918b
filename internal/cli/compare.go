package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func compareCommand(e *env) *cobra.Command {
	var c comparison
	var input string
	var between []string
	var environment string
	var bare, exitCode bool
	configured := true
	cmd := &cobra.Command{
		Use:   "compare NAME --between A B [--input @DIR/|@FILE|JSON]",
		Short: "Run two versions or two environments on the same cases, side by side",
		Long: "A and B are environments, past states (production#41, production@yesterday) or versions (v1.1.0, 4 or\n" +
			"NAME@4). Every .json file in a directory is one case. Configuration is loaded unless --no-env says\n" +
			"otherwise. Exits 0 when all ran, and 12 when a run did not complete; with --exit-code 1 when outputs differ.",
		Example: "  sluice compare invoice-parser --input @cases/ --between staging production\n" +
			"  sluice compare invoice-parser --input @invoice.json --between production#41 production -o json\n" +
			"  sluice compare invoice-parser --input '{\"text\": \"hello\"}' --between v1.0.0 v1.1.0 -e staging",
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: arguments(false, e.components, e.environments),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if args, between, err = e.bothSides(cmd, args, between); err != nil {
				return err
			}
			if err := e.takesOneToRun(&starting{})(cmd, args); err != nil {
				return err
			}
			c.Component, c.configured = args[0], configured && !bare
			if c.cases, err = e.readCases(cmd, input); err != nil {
				return err
			}
			c.Cases = make([]comparedCase, len(c.cases))
			for i, known := range c.cases {
				c.Cases[i].Case = known.name
			}
			if err := e.aim(cmd, &c, environment, between); err != nil {
				return err
			}
			if err := e.compare(cmd.Context(), &c); err != nil {
				return err
			}
			if err := e.show(c, func(w io.Writer) { e.comparisonText(w, &c) }); err != nil {
				return err
			}
			return c.verdict(exitCode)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&between, "between", nil, "the two sides: `A B`")
	f.StringVar(&input, "input", "", "the cases: @`DIR`/ with .json files, @FILE, a JSON object, or @- for standard input")
	e.environmentFlag(cmd, &environment, "", "the `ENVIRONMENT` that versions run in (default: the project's)")
	configuredFlag(cmd, &configured, "load configuration and secrets, which it does anyway")
	f.BoolVar(&bare, "no-env", false, "load no configuration")
	f.BoolVar(&exitCode, "exit-code", false, "exit 1 when outputs differ, as diff does")
	complete(cmd, "between", e.environments)
	return cmd
}

// bothSides takes the two words behind --between, of which the flag itself gets
// one, out of the arguments. A,B and two flags do as well.
func (e *env) bothSides(cmd *cobra.Command, args, between []string) (rest, sides []string, err error) {
	for _, b := range between {
		sides = append(sides, strings.Split(b, ",")...)
	}
	if len(sides) == 1 {
		if word := e.afterBetween(); word != "" {
			if i := slices.Index(args, word); i >= 0 {
				args, sides = slices.Delete(slices.Clone(args), i, i+1), append(sides, word)
			}
		}
	}
	if len(sides) != 2 || sides[0] == "" || sides[1] == "" {
		return nil, nil, misuse(cmd, "compare: --between takes two sides").fix("name both: --between staging production")
	}
	return args, sides, nil
}

// afterBetween is the word that stands behind --between and its value.
func (e *env) afterBetween() string {
	for i, a := range e.Args {
		at := i + 2
		if strings.HasPrefix(a, "--between=") {
			at = i + 1
		} else if a != "--between" {
			continue
		}
		if at < len(e.Args) && !strings.HasPrefix(e.Args[at], "-") {
			return e.Args[at]
		}
	}
	return ""
}

// aim works out what runs on either side.
func (e *env) aim(cmd *cobra.Command, c *comparison, environment string, between []string) (err error) {
	for i, word := range between {
		if c.Sides[i], err = e.side(cmd, c.Component, environment, word); err != nil {
			return err
		}
	}
	if c.Sides[0].Ref == c.Sides[1].Ref {
		return misuse(cmd, "compare: both sides are %s", c.Sides[0].Ref).fix("name two: --between staging production")
	}
	return nil
}

// side reads one side: NAME@4, 4, v1.0.0, or a state of an environment.
func (e *env) side(cmd *cobra.Command, component, environment, word string) (out side, err error) {
	name, version := splitRef(word)
	if sluice.FoldName(name) != sluice.FoldName(component) || version == "" {
		ref, err := sluice.ParseVersionRef(word)
		if err != nil || ref.Word != "" {
			state, err := e.state(word)
			return side{Ref: word, Environment: state}, err
		}
		version = word
	}
	if environment, err = e.whereToRun(cmd.Context(), environment); err != nil {
		return side{}, err
	}
	return side{Ref: component + "@" + version, Environment: environment, version: version}, nil
}

// comparedAtOnce bounds the runs that a comparison has going.
const comparedAtOnce = 4

// compare runs every case on both sides. The first failure that is not a run's
// own ends it, and so does Ctrl-C; what runs then is cancelled.
func (e *env) compare(ctx context.Context, c *comparison) error {
	runs, err := e.runs(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	turns := make(chan struct{}, comparedAtOnce)
	var all sync.WaitGroup
	for i := range c.Cases {
		for s := range c.Sides {
			turns <- struct{}{}
			all.Go(func() {
				defer func() { <-turns }()
				if err := oneCase(ctx, runs, c, i, s); err != nil {
					stop(err)
				}
			})
		}
	}
	all.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.judge()
	return nil
}

// oneCase runs one case on one side.
func oneCase(ctx context.Context, runs sluice.RunService, c *comparison, i, s int) error {
	if ctx.Err() != nil {
		return nil
	}
	side := c.Sides[s]
	// Once asked for, the run exists, and is to be known so that it can be cancelled.
	starting, cancel := context.WithTimeout(context.WithoutCancel(ctx), startPatience)
	defer cancel()
	run, err := runs.StartRun(starting, sluice.StartRunRequest{
		Component: c.Component, Version: side.version, Environment: side.Environment, Configured: c.configured,
		Input: c.cases[i].input, Metadata: map[string]string{"command": "compare", "case": c.cases[i].name},
	})
	if err != nil {
		return atCase(err, c.cases[i].name, side.Ref)
	}
	ended, err := outcomeOf(ctx, runs, run)
	if !ended.Status.Ended() {
		leave(ctx, runs, run.ID)
	}
	c.Cases[i].Sides[s] = sideOf(ended)
	return err
}

// atCase says which run could not be started.
func atCase(err error, name, ref string) error {
	known := *sluice.AsError(err)
	known.Message = fmt.Sprintf("%s on %s: %s", name, ref, known.Message)
	return &known
}

// outcomeOf waits until a run ends or waits for somebody.
func outcomeOf(ctx context.Context, runs sluice.RunService, run sluice.Run) (sluice.Run, error) {
	for event, err := range runs.WatchRun(ctx, sluice.WatchRunRequest{Run: run.ID}) {
		if err != nil {
			return run, err
		}
		if event.Run != nil && (event.Run.Status.Ended() || event.Run.Status == sluice.RunPaused) {
			return runs.Run(ctx, run.ID)
		}
	}
	if err := ctx.Err(); err != nil {
		return run, err
	}
	return run, sluice.Errorf(sluice.Unavailable, "the run %s could not be followed to its end", run.ID).Fix("compare again")
}

// How long starting and cancelling a run may take, also when the command ends.
const (
	startPatience = 30 * time.Second
	leavePatience = 5 * time.Second
)

// leave cancels a run that nobody waits for any more. That it may have ended by
// itself meanwhile is no failure.
func leave(ctx context.Context, runs sluice.RunService, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leavePatience)
	defer cancel()
	_, _ = runs.CancelRun(ctx, sluice.CancelRunRequest{Run: id, Reason: "it was only part of a comparison"})
}
