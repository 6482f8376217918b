package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func threadCancelCommand(e *env) *cobra.Command {
	var req sluice.CancelRunRequest
	cmd := &cobra.Command{
		Use:               "cancel ID [--reason WHY]",
		Short:             "End a run",
		Long:              "What it is doing is broken off, and nothing more begins. What it did stays done.",
		Example:           "  sluice thread cancel 3f2a9c1b7d4e --reason \"wrong input\"",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.runIDs),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if req.Run, err = e.findRun(cmd.Context(), args[0]); err != nil {
				return err
			}
			runs, err := e.runs(cmd.Context())
			if err != nil {
				return err
			}
			run, err := runs.CancelRun(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.show(run, func(w io.Writer) { fmt.Fprintf(w, "cancelled %s, run %s\n", run.Ref(), run.ID) })
		},
	}
	cmd.Flags().StringVar(&req.Reason, "reason", "", "`WHY`, for the record")
	return cmd
}

func threadResumeCommand(e *env) *cobra.Command {
	var req sluice.ResumeRunRequest
	var answer, result string
	var noFollow bool
	var a answering
	cmd := &cobra.Command{
		Use:   "resume ID [--answer TEXT|JSON | --retry | --skip | --result JSON] [--step PATH]",
		Short: "Let a run go on that waits or was interrupted",
		Long: "A run that asks takes --answer: text as it is typed, or JSON where a number, a yes or no, or JSON is asked\n" +
			"for. After an error, or where it is not known whether a step took effect, --retry does the step again,\n" +
			"--skip goes on without its output and --result as if that were its output. An interrupted run needs none\n" +
			"of them. Then it follows the run, as `sluice thread run` does.",
		Example: "  sluice thread resume last --answer yes\n" +
			"  sluice thread resume 3f2a9c1b7d4e --retry\n" +
			"  sluice thread resume 3f2a9c1b7d4e --result '{\"booked\": true}'",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.runIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, err := e.run(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := e.checkSave(a.save, run.ID); err != nil {
				return err
			}
			req.Run = run.ID
			if err := e.howToGoOn(cmd, &req, run, answer, result); err != nil {
				return err
			}
			return e.resume(cmd.Context(), req, noFollow, a)
		},
	}
	f := cmd.Flags()
	f.StringVar(&answer, "answer", "", "the answer to what it asks: `TEXT` or JSON")
	f.BoolVar(&req.Retry, "retry", false, "do the step again")
	f.BoolVar(&req.Skip, "skip", false, "go on without the step's output")
	f.StringVar(&result, "result", "", "go on as if this `JSON` or @FILE were the step's output")
	f.StringVar(&req.Step, "step", "", "the `PATH` of the step, where more than one waits")
	f.StringVar(&a.save, "save", "", "keep input, output and every step as files in this `DIR`")
	f.BoolVar(&noFollow, "no-follow", false, "do not follow it")
	return cmd
}

func (e *env) resume(ctx context.Context, req sluice.ResumeRunRequest, noFollow bool, a answering) error {
	runs, err := e.runs(ctx)
	if err != nil {
		return err
	}
	before, err := runs.Run(ctx, req.Run)
	if err != nil {
		return err
	}
	run, err := runs.ResumeRun(ctx, req)
	if err != nil {
		return err
	}
	if noFollow {
		return e.show(run, func(w io.Writer) { fmt.Fprintf(w, "%s goes on, run %s\n", run.Ref(), run.ID) })
	}
	e.note("%s", headline(run))
	return e.followToEnd(ctx, run, before.Change, a)
}

// howToGoOn reads how a run goes on from the flags, of which one may be given.
func (e *env) howToGoOn(cmd *cobra.Command, req *sluice.ResumeRunRequest, run sluice.Run, answer, result string) (err error) {
	var given []string
	for _, name := range []string{"answer", "retry", "skip", "result"} {
		if cmd.Flags().Changed(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) > 1 {
		return misuse(cmd, "thread resume: %s exclude each other", strings.Join(given, " and ")).fix("choose one of them")
	}
	if cmd.Flags().Changed("answer") {
		asked, err := e.askedType(cmd.Context(), run, req.Step)
		if err != nil {
			return err
		}
		req.Answer = typedAnswer(asked, answer)
	}
	if cmd.Flags().Changed("result") {
		req.Result, _, err = e.readJSON(cmd, "result", result)
	}
	return err
}

// askedType is the type of answer that a run, or one step of it, waits for.
func (e *env) askedType(ctx context.Context, run sluice.Run, step string) (string, error) {
	if run.Waiting != nil && (step == "" || step == run.Waiting.Step) {
		return run.Waiting.Type, nil
	}
	if step == "" {
		return "", nil
	}
	runs, err := e.runs(ctx)
	if err != nil {
		return "", err
	}
	steps, err := sluice.Collect(runs.Steps(ctx, sluice.StepQuery{Run: run.ID, Path: step, Detail: true}))
	if err != nil || len(steps) == 0 {
		return "", err
	}
	var settings struct {
		Type string `json:"type"`
	}
	// A step that asks nothing has no type, and the service says so.
	_ = json.Unmarshal(steps[0].Settings, &settings)
	return settings.Type, nil
}

// typedAnswer makes JSON of what was typed: what is JSON already stays, unless a
// text is asked for, of which only one in quotes is.
func typedAnswer(asked, text string) json.RawMessage {
	trimmed := strings.TrimSpace(text)
	isText := asked == "" || asked == "text" || asked == "choice"
	if asked == "boolean" {
		switch strings.ToLower(trimmed) {
		case "yes", "y":
			return json.RawMessage("true")
		case "no", "n":
			return json.RawMessage("false")
		}
	}
	if json.Valid([]byte(trimmed)) && (!isText || strings.HasPrefix(trimmed, `"`)) {
		return json.RawMessage(trimmed)
	}
	quoted, _ := json.Marshal(text) // a string always can be
	return quoted
}
