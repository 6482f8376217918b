package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/aymanbagabas/go-udiff"
	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func draftCommand(e *env) *cobra.Command {
	return group(e, "draft", "Work on the next version of a component",
		"A component has one draft. With a path in sluice.yaml it is that file or directory; else it is what\n"+
			"`sluice draft save` last kept.",
		draftSaveCommand(e), draftShowCommand(e), draftDiffCommand(e), draftPublishCommand(e), draftDiscardCommand(e))
}

func draftSaveCommand(e *env) *cobra.Command {
	var req sluice.SaveDraftRequest
	var file string
	cmd := &cobra.Command{
		Use:   "save NAME [--file PATH]",
		Short: "Keep a draft with the component",
		Long: "Keeps the file that --file names, or the component's own, where others can see and publish it.\n" +
			"One file is kept under the name that the component's file has, if it ends like it.",
		Example:           "  sluice draft save my-prompt --file prompt.md --kind prompt",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			found, err := e.read(ctx, args[0], file)
			if err != nil {
				return err
			}
			if len(found.files) == 0 {
				return sluice.Errorf(sluice.NotFound, "%s has no file in sluice.yaml", args[0]).Fix("name the content: --file PATH")
			}
			if file != "" {
				if err := e.keepName(ctx, args[0], found.files); err != nil {
					return err
				}
			}
			req.Component, req.Files = args[0], found.files
			if req.Kind == "" {
				req.Kind = found.kind
			}
			c, err := e.connect(ctx)
			if err != nil {
				return err
			}
			d, err := c.SaveDraft(ctx, req)
			if err != nil {
				return err
			}
			return e.show(d, func(w io.Writer) {
				fmt.Fprintf(w, "%s the draft of %s (%s) from %s\n", did("saved", req.DryRun), d.Component, d.Digest.Short(), found.from)
				if d.Unchecked != nil {
					e.note("it cannot be published as it is: %s", d.Unchecked)
				}
			})
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "`PATH` of the file or directory to keep, or - for standard input")
	cmd.Flags().StringVar(&req.Kind, "kind", "", "`KIND` of a new component: prompt, workflow, ensemble, script, agent, config …")
	cmd.Flags().StringVar(&req.Expect, "expect", "", "only if the kept draft has this `DIGEST`, or none")
	complete(cmd, "kind", e.fixed(kinds()...))
	changeFlags(cmd, &req.Change)
	return cmd
}

// workingCopy is a component's draft: its file in the project, else the one that
// is kept with it.
func (e *env) workingCopy(ctx context.Context, component string) (sluice.Draft, error) {
	found, err := e.read(ctx, component, "")
	if err != nil {
		return sluice.Draft{}, err
	}
	c, err := e.connect(ctx)
	if err != nil {
		return sluice.Draft{}, err
	}
	if len(found.files) == 0 {
		return c.Draft(ctx, component)
	}
	_, digest, err := sluice.CheckFiles(found.files)
	if err != nil {
		return sluice.Draft{}, err
	}
	d := sluice.Draft{Component: component, Digest: digest, Files: found.files}
	if v, err := c.Version(ctx, component, string(digest)); err == nil {
		d.Published = v.Number
	}
	return d, nil
}

func draftShowCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:               "show NAME",
		Short:             "Print a draft",
		Example:           "  sluice draft show my-prompt",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := e.workingCopy(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return e.show(d, func(w io.Writer) {
				for _, f := range d.Files {
					if len(d.Files) > 1 {
						fmt.Fprintf(w, "--- %s\n", f.Path)
					}
					w.Write(f.Bytes())
				}
				if d.Published > 0 {
					e.note("published as version %d", d.Published)
				}
			})
		},
	}
}

func draftDiffCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "diff NAME [REF]",
		Short: "Compare a draft with a version",
		Long:  "Compares with the latest version unless REF names another, such as the one in production.",
		Example: "  sluice draft diff my-prompt\n" +
			"  sluice draft diff my-prompt production",
		Args:              takes(1, 2),
		ValidArgsFunction: arguments(false, e.components, e.versions),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, ref := args[0], "latest"
			if len(args) == 2 {
				ref = args[1]
			}
			d, err := e.diffDraft(cmd.Context(), name, ref)
			if err != nil {
				return err
			}
			return e.show(d, func(w io.Writer) { e.diffText(w, d) })
		},
	}
}

