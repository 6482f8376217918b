package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/spf13/cobra"
)

func tagCommand(e *env) *cobra.Command {
	return group(e, "tag", "Publish versions under a label",
		"A label is a semantic version such as v1.2.0. It never moves to other content.",
		tagCreateCommand(e), tagListCommand(e), tagShowCommand(e))
}

func tagCreateCommand(e *env) *cobra.Command {
	var req sluice.PublishRequest
	var file string
	var worktree bool
	var bumps [3]bool
	cmd := &cobra.Command{
		Use:   "create NAME [LABEL] [--file PATH]",
		Short: "Publish a version with a label",
		Long: "Publishes the component's file as sluice.yaml names it, or the file or directory that --file names, or\n" +
			"standard input for `--file -`, or else its saved draft. In a project that shares through Git, what\n" +
			"is not committed gets a commit beside the branch, and Git's tag points at that. Prompts, scripts,\n" +
			"workflows, ensembles and agents are read whole first, and all their mistakes are told. Without\n" +
			"LABEL the one after the highest is proposed.",
		Example: "  sluice tag create my-prompt v1.1.0\n" +
			"  sluice tag create my-prompt v1.1.0 --file prompt.md --kind prompt --note \"Asks for the order number\"",
		Args:              takes(1, 2),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Component = args[0]
			bump, err := bumpOf(cmd, bumps, len(args) == 2)
			if err != nil {
				return err
			}
			if len(args) == 2 {
				req.Label = args[1]
			} else if req.Label, err = e.nextLabel(cmd, req.Component, bump); err != nil {
				return err
			}
			if _, err := sluice.ParseLabel(req.Label); err != nil {
				return err
			}
			if worktree && file != "" {
				return misuse(cmd, "tag create: --worktree and --file exclude each other")
			}
			done, err := e.publish(cmd.Context(), req, file, worktree)
			if err != nil {
				return err
			}
			return e.published(done)
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "file", "", "`PATH` of the file or directory to publish, or - for standard input")
	f.BoolVar(&worktree, "worktree", false, "publish the file as it is, also where sluice.yaml says publish: committed")
	_ = f.MarkHidden("worktree") // of scripts from before this was the rule
	for i, b := range sluice.Bumps {
		f.BoolVar(&bumps[i], string(b), false, "without LABEL: take the next "+string(b)+" version after the highest label")
	}
	f.StringVar(&req.Kind, "kind", "", "`KIND` of a new component: prompt, workflow, ensemble, script, agent, config …")
	f.StringVar(&req.Name, "name", "", "a `NAME` for the version, such as add-urgency")
	f.StringVar(&req.Note, "note", "", "`TEXT` on what changed")
	complete(cmd, "kind", e.fixed(kinds()...))
	e.importFlags(cmd, &req.Author, &req.At)
	uncheckedFlag(cmd, &req.Unchecked)
	changeFlags(cmd, &req.Change)
	return cmd
}

// bumpOf is the step to the next label that flags ask for, "" when none does.
func bumpOf(cmd *cobra.Command, flags [3]bool, labelled bool) (bump sluice.Bump, err error) {
	for i, b := range sluice.Bumps {
		switch {
		case flags[i] && labelled:
			return "", misuse(cmd, "tag create: LABEL and --%s exclude each other", b)
		case flags[i] && bump != "":
			return "", misuse(cmd, "tag create: --%s and --%s exclude each other", bump, b)
		case flags[i]:
			bump = b
		}
	}
	return bump, nil
}

// uncheckedFlag publishes what cannot run.
func uncheckedFlag(cmd *cobra.Command, into *bool) {
	cmd.Flags().BoolVar(into, "unchecked", false, "publish it although it has mistakes, and mark it (needs the role overrider)")
}

// publish makes a version of the content that a component has here, else of its
// saved draft. In a project that shares through Git that is what Git tracks or does
// not ignore; with asIs also where the project asks for what is committed.
func (e *env) publish(ctx context.Context, req sluice.PublishRequest, file string, asIs bool) (sluice.Published, error) {
	g, err := e.gitProject(ctx)
	if err != nil {
		return sluice.Published{}, err
	}
	var found content
	var from publishedFrom
	if g != nil && file == "" {
		found, from, err = e.readGit(ctx, g, req, !asIs && g.Publish == config.PublishCommitted)
		req.Commit = from.commit
	} else {
		found, err = e.read(ctx, req.Component, file)
	}
	if err != nil {
		return sluice.Published{}, err
	}
	c, err := e.connect(ctx)
	if err != nil {
		return sluice.Published{}, err
	}
	if len(found.files) == 0 {
		return e.publishSaved(ctx, c, req)
	}
	req.Files = found.files
	if req.Kind == "" {
		req.Kind = cmp.Or(found.kind, config.KindOf(filepath.ToSlash(file)))
	}
	done, err := c.Publish(ctx, req)
	if err == nil && done.Created && from.note != "" {
		e.note("%s", from.note)
	}
	return done, err
}

