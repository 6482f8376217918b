package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

// runCommand is thread run under its short name.
func runCommand(e *env) *cobra.Command {
	cmd := threadRunCommand(e)
	cmd.Short = "Run a version and follow it to its end"
	cmd.Example = "  sluice run invoice-parser --input @smoke/prod_smoke.json --env\n" +
		"  sluice run --file draft.yaml --kind workflow --input '{\"text\": \"hello\"}' -e staging --env --result | jq ."
	return cmd
}

func threadRunCommand(e *env) *cobra.Command {
	var s starting
	var a answering
	noFollow := false
	cmd := &cobra.Command{
		Use:   "run NAME [--input JSON|@FILE] [--version REF] [-e ENVIRONMENT] [--env]",
		Short: "Start a run and follow it to its end",
		Long: "Runs what is live in an environment, or the version that is named, and tells on standard error of each\n" +
			"step as it ends. --env loads the environment's configuration. Exits 12 unless the run completed. Ctrl-C\n" +
			"stops following: a server goes on with the run, and without one `sluice thread resume` does.",
		Example: "  sluice thread run invoice-parser --version 4 --input @./smoke/prod_smoke.json --env --result\n" +
			"  sluice thread run invoice-parser -e staging --env --save out/\n" +
			"  echo '{\"text\": \"hello\"}' | sluice thread run greeter --input @- -o json | jq .status",
		Args:              e.takesOneToRun(&s),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			if noFollow && (a.result || a.save != "") {
				return misuse(cmd, "%s: --no-follow does not wait for the output that --result and --save want", nameOf(cmd)).fix("leave --no-follow out")
			}
			if err := e.checkSave(a.save, ""); err != nil {
				return err
			}
			run, err := e.start(cmd, &s, args)
			if err != nil || noFollow {
				return e.startedAlone(run, err)
			}
			return e.followToEnd(cmd.Context(), run, 0, a)
		},
	}
	e.startFlags(cmd, &s)
	answerFlags(cmd, &a)
	cmd.Flags().BoolVar(&noFollow, "no-follow", false, "only start it and print its id")
	return cmd
}

func threadCreateCommand(e *env) *cobra.Command {
	var s starting
	cmd := &cobra.Command{
		Use:   "create NAME [--input JSON|@FILE] [--version REF] [-e ENVIRONMENT] [--env]",
		Short: "Start a run and print its id",
		Long: "Returns at once. A server carries the run out; without one it waits until `sluice thread watch` follows\n" +
			"it or a server starts.",
		Example:           "  id=$(sluice thread create invoice-parser --input @invoice.json --env)",
		Args:              e.takesOneToRun(&s),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.startedAlone(e.start(cmd, &s, args))
		},
	}
	e.startFlags(cmd, &s)
	return cmd
}

func threadWatchCommand(e *env) *cobra.Command {
	var a answering
	cmd := &cobra.Command{
		Use:   "watch ID",
		Short: "Follow a run to its end",
		Long: "Tells of each step as it ends, those before included, then as `sluice thread run` does. Without a server\n" +
			"it carries out what is waiting.",
		Example:           "  sluice thread watch last\n  sluice thread watch 3f2a9c1b7d4e --result",
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
			e.note("%s", headline(run))
			return e.followToEnd(cmd.Context(), run, 0, a)
		},
	}
	answerFlags(cmd, &a)
	return cmd
}

// start starts a run, and says what runs.
func (e *env) start(cmd *cobra.Command, s *starting, args []string) (sluice.Run, error) {
	req, err := e.startRequest(cmd, s, args)
	if err != nil {
		return sluice.Run{}, err
	}
	runs, err := e.runs(cmd.Context())
	if err != nil {
		return sluice.Run{}, err
	}
	run, err := runs.StartRun(cmd.Context(), req)
	if err != nil {
		return run, e.unpublished(cmd.Context(), req.Component, err)
	}
	if run.Replayed {
		e.note("this request was carried out before; its run is taken")
	}
	e.note("%s", headline(run))
	if !run.Configured {
		e.note("no configuration is loaded: add --env")
	}
	for _, warning := range warningsOf(run) {
		e.note("warning: %s", warning)
	}
	if e.embedded && run.Callback != "" {
		e.note("the callback waits for a server over this directory: `sluice serve`")
	}
	return run, nil
}

// unpublished says how it can run what is in the project and was never published.
func (e *env) unpublished(ctx context.Context, name string, err error) error {
	if sluice.CodeOf(err) != sluice.NotFound || e.project == nil {
		return err
	}
	known, there := e.project.Component(name)
	if !there || known.Path == "" {
		return err
	}
	if _, look := e.client.Component(ctx, name); sluice.CodeOf(look) != sluice.NotFound {
		return err
	}
	return sluice.Errorf(sluice.NotFound, "component %s is in the project and was never published", name).
		Fix("publish it: `sluice tag create %s v1.0.0`", name).
		Fix("or run its file as it is: `sluice run %s --file %s`", name, quoted(known.Path))
}

// startedAlone prints the id of a run that nobody follows.
func (e *env) startedAlone(run sluice.Run, err error) error {
	if err != nil {
		return err
	}
	if e.embedded && !run.Status.Ended() {
		e.note("no server carries it out: it waits for one, or for `sluice thread watch %s`", run.ID)
	}
	return e.show(run, func(w io.Writer) { fmt.Fprintln(w, run.ID) })
}

// answering is how the answer of a run that was followed is given.
type answering struct {
	result bool
	save   string
}

func answerFlags(cmd *cobra.Command, a *answering) {
	cmd.Flags().BoolVar(&a.result, "result", false, "print the output alone, as JSON")
	cmd.Flags().StringVar(&a.save, "save", "", "keep input, output and every step as files in this `DIR`")
}

// followToEnd follows a run until nothing more will happen by itself, and prints
// what came of it.
func (e *env) followToEnd(ctx context.Context, run sluice.Run, after int64, a answering) error {
	run, err := e.follow(ctx, run, after)
	if err != nil {
		return err
	}
	if a.save != "" {
		if err := e.saveRun(ctx, run, a.save); err != nil {
			return err
		}
	}
	e.noteWarnings(run)
	if run.Status != sluice.RunCompleted {
		if !a.result {
			if err := e.show(run, func(w io.Writer) { e.runSummary(w, run) }); err != nil {
				return err
			}
		}
		return e.noOutput(ctx, run)
	}
	if a.result {
		return e.showOutput(run)
	}
	return e.show(run, func(w io.Writer) { e.runSummary(w, run) })
}
