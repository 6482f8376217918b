package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func componentsCommand(e *env) *cobra.Command {
	cmd := group(e, "components", "See and keep components",
		"A component is a named thing that is versioned: a prompt, a workflow, a script, an agent, a config,\n"+
			"or any other kind of text that you name.",
		componentsListCommand(e), componentsShowCommand(e), componentsAddCommand(e),
		componentsEditCommand(e), componentsArchiveCommand(e))
	cmd.Aliases = []string{"component"}
	return cmd
}

func componentsListCommand(e *env) *cobra.Command {
	var q sluice.ComponentQuery
	cmd := &cobra.Command{
		Use:   "list [--kind KIND] [--archived] [--format table|tree|json|yaml]",
		Short: "List components and where they are live",
		Long: "The tree lists each version, newest first, with the environments where it is live. JSON is an array\n" +
			"sorted by name of {\"name\", \"kind\", \"environments\"}.",
		Example: "  sluice components list --format tree\n" +
			"  sluice components list --format json | jq -r '.[] | .name'",
		Args:        takes(0, 0),
		Annotations: map[string]string{drawsTree: "yes"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			q.Versions = e.format == "tree"
			found, err := e.listComponents(cmd.Context(), q)
			switch {
			case err != nil:
				return err
			case e.format == "tree":
				e.treeText(e.Stdout, found)
				return nil
			}
			return e.show(lined[liveComponent](liveComponents(found)), func(w io.Writer) { e.componentsText(w, found) })
		},
	}
	cmd.Flags().StringVar(&q.Kind, "kind", "", "only components of this `KIND`")
	cmd.Flags().BoolVar(&q.Archived, "archived", false, "archived ones too")
	cmd.Flags().StringSliceVar(&q.Tags, "tag", nil, "only components with this `TAG`; may be repeated")
	complete(cmd, "kind", e.fixed(kinds()...))
	return cmd
}

func kinds() []string {
	return []string{sluice.KindPrompt, sluice.KindWorkflow, sluice.KindEnsemble, sluice.KindScript, sluice.KindAgent, sluice.KindConfig}
}

func (e *env) listComponents(ctx context.Context, q sluice.ComponentQuery) ([]sluice.Component, error) {
	c, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	return pages(ctx, 0, func(ctx context.Context, p sluice.Paging) (sluice.Page[sluice.Component], error) {
		q.Paging = p
		return c.Components(ctx, q)
	})
}

// liveComponent is a component and where it is live: what `components list` and
// `history --date` print as JSON, so that two of them can be compared.
type liveComponent struct {
	Name         string            `json:"name"`
	Kind         string            `json:"kind"`
	Environments map[string]string `json:"environments"`
}

func liveComponents(found []sluice.Component) []liveComponent {
	out := make([]liveComponent, len(found))
	for i, c := range found {
		out[i] = liveComponent{c.Name, c.Kind, c.Environments}
		if c.Environments == nil {
			out[i].Environments = map[string]string{}
		}
	}
	return out
}

func (e *env) componentsText(w io.Writer, found []sluice.Component) {
	t := table{header: []string{"NAME", "KIND", "VERSIONS", "LIVE", "NOTE"}}
	for _, c := range found {
		t.add(c.Name, c.Kind, fmt.Sprint(c.Latest), liveIn(c.Environments), archivedNote(c))
	}
	t.write(w)
	if len(found) == 0 {
		e.note("no components; `sluice tag create NAME v1.0.0 --file PATH` publishes the first version of one")
	}
}

func archivedNote(c sluice.Component) string {
	if c.Archived {
		return "archived"
	}
	return ""
}

func liveIn(environments map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(environments)) {
		parts = append(parts, name+" "+environments[name])
	}
	return strings.Join(parts, ", ")
}

// treeText lists each component's versions, newest first, with the environments
// where each is live.
func (e *env) treeText(w io.Writer, found []sluice.Component) {
	for _, c := range found {
		note := ""
		if c.Archived {
			note = " archived"
		}
		fmt.Fprintf(w, "%s (%s)%s\n", e.style(bold, c.Name), c.Kind, note)
		for _, v := range c.Versions {
			line := "  " + v.Pin().String()
			for _, name := range slices.Sorted(maps.Keys(c.Environments)) {
				if c.Environments[name] == v.Pin().String() {
					line += " " + e.style(green, "["+name+"]")
				}
			}
			fmt.Fprintln(w, line)
		}
	}
}

func componentsShowCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:               "show NAME",
		Short:             "Show one component with its versions",
		Example:           "  sluice components show my-prompt",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			found, err := c.Component(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return e.show(found, func(w io.Writer) {
				e.componentText(w, found)
				fmt.Fprintln(w)
				e.versionsText(w, found.Versions)
			})
		},
	}
}

