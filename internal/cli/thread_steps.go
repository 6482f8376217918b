package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func threadStepsCommand(e *env) *cobra.Command {
	var q sluice.StepQuery
	cmd := &cobra.Command{
		Use:   "steps ID [--step PATH] [--detail]",
		Short: "Show what a run did, step by step",
		Long: "A path is the place of a block in its list, behind those of what it is in: 1.0.2 is the third block in\n" +
			"the first iteration of the second block. --detail adds what each step was given, what came of it, and what\n" +
			"it read from or did to the outside.",
		Example: "  sluice thread steps last\n" +
			"  sluice thread steps 3f2a9c1b7d4e --step 1.0.2 --detail",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.runIDs),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if q.Run, err = e.findRun(cmd.Context(), args[0]); err != nil {
				return err
			}
			runs, err := e.runs(cmd.Context())
			if err != nil {
				return err
			}
			steps, err := sluice.Collect(runs.Steps(cmd.Context(), q))
			if err != nil {
				return err
			}
			if len(steps) == 0 && q.Path != "" {
				return sluice.Errorf(sluice.NotFound, "the run %s has no step %s", q.Run, shortened(q.Path)).
					Fix("see its steps: `sluice thread steps %s`", q.Run)
			}
			return e.show(list(steps), func(w io.Writer) {
				if q.Detail {
					for i, s := range steps {
						e.stepDetails(w, i, s)
					}
				} else {
					stepsTable(w, steps)
				}
				if len(steps) == 0 {
					e.note("no step has begun")
				}
			})
		},
	}
	cmd.Flags().StringVar(&q.Path, "step", "", "only the step with this `PATH`, such as 1.0.2")
	cmd.Flags().BoolVar(&q.Detail, "detail", false, "with settings, outputs and outside effects")
	return cmd
}

// stepsTable draws each step below what it is in.
func stepsTable(w io.Writer, steps []sluice.RunStep) {
	t := table{header: []string{"STEP", "BLOCK", "KIND", "STATUS", "DURATION", "ATTEMPTS", "TOKENS", "COST", "NOTE"}}
	for _, s := range steps {
		attempts := ""
		if s.Attempts > 1 {
			attempts = strconv.Itoa(s.Attempts)
		}
		t.add(s.Path, strings.Repeat("  ", strings.Count(s.Path, "."))+s.Block, s.Kind, string(s.Status), stepTook(s),
			attempts, tokens(s.Usage), dollars(s.Usage.Cost), stepNote(s))
	}
	t.write(w)
}

// stepNote is why a step is as it is, or which component it ran.
func stepNote(s sluice.RunStep) string {
	switch {
	case s.Error != nil:
		return plain(s.Error.Message)
	case len(s.Warnings) > 0:
		return "warning: " + plain(s.Warnings[0].Message)
	case s.Reason != "":
		return plain(s.Reason)
	}
	return s.Component
}

func (e *env) stepDetails(w io.Writer, i int, s sluice.RunStep) {
	if i > 0 {
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, e.style(bold, fmt.Sprintf("%s  %s (%s)", s.Path, s.Block, s.Kind)))
	var t table
	t.add("status", string(s.Status))
	t.add("component", s.Component)
	t.add("reason", plain(s.Reason))
	t.add("began", e.moment(s.StartedAt))
	t.add("duration", stepTook(s))
	t.add("attempts", strconv.Itoa(s.Attempts))
	t.add("wakes", e.moment(s.WakeAt))
	t.add("tokens", tokens(s.Usage))
	t.add("cost", dollars(s.Usage.Cost))
	if s.Error != nil {
		t.add("error", plain(s.Error.Message))
		for _, fix := range advice(s.Error.Fixes) {
			t.add("fix", plain(fix))
		}
	}
	for _, warning := range s.Warnings {
		t.add("warning", plain(warning.Message))
	}
	t.writeFilled(w)
	section(w, "settings", s.Settings)
	section(w, "output", s.Output)
	for _, f := range s.Effects {
		e.effect(w, f)
	}
}

// effect is one thing that a step read from the outside or did to it.
func (e *env) effect(w io.Writer, f sluice.Effect) {
	fmt.Fprintf(w, "effect %d: %s at %s, attempt %d, %s\n", f.N, f.Kind, e.moment(f.At), f.Attempt, valueOr(took(f.Duration), "<1 ms"))
	if f.Error != "" {
		fmt.Fprintf(w, "  error: %s\n", plain(f.Error))
	}
	section(w, "  request", f.Request)
	section(w, "  response", f.Response)
}

// section is a piece of JSON below its name, in line with it.
func section(w io.Writer, name string, raw json.RawMessage) {
	if len(raw) == 0 {
		return
	}
	indent := name[:len(name)-len(strings.TrimLeft(name, " "))]
	fmt.Fprintf(w, "%s\n%s%s\n", name, indent, strings.ReplaceAll(pretty(raw), "\n", "\n"+indent))
}
