package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func auditCommand(e *env) *cobra.Command {
	return group(e, "audit", "Read and check the ledger of everything that happened",
		"The ledger is append-only, and each entry is a leaf of a Merkle tree: rewriting shows.",
		auditListCommand(e), auditVerifyCommand(e), auditCheckpointCommand(e))
}

func auditListCommand(e *env) *cobra.Command {
	var q sluice.AuditQuery
	var limit int
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List ledger entries, newest first",
		Long:    "Each entry says when, who, what kind of change, and of what. JSON has the whole payload.",
		Example: "  sluice audit list --actor alice --since \"monday 00:00\"",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			entries, err := e.entries(cmd.Context(), q, limit)
			if err != nil {
				return err
			}
			return e.show(list(entries), func(w io.Writer) {
				var t table
				for _, n := range entries {
					t.add(fmt.Sprint(n.Seq), e.clock(n.RecordedAt), n.Actor, n.Kind, n.Subject)
				}
				t.write(w)
				if len(entries) == 0 {
					e.note("no entry is like that")
				}
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&q.Kind, "kind", "", "only entries of this `KIND`, such as release or version.publish")
	f.StringVar(&q.Actor, "actor", "", "only what this person or program did, by `NAME`")
	f.StringVar(&q.Component, "component", "", "only the component `NAME` and its versions; its releases are in sluice history")
	f.IntVar(&limit, "limit", 0, "print at most this many entries")
	e.environmentFlag(cmd, &q.Environment, "", "only releases of this `ENVIRONMENT`")
	e.timeFlag(cmd, &q.Since, since, "since", "only from this time on")
	e.timeFlag(cmd, &q.Until, until, "until", "only up to this time")
	complete(cmd, "component", e.components)
	return cmd
}

func (e *env) entries(ctx context.Context, q sluice.AuditQuery, limit int) ([]sluice.Entry, error) {
	c, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	return pages(ctx, limit, func(ctx context.Context, p sluice.Paging) (sluice.Page[sluice.Entry], error) {
		q.Paging = p
		return c.Entries(ctx, q)
	})
}

func auditVerifyCommand(e *env) *cobra.Command {
	var req sluice.VerifyRequest
	var against string
	cmd := &cobra.Command{
		Use:   "verify [--against FILE]",
		Short: "Check the whole ledger",
		Long: "Recomputes every leaf, root, slot and digest, and names the first thing that does not hold. --against\n" +
			"also compares with a checkpoint that was taken before, which finds what was cut off or rewritten.\n" +
			"Exits 1 when something does not hold.",
		Example: "  sluice audit verify\n" +
			"  sluice audit verify --against checkpoint.txt",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if req.Key != "" && against == "" {
				return misuse(cmd, "audit verify: --key goes with --against").fix("name the checkpoint that it signed: --against FILE")
			}
			if against != "" {
				note, err := os.ReadFile(e.path(against))
				if err != nil {
					return sluice.Errorf(sluice.Invalid, "cannot read the checkpoint %s: %w", against, err).
						Fix("take one with `sluice audit checkpoint > %s`", against)
				}
				req.Against = string(note)
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			report, err := c.Verify(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.verified(report, report, "")
		},
	}
	cmd.Flags().StringVar(&against, "against", "", "a `FILE` with a checkpoint that was taken before")
	cmd.Flags().StringVar(&req.Key, "key", "", "the verifier `KEY` that the checkpoint must be signed with")
	return cmd
}

// verified prints what a check of a ledger found, and fails when it does not hold.
// As JSON it is all; people are also told what else there is to say.
func (e *env) verified(r sluice.VerifyReport, all any, note string) error {
	err := e.show(all, func(w io.Writer) {
		if r.Holds {
			fmt.Fprintf(w, "holds: %d entries, %d releases, %d versions, %d contents%s; root %s\n",
				r.Entries, r.Releases, r.Versions, r.Blobs, sealedText(r), r.Root)
			io.WriteString(w, note)
			return
		}
		fmt.Fprintf(w, "does not hold: %s\n", r.Problem)
	})
	if err != nil || r.Holds {
		return err
	}
	return failed{1}
}

func auditCheckpointCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "checkpoint",
		Short: "Print a signed head of the ledger",
		Long:  "Keep it away from the ledger: `audit verify --against` finds later whether anything before it was changed.",
		Example: "  sluice audit checkpoint > checkpoint.txt\n" +
			"  sluice audit verify --against checkpoint.txt",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			point, err := c.Checkpoint(cmd.Context())
			if err != nil {
				return err
			}
			return e.show(point, func(w io.Writer) {
				io.WriteString(w, point.Note)
				e.note("%d entries; verify with the key %s", point.Size, point.Key)
			})
		},
	}
}

// sealedText says how many values of variables were checked, and whether they
// could be opened.
func sealedText(r sluice.VerifyReport) string {
	switch {
	case r.Sealed == 0:
		return ""
	case r.Opened == r.Sealed:
		return fmt.Sprintf(", %d sealed values", r.Sealed)
	}
	return fmt.Sprintf(", %d sealed values, which were not opened: the master key is not at hand", r.Sealed)
}
