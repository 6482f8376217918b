package cli

import (
	"fmt"
	"io"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/server"
	"github.com/spf13/cobra"
)

func variableShredCommand(e *env) *cobra.Command {
	var req sluice.ShredRequest
	cmd := &cobra.Command{
		Use:   "shred KEY [--before TIME] [-e ENVIRONMENT] [--component NAME]",
		Short: "Make past values unrecoverable",
		Long: "Removes the values that the variable had and no longer has anywhere, or with --before only those that\n" +
			"had ended by then. History still says that they were there. Copies in backups, in a database's archive\n" +
			"and in what others read before are not reached. This cannot be taken back.",
		Example:           "  sluice env shred API_TOKEN -e production --reason \"leaked, and revoked\"",
		Args:              takes(1, 1),
		ValidArgsFunction: arguments(false, e.variables),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			req.Key = args[0]
			if err := sluice.CheckKey(req.Key); err != nil {
				return err
			}
			if req.Environment == "" {
				if req.Environment, err = e.defaultEnvironment(cmd.Context()); err != nil {
					return err
				}
			}
			if !req.DryRun {
				if err := e.confirm(cmd.Context(), fmt.Sprintf("Shred the past values of %s in %s", req.Key, req.Environment)); err != nil {
					return err
				}
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			report, err := c.ShredVariable(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.show(report, func(w io.Writer) {
				for _, k := range report.Kept {
					fmt.Fprintf(w, "kept: %s\n", saying(k.Reason))
				}
				verb := "shredded"
				if report.DryRun {
					verb = "would shred"
				}
				fmt.Fprintf(w, "%s %s of %s in %s\n", verb, counted(len(report.Shredded), "past value"), req.Key, report.Environment)
			})
		},
	}
	e.environmentFlag(cmd, &req.Environment, "", "the `ENVIRONMENT` to change (default: the project's)")
	e.componentFlag(cmd, &req.Component, "in the overlay of the component `NAME`")
	e.timeFlag(cmd, &req.Before, until, "before", "only values that had ended by then (default: now)")
	changeFlags(cmd, &req.Change)
	return cmd
}

func rotateKeyCommand(e *env) *cobra.Command {
	var req sluice.RotateKeyRequest
	cmd := &cobra.Command{
		Use:   "rotate-key [--master]",
		Short: "Seal all values with a new key",
		Long: "Makes a new data key, wraps it under the first master key, seals every value with it and drops the old\n" +
			"one, while work goes on. --master makes a new master key first, at the top of the key file; the old one\n" +
			"stays below it for older backups. Where the master key is not in a file, make one with\n" +
			"`sluice env new-key`, put it before the old one, restart, then rotate.",
		Example: "  sluice env rotate-key --reason \"yearly\"",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			report, err := c.RotateKey(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.show(report, func(w io.Writer) {
				if report.NewMaster {
					fmt.Fprintf(w, "made a new master key in %s; the old one stays below it\n", report.Master)
				}
				if report.DryRun {
					fmt.Fprintf(w, "would seal all values with data key %d, under %s\n", report.Key, report.Master)
					return
				}
				fmt.Fprintf(w, "sealed %d values with data key %d, under %s\n", report.Resealed, report.Key, report.Master)
			})
		},
	}
	cmd.Flags().BoolVar(&req.Master, "master", false, "with a new master key, where it is a file")
	changeFlags(cmd, &req.Change)
	return cmd
}

func newKeyCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "new-key",
		Short: "Print a new master key",
		Long: "Prints a key for SLUICE_MASTER_KEY, for a key file or for a secret store. Whoever has it and the database\n" +
			"can read every secret; without it nobody can. Nothing is changed.",
		Example: "  sluice env new-key > master.key",
		Args:    takes(0, 0),
		RunE: func(*cobra.Command, []string) error {
			key, err := server.NewMasterKey()
			if err != nil {
				return err
			}
			return e.show(struct {
				Key string `json:"key"`
			}{key}, func(w io.Writer) { fmt.Fprintln(w, key) })
		},
	}
}