func (e *env) componentText(w io.Writer, c sluice.Component) {
	var t table
	t.add("name", c.Name)
	t.add("kind", c.Kind)
	if c.Description != "" {
		t.add("description", c.Description)
	}
	if len(c.Tags) > 0 {
		t.add("tags", strings.Join(c.Tags, ", "))
	}
	t.add("live", valueOr(liveIn(c.Environments), "nowhere"))
	t.add("made", e.clock(c.CreatedAt)+" by "+c.CreatedBy)
	if c.Archived {
		t.add("archived", "yes")
	}
	t.write(w)
}

func valueOr(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func componentsAddCommand(e *env) *cobra.Command {
	var req sluice.AddComponentRequest
	cmd := &cobra.Command{
		Use:   "add NAME [PATH] [--kind KIND]",
		Short: "Give a file of the project a name, or make a component without one",
		Long: "With PATH, writes the component into sluice.yaml, behind the others; all else there stays as it is, and\n" +
			"the kind is told by the place of the file when it is not given. Without PATH, makes a component that has\n" +
			"no version yet. KIND is prompt, workflow, script, agent, config or a word of yours.",
		Example: "  sluice components add my-prompt components/prompts/my-prompt.md\n" +
			"  sluice components add my-prompt --kind prompt --description \"Greets the customer\"",
		Args: takes(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Name = args[0]
			if len(args) == 2 {
				if req.Description != "" || len(req.Tags) > 0 {
					return misuse(cmd, "components add: PATH goes into sluice.yaml, which holds no --description and no --tag").
						fix("publish it first, then `sluice components edit %s`", req.Name)
				}
				return e.addToProject(cmd, req, args[1])
			}
			if req.Kind == "" {
				return misuse(cmd, "components add: --kind is missing").fix("say what it is: --kind prompt")
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			made, err := c.AddComponent(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.show(made, func(w io.Writer) { fmt.Fprintf(w, "%s %s (%s)\n", did("added", req.DryRun), made.Name, made.Kind) })
		},
	}
	cmd.Flags().StringVar(&req.Kind, "kind", "", "`KIND` that it is: prompt, workflow, ensemble, script, agent, config or another word")
	cmd.Flags().StringVar(&req.Description, "description", "", "what it is for")
	cmd.Flags().StringSliceVar(&req.Tags, "tag", nil, "a `TAG` to find it by; may be repeated")
	complete(cmd, "kind", e.fixed(kinds()...))
	changeFlags(cmd, &req.Change)
	return cmd
}

func componentsEditCommand(e *env) *cobra.Command {
	var req sluice.EditComponentRequest
	var kind, description string
	var tags []string
	cmd := &cobra.Command{
		Use:               "edit NAME",
		Short:             "Say anew what a component is",
		Long:              "Changes the kind or the description, and leaves the rest. Versions and what is live stay as they are.",
		Example:           "  sluice components edit my-prompt --description \"Greets customers\"",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Name = args[0]
			if cmd.Flags().Changed("kind") {
				req.Kind = &kind
			}
			if cmd.Flags().Changed("description") {
				req.Description = &description
			}
			if cmd.Flags().Changed("tag") {
				req.Tags = &tags
			}
			if req.Kind == nil && req.Description == nil && req.Tags == nil {
				return misuse(cmd, "components edit: say what to change").fix("with --kind, --description or --tag")
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			edited, err := c.EditComponent(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.show(edited, func(w io.Writer) {
				fmt.Fprintf(w, "%s %s (%s)\n", did("changed", req.DryRun), edited.Name, edited.Kind)
			})
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "", "`KIND` that it is: prompt, workflow, ensemble, script, agent, config or another word")
	cmd.Flags().StringVar(&description, "description", "", "what it is for")
	cmd.Flags().StringSliceVar(&tags, "tag", nil, "the `TAGS` in the place of those that it has; empty takes them away")
	complete(cmd, "kind", e.fixed(kinds()...))
	changeFlags(cmd, &req.Change)
	return cmd
}

func componentsArchiveCommand(e *env) *cobra.Command {
	var req sluice.EditComponentRequest
	var revive bool
	cmd := &cobra.Command{
		Use:   "archive NAME [--revive]",
		Short: "Put a component away, or take it back out",
		Long: "An archived component cannot go live and is left out of lists. Its versions and history stay.\n" +
			"Environments that track every publish let go of it in the same change, and take its latest version again when it is\n" +
			"revived. Where somebody deployed it, it must be taken away first. Adding a component of that name revives it too.",
		Example: "  sluice components archive old-prompt\n" +
			"  sluice components archive old-prompt --revive",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			archived := !revive
			req.Name, req.Archived = args[0], &archived
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			edited, err := c.EditComponent(cmd.Context(), req)
			if err != nil {
				return err
			}
			verb := "archived"
			if revive {
				verb = "revived"
			}
			return e.show(edited, func(w io.Writer) { fmt.Fprintf(w, "%s %s\n", did(verb, req.DryRun), edited.Name) })
		},
	}
	cmd.Flags().BoolVar(&revive, "revive", false, "take it back out")
	changeFlags(cmd, &req.Change)
	return cmd
}
