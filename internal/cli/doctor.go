package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func doctorCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Look for what is wrong, and say what to do",
		Long: "Checks the project, the installation, the connection and what is live, one line each: ok, warn or fail,\n" +
			"with what to do. Changes nothing. Exits 1 when something fails.",
		Example: "  sluice doctor\n" +
			"  sluice doctor -o json | jq '.[] | select(.status != \"ok\")'",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &doctor{e: e}
			d.examine(cmd.Context())
			if err := e.show(list(d.findings), func(w io.Writer) { e.findingsText(w, d.findings) }); err != nil {
				return err
			}
			for _, f := range d.findings {
				if f.Status == statusFail {
					return failed{1}
				}
			}
			return nil
		},
	}
}

// The statuses of a finding.
const (
	statusOK   = "ok"
	statusWarn = "warn"
	statusFail = "fail"
)

// finding is the result of one check.
type finding struct {
	Check   string   `json:"check"`
	Status  string   `json:"status"`
	Message string   `json:"message"`
	Fixes   []string `json:"fixes,omitempty"`
}

// doctor collects findings. What the later checks need is found by the earlier.
type doctor struct {
	e        *env
	findings []finding
	services sluice.Services
	info     sluice.Info
	// environment is the default one, as the project or the organization says.
	environment string
}

func (d *doctor) ok(check, format string, args ...any) {
	d.findings = append(d.findings, finding{Check: check, Status: statusOK, Message: fmt.Sprintf(format, args...)})
}

func (d *doctor) warn(check, fix, format string, args ...any) {
	d.findings = append(d.findings, finding{check, statusWarn, fmt.Sprintf(format, args...), []string{fix}})
}

// fail records an error with its own fixes.
func (d *doctor) fail(check string, err error) {
	known := sluice.AsError(err)
	d.findings = append(d.findings, finding{check, statusFail, known.Message, advice(known.Fixes)})
}

// examine runs every check that can be run.
func (d *doctor) examine(ctx context.Context) {
	d.checkProject()
	d.checkData()
	if !d.e.exists() || !d.checkConnection(ctx) {
		return
	}
	d.checkClock()
	d.checkMasterKey(ctx)
	d.checkDrafts(ctx)
	d.checkManifests(ctx)
	d.checkTracking(ctx)
	d.checkWatch(ctx)
	d.checkPush()
	d.checkGit(ctx)
	d.checkAudit()
}

func (e *env) findingsText(w io.Writer, findings []finding) {
	colours := map[string]string{statusOK: green, statusWarn: yellow, statusFail: red}
	width := 0
	for _, f := range findings {
		width = max(width, len(f.Check))
	}
	for _, f := range findings {
		fmt.Fprintf(w, "%s%s  %-*s  %s\n", e.style(colours[f.Status], f.Status), strings.Repeat(" ", 4-len(f.Status)), width, f.Check, oneLine(f.Message))
		for _, fix := range f.Fixes {
			fmt.Fprintf(w, "%s  fix: %s\n", strings.Repeat(" ", 6+width), fix)
		}
	}
}
