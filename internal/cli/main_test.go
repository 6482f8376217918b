package cli

import (
	"os"
	"testing"

	"github.com/sluice-dev/sluice/internal/sandbox"
)

// TestMain makes this test binary its own sandbox, as the program is.
func TestMain(m *testing.M) {
	sandbox.Enter()
	os.Exit(m.Run())
}