// publishSaved publishes the draft that is kept with the component.
func (e *env) publishSaved(ctx context.Context, c sluice.Services, req sluice.PublishRequest) (sluice.Published, error) {
	if req.Author != "" || req.At != 0 {
		return sluice.Published{}, sluice.Errorf(sluice.Invalid, "--author and --at need the content too").Fix("add --file")
	}
	if _, err := c.Draft(ctx, req.Component); sluice.CodeOf(err) == sluice.NotFound {
		missing := sluice.Errorf(sluice.NotFound, "%s has neither a file in sluice.yaml nor a saved draft", req.Component)
		missing = e.unknownFixes(ctx, missing, req.Component, req.Label)
		missing = missing.Fix("name the content: --file PATH")
		if e.project == nil {
			return sluice.Published{}, missing.Fix("or give the component a path in sluice.yaml; `sluice init` makes one")
		}
		return sluice.Published{}, missing.Fix("or give the component a path in sluice.yaml")
	}
	return c.PublishDraft(ctx, sluice.PublishDraftRequest{
		Component: req.Component, Label: req.Label, Name: req.Name, Note: req.Note, Unchecked: req.Unchecked, Change: req.Change,
	})
}

// nearComponent is a component of the project that a name is a slip for, if any.
func (e *env) nearComponent(name string) string {
	p, err := e.findProject()
	if err != nil || p == nil {
		return ""
	}
	var names []string
	for _, c := range p.Components {
		names = append(names, c.Name)
	}
	return sluice.Suggest(name, names)
}

// published prints a new version, and which environments follow it.
func (e *env) published(p sluice.Published) error {
	return e.show(p, func(w io.Writer) {
		fmt.Fprintln(w, publishedLine(p))
		if v := p.Version; v.Unchecked != nil {
			uncheckedText(w, []sluice.Marked{{Component: v.Component, Pin: v.Pin(), Unchecked: *v.Unchecked}})
		}
		e.releasesText(w, p.Live, p.DryRun)
		for _, n := range p.Notes {
			e.note("%s", n)
		}
		for _, r := range p.Refused {
			e.note("%s did not follow: %s", r.Environment, r.Reason)
		}
	})
}

// publishedLine is one sentence about a version that was published.
func publishedLine(p sluice.Published) string {
	v, number := p.Version, ""
	if v.Label != "" {
		number = fmt.Sprintf(", version %d", v.Number)
	}
	if p.Created {
		return fmt.Sprintf("%s %s%s (%s)", did("published", p.DryRun), v.Ref(), number, v.Digest.Short())
	}
	return fmt.Sprintf("no change: %s%s has the same content (%s)", v.Ref(), number, v.Digest.Short())
}

func tagListCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:               "list NAME",
		Short:             "List a component's labels, newest first",
		Long:              "One label on each line, so that `grep -q` can look for one.",
		Example:           "  sluice tag list my-prompt",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			versions, err := e.listVersions(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			labels := []sluice.Label{}
			for _, v := range versions {
				if v.Label != "" {
					labels = append(labels, v.Label)
				}
			}
			return e.show(labels, func(w io.Writer) {
				for _, l := range labels {
					fmt.Fprintln(w, l)
				}
			})
		},
	}
}

func tagShowCommand(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "show NAME LABEL | show NAME@LABEL",
		Short:             "Show the version that has a label",
		Example:           "  sluice tag show my-prompt v1.1.0",
		Args:              takes(1, 2),
		ValidArgsFunction: arguments(false, e.components, e.versions),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, ref := splitRef(args[0])
			switch {
			case ref == "" && len(args) == 2:
				ref = args[1]
			case ref == "" || len(args) == 2:
				return misuse(cmd, "tag show: write NAME LABEL or NAME@LABEL")
			}
			if _, err := sluice.ParseLabel(ref); err != nil {
				return err
			}
			return e.showVersion(cmd.Context(), name, ref)
		},
	}
	return cmd
}
