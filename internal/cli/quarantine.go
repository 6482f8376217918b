package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func versionQuarantineCommand(e *env) *cobra.Command {
	cmd := quarantine(e, false)
	cmd.Use = "quarantine NAME@REF --reason WHY"
	cmd.Short = "Keep a version's content from going live"
	cmd.Long = "Content in quarantine cannot go live under any number or label until someone lifts it. Where it is\n" +
		"live now it stays so, and is listed: roll back there."
	cmd.Example = "  sluice version quarantine my-prompt@v1.1.0 --reason \"leaks order numbers\""
	return cmd
}

func versionLiftCommand(e *env) *cobra.Command {
	cmd := quarantine(e, true)
	cmd.Use = "lift NAME@REF --reason WHY"
	cmd.Short = "Lift a quarantine"
	cmd.Long = "The content may go live again."
	cmd.Example = "  sluice version lift my-prompt@v1.1.0 --reason \"false alarm\""
	return cmd
}

func quarantine(e *env, lift bool) *cobra.Command {
	req := sluice.QuarantineRequest{Lift: lift}
	cmd := &cobra.Command{
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if req.Component, req.Version, err = oneVersion(cmd, args[0]); err != nil {
				return err
			}
			if req.Reason == "" {
				return misuse(cmd, "%s: --reason is missing", nameOf(cmd)).fix("say why, for those who meet it later")
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			report, err := c.Quarantine(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.show(report, func(w io.Writer) { e.quarantineText(w, report, lift) })
		},
	}
	changeFlags(cmd, &req.Change)
	return cmd
}

func (e *env) quarantineText(w io.Writer, r sluice.QuarantineReport, lift bool) {
	ref := r.Version.Ref()
	switch {
	case !r.Changed && lift:
		fmt.Fprintf(w, "no change: %s is not in quarantine\n", ref)
	case !r.Changed:
		fmt.Fprintf(w, "no change: %s is in quarantine already\n", ref)
	case lift:
		fmt.Fprintf(w, "%s the quarantine of %s\n", did("lifted", r.DryRun), ref)
	default:
		fmt.Fprintf(w, "%s %s\n", did("quarantined", r.DryRun), ref)
	}
	if len(r.LiveIn) > 0 && !lift {
		e.note("it is still live in %s: `sluice rollback %s --in %s`", strings.Join(r.LiveIn, ", "), r.Version.Component, r.LiveIn[0])
	}
}

func versionPurgeCommand(e *env) *cobra.Command {
	var req sluice.PurgeRequest
	cmd := &cobra.Command{
		Use:   "purge NAME@REF --reason WHY",
		Short: "Remove the bytes of a version for good",
		Long: "For content that must not be kept, such as personal data. The digest and all history stay, the bytes\n" +
			"are gone and cannot be brought back. Content that is live somewhere cannot be purged.",
		Example:           "  sluice version purge my-prompt@3 --reason \"held a customer's address\" -y",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if req.Component, req.Version, err = oneVersion(cmd, args[0]); err != nil {
				return err
			}
			if req.Reason == "" {
				return misuse(cmd, "version purge: --reason is missing").fix("say why the content must go")
			}
			if !req.DryRun {
				if err := e.confirm(cmd.Context(), fmt.Sprintf("removing the content of %s for good", args[0])); err != nil {
					return err
				}
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			v, err := c.Purge(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.show(v, func(w io.Writer) { fmt.Fprintf(w, "%s %s\n", did("purged", req.DryRun), v.Ref()) })
		},
	}
	changeFlags(cmd, &req.Change)
	return cmd
}
