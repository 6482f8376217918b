package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func diffCommand(e *env) *cobra.Command {
	var req sluice.DiffRequest
	cmd := &cobra.Command{
		Use:   "diff A B [--contents]",
		Short: "Compare two environments, past states or versions",
		Long: "A and B are environments, releases (production#41) or times (production@yesterday), or two versions\n" +
			"(my-prompt@v1.0.0). For states --contents adds the text of what differs.",
		Example: "  sluice diff staging production\n" +
			"  sluice diff production#41 production --contents\n" +
			"  sluice diff my-prompt@v1.0.0 my-prompt@v1.1.0",
		Args:              takesTwoStates,
		ValidArgsFunction: arguments(true, e.environments),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.From, req.To = e.either(args[0]), e.either(args[1])
			return e.diff(cmd.Context(), req)
		},
	}
	cmd.Flags().BoolVar(&req.Contents, "contents", false, "with the text of what differs")
	return cmd
}

// takesTwoStates knows who meant to compare versions by their labels alone.
func takesTwoStates(cmd *cobra.Command, args []string) error {
	if len(args) == 3 {
		return misuse(cmd, "diff: unexpected argument %q", args[2]).
			fix("did you mean `sluice version diff %s`?", strings.Join(args, " "))
	}
	return takes(2, 2)(cmd, args)
}

func versionDiffCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "diff NAME [REF [REF]]",
		Short: "Compare two versions of a component",
		Long:  "Without a second reference it compares with the latest; with none, the two newest versions.",
		Example: "  sluice version diff my-prompt v1.0.0 v1.1.0\n" +
			"  sluice version diff my-prompt production",
		Args:              takes(1, 3),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, refs := args[0], args[1:]
			if at, ref := splitRef(name); ref != "" {
				name, refs = at, append([]string{ref}, refs...)
			}
			switch len(refs) {
			case 0:
				versions, err := e.listVersions(cmd.Context(), name)
				if err != nil {
					return err
				}
				if len(versions) < 2 {
					return sluice.Errorf(sluice.NotFound, "%s has no two versions to compare", name)
				}
				refs = []string{fmt.Sprint(versions[1].Number), fmt.Sprint(versions[0].Number)}
			case 1:
				refs = append(refs, "latest")
			case 2:
			default:
				return misuse(cmd, "version diff: unexpected argument %q", refs[2])
			}
			return e.diff(cmd.Context(), sluice.DiffRequest{From: name + "@" + refs[0], To: name + "@" + refs[1], Contents: true})
		},
	}
}

func (e *env) diff(ctx context.Context, req sluice.DiffRequest) error {
	c, err := e.connect(ctx)
	if err != nil {
		return err
	}
	d, err := c.Diff(ctx, req)
	if err != nil {
		return err
	}
	for _, side := range []struct{ asked, got string }{{req.From, d.From}, {req.To, d.To}} {
		if strings.Contains(side.asked, "@") && strings.HasSuffix(side.got, "#0") {
			if err := e.noteUnbegunAt(ctx, side.asked); err != nil {
				return err
			}
		}
	}
	return e.show(d, func(w io.Writer) { e.diffText(w, d) })
}

func (e *env) diffText(w io.Writer, d sluice.Diff) {
	if len(d.Slots) == 0 && len(d.Files) == 0 {
		e.note("%s and %s are the same", d.From, d.To)
	}
	var t table
	for _, s := range d.Slots {
		t.add(slotName(s.Slot), fmt.Sprintf("%s → %s", valueName(s.From), valueName(s.To)))
	}
	t.write(w)
	for _, f := range d.Files {
		e.fileDiff(w, f)
	}
}

// fileDiff prints the difference of one file as diff does.
func (e *env) fileDiff(w io.Writer, f sluice.FileDiff) {
	if f.Unified == "" {
		fmt.Fprintf(w, "%s %s/%s\n", f.Status, f.Component, f.Path)
		return
	}
	for line := range strings.Lines(f.Unified) {
		text := strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(text, "@@"):
			text = e.style(faint, text)
		case strings.HasPrefix(text, "+"):
			text = e.style(green, text)
		case strings.HasPrefix(text, "-"):
			text = e.style(red, text)
		}
		fmt.Fprintln(w, text)
	}
}
