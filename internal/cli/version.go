package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func versionCommand(e *env) *cobra.Command {
	cmd := group(e, "version", "See and keep the versions of a component",
		"A version is immutable. NAME@REF names one: by number (@4), label (@v1.0.0), digest (@sha256:ab12cd34),\n"+
			"@latest, the environment where it is live (@production) or its own name.",
		versionListCommand(e), versionShowCommand(e), versionDiffCommand(e), versionEditCommand(e),
		versionRollbackCommand(e), versionQuarantineCommand(e), versionLiftCommand(e), versionPurgeCommand(e))
	find := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 { // as people ask any program
			return e.show(map[string]string{"version": e.Version}, func(w io.Writer) { fmt.Fprintln(w, "sluice "+e.Version) })
		}
		return find(cmd, args)
	}
	return cmd
}

func (e *env) listVersions(ctx context.Context, component string) ([]sluice.Version, error) {
	c, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	return pages(ctx, 0, func(ctx context.Context, p sluice.Paging) (sluice.Page[sluice.Version], error) {
		return c.Versions(ctx, sluice.VersionQuery{Component: component, Paging: p})
	})
}

func versionListCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:               "list NAME",
		Short:             "List a component's versions, newest first",
		Example:           "  sluice version list invoice-parser",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			versions, err := e.listVersions(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return e.show(list(versions), func(w io.Writer) { e.versionsText(w, versions) })
		},
	}
}

func (e *env) versionsText(w io.Writer, versions []sluice.Version) {
	t := table{header: []string{"VERSION", "LABEL", "NAME", "PUBLISHED", "BY", "DIGEST", "NOTE"}}
	for _, v := range versions {
		t.add(fmt.Sprint(v.Number), string(v.Label), v.Name, e.clock(v.At), v.Author, v.Digest.Short(), versionNote(v))
	}
	t.write(w)
}

func versionNote(v sluice.Version) string {
	var parts []string
	if v.Quarantine != nil {
		parts = append(parts, "quarantined: "+v.Quarantine.Reason)
	}
	if v.Purged {
		parts = append(parts, "purged")
	}
	if v.Unchecked != nil {
		parts = append(parts, "unchecked")
	}
	if v.Note != "" {
		parts = append(parts, v.Note)
	}
	return strings.Join(parts, "; ")
}

// uncheckedReason is what is wrong with the content of a version, as far as anyone knows.
func uncheckedReason(v sluice.Version) string {
	if v.Unchecked == nil {
		return ""
	}
	return v.Unchecked.String()
}

func versionShowCommand(e *env) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "show NAME[@REF] [--path FILE]",
		Short: "Show a version, or print one of its files",
		Long:  "With --path it prints the bytes of that file and nothing else. Without a reference it is the latest.",
		Example: "  sluice version show my-prompt@v1.0.0\n" +
			"  sluice version show my-prompt@production --path my-prompt.md",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, ref := splitRef(args[0])
			if path == "" {
				return e.showVersion(cmd.Context(), name, valueOr(ref, "latest"))
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			f, err := c.File(cmd.Context(), name, valueOr(ref, "latest"), path)
			if err != nil {
				return err
			}
			return e.show(f, func(w io.Writer) { w.Write(f.Bytes()) })
		},
	}
	cmd.Flags().StringVar(&path, "path", "", "print this `FILE` of the version")
	return cmd
}

func (e *env) showVersion(ctx context.Context, name, ref string) error {
	c, err := e.connect(ctx)
	if err != nil {
		return err
	}
	v, err := c.Version(ctx, name, ref)
	if err != nil {
		return err
	}
	return e.show(v, func(w io.Writer) { e.versionText(w, v) })
}

func (e *env) versionText(w io.Writer, v sluice.Version) {
	var t table
	t.add("component", v.Component)
	t.add("version", fmt.Sprint(v.Number))
	for _, row := range [][2]string{
		{"label", string(v.Label)},
		{"name", v.Name},
		{"digest", string(v.Digest)},
		{"published", e.clock(v.At) + " by " + v.Author},
		{"note", versionNote(v)},
		{"unchecked", uncheckedReason(v)},
	} {
		if row[1] != "" {
			t.add(row[0], row[1])
		}
	}
	for i, f := range v.Files {
		head := ""
		if i == 0 {
			head = "files"
		}
		t.add(head, fmt.Sprintf("%s (%d bytes)", f.Path, f.Size))
	}
	t.write(w)
}

func versionEditCommand(e *env) *cobra.Command {
	var req sluice.EditVersionRequest
	var name, note string
	cmd := &cobra.Command{
		Use:               "edit NAME@REF [--name WORD] [--note TEXT]",
		Short:             "Name or annotate a version",
		Long:              "A name may move to another version; content, number and label never change.",
		Example:           "  sluice version edit invoice-parser@4 --name add-urgency-classification",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("name") {
				req.Name = &name
			}
			if cmd.Flags().Changed("note") {
				req.Note = &note
			}
			if req.Name == nil && req.Note == nil {
				return misuse(cmd, "version edit: say what to change, with --name or --note")
			}
			var err error
			if req.Component, req.Version, err = oneVersion(cmd, args[0]); err != nil {
				return err
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			v, err := c.EditVersion(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.show(v, func(w io.Writer) { e.versionText(w, v) })
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "the version's `NAME`; empty takes it away")
	cmd.Flags().StringVar(&note, "note", "", "what changed in it; empty takes it away")
	changeFlags(cmd, &req.Change)
	return cmd
}

// oneVersion reads NAME@REF where a change must say which version it means.
func oneVersion(cmd *cobra.Command, arg string) (name, ref string, err error) {
	name, ref = splitRef(arg)
	if ref == "" {
		return "", "", misuse(cmd, "%s: which version of %s?", nameOf(cmd), name).
			fix("write %s@4 or %s@v1.0.0; see `sluice version list %s`", name, name, name)
	}
	return name, ref, nil
}
