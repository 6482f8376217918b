package cli

import (
	"context"

	"github.com/sluice-dev/sluice"
)

// checkMasterKey finds out whether the master key is there and opens the data keys,
// by a rotation that is only tried. Only administrators may.
func (d *doctor) checkMasterKey(ctx context.Context) {
	report, err := d.services.RotateKey(ctx, sluice.RotateKeyRequest{Change: sluice.Change{DryRun: true}})
	switch code := sluice.CodeOf(err); {
	case err == nil:
		d.ok("master key", "%s opens what is sealed", report.Master)
	case code == sluice.Denied:
		return
	case code == sluice.NotFound && d.info.MasterKey == "":
		d.warn("master key", "make one with `sluice env new-key` and give it to the server with SLUICE_MASTER_KEY, SLUICE_MASTER_KEY_FILE or SLUICE_MASTER_KEY_COMMAND",
			"none is configured, so that no variable can be set")
	case code == sluice.NotFound:
		d.ok("master key", "nothing is sealed yet; it is looked for in %s", d.info.MasterKey)
	default:
		d.fail("master key", err)
	}
}