func (e *env) diffDraft(ctx context.Context, name, ref string) (sluice.Diff, error) {
	draft, err := e.workingCopy(ctx, name)
	if err != nil {
		return sluice.Diff{}, err
	}
	c, err := e.connect(ctx)
	if err != nil {
		return sluice.Diff{}, err
	}
	v, err := c.Version(ctx, name, ref)
	if err != nil {
		return sluice.Diff{}, err
	}
	after, _, err := sluice.CheckFiles(draft.Files)
	if err != nil {
		return sluice.Diff{}, err
	}
	d := sluice.Diff{From: v.Ref(), To: name + " (draft)", Files: sluice.DiffFiles(v.Component, v.Files, after)}
	for i, f := range d.Files {
		before := sluice.File{}
		if f.Status != sluice.FileAdded {
			if before, err = c.File(ctx, name, fmt.Sprint(v.Number), f.Path); err != nil {
				return sluice.Diff{}, err
			}
		}
		d.Files[i].Unified = unified(f, before, fileIn(draft.Files, f.Path), v.Ref())
	}
	return d, nil
}

func fileIn(files []sluice.File, path string) sluice.File {
	for _, f := range files {
		if f.Path == path {
			return f
		}
	}
	return sluice.File{}
}

func unified(f sluice.FileDiff, before, after sluice.File, from string) string {
	if before.Base64 != nil || after.Base64 != nil {
		return fmt.Sprintf("%s is not text and differs\n", f.Path)
	}
	return udiff.Unified(from+"/"+f.Path, "draft/"+f.Path, before.Text, after.Text)
}

func draftPublishCommand(e *env) *cobra.Command {
	var req sluice.PublishRequest
	cmd := &cobra.Command{
		Use:   "publish NAME [--label LABEL]",
		Short: "Make a version of a draft",
		Long: "The version gets the next number. Content that is published already gets none. Environments that track\n" +
			"the latest version follow, and are listed.",
		Example:           "  sluice draft publish invoice-parser --note \"Reads credit notes\"",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Component = args[0]
			done, err := e.publish(cmd.Context(), req, "", false)
			if err != nil {
				return err
			}
			e.nextStep(cmd.Context(), done)
			return e.published(done)
		},
	}
	f := cmd.Flags()
	f.StringVar(&req.Label, "label", "", "`LABEL`, a semantic version such as v1.2.0")
	f.StringVar(&req.Kind, "kind", "", "`KIND` of a new component: prompt, workflow, ensemble, script, agent, config …")
	f.StringVar(&req.Name, "name", "", "a `NAME` for the version, such as add-urgency")
	f.StringVar(&req.Note, "note", "", "`TEXT` on what changed")
	uncheckedFlag(cmd, &req.Unchecked)
	changeFlags(cmd, &req.Change)
	return cmd
}

// nextStep says what the default environment runs after a publish, and how it
// gets the new version. It is a help, so it fails in silence.
func (e *env) nextStep(ctx context.Context, p sluice.Published) {
	environment, err := e.defaultEnvironment(ctx)
	if err != nil || p.DryRun {
		return
	}
	s, err := e.setting(ctx, sluice.EnvironmentRef{Name: environment}, p.Version.Component)
	if err != nil || s.Value.Settled() && s.Value.Pin == p.Version.Pin() {
		return
	}
	if !s.Value.Live() {
		s.Value = sluice.Value{} // "none" also where it is hidden
	}
	e.note("%s runs %s; next: `sluice deploy set %s %s --to %s`", environment, valueName(s.Value), p.Version.Component, p.Version.Pin(), environment)
}

func draftDiscardCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:               "discard NAME",
		Short:             "Forget the draft that is kept with a component",
		Long:              "Files of the project stay as they are; `git checkout` takes those back.",
		Example:           "  sluice draft discard my-prompt -y",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := e.confirm(cmd.Context(), "discarding the saved draft of "+args[0]); err != nil {
				return err
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			if err := c.DiscardDraft(cmd.Context(), args[0]); err != nil {
				return err
			}
			return e.show(map[string]string{"discarded": args[0]}, func(w io.Writer) { fmt.Fprintf(w, "discarded the draft of %s\n", args[0]) })
		},
	}
}
