package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

// healthPatience is how long a server may take to say that it is well.
const healthPatience = 5 * time.Second

func healthCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:     "health",
		Short:   "Ask whether the installation answers",
		Long:    "Prints what it is and where its ledger stands. Exits 9 when it cannot be reached.",
		Example: "  sluice health --server https://sluice.example.com",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), healthPatience)
			defer cancel()
			c, err := e.connect(ctx)
			if err != nil {
				return err
			}
			info, err := c.Info(ctx)
			if err != nil {
				return err
			}
			return e.show(info, func(w io.Writer) { e.infoText(w, info) })
		},
	}
}

func (e *env) infoText(w io.Writer, i sluice.Info) {
	fmt.Fprintln(w, e.style(green, "ok"))
	var t table
	t.add("version", i.Version)
	t.add("storage", fmt.Sprintf("%s, schema %d", i.Engine, i.Schema))
	t.add("organization", i.Organization)
	t.add("ledger", i.Ledger)
	last := ""
	if i.RecordedAt != 0 {
		last = " at " + e.clock(i.RecordedAt)
	}
	t.add("last entry", fmt.Sprintf("%d%s", i.Epoch, last))
	t.add("changes of other nodes", i.Push)
	t.add("you are", i.Actor.Name)
	t.write(w)
}
